// Signed metadata of every role, in both profiles: nothing verifies under a key that the input's author does
// not hold, and what decodes is written back as it was read.
#include "common/crypto/secret.h"
#include "common/json/canonical.h"
#include "common/json/strict_reader.h"
#include "common/model/file_names.h"
#include "common/model/time_source.h"
#include "common/trust/draft.h"
#include "common/trust/verified.h"
#include "tests/fuzz/fuzz.h"

namespace cotter::fuzz {
namespace {

class Key final : public crypto::Signer {
 public:
  [[nodiscard]] const crypto::PublicKey& public_key() const noexcept override { return public_; }
  Result<crypto::Signature> sign(ByteView message) override {
    return crypto::Signature{public_.computed_id(), pair_.sign(message)};
  }

 private:
  crypto::Ed25519Pair pair_ = crypto::Ed25519Pair::generate();
  crypto::PublicKey public_ = crypto::PublicKey::ed25519(pair_.public_key);
};

/// A root whose only key was made in this process and goes with it.
const trust::Verified<model::Root>& honest_root() {
  static const trust::Verified<model::Root> root = [] {
    Key key;
    const KeyId id = key.public_key().computed_id();
    model::Root content;
    content.expires = *parse_utc("2100-01-01T00:00:00Z");
    content.keys.emplace(id, key.public_key());
    for (const RoleName& role :
         {model::root_role(), model::timestamp_role(), model::snapshot_role(), model::targets_role()}) {
      content.roles[role].keyids = {id};
    }
    trust::Draft<model::Root> draft(content);
    COTTER_ASSERT(draft.sign(key));
    return *draft.seal_anchor();
  }();
  return root;
}

/// Who alone could sign this kind of file.
template <class T>
trust::Authority honest_authority() {
  return trust::Authority::of_root(honest_root(), RoleName(std::string(T::kType)));
}
template <>
trust::Authority honest_authority<model::TimeAttestation>() {
  static const Key key;
  static const KeyId id = key.public_key().computed_id();
  return trust::Authority::of_time_source({{{id, key.public_key()}}, {{id}, 1, {}}});
}

/// A name that a vehicle takes is one place below its folder, whatever else it says.
void check_names(const model::Targets& targets, model::Profile profile) {
  static const TargetName kWanted("team/brake/1.bin");
  for (const auto& [name, target] : targets.targets) {
    if (profile == model::Profile::Vehicle) COTTER_ASSERT(model::is_safe_target_name(name.value()));
    static_cast<void>(target.must_match(profile));
    if (const auto ecus = target.ecus()) {
      for (const auto& [ecu, hardware] : *ecus) COTTER_ASSERT(model::is_identifier(ecu.value()));
    }
  }
  static_cast<void>(model::TimeSource::of(targets));
  if (!targets.delegations) return;
  for (const model::DelegatedRole& role : targets.delegations->roles) {
    if (profile == model::Profile::Vehicle) COTTER_ASSERT(model::is_releasable_role_name(role.name.value()));
    COTTER_ASSERT(!model::is_top_level(role.name) && role.keys.threshold > 0);
    static_cast<void>(role.covers(kWanted));
  }
  if (const auto& bins = targets.delegations->succinct) COTTER_ASSERT(bins->has(bins->bin_of(kWanted)));
}
void check_names(const model::Snapshot& snapshot, model::Profile profile) {
  for (const model::MetaFiles::Entry entry : snapshot.meta) {
    const bool safe = model::is_top_level(entry.role) || model::is_releasable_role_name(entry.role);
    static_cast<void>(entry.meta());
    COTTER_ASSERT(safe || profile == model::Profile::Tuf);
  }
}
template <class T>
void check_names(const T& /*nothing in it names a file*/, model::Profile /*profile*/) {}

template <class T>
void judge(ByteView wire, model::Profile profile) {
  auto file = trust::Unverified<T>::parse(Bytes(wire.begin(), wire.end()), profile);
  if (auto ahead = trust::ContentAhead::read_in(wire)) {
    if (const auto plain = json::read(wire); plain && ahead->place_in(wire)) {
      const json::Value* const content = plain->as_object()->find("signed");
      COTTER_ASSERT(content != nullptr && *content == trust::ContentAhead(*ahead).take());
      COTTER_ASSERT(!ahead->is_canonical() ||
                    std::ranges::equal(json::canonical(*content),
                                       wire.last(ahead->length() + 1).first(ahead->length())));
    }
    auto other = trust::Unverified<T>::parse(Bytes(wire.begin(), wire.end()), profile, *std::move(ahead));
    COTTER_ASSERT(other.has_value() == file.has_value());
    if (!file) COTTER_ASSERT(summary(other.error()) == summary(file.error()));
    if (other) COTTER_ASSERT(!std::move(*other).verify(honest_authority<T>()));
  }
  if (file) COTTER_ASSERT(!std::move(*file).verify(honest_authority<T>()));
  const auto tree = json::read(wire);
  if (!tree) return;
  const auto content = T::decode(*tree, profile);
  if (!content) return;
  check_names(*content, profile);
  // What the encoder writes is a fixed point: decoding it gives the same again.
  const json::Value written = content->encode();
  const auto again = T::decode(written, profile);
  COTTER_ASSERT(again && again->encode() == written);
}

}  // namespace

void one(ByteView input) {
  if (input.empty()) return;
  const auto profile = (input.front() & 1U) != 0 ? model::Profile::Vehicle : model::Profile::Tuf;
  const ByteView wire = input.subspan(1);
  switch ((input.front() >> 1U) % 5) {
    case 0:
      return judge<model::Root>(wire, profile);
    case 1:
      return judge<model::Timestamp>(wire, profile);
    case 2:
      return judge<model::Snapshot>(wire, profile);
    case 3:
      return judge<model::Targets>(wire, profile);
    default:
      return judge<model::TimeAttestation>(wire, profile);
  }
}

}  // namespace cotter::fuzz
