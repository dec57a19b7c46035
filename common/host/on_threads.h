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

/// work(0) to work(count - 1), each once, in no order; on this thread alone where there is one piece.
template <class Work>
void on_threads(std::size_t count, const Work& work) {
  std::atomic<std::size_t> next{0};
  const auto loop = [&] {
    for (std::size_t i = next++; i < count; i = next++) work(i);
  };
  std::vector<std::jthread> others;
  for (std::size_t i = 1; i < std::min<std::size_t>(worker_threads(), count); ++i) others.emplace_back(loop);
  loop();
}

}  // namespace cotter::host
