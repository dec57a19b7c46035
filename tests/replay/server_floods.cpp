#include "tests/replay/server_floods.h"

#include <sys/resource.h>

#include <algorithm>
#include <mutex>
#include <vector>

namespace cotter::replay {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::chrono::seconds kFlood{20};
constexpr milliseconds kBreath{50};          // between two questions of the neighbour
constexpr milliseconds kReportEvery{2'000};  // as often as it sends a manifest
constexpr milliseconds kDrop{250};           // between two bytes that drip
constexpr std::size_t kPiece = 64 * 1024;

milliseconds since(Clock::time_point start) {
  return std::chrono::duration_cast<milliseconds>(Clock::now() - start);
}

std::string seconds_text(milliseconds time) {
  return std::to_string(time.count() / 1000) + "." + std::to_string(time.count() % 1000 / 100) + " s";
}

/// A request as it goes onto a connection that is kept.
std::string wire_of(const Target& target, const Ask& what) {
  std::string text =
      what.method + " " + what.path + " HTTP/1.1\r\nHost: " + target.address().authority() + "\r\n";
  if (!what.body) return text + "\r\n";
  return text + "Content-Length: " + std::to_string(what.body->size()) + "\r\n\r\n" +
         std::string(as_text(*what.body));
}

/// What a flood sends, made before it begins: the time goes into sending.
std::vector<std::string> ammunition(Target& target, const std::string& of) {
  constexpr int kDifferent = 200;
  std::vector<std::string> all;
  if (of == "polls")
    return {wire_of(target, {Who::Vehicle, "GET", target.director(Who::Vehicle) + "timestamp.json"})};
  const Target::Turn turn = target.speak(Who::Vehicle);
  if (of == "registrations") {
    return {wire_of(target,
                    target.post_ecus(turn.vehicle->ecu_list(json::Object{{"more", std::uint64_t{500}}})))};
  }
  json::Object change;
  if (of == "forgeries") change.set("key", std::uint64_t{9});
  const int different = of == "replays" ? 1 : kDifferent;
  all.reserve(static_cast<std::size_t>(different));
  for (int i = 0; i < different; ++i)
    all.push_back(wire_of(target, target.put_manifest(Who::Vehicle, turn.vehicle->manifest(change))));
  return all;
}

/// One connection's share, on a new connection whenever the server closes it.
void flood_line(Target& target, const std::vector<std::string>& requests, std::atomic<int>& left,
                Clock::time_point until, FloodTally& tally, std::mutex& guard) {
  std::unique_ptr<Line> line;
  for (int shot = left--; shot > 0 && Clock::now() < until; shot = left--) {
    if (!line) {
      auto opened = target.line(Who::Vehicle);
      if (opened) line = *std::move(opened);
    }
    HttpReply reply;
    if (line && line->send(requests.at(static_cast<std::size_t>(shot) % requests.size())))
      reply = line->reply(false, std::chrono::seconds(5));
    const auto connection = reply.headers.find("connection");
    if (reply.status == 0 || (connection != reply.headers.end() && connection->second == "close"))
      line.reset();
    const std::lock_guard lock(guard);
    ++tally.statuses[reply.status];
  }
}

/// How many sockets this process may open, its limit raised as far as it goes.
int sockets_allowed() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 64 * 1024);
  ::setrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<int>(limit.rlim_cur);
}

}  // namespace

// --- the neighbour
// -------------------------------------------------------------------------------------------

Neighbour::Neighbour(Target& target) : target_(target), thread_([this] { live(); }) {}
Neighbour::~Neighbour() {
  goes_home_ = true;
  if (thread_.joinable()) thread_.join();
}

/// Whether an honest request is answered well within the time; it may call again, as a vehicle does.
bool Neighbour::is_served(const Ask& what) {
  const auto start = Clock::now();
  int status = 0;
  do {
    status = target_.ask(what).status;
  } while (status != 200 && since(start) < target_.options().others_within);
  const milliseconds took = since(start);
  longest_ = std::max(longest_, took);
  if (status == 200 && took <= target_.options().others_within) {
    ++served_;
    return true;
  }
  complaint_ = what.method + " " + what.path + " of an honest vehicle was not served within " +
               seconds_text(target_.options().others_within) + ": " +
               (status == 0 ? "no answer" : "status " + std::to_string(status)) + " after " +
               seconds_text(took);
  return false;
}

void Neighbour::live() {
  auto reported = Clock::now() - kReportEvery;
  while (!goes_home_) {
    const Ask poll{Who::Neighbour, "GET", target_.director(Who::Neighbour) + "timestamp.json"};
    if (!is_served(poll)) return;
    if (since(reported) >= kReportEvery) {
      reported = Clock::now();
      const Target::Turn turn = target_.speak(Who::Neighbour);
      if (!is_served(target_.put_manifest(Who::Neighbour, turn.vehicle->manifest()))) return;
    }
    std::this_thread::sleep_for(kBreath);
  }
}

