// The next root of a repository, from the wish to its publication: a bundle for the holders, their
// signatures, a rehearsal, and the ledger's word of all of it. Never publishes a root that would leave a
// vehicle behind: what the new keys do not vouch for is signed anew with it. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/base/time.h"
#include "server/app/repository_writer.h"
#include "server/app/workspace.h"
#include "server/ceremony/key_change.h"
#include "server/ceremony/offline_bundle.h"
#include "server/ceremony/signing.h"
#include "server/keys/signers.h"

namespace cotter::app {

struct RootWish {
  Repository repository = Repository::Image;
  ceremony::KeyChange change{};                    ///< none: only its life is renewed
  std::optional<std::chrono::seconds> lifetime{};  ///< none: the workspace's
  bool replaces = false;  ///< an open ceremony, whose signatures are worth nothing then
};

struct OpenCeremony {
  std::filesystem::path bundle;
  ceremony::OfflineBundle content;
  ceremony::Standing standing;
};

/// Writes the bundle to pending/. Nothing is published. Faults: Conflict (a ceremony for this root is open
/// already), Denied (a generation in the inventory could not verify the root: which, and how many), those of
/// next_root(), NoSpace, Io.
Result<OpenCeremony> open_root_ceremony(const Workspace& workspace, const RootWish& wish, UtcTime now);

struct ClosedRoot {
  enum class State : std::uint8_t {
    Published,
    AwaitingSignatures,  ///< of the root
    AwaitingTargets,     ///< the root is signed; the image list must be too, by the keys that it names
  };
  State state = State::AwaitingSignatures;
  OpenCeremony waiting;                       ///< Awaiting…: what is to be signed
  std::optional<PublishedVersions> versions;  ///< Published, of an image repository
};

/// Takes the signatures of `copies`, which may be none, into the open ceremony for this repository's root;
/// where all are there, plays the result as a vehicle fresh from the factory and as a current one (of a
/// director with files that it signs for that, rehearse_director.h), and publishes it. `online` is asked once
/// all have signed. May be called again after any failure. Faults: NotFound (no such ceremony is open),
/// Conflict (a copy of something else; another root was published since), Denied (an online key that the new
/// root lists is not at hand; vehicles would refuse what a director signs under it: how many, and which; a
/// generation in the inventory could not verify what would be published: which, and how many), those of the
/// signers, NoSpace, Io. Rejections: those of a client; of what is refused the ledger tells no end. Whatever
/// fails, clients see the old state, but for a kill between root and timestamp: call it again then.
Result<ClosedRoot> close_root_ceremony(const Workspace& workspace, Repository repository,
                                       const std::vector<ceremony::OfflineBundle>& copies,
                                       const std::function<Result<keys::Signers*>()>& online, UtcTime now);

}  // namespace cotter::app
