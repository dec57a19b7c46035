// The hostile side as a client meets it: director, image repository, time source and the network between, on
// one HTTP port. Serves what the Stage holds at that moment, or does to it what the scenario says. Never
// judges. Its server's threads answer under `guard`, which whoever changes the Stage must hold too.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "tests/scenarios/runner/stage.h"
#include "tests/sim/http_server.h"

namespace cotter::replay {

class Front {
 public:
  Front(scenario::Stage& stage, std::mutex& guard, const std::string& address = "127.0.0.1",
        std::uint16_t port = 0);

  /// The verb `road` (schemas/scenario.schema.json). Call it under the guard.
  void road(const json::Value& what);

  [[nodiscard]] std::string url() const { return server_.url(); }
  [[nodiscard]] std::string director_url() const { return url() + "/director/"; }
  [[nodiscard]] std::string image_url() const { return url() + "/repo/"; }
  [[nodiscard]] std::string image_target_url() const { return url() + "/repo/targets/"; }
  [[nodiscard]] std::string time_url() const { return url() + "/time"; }

  /// "GET /repo/timestamp.json", in order, since the start.
  [[nodiscard]] std::vector<std::string> requests() const { return server_.requests(); }
  /// Of the requests from number `from` on, one that no client has a reason for: out of the served folders.
  [[nodiscard]] std::optional<std::string> forbidden(std::size_t from) const;
  /// Whether an answer without end was read to where the server gave up.
  [[nodiscard]] bool read_without_end() const {
    return server_.longest_answer() >= sim::HttpServer::kEndless;
  }
  /// Every manifest that arrived, as text.
  [[nodiscard]] std::vector<std::string> manifests() const;

 private:
  struct Road {
    Repository repository = Repository::Image;
    std::string path;  ///< a * at its end stands for any rest
    json::Value what;
  };
  sim::HttpResponse answer(const sim::HttpRequest& request);
  sim::HttpResponse serve(Repository repository, const std::string& path, const sim::HttpRequest& request);
  sim::HttpResponse attest(const sim::HttpRequest& request);
  void misbehave(sim::HttpResponse& response, Repository repository, const std::string& path) const;

  scenario::Stage& stage_;
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  std::mutex& guard_;
  std::vector<Road> roads_;
  std::vector<std::string> manifests_;
  sim::HttpServer server_;  ///< last: it answers as soon as it is there
};

}  // namespace cotter::replay
