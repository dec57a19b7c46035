#include "server/ceremony/signing.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <utility>

#include "common/json/canonical.h"
#include "common/model/roles.h"
#include "common/trust/verified.h"
#include "server/ceremony/words.h"

namespace cotter::ceremony {
namespace {

using trust::Authority;
using trust::Unverified;
using trust::Verified;

/// A role whose keys may sign, and the ring that has them.
struct Voters {
  std::string of;
  model::KeyRing ring;
  model::RoleKeys role;
};

/// What is to be signed, read.
struct Content {
  std::vector<std::string> changes;
  std::vector<Voters> voters;
  Bytes canonical;
};

struct Roots {
  Verified<model::Root> newest;
  std::optional<Verified<model::Root>> before;
};

Result<void> check_follows(Version before, Version after) {
  if (after.value() == before.value() + 1) return {};
  return fault(Fault::Kind::Conflict,
               "version " + std::to_string(after.value()) + " does not follow version " +
                   std::to_string(before.value()),
               "the bundle was made for another state: open the ceremony anew");
}

/// The version beside the content is what names the file: nobody signs 9 in a file that says 2.
Result<void> check_named(const OfflineBundle& bundle, Version content) {
  if (bundle.version == content) return {};
  return fault(Fault::Kind::Conflict,
               "the bundle says version " + std::to_string(bundle.version.value()) +
                   ", its content version " + std::to_string(content.value()),
               "do not sign it: somebody altered it");
}

Result<Content> read_root(const OfflineBundle& bundle, const Verified<model::Root>& before) {
  const model::Root next = TRY(model::Root::decode(bundle.signed_part, model::Profile::Vehicle));
  TRY(check_follows(before->version, next.version));
  TRY(check_named(bundle, next.version));
  Content content;
  content.changes = changes_between(*before, next);
  const auto voters = [](const model::Root& root) {
    return Voters{"root of version " + std::to_string(root.version.value()), root.keys,
                  root.roles.at(model::root_role())};
  };
  content.voters = {voters(*before), voters(next)};
  return content;
}

/// Where a root takes keys out, the list that it finds is still signed by those of the root before it.
Result<Verified<model::Targets>> read_base(const OfflineBundle& bundle, const Roots& roots) {
  const auto parsed = [&] {
    return Unverified<model::Targets>::parse(to_bytes(bundle.base), model::Profile::Vehicle);
  };
  auto base = TRY(parsed());
  auto verified = std::move(base).verify(Authority::of_root(roots.newest, model::targets_role()));
  if (verified || !roots.before) return verified;
  auto again = TRY(parsed());
  return std::move(again).verify(Authority::of_root(*roots.before, model::targets_role()));
}

Result<Content> read_targets(const OfflineBundle& bundle, const Roots& roots) {
  const Verified<model::Targets> before = TRY(read_base(bundle, roots));
  const auto next = TRY(model::Targets::decode(bundle.signed_part, model::Profile::Vehicle));
  // Numbers may be left out: a version that was spent on a bundle that nobody completed stays so.
  if (next.version <= before->version) TRY(check_follows(before->version, next.version));
  TRY(check_named(bundle, next.version));
  Content content;
  content.changes = changes_between(*before, next);
  content.voters = {{"targets", roots.newest->keys, roots.newest->roles.at(model::targets_role())}};
  return content;
}

/// The bundle's roots from the one that is trusted to the one whose keys sign. An attacker may write roots of
/// his own into a bundle, to make a change look harmless: those lead nowhere.
Result<Roots> read_roots(const OfflineBundle& bundle, ByteView trusted_root) {
  const auto trusted = std::find(bundle.roots.begin(), bundle.roots.end(), as_text(trusted_root));
  if (trusted == bundle.roots.end()) {
    return fault(Fault::Kind::Denied,
                 "this bundle does not come from the root that is trusted here: it was made for another "
                 "repository, or by somebody else",
                 "do not sign it; ask for its hash by another way");
  }
  auto first = TRY(Unverified<model::Root>::parse(to_bytes(*trusted), model::Profile::Vehicle));
  Verified<model::Root> anchor = TRY(std::move(first).verify_anchor());
  Roots roots{std::move(anchor), std::nullopt};
  for (auto next = std::next(trusted); next != bundle.roots.end(); ++next) {
    auto parsed = TRY(Unverified<model::Root>::parse(to_bytes(*next), model::Profile::Vehicle));
    Verified<model::Root> root = TRY(std::move(parsed).verify_successor(roots.newest));
    roots.before = std::exchange(roots.newest, std::move(root));
  }
  return roots;
}

Result<Content> read(const OfflineBundle& bundle, ByteView trusted_root) {
  const bool is_root = bundle.role == model::root_role();
  const bool says_what_it_follows =
      !bundle.roots.empty() && (is_root || (bundle.role == model::targets_role() && !bundle.base.empty()));
  if (!says_what_it_follows) {
    return fault(Fault::Kind::Usage,
                 "this bundle does not say what it follows: nobody could see what it changes",
                 "make it anew with this version of cotter");
  }
  const Roots roots = TRY(read_roots(bundle, trusted_root));
  Content content = TRY(is_root ? read_root(bundle, roots.newest) : read_targets(bundle, roots));
  content.canonical = json::canonical(bundle.signed_part);
  return content;
}

/// As the files call the key; nothing where it may not sign.
std::optional<KeyId> id_of(const Content& content, const crypto::PublicKey& signer) {
  for (const Voters& voters : content.voters) {
    for (const KeyId& id : voters.role.keyids) {
      const auto key = voters.ring.find(id);
      if (key != voters.ring.end() && key->second.material() == signer.material()) return id;
    }
  }
  return std::nullopt;
}

void put(OfflineBundle& bundle, crypto::Signature signature) {
  std::erase_if(bundle.signatures, [&](const auto& old) { return old.keyid == signature.keyid; });
  bundle.signatures.push_back(std::move(signature));
}

/// A bundle as it stands, and the signatures that make it so.
struct Judged {
  Standing standing;
  std::vector<crypto::Signature> valid;
};

Result<Judged> judge(const OfflineBundle& bundle, ByteView trusted_root) {
  Content content = TRY(read(bundle, trusted_root));
  Judged judged;
  judged.standing.changes = std::move(content.changes);
  for (const Voters& voters : content.voters) {
    const Counted counted = count(voters.ring, voters.role, content.canonical, bundle.signatures);
    Quorum quorum{voters.of, voters.role.threshold, voters.role.keyids, {}, counted.lacking};
    for (const crypto::Signature& signature : counted.valid) {
      quorum.signed_by.push_back(signature.keyid);
      const bool is_known = std::ranges::any_of(
          judged.valid, [&](const crypto::Signature& other) { return other.keyid == signature.keyid; });
      if (!is_known) judged.valid.push_back(signature);  // a key of both roots signs once
    }
    judged.standing.quorums.push_back(std::move(quorum));
  }
  return judged;
}

}  // namespace

Counted count(const model::KeyRing& ring, const model::RoleKeys& role, ByteView canonical,
              const std::vector<crypto::Signature>& signatures) {
  Counted counted;
  std::set<std::string> keys;
  std::vector<std::optional<crypto::KeyClass>> classes;
  for (const KeyId& id : role.keyids) {
    const auto key = ring.find(id);
    if (key == ring.end()) continue;
    for (const crypto::Signature& signature : signatures) {
      if (signature.keyid != id || !key->second.verifies(canonical, signature.bytes)) continue;
      if (!keys.insert(key->second.material()).second) continue;
      counted.valid.push_back(signature);
      classes.push_back(crypto::class_of(key->second.scheme()));
    }
  }
  const bool asked = role.classes && role.classes->stage != model::ClassThresholds::Stage::Accept;
  if (asked) counted.lacking = role.classes->lacking(classes);
  return counted;
}

bool Standing::complete() const noexcept {
  return std::all_of(quorums.begin(), quorums.end(), [](const Quorum& quorum) { return quorum.reached(); });
}

Result<Standing> look_at(const OfflineBundle& bundle, ByteView trusted_root) {
  return TRY(judge(bundle, trusted_root)).standing;
}

Result<Standing> keep_what_counts(OfflineBundle& bundle, ByteView trusted_root) {
  Judged judged = TRY(judge(bundle, trusted_root));
  bundle.signatures = std::move(judged.valid);
  return std::move(judged.standing);
}

Result<std::uint32_t> sign(OfflineBundle& bundle, ByteView trusted_root, const Signers& signers) {
  const Content content = TRY(read(bundle, trusted_root));
  std::uint32_t signatures = 0;
  for (const auto& signer : signers) {
    const std::optional<KeyId> id = id_of(content, signer->public_key());
    if (!id) continue;
    crypto::Signature signature = TRY(signer->sign(content.canonical));
    signature.keyid = *id;
    put(bundle, std::move(signature));
    ++signatures;
  }
  if (signatures > 0) return signatures;
  return fault(Fault::Kind::Denied, "none of these keys may sign " + bundle.file_name(),
               "is this a holder of another workspace, or one who was taken out?");
}

Result<void> merge(OfflineBundle& into, const OfflineBundle& other) {
  const bool same_content = into.sha256() == other.sha256() && into.file_name() == other.file_name();
  if (!same_content) {
    return fault(Fault::Kind::Conflict,
                 "the bundles differ in what they ask to be signed: " + into.read_aloud() + " and " +
                     other.read_aloud(),
                 "one of them is of another ceremony: throw it away");
  }
  if (into.roots != other.roots || into.base != other.base) {
    return fault(Fault::Kind::Conflict, "the bundles are based on different files",
                 "something was published since the other was copied: let it be signed anew");
  }
  for (const crypto::Signature& signature : other.signatures) {
    const bool is_there = std::ranges::any_of(into.signatures, [&](const crypto::Signature& there) {
      return there.keyid == signature.keyid && there.bytes == signature.bytes;
    });
    if (!is_there) into.signatures.push_back(signature);
  }
  return {};
}

}  // namespace cotter::ceremony
