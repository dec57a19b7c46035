// cotter publish and cotter check as an operator meets them: words, JSON and exit codes of the real program.
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/host/atomic_file.h"
#include "tests/cli/words.h"
#include "tests/sim/http_server.h"
#include "tests/sim/kill_at_step.h"
#include "tests/sim/temp_dir.h"

namespace cotter {
namespace {

namespace fs = std::filesystem;
using world::Ended;

std::int64_t number_of(const json::Value& value, const char* name) { return *member(value, name).as_int(); }

/// One workspace for all tests here, copied for each: making one takes a second of key derivation.
class PublishCommand : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    made = std::make_unique<sim::TempDir>();
    ASSERT_EQ(
        run_cotter({"init", (made->path() / "ws").string(), "--offline-dir", (made->path() / "off").string()})
            .exit_code,
        kDone);
  }
  static void TearDownTestSuite() { made.reset(); }
  void SetUp() override { fs::copy(made->path(), folder(), fs::copy_options::recursive); }

  [[nodiscard]] fs::path folder() const { return temp_.path() / "all"; }
  [[nodiscard]] fs::path workspace() const { return folder() / "ws"; }
  [[nodiscard]] std::string holder(int number) const {
    return (folder() / "off" / ("holder-" + std::to_string(number))).string();
  }
  [[nodiscard]] std::string file(const std::string& name, const std::string& content) const {
    std::ofstream(folder() / name, std::ios::binary) << content;
    return (folder() / name).string();
  }

  [[nodiscard]] Ended cotter(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"-C", workspace().string()});
    return run_cotter(std::move(arguments));
  }
  [[nodiscard]] std::vector<std::string> publishing(const std::string& content, const std::string& name,
                                                    const std::vector<int>& holders,
                                                    const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments{
        "publish", file("image-" + content, content), "--name", name, "--hardware-id", "hw-1", "--version",
        "1.0"};
    for (const int number : holders) arguments.insert(arguments.end(), {"--sign-with", holder(number)});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  [[nodiscard]] Ended publish(const std::string& content, const std::string& name,
                              const std::vector<int>& holders,
                              const std::vector<std::string>& more = {}) const {
    return cotter(publishing(content, name, holders, more));
  }
  [[nodiscard]] std::int64_t images() const {
    return number_of(parsed(cotter({"check", "--json"}).out), "images");
  }

 private:
  static inline std::unique_ptr<sim::TempDir> made;
  sim::TempDir temp_;
};

TEST_F(PublishCommand, PublishesOnTheSpotAndChecks) {
  const Ended done = publish("one", "team/ecu/one.bin", {1, 3}, {"--json"});
  ASSERT_EQ(done.exit_code, kDone) << done.err;
  const json::Value said = parsed(done.out);
  EXPECT_EQ(text_of(said, "state"), "published");
  EXPECT_EQ(number_of(said, "release_counter"), 1);
  EXPECT_EQ(number_of(said, "targets_version"), 2);
  const Ended checked = cotter({"check"});
  EXPECT_EQ(checked.exit_code, kDone);
  EXPECT_TRUE(has(checked.out, "healthy"));
  EXPECT_TRUE(has(checked.out, "1 listed"));
}

TEST_F(PublishCommand, EndsWellWhereSignaturesAreMissing) {
  const Ended waiting = publish("one", "team/ecu/one.bin", {});
  ASSERT_EQ(waiting.exit_code, kDone) << waiting.err;
  EXPECT_TRUE(has(waiting.out, "awaiting signatures 0 of 2")) << waiting.out;
  EXPECT_TRUE(has(waiting.out, (workspace() / "pending" / "image-targets-2.json").string())) << waiting.out;
  EXPECT_TRUE(has(waiting.out, "--sign-with")) << waiting.out;
  EXPECT_TRUE(has(publish("one", "team/ecu/one.bin", {2}).out, "awaiting signatures 1 of 2"));
  EXPECT_TRUE(has(publish("one", "team/ecu/one.bin", {1}).out, "published"));
  EXPECT_EQ(images(), 1);
}

TEST_F(PublishCommand, WarnsOfAHardwareIdThatNobodyHas) {
  const Ended done = publish("one", "team/ecu/one.bin", {1, 2}, {"--json"});
  EXPECT_TRUE(has(done.err, "warning: no vehicle of this workspace has an ECU with hardware id hw-1"))
      << done.err;
  EXPECT_EQ(member(parsed(done.out), "unknown_hardware_ids").as_array()->size(), 1U);
}

