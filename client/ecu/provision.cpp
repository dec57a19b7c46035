#include "client/ecu/provision.h"

#include <fmt/format.h>

#include <algorithm>

#include "client/install/state_folder.h"
#include "client/links/tcp_link.h"
#include "common/base/limits.h"
#include "common/disk/files.h"
#include "common/host/atomic_file.h"
#include "common/host/system_clock.h"
#include "common/model/file_names.h"
#include "common/trust/time_state.h"
#include "common/trust/verified.h"

namespace cotter::client {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMaxImage = 256 * 1024 * 1024;
constexpr std::uint64_t kMaxRoot = 4 * 1024 * 1024;  // of a file that the factory itself names

constexpr std::string_view kConfig =
    R"(# A secondary ECU as the factory made it. Its key is ecu.key; its roots of trust are director-root.json and
# image-root.json; `active` leads to the image that runs.
vin = "{}"
serial = "{}"
hardware_id = "{}"
# "full": director and image repository; "partial": the director's targets alone.
verification = "{}"
# Where the primary finds this ECU. Port 0 takes any free one, and says which on standard output.
listen = "{}"

[limits]
# A primary that says nothing for so long loses its connection.
idle_seconds = 15
# A message must arrive within this, and besides no slower than the rate below.
frame_seconds = 5
min_bytes_per_second = 16384

[floor]
# Where the release counters are kept that no older image may pass below: apart from metadata, so that a wipe of
# that does not reach them. "file:FOLDER", or "tpm:TCTI" for a TPM: "tpm:device:/dev/tpmrm0".
store = "{}"

# What is read of metadata, where more than the usual caps is needed: root_bytes, timestamp_bytes, snapshot_bytes,
# targets_bytes, listed_bytes, roots_per_cycle, delegated_roles, delegation_depth.
# [limits.director]
# [limits.image]
)";

std::string_view name_of(Verification verification) {
  return verification == Verification::Full ? "full" : "partial";
}

Result<void> check(const EcuOrder& order) {
  for (const auto& [what, text] : {std::pair("VIN", &order.vin), std::pair("serial", &order.serial),
                                   std::pair("hardware id", &order.hardware_id)}) {
    if (model::is_identifier(*text)) continue;
    return fault(Fault::Kind::Usage, fmt::format("\"{}\" cannot be a {}", *text, what),
                 "1 to 128 printable characters without blanks, quotes or slashes");
  }
  if (order.verification == Verification::Full && !order.image_root) {
    return fault(Fault::Kind::Usage, "an ECU that verifies fully needs the image repository's root",
                 "give --image-root, or --verification partial");
  }
  TRY(parse_tcp_address(order.listen));
  if (order.floor_store.find_first_of("\"\\\n") != std::string::npos) {
    return fault(Fault::Kind::Usage,
                 "a place for rollback floors has no quotes, backslashes or line ends in it");
  }
  return {};
}

/// A root that its own threshold did not sign would make an ECU that trusts nothing, found out in the field.
Result<Bytes> read_root(const fs::path& file, Repository repository) {
  Bytes root = TRY(host::read_file(file, kMaxRoot));
  const auto judge = [&]() -> Result<void> {
    TRY(TRY(trust::Unverified<model::Root>::parse(root, model::Profile::Vehicle)).verify_anchor());
    return {};
  };
  TRY(located(judge(), repository, "root"));
  return root;
}

