// A tiny HTTP server on a loopback port of its own: serves what a handler answers, honestly or not.
// Never more than tests need: GET, PUT and POST, kept-alive connections, one thread a connection. The handler
// is called on those threads, one call at a time.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/base/bytes.h"
#include "tests/sim/repository_sim.h"

namespace cotter::sim {

struct HttpRequest {
  std::string method;
  std::string target;                          ///< as it came, still percent-encoded
  std::map<std::string, std::string> headers;  ///< names in lower case
  Bytes body;
};

struct HttpResponse {
  int status = 200;
  Bytes body;
  std::vector<std::pair<std::string, std::string>> headers;
  // How a bad server, or a bad road, differs from a good one.
  bool http_1_0 = false;                        ///< HTTP/1.0: no length, the end of the connection is the end
  std::optional<std::uint64_t> claimed_length;  ///< what Content-Length says
  std::optional<std::size_t> cut_after;         ///< this many bytes, then the connection ends
  std::size_t bytes_a_piece = 0;                ///< not 0: sent in pieces…
  std::chrono::milliseconds between_pieces{0};  ///< …with pauses, until the server is stopped
  bool endless = false;                         ///< the body over and over
  std::chrono::milliseconds silent_for{0};      ///< before the first byte
  bool dropped = false;                         ///< no answer at all: the connection ends
};

class HttpServer {
 public:
  using Handler = std::function<HttpResponse(const HttpRequest&)>;
  /// Port 0: any free one.
  explicit HttpServer(Handler handler, const std::string& address = "127.0.0.1", std::uint16_t port = 0);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  /// "http://127.0.0.1:PORT", or whatever the address is
  [[nodiscard]] const std::string& url() const noexcept { return url_; }
  /// "GET /path", in order.
  [[nodiscard]] std::vector<std::string> requests() const;
  /// The most that any one endless answer came to before the client hung up, or the server at kEndless.
  [[nodiscard]] std::uint64_t longest_answer() const noexcept { return longest_answer_; }
  /// Where an endless answer ends all the same: no client has a reason to read so far.
  static constexpr std::uint64_t kEndless = 64ULL * 1024 * 1024;

 private:
  void accept_all();
  void serve(int connection);
  bool answer(int connection, const HttpRequest& request);
  bool send_body(int connection, const HttpResponse& response);
  /// False when the server is being stopped.
  bool pause(std::chrono::milliseconds time) const;

  Handler handler_;
  std::string url_;
  int listener_ = -1;
  std::atomic<bool> stopping_ = false;
  std::atomic<std::uint64_t> longest_answer_ = 0;
  mutable std::mutex guard_;
  std::set<int> connections_;
  std::vector<std::thread> threads_;
  std::vector<std::string> requests_;
  std::mutex handler_guard_;
  std::thread acceptor_;
};

/// 404 where there is nothing.
HttpResponse ok_or_404(const std::optional<Bytes>& found);

/// Serves repositories, each under "/NAME/"; what a sim serves at "targets/…" is at "/NAME/targets/…".
HttpServer::Handler serving(std::map<std::string, RepositorySim*> repositories);

}  // namespace cotter::sim
