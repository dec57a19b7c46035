#include "server/app/rehearse_director.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/trust/trusted_set.h"
#include "server/app/listed_signers.h"
#include "server/app/sign_metadata.h"
#include "server/storage/sqlite/director_store.h"
#include "server/storage/sqlite/inventory_store.h"

namespace cotter::app {
namespace {

using storage::VehiclesAlike;

constexpr const char* kNobody = "rehearsal";  ///< whose files no vehicle takes

/// The signer, the disk or the database are in the way, and the root is as good as it was.
bool says_nothing_of_the_root(const Error& why) {
  return is_fault(why, Fault::Kind::Busy) || is_fault(why, Fault::Kind::Timeout) ||
         is_fault(why, Fault::Kind::Network) || is_fault(why, Fault::Kind::NoSpace) ||
         is_fault(why, Fault::Kind::Io);
}

/// The vehicles that no set could be made for.
class Stranded {
 public:
  void add(const VehiclesAlike& alike, const Error& why) {
    vehicles_ += alike.vehicles;
    examples_.push_back(alike.example);
    if (why_.empty()) why_ = summary(why);
  }
  [[nodiscard]] bool empty() const { return examples_.empty(); }

  /// "2 vehicles, VIN-1 among them"
  [[nodiscard]] std::string words() const {
    std::string names;
    for (const VehicleId& each : examples_) names += (names.empty() ? "" : ", ") + each.value();
    return std::to_string(vehicles_) + (vehicles_ == 1 ? " vehicle, " : " vehicles, ") + names +
           (examples_.size() < vehicles_ ? " among them" : "");
  }
  [[nodiscard]] const std::string& why() const { return why_; }

 private:
  std::uint64_t vehicles_ = 0;
  std::vector<VehicleId> examples_;
  std::string why_;
};

Error refusal(const DirectorRoots& roots, const std::string& whom, const std::string& why) {
  return Fault{
      Fault::Kind::Denied,
      "root " + std::to_string(roots.newest()->version.value()) + " of the director would strand " + whom +
          ": " + why,
      "close it with the keys that the root lists at hand, with a signing process as one of its "
      "director_callers; or open it anew: cotter ceremony open root --repository director --replace"};
}

Error refusal_for_all(const DirectorRoots& roots, const std::vector<VehiclesAlike>& fleet, const Error& why) {
  Stranded all;
  for (const VehiclesAlike& alike : fleet) all.add(alike, why);
  return refusal(roots, all.empty() ? "every vehicle that is to come" : all.words(), summary(why));
}

}  // namespace

Result<void> rehearse_root_chain(const DirectorRoots& roots, UtcTime now) {
  const std::span<const Bytes> files = roots.files();
  COTTER_ASSERT(files.size() >= 2);
  for (const std::size_t start : {std::size_t{0}, files.size() - 2}) {
    trust::Policy policy;
    policy.repository = Repository::Director;
    auto vehicle = TRY(trust::TrustedSet::anchored_at(files[start], now, policy));
    for (const Bytes& root : files.subspan(start + 1)) TRY(vehicle.update_root(root));
    TRY(vehicle.close_root_chain());
  }
  return {};
}

Result<void> rehearse_sets(host::Db& db, const DirectorRoots& roots, keys::Signers& keys,
                           const Lifetimes& lifetimes, UtcTime now) {
  const std::vector<VehiclesAlike> fleet = TRY(storage::DirectorStore(db).alike());
  const auto signers = director_signers(keys, *roots.newest());
  if (!signers && says_nothing_of_the_root(signers.error())) return fail(signers.error());
  if (!signers) return fail(refusal_for_all(roots, fleet, signers.error()));
  if (fleet.empty()) {
    inventory::Vehicle nobody;
    nobody.vin = VehicleId(kNobody);
    const auto played = rehearse_signing(db, *signers, lifetimes, roots, nobody, now);
    if (played || says_nothing_of_the_root(played.error())) return played;
    return fail(refusal_for_all(roots, fleet, played.error()));
  }
  Stranded stranded;
  for (const VehiclesAlike& alike : fleet) {
    const inventory::Vehicle vehicle = TRY(storage::InventoryStore(db).load(alike.example));
    auto played = rehearse_signing(db, *signers, lifetimes, roots, vehicle, now);
    if (!played && is_fault(played.error(), Fault::Kind::Denied))  // the server signed for it in between
      played = rehearse_signing(db, *signers, lifetimes, roots, vehicle, now);
    if (played) continue;
    if (says_nothing_of_the_root(played.error())) return played;
    stranded.add(alike, played.error());
  }
  if (stranded.empty()) return {};
  return fail(refusal(roots, stranded.words(), stranded.why()));
}

}  // namespace cotter::app
