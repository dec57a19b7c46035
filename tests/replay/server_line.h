// One connection to the server under attack, over TCP or TLS: sends exactly the bytes it is told to, and
// reads what comes. Never helpful: no header is added, nothing is retried; never waits without a limit. One
// thread.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace cotter::replay {

/// Where the server is.
struct ServerAddress {
  bool tls = false;
  std::string host;
  std::string port;
  std::string base;  ///< a path before all of ours; "" or "/fleet"

  /// "https://127.0.0.1:8443", "http://[::1]:80/base/". Fault: Usage.
  static Result<ServerAddress> parse(const std::string& url);
  [[nodiscard]] bool is_loopback() const;
  [[nodiscard]] std::string authority() const;  ///< for the Host header
};

/// What a client shows over TLS; `ca` empty: the server is not judged.
struct Credentials {
  std::filesystem::path ca, certificate, key;
};

struct HttpReply {
  int status = 0;                              ///< 0: none came, whole
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;

  /// A member of a problem document (RFC 9457): "rule". Empty: there is none.
  [[nodiscard]] std::string member(const std::string& name) const;
};

class Line {
 public:
  using Limit = std::chrono::milliseconds;

  /// `who` is of TLS alone; nullptr: shows no certificate, judges nobody. Faults: Network (not taken, or the
  /// handshake was refused), Timeout, Io (certificate files).
  static Result<std::unique_ptr<Line>> open(const ServerAddress& address, const Credentials* who,
                                            Limit limit = std::chrono::seconds(10));
  ~Line();
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  /// false: the server has closed the connection, or takes nothing any more for 10 s.
  bool send(std::string_view bytes);
  void end_sending();
  /// The next reply, but for those of status 100.
  HttpReply reply(bool of_head, Limit limit);
  /// All that comes until the end or the limit; `ended` says which.
  std::string read_all(Limit limit, bool& ended);

 private:
  struct Channel;
  explicit Line(std::unique_ptr<Channel> channel);
  bool receive(std::chrono::steady_clock::time_point until);
  HttpReply take_body(HttpReply reply, bool of_head, std::chrono::steady_clock::time_point until);

  std::unique_ptr<Channel> channel_;
  std::string buffer_;
  bool ended_ = false;
};

/// Status and headers of a reply's first lines; status 0 when they are none.
HttpReply parse_reply_head(std::string_view head);

}  // namespace cotter::replay
