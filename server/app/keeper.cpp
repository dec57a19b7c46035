#include "server/app/keeper.h"

#include <utility>

namespace cotter::app {

Keeper::Keeper(std::function<void()> round)
    : round_(std::move(round)), thread_([this](const std::stop_token& stop) { keep(stop); }) {}

void Keeper::keep(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    round_();
    wake_.wait_for(lock, stop, kInterval, [] { return false; });
  }
}

}  // namespace cotter::app