std::string Neighbour::complaint() {
  goes_home_ = true;
  if (thread_.joinable()) thread_.join();
  return complaint_;
}

std::string Neighbour::told() {
  return "the neighbour was served " + std::to_string(served_) + " times, within " + seconds_text(longest_);
}

// --- floods
// --------------------------------------------------------------------------------------------------

std::string FloodTally::told() const {
  std::string text;
  for (const auto& [status, times] : statuses) {
    text += (text.empty() ? "" : ", ") + std::to_string(times) + " times " +
            (status == 0 ? "no answer" : std::to_string(status));
  }
  return text;
}

FloodTally flood(Target& target, const std::string& of, int count, int lines) {
  const std::vector<std::string> requests = ammunition(target, of);
  const auto until = Clock::now() + kFlood;
  std::atomic<int> left = count;
  FloodTally tally;
  std::mutex guard;
  std::vector<std::thread> threads;
  threads.reserve(static_cast<std::size_t>(lines));
  for (int i = 0; i < lines; ++i) {
    threads.emplace_back([&] { flood_line(target, requests, left, until, tally, guard); });
  }
  for (std::thread& thread : threads) thread.join();
  return tally;
}

int hold_connections(Target& target, int count, const std::string& saying, milliseconds held) {
  const int possible = std::min(count, sockets_allowed() - 128);
  const auto until = Clock::now() + kFlood;
  std::vector<std::unique_ptr<Line>> lines;
  while (static_cast<int>(lines.size()) < possible && Clock::now() < until) {
    auto line = target.bare_line();
    if (!line) continue;
    if (!saying.empty()) (*line)->send(saying);
    lines.push_back(*std::move(line));
  }
  std::this_thread::sleep_for(held);
  return static_cast<int>(lines.size());
}

Endless endless(Target& target, const std::string& of, int megabytes) {
  Endless came;
  auto line = target.line(Who::Vehicle);
  if (!line) return came;
  std::string start = "PUT " + target.director(Who::Vehicle) +
                      "manifest HTTP/1.1\r\nHost: " + target.address().authority() + "\r\n";
  std::string piece(kPiece, 'x');
  if (of == "body") start += "Content-Length: 1099511627776\r\n\r\n";
  if (of == "chunks") {
    start += "Transfer-Encoding: chunked\r\n\r\n";
    piece = "10000\r\n" + piece + "\r\n";
  }
  if (of == "header") piece.front() = 'X';
  if (of == "headers") piece = "X-Filler: " + std::string(200, 'x') + "\r\n";
  if (of == "target") start = "GET " + target.director(Who::Vehicle);
  bool open = (*line)->send(start);
  std::string answer;
  while (open && !came.stopped && came.sent < static_cast<std::uint64_t>(megabytes) * 1024 * 1024) {
    open = (*line)->send(piece);
    came.sent += piece.size();
    bool ended = false;
    answer += (*line)->read_all(milliseconds(0), ended);
    came.stopped = ended || answer.find("\r\n\r\n") != std::string::npos;
  }
  bool ended = false;
  if (!came.stopped) answer += (*line)->read_all(std::chrono::seconds(2), ended);
  came.status = parse_reply_head(answer).status;
  came.stopped = came.stopped || !open || ended || came.status != 0;
  return came;
}

// --- drips
// ---------------------------------------------------------------------------------------------------

namespace {

std::optional<milliseconds> drip(Target& target, const std::string& part) {
  const auto start = Clock::now();
  auto line = part == "silence" ? target.bare_line() : target.line(Who::Vehicle);
  if (!line) return since(start);  // not even let in
  const std::string head = "PUT " + target.director(Who::Vehicle) +
                           "manifest HTTP/1.1\r\nHost: " + target.address().authority() + "\r\n";
  std::string drops;
  if (part == "header") drops = head + std::string(8 * 1024, 'X');
  if (part == "body") (*line)->send(head + "Content-Length: 100000\r\n\r\n");
  if (part == "body") drops.assign(100'000, ' ');
  if (part == "chunks") (*line)->send(head + "Transfer-Encoding: chunked\r\n\r\n");
  std::size_t next = 0;
  while (since(start) < target.options().patience) {
    bool ended = false;
    (*line)->read_all(kDrop, ended);
    if (ended) return since(start);
    const std::string drop =
        part == "chunks" ? "1\r\n \r\n" : drops.substr(std::min(next++, drops.size()), 1);
    if (!drop.empty() && !(*line)->send(drop)) return since(start);
  }
  return std::nullopt;
}

}  // namespace

void Drips::start(const std::string& part) {
  if (under_way_.contains(part)) return;
  under_way_.emplace(part,
                     std::async(std::launch::async, [this, part] { return drip(target_, part); }).share());
}

std::optional<milliseconds> Drips::ended(const std::string& part) {
  start(part);
  return under_way_.at(part).get();
}

}  // namespace cotter::replay
