// Servers and roads of the worse kind: endless, slow, cut short, redirected, silent about length.
#include "common/base/limits.h"
#include "common/host/gzip.h"
#include "tests/integration/tuf_client.h"

namespace cotter::test {
namespace {

/// The honest repository, but for answers that a test bends.
class TufNetwork : public TufClient {
 protected:
  using Bend = std::function<void(const std::string& path, sim::HttpResponse&)>;

  int refresh_through(const Bend& bend, const std::string& base = "/repo") {
    const auto honest = sim::serving({{"repo", &repo}});
    const sim::HttpServer bent([&, honest](const sim::HttpRequest& request) {
      sim::HttpResponse response = honest(request);
      bend(request.target, response);
      return response;
    });
    const int code = run_client(
        {"--metadata-url", bent.url() + base, "--metadata-dir", metadata.string(), "refresh"}, 0, &said);
    asked = bent.requests();
    return code;
  }
  std::vector<std::string> asked;
};

TEST_F(TufNetwork, EndlessMetadataIsCutAtItsLimit) {  // VER-LIM
  ASSERT_EQ(init(), 0);
  for (const char* file : {"2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"}) {
    const auto endless = [&](const std::string& path, sim::HttpResponse& response) {
      if (!path.ends_with(file)) return;
      response.status = 200;
      response.body = Bytes(64 * 1024, ' ');
      response.endless = true;
    };
    EXPECT_EQ(refresh_through(endless), 1) << file;
    EXPECT_NE(said.find("file-too-large"), std::string::npos) << file << ": " << said;
  }
}

TEST_F(TufNetwork, PackedMetadataIsReadAndABombIsCutAtTheLimitOfWhatItUnpacksTo) {  // VER-LIM, ATK-22
  ASSERT_EQ(init(), 0);
  const Bytes bomb = host::gzip(Bytes(256U << 20U, ' '));
  for (const char* file : {"2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"}) {
    const auto bend = [&](const std::string& path, sim::HttpResponse& response) {
      if (!path.ends_with(file)) return;
      response.status = 200;
      response.body = bomb;
      response.headers.emplace_back("Content-Encoding", "gzip");
    };
    EXPECT_EQ(refresh_through(bend), 1) << file;
    EXPECT_NE(said.find("file-too-large"), std::string::npos) << file << ": " << said;
    EXPECT_EQ(version("targets"), 0);
  }
  const auto packed = [](const std::string&, sim::HttpResponse& response) {
    if (response.status != 200) return;
    response.body = host::gzip(response.body);
    response.headers.emplace_back("Content-Encoding", "gzip");
  };
  EXPECT_EQ(refresh_through(packed), 0) << said;
  EXPECT_EQ(trusted("targets"), served(targets_role)) << "stored as it was signed";
}

TEST_F(TufNetwork, APackedFileThatIsDamagedOnTheWayIsNoAttackAndIsNotStored) {
  ASSERT_EQ(init(), 0);
  const auto damaged = [](const std::string& path, sim::HttpResponse& response) {
    if (!path.ends_with("1.snapshot.json")) return;
    response.body = host::gzip(response.body);
    response.body[response.body.size() / 2] ^= 0x40;
    response.headers.emplace_back("Content-Encoding", "gzip");
  };
  EXPECT_EQ(refresh_through(damaged), 1);
  EXPECT_NE(said.find("gzip"), std::string::npos) << said;
  EXPECT_EQ(said.find("rejected"), std::string::npos) << said;
  EXPECT_EQ(version("snapshot"), 0);
}

TEST_F(TufNetwork, LengthThatLiesChangesNothing) {  // VER-LIM
  ASSERT_EQ(init(), 0);
  const auto too_much = [](const std::string& path, sim::HttpResponse& response) {
    if (!path.ends_with("timestamp.json")) return;
    response.body.insert(response.body.end(), Limits().timestamp_bytes, ' ');
    response.http_1_0 = true;
    response.claimed_length.reset();
  };
  EXPECT_EQ(refresh_through(too_much), 1);
  EXPECT_NE(said.find("file-too-large"), std::string::npos) << said;
  const auto too_little = [](const std::string& path, sim::HttpResponse& response) {
    if (path.ends_with("timestamp.json")) response.claimed_length = 100;
  };
  EXPECT_EQ(refresh_through(too_little), 1);
  const auto cut_short = [](const std::string& path, sim::HttpResponse& response) {
    if (path.ends_with("timestamp.json")) response.cut_after = 100;
  };
  EXPECT_EQ(refresh_through(cut_short), 1);
  EXPECT_EQ(version("timestamp"), 0);
}

TEST_F(TufNetwork, Http10WithoutLengthIsRead) {
  ASSERT_EQ(init(), 0);
  EXPECT_EQ(
      refresh_through([](const std::string&, sim::HttpResponse& response) { response.http_1_0 = true; }), 0)
      << said;
  EXPECT_EQ(version("targets"), 1);
}

// VER-2: only a definite "there is none" ends the root chain; else whoever hides a rotation would go
// unnoticed.
TEST_F(TufNetwork, OnlyNotFoundAndForbiddenEndTheRootChain) {
  ASSERT_EQ(init(), 0);
  for (const int status : {404, 403}) {
    EXPECT_EQ(refresh_through([&](const std::string& path, sim::HttpResponse& response) {
                if (path.ends_with("2.root.json")) response.status = status;
              }),
              0)
        << said;
  }
  for (const int status : {500, 503, 410, 401, 301, 302}) {
    EXPECT_EQ(refresh_through([&](const std::string& path, sim::HttpResponse& response) {
                if (!path.ends_with("2.root.json")) return;
                response.status = status;
                response.headers.emplace_back("Location", "/repo/timestamp.json");
              }),
              1)
        << status;
    EXPECT_EQ(asked.back(), "GET /repo/2.root.json");
  }
  EXPECT_EQ(refresh_through([&](const std::string& path, sim::HttpResponse& response) {
              if (!path.ends_with("2.root.json")) return;
              response.status = 200;
              response.cut_after = 0;
            }),
            1);
}

TEST_F(TufNetwork, MetadataIsNotFetchedThroughRedirects) {  // IMG-16
  ASSERT_EQ(init(), 0);
  EXPECT_EQ(refresh_through([&](const std::string& path, sim::HttpResponse& response) {
              if (!path.ends_with("timestamp.json")) return;
              response.status = 302;
              response.headers.emplace_back("Location", server.url() + "/repo/timestamp.json");
            }),
            1);
  EXPECT_EQ(version("timestamp"), 0);
}

TEST_F(TufNetwork, ImagesMayComeThroughARedirect) {  // IMG-16
  repo.add_target(targets_role, TargetName("file"), "content");
  repo.add_target(targets_role, TargetName("other"), "content");
  repo.release({targets_role});
  ASSERT_EQ(init(), 0);
  const sim::HttpServer elsewhere([&](const sim::HttpRequest& request) {
    sim::HttpResponse response;
    response.status = 307;
    response.headers.emplace_back("Location", server.url() + "/repo/targets" + request.target);
    return response;
  });
  const auto download_elsewhere = [&](const std::string& name) {
    return run_client(
        {"--metadata-dir", metadata.string(), "--metadata-url", server.url() + "/repo", "--target-name", name,
         "--target-base-url", elsewhere.url(), "--target-dir", targets.string(), "download"},
        0, &said);
  };
  EXPECT_EQ(download_elsewhere("file"), 0) << said;
  EXPECT_EQ(content_of(targets / "file"), "content");
  for (auto& [path, bytes] : repo.files) {
    if (path.ends_with(".other")) bytes = to_bytes("another");
  }
  EXPECT_EQ(download_elsewhere("other"), 1);
  EXPECT_NE(said.find("image-hash-wrong"), std::string::npos) << said;
}

TEST_F(TufNetwork, BaseAddressIsUsedAsGiven) {
  ASSERT_EQ(init(), 0);
  for (const char* base : {"/a%20b/%2E%2E/c", "/a%20b/%2E%2E/c/", "/x/../y"}) {
    std::string expected = std::string("GET ") + base;
    if (!expected.ends_with('/')) expected += '/';
    refresh_through([](const std::string&, sim::HttpResponse&) {}, base);
    ASSERT_FALSE(asked.empty());
    EXPECT_EQ(asked.front(), expected + "2.root.json");
  }
}

TEST_F(TufNetwork, ServerThatIsNotThereIsACleanError) {
  ASSERT_EQ(init(), 0);
  const auto port = world::free_port();
  ASSERT_TRUE(port);
  EXPECT_EQ(run_client({"--metadata-url", "http://127.0.0.1:" + std::to_string(*port), "--metadata-dir",
                        metadata.string(), "refresh"},
                       0, &said),
            1);
  EXPECT_NE(said.find("error:"), std::string::npos) << said;
  EXPECT_EQ(run_client({"--metadata-url", "file:///etc", "--metadata-dir", metadata.string(), "refresh"}), 1);
}

TEST_F(TufNetwork, RefusalMayHaveABodyOfAnySize) {
  ASSERT_EQ(init(), 0);
  EXPECT_EQ(refresh_through([](const std::string& path, sim::HttpResponse& response) {
              if (path.ends_with("2.root.json")) response.body = Bytes(2 * 1024 * 1024, 'x');
            }),
            0)
      << said;
}

}  // namespace
}  // namespace cotter::test