TEST_F(PublishCommand, NeedsNoPassphraseUntilSomebodySigns) {
  world::Command bare = cotter_command({"-C", workspace().string()});
  bare.environment = {{"COTTER_PASSPHRASE", ""}, {"COTTER_PASSPHRASE_HOLDER", ""}};
  for (std::string& argument : publishing("one", "team/ecu/one.bin", {})) bare.arguments.push_back(argument);
  EXPECT_EQ(world::run(bare)->exit_code, kDone);
}

TEST_F(PublishCommand, RefusesWithAReasonAndACode) {
  ASSERT_EQ(publish("one", "team/ecu/one.bin", {1, 2}, {"--release-counter", "5"}).exit_code, kDone);
  const auto refused = [&](const Ended& ended, int code, std::string_view why) {
    EXPECT_EQ(ended.exit_code, code) << ended.err;
    EXPECT_TRUE(has(ended.err, "error: ")) << ended.err;
    EXPECT_TRUE(has(ended.err, why)) << ended.err;
    EXPECT_EQ(ended.out, "");
  };
  refused(publish("two", "../two.bin", {1, 2}), kUsage, "'../two.bin' will not do");
  refused(publish("two", "team/ecu/two.bin", {1, 2}, {"--release-counter", "4"}), kRefused, "lower than 5");
  refused(publish("two", "team/ecu/two.bin", {1, 2}, {"--expires", "soon"}), kUsage, "90d");
  refused(publish("", "team/ecu/two.bin", {1, 2}), kUsage, "is empty");
  refused(cotter({"publish", "no-such-file", "--name", "a", "--hardware-id", "hw-1", "--version", "1"}),
          kNotFound, "no-such-file");
  refused(cotter({"publish", folder().string(), "--name", "a", "--hardware-id", "hw-1", "--version", "1"}),
          kFailed, "no regular file");
  refused(cotter({"publish", "x", "--name", "a", "--version", "1"}), kUsage, "--hardware-id");
  refused(publish("two", "team/ecu/two.bin", {9}), kNotFound, "holder-9");
  EXPECT_EQ(images(), 1);
}

TEST_F(PublishCommand, RefusesAWrongPassphraseAndChangesNothing) {  // IMG-2
  for (const char* wrong : {"COTTER_PASSPHRASE", "COTTER_PASSPHRASE_HOLDER"}) {
    world::Command mistaken = cotter_command({"-C", workspace().string()});
    for (std::string& argument : publishing("one", "team/ecu/one.bin", {1, 2}))
      mistaken.arguments.push_back(argument);
    mistaken.environment[wrong] = "something else";
    const Ended ended = world::run(mistaken).value();
    EXPECT_EQ(ended.exit_code, kRefused) << wrong << ended.err;
    EXPECT_TRUE(has(ended.err, "passphrase")) << ended.err;
    EXPECT_FALSE(has(ended.err, "something else"));
  }
  EXPECT_EQ(images(), 0);
}

TEST_F(PublishCommand, PublishesBothOfTwoAtOnce) {
  const auto one = publishing("one", "team/ecu/one.bin", {1, 2});
  const auto two = publishing("two", "team/ecu/two.bin", {2, 3});
  {
    const auto expect_done = [&](const std::vector<std::string>& arguments) {
      const Ended done = cotter(arguments);
      EXPECT_EQ(done.exit_code, kDone) << done.err;
    };
    std::jthread first([&] { expect_done(one); });
    std::jthread second([&] { expect_done(two); });
  }
  EXPECT_EQ(images(), 2);
}

