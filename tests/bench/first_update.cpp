#include "tests/bench/first_update.h"

#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "client/fetch/curl_transport.h"
#include "common/trust/refresh.h"
#include "server/http/access_log.h"
#include "server/http/server.h"
#include "server/repository/folder_transport.h"
#include "server/repository/reader.h"
#include "tests/sim/temp_dir.h"
#include "tests/unit/server/test_workspace.h"

namespace cotter::bench {
namespace {

namespace fs = std::filesystem;

/// The server for a repository's folder, over loopback, and its access log.
class LoggedServer {
 public:
  static Result<std::unique_ptr<LoggedServer>> start(const fs::path& repo) {
    auto self = std::unique_ptr<LoggedServer>(new LoggedServer(repo));
    self->log_ = TRY(http::AccessLog::open(self->log_path()));
    http::ServerOptions options;
    options.access_log = self->log_.get();
    self->server_ = TRY(http::Server::listen(options, self->router_));
    self->thread_ = std::thread([server = self->server_.get()] { server->run(); });
    return self;
  }
  ~LoggedServer() { stop(); }
  LoggedServer(const LoggedServer&) = delete;
  LoggedServer& operator=(const LoggedServer&) = delete;
  [[nodiscard]] std::string url() const {
    return "http://127.0.0.1:" + std::to_string(server_->port()) + "/repo";
  }
  /// Stops it. The bodies of all answers, as its log counts them.
  std::uint64_t stop_and_count() {
    stop();
    std::uint64_t sum = 0;
    std::ifstream lines(log_path());
    std::string at, method, path, encoding;
    unsigned status = 0;
    for (std::uint64_t bytes = 0; lines >> at >> method >> path >> status >> bytes >> encoding;) sum += bytes;
    return sum;
  }

 private:
  explicit LoggedServer(const fs::path& repo) : router_(repo, nullptr, {true, true}) {}
  [[nodiscard]] fs::path log_path() const { return dir_.path() / "access.log"; }
  void stop() {
    if (!thread_.joinable()) return;
    server_->stop();
    thread_.join();
  }

  sim::TempDir dir_;
  http::Router router_;
  std::unique_ptr<http::AccessLog> log_;
  std::unique_ptr<http::Server> server_;
  std::thread thread_;
};

/// What a vehicle keeps of a first cycle: no file is fetched twice.
class KeepingTransport final : public trust::Transport {
 public:
  explicit KeepingTransport(trust::Transport& below) : below_(&below) {}
  Result<Bytes> get(std::string_view path, std::uint64_t max_bytes) override {
    const auto known = kept_.find(path);
    if (known != kept_.end()) return known->second;
    Bytes bytes = TRY(below_->get(path, max_bytes));
    return kept_.emplace(std::string(path), std::move(bytes)).first->second;
  }

 private:
  trust::Transport* below_;
  std::map<std::string, Bytes, std::less<>> kept_;
};

class EmptyStore final : public trust::MetadataStore {
 public:
  Result<std::optional<Bytes>> load(Repository, const RoleName&) const override {
    return std::optional<Bytes>();
  }
  Result<void> commit(Repository, std::span<const trust::Effect>) override { return {}; }
};

}  // namespace

Result<std::uint64_t> first_update_bytes(const fs::path& repo,
                                         const std::vector<repository::Release>& images) {
  repository::FolderTransport folder(repo);
  const Bytes pinned = TRY(repository::first_root(folder));
  const auto server = TRY(LoggedServer::start(repo));
  client::CurlSession session = TRY(client::CurlSession::create({}));
  client::CurlTransport remote(session, server->url());
  KeepingTransport keeping(remote);
  EmptyStore nothing;
  for (const repository::Release& image : images) {
    auto set = TRY(repository::read_as_client(keeping, pinned, test::kNow, nothing));
    trust::DelegationWalk walk(std::move(set), image.name, image.hardware_ids.front());
    TRY(trust::drive(walk, nothing, keeping));
    TRY(walk.found());
  }
  return server->stop_and_count();
}

}  // namespace cotter::bench
