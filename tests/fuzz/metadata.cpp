// Signed metadata of every role, in both profiles: nothing verifies under a key that the input's author does
// not hold, and what decodes is written back as it was read.
#include "common/crypto/secret.h"
#include "common/json/canonical.h"
#include "common/json/strict_reader.h"
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

template <class T>
void judge(ByteView wire, model::Profile profile) {
  auto file = trust::Unverified<T>::parse(Bytes(wire.begin(), wire.end()), profile);
  if (file) {
    const auto authority = trust::Authority::of_root(honest_root(), RoleName(std::string(T::kType)));
    COTTER_ASSERT(!std::move(*file).verify(authority));
  }
  const auto tree = json::read(wire);
  if (!tree) return;
  const auto content = T::decode(*tree, profile);
  if (!content) return;
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
  switch ((input.front() >> 1U) % 4) {
    case 0:
      return judge<model::Root>(wire, profile);
    case 1:
      return judge<model::Timestamp>(wire, profile);
    case 2:
      return judge<model::Snapshot>(wire, profile);
    default:
      return judge<model::Targets>(wire, profile);
  }
}

}  // namespace cotter::fuzz
