#include "server/http/static_files.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <fstream>

#include "common/host/atomic_file.h"
#include "tests/sim/temp_dir.h"

namespace cotter::http {
namespace {

namespace fs = std::filesystem;

class StaticFilesOf : public testing::Test {
 protected:
  StaticFilesOf() {
    fs::create_directories(repo() / "targets/brakes");
    fs::create_directories(repo() / ".incoming");
    write("timestamp.json", "{}");
    write("1.root.json", "{\"root\":1}");
    write("targets/brakes/ab12.fw+1.bin", "0123456789");
    write("empty.bin", "");
    write(".incoming/image.x", "half an image");
    write("targets/brakes/.2.bin.Ab3dEf", "half an image");
    std::ofstream(dir_.path() / "outside.txt") << "secret";
  }
  [[nodiscard]] fs::path repo() const { return dir_.path() / "repo"; }
  void write(const std::string& name, std::string_view content) const {
    COTTER_ASSERT(host::write_atomically(repo() / name, as_bytes(content)));
  }
  [[nodiscard]] Response ask(std::string_view path, std::map<std::string, std::string> headers = {},
                             Method method = Method::Get) const {
    Request request;
    request.method = method;
    request.headers = std::move(headers);
    return StaticFiles(repo()).serve(request, path);
  }
  static std::string content(const Response& response) {
    if (!response.file) return "(no file)";
    std::string text(response.file->length, '\0');
    return response.file->file.read(text, response.file->offset) ? text : "(cannot be read)";
  }
  static constexpr const char* kImage = "targets/brakes/ab12.fw+1.bin";

