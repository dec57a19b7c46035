#include "server/app/forecast.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace cotter::app {
namespace {

constexpr std::uint32_t kHalf = 50, kMost = 80, kNearlyAll = 95, kWhole = 100;

/// The end of something, and whose end that is.
struct End {
  UtcTime at = UtcTime::max();
  std::string of;
};

std::uint32_t life_used(const Perishable& what, UtcTime now) {
  if (now >= what.ends) return kWhole;
  if (now <= what.begins) return 0;
  return static_cast<std::uint32_t>((now - what.begins) * kWhole / (what.ends - what.begins));
}

bool is_late(const Perishable& what, UtcTime now) { return now > what.renewed_from + kRenewalSlack; }
bool renews_itself(const Perishable& what, UtcTime now) {
  return what.renewal == Renewal::Server && !is_late(what, now);
}

class Graph {
 public:
  Graph(const std::vector<Perishable>& all, UtcTime now) : now_(now) {
    for (const Perishable& what : all) by_id_.emplace(what.id, &what);
  }

  /// When it really ends; what renews itself has no end of its own.
  End end_of(const Perishable& what) {
    const auto known = ends_.find(what.id);
    if (known != ends_.end()) return known->second;
    ends_.emplace(what.id, End{});  // what hangs on itself is not asked twice
    End end;
    if (!renews_itself(what, now_)) end = {what.ends, what.id};
    for (const std::string& id : what.hangs_on) {
      const auto parent = by_id_.find(id);
      if (parent == by_id_.end()) continue;
      const End above = end_of(*parent->second);
      if (above.at < end.at) end = above;
    }
    return ends_[what.id] = end;
  }

 private:
  std::map<std::string, const Perishable*> by_id_;
  std::map<std::string, End> ends_;
  UtcTime now_;
};

Urgency urgency_of(const Ending& ending, UtcTime now, std::chrono::seconds warn) {
  const Perishable& what = ending.what;
  if (what.ends <= now) return Urgency::Ended;
  if (what.renewal == Renewal::Server) {
    if (is_late(what, now)) return Urgency::Late;
    return ending.stops_at <= now ? Urgency::Stopped : Urgency::RenewsItself;
  }
  if (ending.life_used >= kNearlyAll) return Urgency::Urgent;
  const bool is_warned = now >= what.ends - std::min(warn, (what.ends - what.begins) / 2);
  if (ending.life_used >= kMost || is_warned) return Urgency::Due;
  if (ending.stops_at <= now) return Urgency::Stopped;
  return ending.life_used >= kHalf ? Urgency::HalfUsed : Urgency::Fine;
}

}  // namespace

std::string_view name_of(Urgency urgency) noexcept {
  switch (urgency) {
    case Urgency::RenewsItself:
      return "renews-itself";
    case Urgency::Fine:
      return "fine";
    case Urgency::HalfUsed:
      return "half-used";
    case Urgency::Stopped:
      return "stopped";
    case Urgency::Due:
      return "due";
    case Urgency::Urgent:
      return "urgent";
    case Urgency::Late:
      return "late";
    case Urgency::Ended:
      break;
  }
  return "ended";
}

Quorum together(const std::vector<Quorum>& quorums) {
  Quorum all;
  for (const Quorum& quorum : quorums) {
    std::uint32_t in_both = 0;
    for (const std::string& name : quorum.who) {
      if (std::find(all.who.begin(), all.who.end(), name) != all.who.end()) {
        ++in_both;
      } else {
        all.who.push_back(name);
      }
    }
    all.needed += quorum.needed - std::min({in_both, all.needed, quorum.needed});
  }
  return all;
}

std::vector<Ending> forecast(const std::vector<Perishable>& all, UtcTime now, std::chrono::seconds warn) {
  Graph graph(all, now);
  std::vector<Ending> endings;
  std::map<std::string, std::vector<std::string>> taken;
  for (const Perishable& what : all) {
    const End end = graph.end_of(what);
    Ending ending;
    ending.what = what;
    ending.stops_at = std::min(what.ends, end.at);
    if (!end.of.empty() && end.of != what.id) {
      ending.with = end.of;
      taken[end.of].push_back(what.id);
    }
    ending.life_used = life_used(what, now);
    ending.urgency = urgency_of(ending, now, warn);
    endings.push_back(std::move(ending));
  }
  for (Ending& ending : endings) {
    ending.takes_along = std::move(taken[ending.what.id]);
    std::sort(ending.takes_along.begin(), ending.takes_along.end());
  }
  std::sort(endings.begin(), endings.end(), [](const Ending& a, const Ending& b) {
    return std::tie(a.stops_at, a.what.id) < std::tie(b.stops_at, b.what.id);
  });
  return endings;
}

}  // namespace cotter::app