TEST_F(PublishCommand, ChecksAFolderAWorkspaceAndAnAddress) {
  ASSERT_EQ(publish("one", "team/ecu/one.bin", {1, 2}).exit_code, kDone);
  EXPECT_EQ(run_cotter({"check", (workspace() / "repo").string()}).exit_code, kDone);
  EXPECT_EQ(run_cotter({"check", workspace().string()}).exit_code, kDone);
  EXPECT_EQ(run_cotter({"check", folder().string()}).exit_code, kNotFound);
  const sim::HttpServer server([&](const sim::HttpRequest& request) {
    sim::HttpResponse response;
    auto content = host::read_file(workspace() / ("repo" + request.target), 1U << 20U);
    response.status = content ? 200 : 404;
    if (content) response.body = *std::move(content);
    return response;
  });
  for (const char* end : {"", "/"}) {
    const Ended checked = run_cotter({"check", server.url() + end, "--json"});
    EXPECT_EQ(checked.exit_code, kDone) << checked.out << checked.err;
    EXPECT_EQ(number_of(parsed(checked.out), "images"), 1);
  }
  EXPECT_EQ(run_cotter({"check", server.url() + "/elsewhere"}).exit_code, kNotFound);
  EXPECT_EQ(run_cotter({"check", "http://127.0.0.1:1/"}).exit_code, kFailed);
  EXPECT_EQ(run_cotter({"check", "ftp://127.0.0.1/"}).exit_code, kUsage);
}

TEST_F(PublishCommand, FindsWhatIsWrongAndSaysThree) {
  ASSERT_EQ(publish("one", "team/ecu/one.bin", {1, 2}).exit_code, kDone);
  const Ended later = cotter({"check", "--at", "2099-01-01T00:00:00Z", "--json"});
  EXPECT_EQ(later.exit_code, kRefused);
  EXPECT_FALSE(*member(parsed(later.out), "healthy").as_bool());
  for (const auto& entry : fs::directory_iterator(workspace() / "repo/targets/team/ecu")) fs::remove(entry);
  const Ended missing = cotter({"check"});
  EXPECT_EQ(missing.exit_code, kRefused);
  EXPECT_TRUE(has(missing.out, "problem   image team/ecu/one.bin")) << missing.out;
}

TEST_F(PublishCommand, LeavesTheOldStateOrTheNewWhereverItIsKilled) {  // IMG-17, the whole program
  ASSERT_EQ(publish("one", "team/ecu/one.bin", {1, 2}).exit_code, kDone);
  std::vector<std::string> words{COTTER, "-C", workspace().string()};
  for (std::string& argument : publishing("two", "team/ecu/two.bin", {1, 2}))
    words.push_back(std::move(argument));
  const auto become_cotter = [&] {
    ::setenv("COTTER_PASSPHRASE", "the workspace's words", 1);
    ::setenv("COTTER_PASSPHRASE_HOLDER", "a holder's own words", 1);
    ::setenv("ASAN_OPTIONS", "detect_leaks=0", 1);  // looking for leaks is tracing too, and one tracer is all
    std::vector<char*> arguments;
    arguments.reserve(words.size() + 1);
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    ::execv(COTTER, arguments.data());
    return false;
  };
  // Each change to the disk is tried in memory (publish_killed_test); here every seventh of the real
  // program's.
  constexpr unsigned kStride = 7;
  for (unsigned step = 1;; step += kStride) {
    SCOPED_TRACE("killed before change " + std::to_string(step));
    const sim::Death death = sim::run_until_step(step, become_cotter);
    if (death == sim::Death::CannotTrace) GTEST_SKIP() << "this machine does not let us trace a child";
    ASSERT_NE(death, sim::Death::Failed);
    const Ended checked = cotter({"check"});
    ASSERT_EQ(checked.exit_code, kDone) << checked.out;
    if (death == sim::Death::Finished) break;
  }
  EXPECT_EQ(publish("two", "team/ecu/two.bin", {1, 2}).exit_code, kDone);
  EXPECT_EQ(images(), 2);
}

