// What ends when, what stops with it, how late it is for those who must act: the arithmetic.
// Never reads a clock, a file or a key. Values only: safe on any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/time.h"
#include "server/storage/sqlite/inventory_store.h"

namespace cotter::app {

/// Who makes the next one: people who come together, or cotterd by itself.
enum class Renewal : std::uint8_t { People, Server };

/// So many of these must act.
struct Quorum {
  std::uint32_t needed = 0;
  std::vector<std::string> who{};  ///< holders' folders, suppliers, or "operator"
  friend bool operator==(const Quorum&, const Quorum&) = default;
};
/// Of at most two quorums: all who may act, and how few of them can be enough.
Quorum together(const std::vector<Quorum>& quorums);

/// Something that is good until some day.
struct Perishable {
  std::string id;             ///< "image/root", "pki/server": the same for its successor
  std::string name;           ///< in words: "root of the image repository"
  std::uint64_t version = 0;  ///< 0: it has none
  UtcTime begins{};
  UtcTime ends{};
  Renewal renewal = Renewal::People;
  UtcTime renewed_from{};               ///< Server: from here on it makes the next one
  std::vector<std::string> hangs_on{};  ///< ids; unknown ones count for nothing
  std::string stops{};                  ///< in words: "vehicles take nothing from the image repository"
  storage::FleetCount reach{};          ///< whom that stops
  std::vector<Quorum> quorums{};        ///< each of them: two where a root's keys change
  std::string command{};                ///< what they do
  std::vector<std::string> keys{};      ///< that it rests on, with who has them: "image-root-1 (holder-1)"
};

enum class Urgency : std::uint8_t {
  RenewsItself,  ///< cotterd's, and cotterd is in time
  Fine,
  HalfUsed,  ///< half of its life is over: a date for the next can be found
  Stopped,   ///< what it hangs on has ended, and that is where to act
  Due,       ///< four fifths are, or the warning time has begun
  Urgent,    ///< 95 % are
  Late,      ///< cotterd's, and cotterd should have made the next one
  Ended,
};
/// "renews-itself", "fine", "half-used", "stopped", "due", "urgent", "late", "ended".
std::string_view name_of(Urgency urgency) noexcept;

struct Ending {
  Perishable what;
  /// When it stops: its own end, or that of what it hangs on where that is earlier.
  UtcTime stops_at{};
  /// What takes it along: it stops at `stops_at` with that, or, where it renews itself, whenever that ends.
  std::optional<std::string> with;
  std::vector<std::string> takes_along;  ///< ids of all that stop with it, and would not stop before
  std::uint32_t life_used = 0;           ///< of its own, percent; 100: over
  Urgency urgency = Urgency::Fine;
  /// Somebody must act now.
  [[nodiscard]] bool is_due() const noexcept { return urgency >= Urgency::Due; }
};

/// A renewal is late when cotterd had this long for it: two turns of its keeper.
inline constexpr std::chrono::minutes kRenewalSlack{10};

/// One for each of `all`, in order of the day on which it stops, then of id. `warn` ahead of an end that is
/// people's it is due, but never before half of its life is over: a warning that never ends is none.
std::vector<Ending> forecast(const std::vector<Perishable>& all, UtcTime now, std::chrono::seconds warn);

}  // namespace cotter::app
