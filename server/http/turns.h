// Who may ask the operations API at the same time, and whose turn it is: it works for one after the other.
// Asio's own header; for the session alone. Never lets anybody wait without an end, nor one bearer take all
// the places. On the I/O thread alone.
#pragma once

// clang-format off
#include <utility>  // first: Asio 1.74 uses std::exchange without it
// clang-format on

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <list>
#include <map>
#include <memory>
#include <string>

namespace cotter::http {

class Turns {
 public:
  Turns(std::size_t places, std::size_t places_of_one) : places_(places), places_of_one_(places_of_one) {}
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;

  /// Held by a request from before its body is read until its answer is there. Must not outlive the Turns.
  class Place {
   public:
    Place(Turns& turns, std::string who) : turns_(turns), who_(std::move(who)) {}
    ~Place() { turns_.leave(who_); }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

   private:
    Turns& turns_;
    const std::string who_;
  };
  /// nullptr: all are taken, or all that one bearer may have.
  [[nodiscard]] std::unique_ptr<Place> enter(const std::string& who);

  /// Held while the API is at work; the next one's turn comes when it is gone.
  class Turn {
   public:
    explicit Turn(Turns& turns) : turns_(turns) {}
    ~Turn() { turns_.pass_on(); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    Turns& turns_;
  };
  /// Who came first is first. nullptr: it did not come within `limit`, or close() was called.
  [[nodiscard]] boost::asio::awaitable<std::unique_ptr<Turn>> next(std::chrono::milliseconds limit);
  /// Nobody waits any more.
  void close();

 private:
  struct Waiter;
  void leave(const std::string& who);
  void pass_on();

  const std::size_t places_;
  const std::size_t places_of_one_;
  std::size_t taken_ = 0;
  std::map<std::string, std::size_t> taken_by_;
  std::list<Waiter*> waiting_;
  bool at_work_ = false;
  bool closed_ = false;
};

}  // namespace cotter::http
