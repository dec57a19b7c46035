#include "tests/replay/server_identity.h"

#include "common/crypto/digest.h"
#include "common/crypto/secret.h"
#include "common/host/atomic_file.h"

namespace cotter::replay {
namespace {

constexpr std::size_t kSeed = 32;

class SeededKey final : public crypto::Signer {
 public:
  explicit SeededKey(Bytes seed)
      : pair_(crypto::Ed25519Pair::from_seed(crypto::Secret::taking(seed))),
        key_(crypto::PublicKey::ed25519(pair_.public_key)) {}
  [[nodiscard]] const crypto::PublicKey& public_key() const noexcept override { return key_; }
  Result<crypto::Signature> sign(ByteView message) override {
    return crypto::Signature{key_.computed_id(), pair_.sign(message)};
  }

 private:
  crypto::Ed25519Pair pair_;
  crypto::PublicKey key_;
};

Result<Bytes> new_seed(const std::filesystem::path& file) {
  const crypto::Ed25519Pair random = crypto::Ed25519Pair::generate();
  Bytes seed(random.seed.view().begin(), random.seed.view().end());
  TRY(host::create_atomically(file, as_bytes(to_hex(seed) + "\n"), host::kSecretFile));
  return seed;
}

}  // namespace

Result<Identity> Identity::open(const std::filesystem::path& seed_file, std::string vin) {
  const auto text = host::read_file(seed_file, 2 * kSeed + 1);
  if (!text && is_fault(text.error(), Fault::Kind::NotFound)) {
    Bytes seed = TRY(new_seed(seed_file));
    return Identity(std::move(seed), std::move(vin));
  }
  const Bytes hex = TRY(host::read_file(seed_file, 2 * kSeed + 1));
  auto seed = from_hex(as_text(hex).substr(0, 2 * kSeed));
  if (!seed || seed->size() != kSeed) {
    return fault(Fault::Kind::Usage, seed_file.string() + " is no seed file of this kit",
                 "name a file that is not there yet, and register the vehicles anew");
  }
  return Identity(*std::move(seed), std::move(vin));
}

std::unique_ptr<crypto::Signer> Identity::key(std::uint64_t number) const {
  Bytes label = seed_;
  const Bytes suffix = to_bytes("/" + std::to_string(number));
  label.insert(label.end(), suffix.begin(), suffix.end());
  return std::make_unique<SeededKey>(crypto::sha256(label));
}

inventory::VehicleRecord Identity::record_of(const std::string& vin, std::uint64_t first_key) const {
  const auto ecu = [&](const char* what, bool primary, inventory::Verification how, std::uint64_t number) {
    const std::string image = std::string("replay/") + what + "/1.bin";
    return inventory::EcuRecord{EcuSerial(vin + "-" + what),
                                HardwareId(std::string("replay-") + what),
                                primary,
                                how,
                                key(first_key + number)->public_key(),
                                {TargetName(image), image.size(), crypto::Hashes::of(as_bytes(image))},
                                ReleaseCounter(1)};
  };
  return {VehicleId(vin),
          {ecu("GATEWAY", true, inventory::Verification::Full, 0),
           ecu("BRAKE", false, inventory::Verification::Full, 1),
           ecu("DOOR", false, inventory::Verification::Partial, 2)}};
}

}  // namespace cotter::replay
