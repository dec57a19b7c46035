// Does what must be done in time, again and again: on a thread of its own.
// Never overlaps itself. All it does happens on its thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

namespace cotter::app {

class Keeper {
 public:
  /// Far less than a quarter of the shortest life that a workspace can set (an hour).
  static constexpr std::chrono::minutes kInterval{5};

  /// Does `round` at once and then every kInterval, until it goes.
  explicit Keeper(std::function<void()> round);
  ~Keeper() = default;  ///< asks the thread to stop and waits for it
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

 private:
  void keep(const std::stop_token& stop);
  std::function<void()> round_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;  ///< last: it must not run before the rest is there, nor after it
};

}  // namespace cotter::app
