#include "server/http/turns.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace cotter::http {

namespace asio = boost::asio;

/// Lives in the frame of who waits.
struct Turns::Waiter {
  asio::steady_timer timer;
  bool called = false;  ///< the timer may have run out at the same moment: this decides
};

std::unique_ptr<Turns::Place> Turns::enter(const std::string& who) {
  const auto found = taken_by_.find(who);
  const std::size_t own = found == taken_by_.end() ? 0 : found->second;
  if (taken_ >= places_ || own >= places_of_one_) return nullptr;
  ++taken_;
  ++taken_by_[who];
  return std::make_unique<Place>(*this, who);
}

void Turns::leave(const std::string& who) {
  --taken_;
  const auto found = taken_by_.find(who);
  if (--found->second == 0) taken_by_.erase(found);
}

asio::awaitable<std::unique_ptr<Turns::Turn>> Turns::next(std::chrono::milliseconds limit) {
  if (closed_) co_return nullptr;
  if (at_work_) {
    const auto executor = co_await asio::this_coro::executor;
    Waiter self{asio::steady_timer(executor, limit)};
    const auto position = waiting_.insert(waiting_.end(), &self);
    boost::system::error_code ignored;
    co_await self.timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    if (!self.called) {
      waiting_.erase(position);
      co_return nullptr;
    }
  }
  at_work_ = true;
  co_return std::make_unique<Turn>(*this);
}

/// `at_work_` stays while somebody waits, so that nobody who comes now gets before him.
void Turns::pass_on() {
  at_work_ = !waiting_.empty();
  if (!at_work_) return;
  Waiter& first = *waiting_.front();
  waiting_.pop_front();
  first.called = true;
  first.timer.cancel();
}

void Turns::close() {
  closed_ = true;
  for (Waiter* each : waiting_) each->timer.cancel();
}

}  // namespace cotter::http
