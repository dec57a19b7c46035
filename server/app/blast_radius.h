// What somebody could do who holds some keys and is on the network: the rows of docs/threat-model.md, for the
// roles and vehicles that there are. Never changes anything, and asks for no key. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/trust/seams.h"
#include "common/trust/trusted_set.h"
#include "server/app/requirement.h"
#include "server/storage/sqlite/inventory_store.h"

namespace cotter::app {

/// A role some of whose keys are held.
struct Grip {
  Repository repository{};
  RoleName role;
  RoleName delegator;  ///< root: a top-level role
  std::uint32_t held = 0;
  std::uint32_t threshold = 0;
  std::uint32_t keys = 0;
  [[nodiscard]] std::uint32_t lacking() const noexcept { return held < threshold ? threshold - held : 0; }
};

enum class Power : std::uint8_t {
  Freeze,             ///< of one repository, until its root gives timestamp another key
  FastForward,        ///< of one repository, until its root rotates keys
  ChooseAmongListed,  ///< images, for the right hardware and not below a floor
  AnythingOnPartial,  ///< ECUs that verify partially, whose bus he holds too
  SignImages,         ///< which nobody publishes
  PublishImages,      ///< which nobody assigns
  InstallImages,      ///< on ECUs within paths and hardware ids
  InstallAnything,    ///< everywhere
  Persist,            ///< he may replace every key of one repository
  BendTime,           ///< freeze within expiry dates, or refuse service, until the key rotates
};
/// "freeze", "fast-forward", …: in JSON.
std::string_view name_of(Power power) noexcept;

/// Images that some roles may list.
struct ImageScope {
  std::vector<RoleName> roles;  ///< who signs: one, or several that agree
  /// Patterns and "hash prefix 3f"; a name fits one of each list. None: every name.
  std::vector<std::vector<std::string>> paths;
  std::optional<std::vector<HardwareId>> hardware;  ///< none: any
  /// That may list some of the names too: what they list, they keep. A name at a time: who_can_sign().
  std::vector<RoleName> asked_before;
  std::vector<RoleName> ended_before;  ///< of those the terminating: they keep all of their names
  storage::FleetCount reach;           ///< ECUs of this hardware
  [[nodiscard]] bool is_everything() const noexcept { return paths.empty() && !hardware; }
};

struct Effect {
  Power power{};
  std::optional<Repository> repository{};  ///< of Freeze, FastForward, Persist
  std::vector<ImageScope> scopes{};        ///< of SignImages, PublishImages, InstallImages
  storage::FleetCount reach{};             ///< ECUs that it is about
};

struct BlastRadius {
  std::vector<Grip> grips;      ///< of the director, then of the image repository
  std::vector<Effect> effects;  ///< none: nothing at all
};

/// Of whoever holds the keys with these materials. Who holds a root has all other roles of its repository.
/// `inventory`: nullptr counts no ECUs. A delegated role whose file cannot be read leads no further. Below
/// hash bins nothing is looked for. Faults: those of reading, but NotFound.
Result<BlastRadius> blast_radius(const std::set<std::string>& held, trust::TrustedSet image,
                                 trust::Transport& transport, const model::Root& director,
                                 storage::InventoryStore* inventory);

/// All keys that roots and delegations list, each once.
Result<std::vector<SigningKey>> keys_in_metadata(trust::TrustedSet image, trust::Transport& transport,
                                                 const model::Root& director);

}  // namespace cotter::app
