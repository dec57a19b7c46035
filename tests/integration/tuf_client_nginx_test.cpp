// Our own client reads our own published repository, served by a web server that knows nothing of it.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "tests/integration/tuf_client.h"

namespace cotter::test {
namespace {

constexpr const char* kNginx = "/usr/sbin/nginx";

bool answers(int port) {
  const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool up = ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(probe);
  return up;
}

class TufClientOverNginx : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kNginx)) GTEST_SKIP() << "Debian's nginx is not installed";
    const auto free = world::free_port();
    ASSERT_TRUE(free);
    port = *free;
  }

  void cotter(std::vector<std::string> arguments) {
    const world::Command command{
        COTTER_CLI,
        std::move(arguments),
        {{"COTTER_PASSPHRASE", "the online keys"}, {"COTTER_PASSPHRASE_HOLDER", "a holder alone"}},
        {}};
    const auto done = world::run_well(command);
    ASSERT_TRUE(done) << summary(done.error());
  }

  void publish(const std::string& content, const std::string& version) {
    write_file(dir.path() / "brake.bin", content);
    std::vector<std::string> words = {"-C",
                                      workspace.string(),
                                      "publish",
                                      (dir.path() / "brake.bin").string(),
                                      "--name",
                                      name,
                                      "--hardware-id",
                                      "brake-mk2",
                                      "--version",
                                      version,
                                      "--sign-with",
                                      (offline / "holder-1").string(),
                                      "--sign-with",
                                      (offline / "holder-3").string()};
    // So many that the list of images is worth packing.
    for (int i = 0; i < 40; ++i)
      words.insert(words.end(), {"--hardware-id", "brake-mk2-" + std::to_string(i)});
    cotter(std::move(words));
  }

  /// One process, all its files in our folder, the published folder as it is.
  void start_nginx() {
    const std::string own = dir.path().string();
    std::string config = "daemon off; master_process off; pid " + own + "/nginx.pid; error_log stderr;\n";
    config += "events {}\nhttp { log_format coding '$uri $sent_http_content_encoding';\n";
    config += "access_log " + own + "/access.log coding;\n";
    for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"}) {
      config += std::string(kind) + "_temp_path " + own + "/" + kind + ";\n";
    }
    config += "server { listen 127.0.0.1:" + std::to_string(port) + "; root " +
              (workspace / "repo").string() + ";\n";
    // As docs/performance.md has it.
    config += "location ~ ^/[0-9]+\\.[^/]+\\.json$ { gzip_static on; gzip_vary on; } } }\n";
    write_file(dir.path() / "nginx.conf", config);
    auto started = world::Daemon::start(
        {kNginx, {"-p", own, "-e", "stderr", "-c", own + "/nginx.conf"}, {}, dir.path() / "nginx.log"});
    ASSERT_TRUE(started) << summary(started.error());
    nginx.emplace(std::move(*started));
    const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!answers(port) && nginx->running() && std::chrono::steady_clock::now() < patience) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));  // nginx does not say when it listens
    }
    ASSERT_TRUE(answers(port)) << content_of(dir.path() / "nginx.log");
  }

  int download() {
    const std::string url = "http://127.0.0.1:" + std::to_string(port);
    return run_client({"--metadata-dir", (dir.path() / "metadata").string(), "--metadata-url", url,
                       "--target-name", name, "--target-base-url", url + "/targets", "--target-dir",
                       (dir.path() / "targets").string(), "download"},
                      0, &said);
  }

  sim::TempDir dir;
  std::filesystem::path workspace = dir.path() / "workspace", offline = dir.path() / "offline";
  const std::string name = "brakes/mk2/brake.bin";
  int port = 0;
  std::optional<world::Daemon> nginx;
  std::string said;
};

TEST_F(TufClientOverNginx, ReadsWhatCotterPublished) {
  cotter({"init", workspace.string(), "--offline-dir", offline.string()});
  publish("firmware 1", "1.0");
  start_nginx();
  ASSERT_EQ(run_client({"--metadata-dir", (dir.path() / "metadata").string(), "init",
                        (workspace / "repo" / "1.root.json").string()}),
            0);
  ASSERT_EQ(download(), 0) << said;
  EXPECT_EQ(content_of(dir.path() / "targets" / "brakes%2Fmk2%2Fbrake.bin"), "firmware 1");
  publish("firmware 2", "2.0");
  ASSERT_EQ(download(), 0) << said;
  EXPECT_EQ(content_of(dir.path() / "targets" / "brakes%2Fmk2%2Fbrake.bin"), "firmware 2");
  nginx->stop();
  const std::string log = content_of(dir.path() / "access.log");
  for (const char* line : {"/3.targets.json gzip\n", "/timestamp.json -\n"})
    EXPECT_NE(log.find(line), std::string::npos) << log;
  EXPECT_EQ(log.find("brake.bin gzip"), std::string::npos) << log;
}

}  // namespace
}  // namespace cotter::test
