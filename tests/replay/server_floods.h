// Attacks that take their time or come in numbers: floods, connections that are held, bytes that drip, bodies
// without end; and the honest neighbour who must be served meanwhile. Never without an end: every one is
// bounded in number and in time. Each on threads of its own, which it joins.
#pragma once

#include <atomic>
#include <chrono>
#include <future>
#include <map>
#include <string>
#include <thread>

#include "tests/replay/server_target.h"

namespace cotter::replay {

/// The honest vehicle that polls and reports while an attack goes on.
class Neighbour {
 public:
  explicit Neighbour(Target& target);
  ~Neighbour();
  Neighbour(const Neighbour&) = delete;
  Neighbour& operator=(const Neighbour&) = delete;
  /// Goes home. Empty: it was served whenever it asked, within the time it is given; else what was not.
  std::string complaint();
  /// "served 41 times, at most 12 ms"
  std::string told();

 private:
  void live();
  bool is_served(const Ask& what);
  Target& target_;
  std::atomic<bool> goes_home_{false};
  std::string complaint_;
  std::chrono::milliseconds longest_{0};
  int served_ = 0;
  std::thread thread_;
};

/// What became of a flood.
struct FloodTally {
  std::map<int, int> statuses;  ///< how many answers of each; 0: none
  std::string told() const;
};

/// `of` is "manifests" (each new and honest), "replays", "forgeries" (signed by nobody's key), "polls" or
/// "registrations"; `count` of them over `lines` connections, for at most 20 s.
FloodTally flood(Target& target, const std::string& of, int count, int lines);

/// So many connections at once, each having said `saying`, while the neighbour asks on; how many were open
/// together.
int hold_connections(Target& target, int count, const std::string& saying, std::chrono::milliseconds held);

/// Sends a request that never ends, until the server answers or closes, or `megabytes` are sent.
struct Endless {
  std::uint64_t sent = 0;
  int status = 0;
  bool stopped = false;  ///< by the server
};
Endless endless(Target& target, const std::string& of, int megabytes);

/// Connections on which a byte comes now and then. All of a run are started together, and outlive the other
/// scenarios: what takes half a minute each takes half a minute in all.
class Drips {
 public:
  explicit Drips(Target& target) : target_(target) {}
  /// `part`: "header", "body", "chunks", "silence" (connected, nothing said).
  void start(const std::string& part);
  /// After how long the server ended it; none: not within the run's patience.
  std::optional<std::chrono::milliseconds> ended(const std::string& part);

 private:
  Target& target_;
  std::map<std::string, std::shared_future<std::optional<std::chrono::milliseconds>>> under_way_;
};

}  // namespace cotter::replay