 private:
  sim::TempDir dir_;
};

TEST_F(StaticFilesOf, ServeAFileWithWhatACdnExpects) {
  const Response response = ask(kImage);
  EXPECT_EQ(response.status, 200U);
  EXPECT_EQ(content(response), "0123456789");
  EXPECT_EQ(response.headers.at("Content-Type"), "application/octet-stream");
  EXPECT_EQ(response.headers.at("Accept-Ranges"), "bytes");
  EXPECT_EQ(response.headers.at("Cache-Control"), "public, max-age=31536000, immutable");
  EXPECT_TRUE(response.headers.contains("ETag"));
  EXPECT_TRUE(response.headers.contains("Last-Modified"));
}

TEST_F(StaticFilesOf, LetOnlyTheTimestampBeAskedForAgain) {
  EXPECT_EQ(ask("timestamp.json").headers.at("Cache-Control"), "no-cache");
  EXPECT_EQ(ask("timestamp.json").headers.at("Content-Type"), "application/json");
  EXPECT_NE(ask("1.root.json").headers.at("Cache-Control").find("immutable"), std::string::npos);
  EXPECT_EQ(ask("2.root.json").headers.at("Cache-Control"), "no-store") << "what is missing today may come";
}

TEST_F(StaticFilesOf, SendMetadataPackedToWhoAcceptsIt) {
  write("1.root.json.gz", "packed");
  const Response plain = ask("1.root.json");
  for (const Method method : {Method::Get, Method::Head}) {
    const Response packed = ask("1.root.json", {{"accept-encoding", "gzip"}}, method);
    EXPECT_EQ(packed.status, 200U);
    EXPECT_EQ(content(packed), "packed");
    EXPECT_EQ(packed.headers.at("Content-Encoding"), "gzip");
    EXPECT_EQ(packed.headers.at("Content-Type"), "application/json");
    EXPECT_NE(packed.headers.at("ETag"), plain.headers.at("ETag"));
    EXPECT_NE(packed.headers.at("Cache-Control").find("immutable"), std::string::npos);
    EXPECT_EQ(packed.headers.at("Vary"), "Accept-Encoding");
  }
  for (const char* coding : {"", "br", "gzip;q=0"}) {
    const Response response = ask("1.root.json", {{"accept-encoding", coding}});
    EXPECT_EQ(content(response), "{\"root\":1}");
    EXPECT_FALSE(response.headers.contains("Content-Encoding"));
    EXPECT_EQ(response.headers.at("Vary"), "Accept-Encoding") << "a cache must not give it to the next";
  }
}

TEST_F(StaticFilesOf, TellPackedFilesFromPlainOnesWhenAskedAgainOrInPart) {
  write("1.root.json.gz", "packed");
  const std::string packed = ask("1.root.json", {{"accept-encoding", "gzip"}}).headers.at("ETag");
  const std::string plain = ask("1.root.json").headers.at("ETag");
  const auto status = [&](const std::string& tag, const char* coding) {
    return ask("1.root.json", {{"accept-encoding", coding}, {"if-none-match", tag}}).status;
  };
  EXPECT_EQ(status(packed, "gzip"), 304U);
  EXPECT_EQ(status(plain, "gzip"), 200U);
  EXPECT_EQ(status(packed, "br"), 200U);
  const Response part = ask("1.root.json", {{"accept-encoding", "gzip"}, {"range", "bytes=1-6"}});
  EXPECT_EQ(part.status, 206U);
  EXPECT_EQ(content(part), "\"root\"");
  EXPECT_FALSE(part.headers.contains("Content-Encoding"));
}

TEST_F(StaticFilesOf, PackNoImageNoTimestampAndNothingThatIsNotThere) {
  write("targets/brakes/ab12.config.json", "{}");
  for (const char* name : {"targets/brakes/ab12.config.json", "timestamp.json", "2.root.json"}) {
    write(std::string(name) + ".gz", "packed");  // perhaps an image of that name
    const Response response = ask(name, {{"accept-encoding", "gzip"}});
    EXPECT_NE(content(response), "packed") << name;
    EXPECT_FALSE(response.headers.contains("Vary")) << name;
  }
}

TEST_F(StaticFilesOf, DecodePercentSigns) {
  EXPECT_EQ(content(ask("targets/brakes/ab12.fw%2B1.bin")), "0123456789");
  EXPECT_EQ(content(ask("targets%2fbrakes%2Fab12.fw+1.bin")), "0123456789");
}

TEST_F(StaticFilesOf, ServeAnEmptyFile) {
  const Response response = ask("empty.bin", {{"range", "bytes=0-"}});
  EXPECT_EQ(response.status, 416U);
  EXPECT_EQ(content(ask("empty.bin")), "");
  EXPECT_EQ(ask("empty.bin").status, 200U);
}

TEST_F(StaticFilesOf, NeverLeaveTheirFolder) {
  for (const char* path : {"../outside.txt",
                           "%2e%2e/outside.txt",
                           "..%2foutside.txt",
                           "%2E%2E%2Foutside.txt",
                           "targets/../../outside.txt",
                           "targets/..%2F..%2Foutside.txt",
                           "./timestamp.json",
                           "/timestamp.json",
                           "%2ftimestamp.json",
                           "targets//brakes",
                           "targets\\..\\outside.txt",
                           "..%5coutside.txt",
                           "%252e%252e/outside.txt",
                           "%c0%ae%c0%ae/outside.txt",
                           "timestamp.json%00",
                           "%00",
                           "timestamp.json%",
                           "timestamp.json%2",
                           "timestamp.json%zz",
                           "",
                           "/",
                           "."}) {
    EXPECT_EQ(ask(path).status, 404U) << path;
  }
}

TEST_F(StaticFilesOf, DoNotShowFoldersPipesOrWhatIsBeingWritten) {
  ASSERT_EQ(::mkfifo((repo() / "pipe").c_str(), 0600), 0);
  for (const char* path : {"targets", "targets/", "targets/brakes", "pipe", ".incoming/image.x",
                           "targets/brakes/.2.bin.Ab3dEf", "timestamp.json/", "timestamp.json/x", "absent"}) {
    EXPECT_EQ(ask(path).status, 404U) << path;
  }
  EXPECT_EQ(ask(std::string(300, 'a')).status, 404U);
}

TEST_F(StaticFilesOf, FollowNoLinkThatSomebodyPutThere) {  // a thief with one folder, or a stray link
  fs::create_symlink(repo().parent_path() / "outside.txt", repo() / "2.root.json");
  fs::create_symlink("1.root.json", repo() / "3.root.json");
  fs::create_symlink("loop", repo() / "loop");
  fs::create_symlink("brakes", repo() / "targets/inside");
  fs::create_symlink(repo().parent_path(), repo() / "targets/above");
  fs::create_symlink(repo().parent_path() / "outside.txt", repo() / "1.root.json.gz");
  for (const char* path : {"2.root.json", "3.root.json", "loop", "targets/inside/ab12.fw+1.bin",
                           "targets/above/outside.txt", "targets/above/repo/1.root.json"}) {
    const Response response = ask(path);
    EXPECT_EQ(response.status, 404U) << path;
    EXPECT_EQ(content(response), "(no file)") << path;
  }
  EXPECT_EQ(content(ask("1.root.json", {{"accept-encoding", "gzip"}})), "{\"root\":1}");
}

TEST_F(StaticFilesOf, MayLieBehindALinkOfTheOperators) {
  fs::create_directory_symlink(repo(), repo().parent_path() / "link");
  Request request;
  const Response response = StaticFiles(repo().parent_path() / "link").serve(request, kImage);
  EXPECT_EQ(content(response), "0123456789");
}

TEST_F(StaticFilesOf, SayThatTheServerFailedWhenAFileCannotBeOpened) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  // Asked before as well: UndefinedBehaviorSanitizer needs descriptors where a type is first met.
  ASSERT_EQ(ask(kImage).status, 200U);
  const rlimit none{0, before.rlim_max};  // holds for root too, whom no mode keeps out
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const unsigned status = ask(kImage).status;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(status, 500U) << "404 would mean that there is no such version";
}

TEST_F(StaticFilesOf, ServeOneRange) {
  const struct {
    const char* range;
    const char* content_range;
    const char* body;
  } cases[] = {{"bytes=0-3", "bytes 0-3/10", "0123"},
               {"bytes=4-", "bytes 4-9/10", "456789"},
               {"bytes=-3", "bytes 7-9/10", "789"},
               {"bytes=-99", "bytes 0-9/10", "0123456789"},
               {"bytes=9-9999", "bytes 9-9/10", "9"},
               {"bytes=0-0", "bytes 0-0/10", "0"},
               {"bytes=0-18446744073709551615", "bytes 0-9/10", "0123456789"}};
  for (const auto& one : cases) {
    const Response response = ask(kImage, {{"range", one.range}});
    EXPECT_EQ(response.status, 206U) << one.range;
    EXPECT_EQ(response.headers.at("Content-Range"), one.content_range);
    EXPECT_EQ(content(response), one.body);
  }
}

TEST_F(StaticFilesOf, RefuseARangeBeyondTheEnd) {
  for (const char* range : {"bytes=10-", "bytes=10-12", "bytes=-0", "bytes=18446744073709551615-"}) {
    const Response response = ask(kImage, {{"range", range}});
    EXPECT_EQ(response.status, 416U) << range;
    EXPECT_EQ(response.headers.at("Content-Range"), "bytes */10");
    EXPECT_FALSE(response.file);
  }
}

TEST_F(StaticFilesOf, ServeTheWholeFileWhenARangeIsNone) {
  for (const char* range :
       {"", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=3-1", "bytes=1-2-3", "bytes=0-1,3-4",
        "lines=0-1", "bytes=--3", "bytes= 1-2", "bytes=1-x", "bytes=99999999999999999999-"}) {
    EXPECT_EQ(ask(kImage, {{"range", range}}).status, 200U) << range;
  }
}

TEST_F(StaticFilesOf, IgnoreARangeForHead) {
  const Response response = ask(kImage, {{"range", "bytes=0-3"}}, Method::Head);
  EXPECT_EQ(response.status, 200U);
  EXPECT_EQ(response.file->length, 10U);
}

TEST_F(StaticFilesOf, ContinueOnlyTheSameFile) {
  const Response first = ask(kImage);
  for (const char* name : {"ETag", "Last-Modified"}) {
    EXPECT_EQ(ask(kImage, {{"range", "bytes=4-"}, {"if-range", first.headers.at(name)}}).status, 206U)
        << name;
  }
  EXPECT_EQ(ask(kImage, {{"range", "bytes=4-"}, {"if-range", "\"another\""}}).status, 200U);
  EXPECT_EQ(ask(kImage, {{"range", "bytes=4-"}, {"if-range", "W/" + first.headers.at("ETag")}}).status, 200U);
  EXPECT_EQ(ask(kImage, {{"range", "bytes=99-"}, {"if-range", "\"another\""}}).status, 200U);
}

TEST_F(StaticFilesOf, SayNotModifiedToWhoHasTheFile) {
  const Response first = ask("timestamp.json");
  const std::string tag = first.headers.at("ETag");
  for (const std::string& tags : {tag, "W/" + tag, "\"x\", " + tag, std::string("*")}) {
    const Response response = ask("timestamp.json", {{"if-none-match", tags}});
    EXPECT_EQ(response.status, 304U) << tags;
    EXPECT_EQ(response.headers.at("ETag"), tag);
    EXPECT_FALSE(response.file);
  }
  const std::string date = first.headers.at("Last-Modified");
  EXPECT_EQ(ask("timestamp.json", {{"if-modified-since", date}}).status, 304U);
  EXPECT_EQ(ask("timestamp.json", {{"if-none-match", "\"x\""}}).status, 200U);
  EXPECT_EQ(ask("timestamp.json", {{"if-none-match", "\"x\""}, {"if-modified-since", date}}).status, 200U);
  EXPECT_EQ(ask("timestamp.json", {{"if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT"}}).status, 200U);
  EXPECT_EQ(ask("timestamp.json", {{"if-none-match", ""}}).status, 200U);
}

TEST_F(StaticFilesOf, HaveAnotherTagForEveryContent) {
  const std::string before = ask("timestamp.json").headers.at("ETag");
  write("timestamp.json", "[]");  // same length, surely within the clock's grain
  EXPECT_NE(ask("timestamp.json").headers.at("ETag"), before);
}

TEST_F(StaticFilesOf, SendTheFileThatTheyLookedAt) {
  // A publication may rename a new timestamp into place between the header and the body.
  const Response response = ask("timestamp.json");
  write("timestamp.json", "{\"longer\":true}");
  EXPECT_EQ(content(response), "{}");
}

}  // namespace
}  // namespace cotter::http
