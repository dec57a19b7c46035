// Signing a bundle, with what it takes to be complete. Never takes the bundle's word for what is published:
// the root that the reader trusts already is the measure, and what changes is computed from the files
// themselves. Pure but for the signers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/model/roles.h"
#include "server/ceremony/holder.h"
#include "server/ceremony/offline_bundle.h"

namespace cotter::ceremony {

/// Whose signatures are needed, and who has signed.
struct Quorum {
  std::string of;  ///< "root of version 1", "targets"
  std::uint32_t threshold = 1;
  std::vector<KeyId> may;  ///< as metadata calls them
  std::vector<KeyId> signed_by;
  /// The class of keys that is short of signatures, from the stage `prefer` on: "1 key of class post-quantum,
  /// signed by 0".
  std::optional<std::string> lacking{};
  [[nodiscard]] bool reached() const noexcept { return signed_by.size() >= threshold && !lacking; }
};

/// Signatures that count for a role.
struct Counted {
  std::vector<crypto::Signature>
      valid;  ///< one for each distinct key (FMT-22), in the order of the role's keys
  std::optional<std::string> lacking;  ///< as in Quorum
};
Counted count(const model::KeyRing& ring, const model::RoleKeys& role, ByteView canonical,
              const std::vector<crypto::Signature>& signatures);

/// A bundle as it stands.
struct Standing {
  std::vector<std::string> changes;  ///< in words, computed from the files in it
  std::vector<Quorum> quorums;       ///< of a root two: the one before it, and its own (VER-3)
  [[nodiscard]] bool complete() const noexcept;
};

/// `trusted_root`: a root file that the reader has from elsewhere than this bundle: the pinned one, or any
/// published since. The roots in the bundle must lead from it to the one whose keys sign. Rejections: those
/// of such files. Faults: Denied (the bundle does not come from that root), Usage (a bundle without roots, as
/// older versions wrote them; a delegated role's), Conflict (the content does not follow what it is based
/// on).
Result<Standing> look_at(const OfflineBundle& bundle, ByteView trusted_root);

/// Signs with those of `signers` that may; returns how many signatures came in or were made anew. Faults:
/// Denied (none may), those of look_at() and of the signers.
Result<std::uint32_t> sign(OfflineBundle& bundle, ByteView trusted_root, const Signers& signers);

/// Takes the signatures of `other`, another holder's copy of the same bundle, beside those that are there:
/// none is verified, so none replaces another. Fault: Conflict (another content, or based on something else).
Result<void> merge(OfflineBundle& into, const OfflineBundle& other);

/// look_at(), and the signatures that count for none of its quorums go; of each key one stays.
Result<Standing> keep_what_counts(OfflineBundle& bundle, ByteView trusted_root);

}  // namespace cotter::ceremony