/// From the key to a client of plain TUF: what cotter-tuf is asked for it finds in the bins.
TEST_F(PublishCommand, ReleasesManyIntoBinsWhereClientsFindThem) {
  const std::vector<std::string> init{"release", "init-role",     "fw",     "--paths",
                                      "fw/*",    "--hardware-id", "hw-1",   "--expected-targets",
                                      "1000",    "--sign-with",   holder(1)};
  const Ended without_key = cotter(init);
  EXPECT_EQ(without_key.exit_code, kNotFound);
  EXPECT_TRUE(has(without_key.err, "cotter key generate --name image-fw --role image/fw")) << without_key.err;
  ASSERT_EQ(cotter({"key", "generate", "--name", "image-fw", "--role", "image/fw"}).exit_code, kDone);
  const Ended waiting = cotter(init);
  ASSERT_EQ(waiting.exit_code, kDone) << waiting.err;
  EXPECT_TRUE(has(waiting.out, "8, written")) << waiting.out;
  EXPECT_TRUE(has(waiting.out, "awaiting signatures 1 of 2")) << waiting.out;
  auto second = init;
  second.back() = holder(2);
  ASSERT_EQ(cotter(second).exit_code, kDone);

  for (const char* name : {"one", "two"}) static_cast<void>(file(name, name));
  const auto artifact = [](const std::string& name) {
    return "[[artifact]]\nfile = \"" + name + "\"\nname = \"fw/" + name +
           "\"\nhardware_ids = [\"hw-1\"]\nversion = \"1.0\"\n";
  };
  const std::string manifest = file("release.toml", "role = \"fw\"\n" + artifact("one") + artifact("two"));
  const Ended tried = cotter({"release", "apply", manifest, "--dry-run", "--json"});
  ASSERT_EQ(tried.exit_code, kDone) << tried.err;
  EXPECT_EQ(text_of(parsed(tried.out), "state"), "would-publish");
  EXPECT_EQ(images(), 0);
  const Ended applied = cotter({"release", "apply", manifest, "--json"});
  ASSERT_EQ(applied.exit_code, kDone) << applied.err;
  EXPECT_EQ(number_of(parsed(applied.out), "added"), 2);
  EXPECT_EQ(text_of(parsed(applied.out), "role"), "fw");
  EXPECT_EQ(number_of(parsed(applied.out), "release_version"), 2);
  EXPECT_EQ(text_of(parsed(cotter({"release", "apply", manifest, "--json"}).out), "state"), "unchanged");
  ASSERT_EQ(publish("three", "fw/three", {}, {"--role", "fw"}).exit_code, kDone);
  EXPECT_EQ(publish("four", "elsewhere", {}, {"--role", "fw"}).exit_code, kRefused);
  EXPECT_EQ(images(), 3);
  EXPECT_EQ(cotter({"audit", "verify"}).exit_code, kDone);
  EXPECT_EQ(cotter({"release", "renew", "fw"}).exit_code, kDone);

  const sim::HttpServer server([&](const sim::HttpRequest& request) {
    return sim::ok_or_404(host::read_file(workspace() / ("repo" + request.target), 1U << 20U)
                              .map([](Bytes bytes) { return std::optional(std::move(bytes)); })
                              .value_or(std::nullopt));
  });
  const std::string metadata = (folder() / "client").string(), downloads = (folder() / "got").string();
  const auto client = [&](std::vector<std::string> arguments) {
    return world::run(
               {.program = COTTER_TUF, .arguments = std::move(arguments), .environment = {}, .log = {}})
        .value();
  };
  ASSERT_EQ(
      client({"--metadata-dir", metadata, "init", (workspace() / "repo/1.root.json").string()}).exit_code,
      kDone);
  const Ended got = client({"--metadata-url", server.url(), "--metadata-dir", metadata, "--target-dir",
                            downloads, "--target-base-url", server.url() + "/targets", "--target-name",
                            "fw/two", "--target-name", "fw/three", "download"});
  EXPECT_EQ(got.exit_code, kDone) << got.err;

  // The role grows beneath a client that knows its old bins.
  std::vector<std::string> grow{"release", "grow", "fw", "--expected-targets", "5000"};
  const Ended asked = cotter(grow);
  ASSERT_EQ(asked.exit_code, kDone) << asked.err;
  EXPECT_TRUE(has(asked.out, "8 become 64, for good")) << asked.out;
  EXPECT_TRUE(has(asked.out, "8 of old bins stay listed")) << asked.out;
  EXPECT_TRUE(has(asked.out, "Nothing is changed yet")) << asked.out;
  grow.insert(grow.end(), {"--yes", "--sign-with", holder(1)});
  const Ended one_holder = cotter(grow);
  EXPECT_TRUE(has(one_holder.out, "awaiting signatures 1 of 2")) << one_holder.out << one_holder.err;
  const auto seen = [&](const std::string& name) {
    return client({"--metadata-url", server.url(), "--metadata-dir", metadata, "--target-dir", downloads,
                   "--target-base-url", server.url() + "/targets", "--target-name", name, "download"});
  };
  fs::remove_all(downloads);
  EXPECT_EQ(seen("fw/two").exit_code, kDone) << "nothing has changed for it";
  grow.back() = holder(2);
  grow.emplace_back("--json");
  const Ended grown = cotter(grow);
  ASSERT_EQ(grown.exit_code, kDone) << grown.err;
  EXPECT_EQ(text_of(parsed(grown.out), "state"), "grown");
  for (const char* name : {"fw/one", "fw/two", "fw/three"}) {
    fs::remove_all(downloads);
    const Ended found = seen(name);
    EXPECT_EQ(found.exit_code, kDone) << name << found.err;
  }
  EXPECT_NE(seen("fw/none").exit_code, kDone);
  ASSERT_EQ(publish("five", "fw/five", {}, {"--role", "fw"}).exit_code, kDone);
  EXPECT_EQ(seen("fw/five").exit_code, kDone);
  for (const auto& words : std::vector<std::vector<std::string>>{{"check"},
                                                                 {"audit", "verify"},
                                                                 {"who-can-sign", "fw/five"},
                                                                 {"key", "blast-radius", "image-fw"}}) {
    const Ended told = cotter(words);
    EXPECT_EQ(told.exit_code, kDone) << words.front() << told.out << told.err;
  }
  EXPECT_TRUE(has(cotter({"trace", "fw/two"}).out, "listed by targets > fw > fw-"))
      << cotter({"trace", "fw/two"}).out;
  const Ended smaller = cotter({"release", "grow", "fw", "--bit-length", "3", "--yes"});
  EXPECT_EQ(smaller.exit_code, kUsage) << smaller.err;
}

