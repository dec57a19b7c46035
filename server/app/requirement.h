// Who must sign, as a sum: so many of these keys, so many of these parts; and the smallest sets of keys that
// are enough. Never counts one key twice, whatever it is called (FMT-22). Values only: safe on any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "common/base/strong.h"
#include "common/model/roles.h"

namespace cotter::app {

/// A key by what it is, and by the first id that metadata gives it.
struct SigningKey {
  std::string material;
  KeyId id;
  friend bool operator==(const SigningKey&, const SigningKey&) = default;
};

/// `least` of the keys of one role, or `least` of the parts. Of no parts at all: 0 is no condition, 1 is one
/// that nobody meets.
struct Requirement {
  std::uint32_t least = 0;
  std::vector<SigningKey> keys{};  ///< of `role`; that can sign, each once
  RoleName role{};
  std::vector<Requirement> parts{};

  static Requirement nothing() { return {}; }
  static Requirement impossible() { return {1}; }
  /// Keys of unknown kinds and keys that the ring lacks sign nothing, and are left out. Where vehicles
  /// require classes of keys, the threshold and that of each class are its parts.
  static Requirement keys_of(const RoleName& role, const model::RoleKeys& keys, const model::KeyRing& ring);
  /// Plainer where it can be: what is no condition is left out of all_of(), what nobody meets, and what
  /// is there twice, of any_of().
  static Requirement all_of(std::vector<Requirement> parts);
  static Requirement any_of(std::vector<Requirement> parts);
  static Requirement at_least(std::uint32_t least, std::vector<Requirement> parts);

  /// Of a role's keys: its threshold, whatever else it requires of their classes.
  [[nodiscard]] const Requirement& plain() const noexcept { return parts.empty() ? *this : parts.front(); }
  /// Of a role's keys: how many must sign at least. The classes have no key in common.
  [[nodiscard]] std::uint32_t fewest() const noexcept;
  [[nodiscard]] bool is_nothing() const noexcept { return least == 0; }
  [[nodiscard]] bool is_impossible() const noexcept { return least > keys.size() + parts.size(); }
  /// Whether the owner of the keys with these materials meets it.
  [[nodiscard]] bool met_by(const std::set<std::string>& materials) const;
  friend bool operator==(const Requirement&, const Requirement&) = default;
};

using KeySet = std::vector<SigningKey>;  ///< in order of first mention in the requirement

/// Minimal sets: without any one of its keys, none of them is enough.
struct KeySets {
  std::vector<KeySet> shortest;  ///< first; at most as many as were asked for
  std::size_t count = 0;         ///< of all
  bool more = false;             ///< there are more than `count`: nobody counted on
};

/// More are not looked at, lest a question take minutes.
inline constexpr std::size_t kMostKeySets = 10'000;

KeySets smallest_sets(const Requirement& requirement, std::size_t limit);

}  // namespace cotter::app
