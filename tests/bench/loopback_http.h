// The bare bones of HTTP on loopback: a client that counts answers, and a server that always gives the same
// one, which is the limit that any server on this machine has. Never parses more than it must. Threads of its
// own.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "common/base/result.h"

namespace cotter::bench {

/// The first answer to a GET of `path`, head and body.
Result<std::string> first_answer(std::uint16_t port, const std::string& path);
/// Answers a second over kept-alive connections, each with one request under way, for about `time`. All
/// answers are as long as `answer_bytes`.
Result<double> gets_per_second(std::uint16_t port, const std::string& path, std::size_t answer_bytes,
                               std::chrono::milliseconds time);

/// Answers whatever comes in one piece with the same bytes.
class FixedAnswer {
 public:
  static Result<std::unique_ptr<FixedAnswer>> listen(std::string answer);
  ~FixedAnswer();
  FixedAnswer(const FixedAnswer&) = delete;
  FixedAnswer& operator=(const FixedAnswer&) = delete;
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

 private:
  FixedAnswer(int listener, std::uint16_t port, std::string answer);
  void serve();
  int listener_;
  std::uint16_t port_;
  std::string answer_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace cotter::bench