TEST_F(PublishCommand, ReleasesIntoSeveralRolesAtOnce) {
  std::string manifest;
  for (const std::string role : {"fw", "tools"}) {
    ASSERT_EQ(cotter({"key", "generate", "--name", "image-" + role, "--role", "image/" + role}).exit_code,
              kDone);
    const Ended init = cotter({"release", "init-role", role, "--paths", role + "/*", "--bit-length", "1",
                               "--sign-with", holder(1), "--sign-with", holder(2)});
    ASSERT_EQ(init.exit_code, kDone) << init.err;
    static_cast<void>(file(role, role));
    manifest += "[[artifact]]\nrole = \"" + role + "\"\nfile = \"" + role + "\"\nname = \"" + role +
                "/a\"\nhardware_ids = [\"hw-1\"]\nversion = \"1.0\"\n";
  }
  const Ended applied = cotter({"release", "apply", file("both.toml", manifest), "--json"});
  ASSERT_EQ(applied.exit_code, kDone) << applied.err;
  const json::Value told = parsed(applied.out);
  EXPECT_EQ(number_of(told, "added"), 2);
  const json::Array& roles = *member(told, "roles").as_array();
  ASSERT_EQ(roles.size(), 2U);
  EXPECT_EQ(text_of(roles.at(0), "role"), "fw");
  EXPECT_EQ(text_of(roles.at(1), "role"), "tools");
  EXPECT_EQ(number_of(roles.at(1), "bins"), 1);
  EXPECT_EQ(number_of(roles.at(1), "release_version"), 2);
  EXPECT_EQ(images(), 2);
  EXPECT_EQ(cotter({"audit", "verify"}).exit_code, kDone);
  const Ended again = cotter({"release", "apply", file("both.toml", manifest)});
  EXPECT_TRUE(has(again.out,
                  "fw: nothing changes: 0 added, 0 replaced, 1 there already\n"
                  "tools: nothing changes: 0 added, 0 replaced, 1 there already\n"))
      << again.out << again.err;
  // Of a role in which nothing changes no key is wanted.
  const fs::path key = workspace() / "keys" / "image-tools.key";
  fs::rename(key, folder() / "away.key");
  static_cast<void>(file("fw", "the next fw"));
  const Ended next = cotter({"release", "apply", file("both.toml", manifest)});
  EXPECT_EQ(next.exit_code, kDone) << next.err;
  static_cast<void>(file("tools", "the next tools"));
  const Ended without = cotter({"release", "apply", file("both.toml", manifest)});
  EXPECT_NE(without.exit_code, kDone);
  EXPECT_TRUE(has(without.err, "tools")) << without.err;
}

}  // namespace
}  // namespace cotter