Result<json::Object> fill(disk::Disk& disk, const EcuOrder& order, const std::string& dir) {
  const Bytes director_root = TRY(read_root(order.director_root, Repository::Director));
  TRY(disk::replace_file(disk, dir + "/director-root.json", director_root));
  if (order.verification == Verification::Full) {
    const Bytes image_root = TRY(read_root(*order.image_root, Repository::Image));
    TRY(disk::replace_file(disk, dir + "/image-root.json", image_root));
  }
  TRY(disk.make_folder(dir + "/metadata"));
  const Bytes image = TRY(host::read_file(order.image, kMaxImage));
  FloorPlace place;
  place.dir = dir;
  place.store = order.floor_store;
  const std::unique_ptr<FloorStore> floors = TRY(open_floors(disk, place));
  TRY(make_floors(*floors));
  const ImageRecord record =
      TRY(lay_out_slots(disk, dir, image, TargetName(order.image_name), ReleaseCounter(order.release_counter),
                        order.slots, {*floors, EcuSerial(order.serial)}));
  trust::TimeState time;
  time.floor = host::SystemClock().now();  // no genuine time is before the factory's (TIM-9)
  TRY(disk::replace_file(disk, dir + "/state/time.json", time.encode()));
  const auto pair = crypto::Ed25519Pair::generate();
  TRY(save_ecu_key(disk, dir + "/ecu.key", pair));
  const std::string config = fmt::format(kConfig, order.vin, order.serial, order.hardware_id,
                                         name_of(order.verification), order.listen, order.floor_store) +
                             TRY(raised_limits(order));
  TRY(disk::replace_file(disk, dir + "/ecu.toml", as_bytes(config)));
  return json::Object{
      {"serial", order.serial},
      {"hardware_id", order.hardware_id},
      {"primary", false},
      {"verification", name_of(order.verification)},
      {"key", crypto::PublicKey::ed25519(pair.public_key).encode()},
      {"installed_image", json::Object{{"name", record.image.name.value()},
                                       {"length", record.image.length},
                                       {"hashes", record.image.hashes.encode()}}},
      {"release_counter", record.release_counter.value()},
  };
}

/// Room for the successors of a root of this size, where the usual cap has none.
Result<std::string> raised_limit(const fs::path& root, std::string_view table) {
  const std::uint64_t size = TRY(host::read_file(root, kMaxRoot)).size();
  if (size <= Limits().root_bytes) return std::string();
  return fmt::format("\n# Its root is larger than the usual cap.\n[limits.{}]\nroot_bytes = {}\n", table,
                     2 * size);
}

}  // namespace

Result<std::string> raised_limits(const EcuOrder& order) {
  std::string lines = TRY(raised_limit(order.director_root, "director"));
  if (order.image_root) lines += TRY(raised_limit(*order.image_root, "image"));
  return lines;
}

Result<json::Object> provision_ecu(disk::Disk& disk, const EcuOrder& order, const AddFiles& more) {
  TRY(check(order));
  const std::string dir = (order.dir.has_filename() ? order.dir : order.dir.parent_path()).string();
  if (TRY(disk.look_at(dir))) {
    return fault(Fault::Kind::Conflict, "cannot make the folder " + dir + ": File exists");
  }
  // Under a passing name until it is whole, so that no program takes a half-made folder for an ECU.
  const std::string next = dir + ".new";
  TRY(disk::remove_tree(disk, next));
  TRY(disk.make_folder(next, disk::kSecretFolder));
  const auto make = [&]() -> Result<json::Object> {
    json::Object record = TRY(fill(disk, order, next));
    if (more) TRY(more(next));
    TRY(disk.rename(next, dir));
    TRY(disk::sync_folder_of(disk, dir));
    return record;
  };
  auto record = make();
  // What could not be made may not be removable either; the first reason counts.
  if (!record) static_cast<void>(disk::remove_tree(disk, next));
  return record;
}

Result<ReleaseCounter> renew_floor(disk::Disk& disk, const EcuConfig& config, ReleaseCounter counter) {
  const auto lock = TRY(disk.lock((config.dir / "lock").string()));
  const std::unique_ptr<FloorStore> floors = TRY(open_floors(disk, config.floors));
  const EcuFloor floor{*floors, config.identity.serial};
  const FloorName name = release_floor_of(floor.ecu);
  if (const auto kept = floors->floor(name); kept && *kept) {
    return fault(Fault::Kind::Conflict,
                 fmt::format("the floor of ECU {} is {} and can be read", floor.ecu.value(), **kept),
                 "nothing is to be done: a floor is never lowered");
  }
  TRY(make_floors(*floors));
  StateFolder state(disk, (config.dir / "state").string(), ".json");
  const auto confirmed = TRY(SlotRecords(state, floor).confirmed());
  if (confirmed) counter = std::max(counter, confirmed->release_counter);
  TRY(floors->raise(name, counter.value()));
  return counter;
}

}  // namespace cotter::client
