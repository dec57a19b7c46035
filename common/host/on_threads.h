// Pieces of work by number, on as many threads as the machine has processors.
// Never returns before all is done. The work must be safe on many threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace cotter::host {

inline unsigned worker_threads() {
  constexpr unsigned kMostThreads = 8;
  return std::clamp(std::thread::hardware_concurrency(), 1U, kMostThreads);
}

/// How many threads that many pieces get.
inline std::size_t threads_for(std::size_t count) { return std::min<std::size_t>(worker_threads(), count); }

/// work(0, thread) to work(count - 1, thread), each once, in no order; thread 0 is the caller's, and alone
/// where there is one piece.
template <class Work>
void on_threads(std::size_t count, const Work& work) {
  std::atomic<std::size_t> next{0};
  const auto loop = [&](std::size_t thread) {
    for (std::size_t i = next++; i < count; i = next++) work(i, thread);
  };
  std::vector<std::jthread> others;
  for (std::size_t thread = 1; thread < threads_for(count); ++thread) others.emplace_back(loop, thread);
  loop(0);
}

}  // namespace cotter::host
