#include "client/primary/provision.h"

#include <fmt/format.h>

#include "client/primary/device_key.h"
#include "common/disk/files.h"
#include "common/host/atomic_file.h"

namespace cotter::client {
namespace {

constexpr std::uint64_t kMaxCa = 64 * 1024;

constexpr std::string_view kConfig = R"(# A primary as the factory made it.
vin = "{0}"
primary = "{1}"
# The vehicle's record: every ECU with its key, the same that the director's inventory was given.
record = "vehicle.json"
# The primary's own ECU, and where it keeps what it must not forget.
own_ecu = "ecu.toml"
state_dir = "primary"
director_url = "{2}/director/"
image_url = "{2}/repo/"
image_target_url = "{2}/repo/targets/"
# Who attests the time, if the director's root lists a time source: its answers are signed.
time_url = "{2}/time"
poll_every_seconds = 300
# How often a vehicle without news looks at the image repository all the same, so that new keys reach it.
image_refresh_seconds = 86400

[tls]
ca = "tls/ca.crt"
certificate = "tls/vehicle.crt"
key = "tls/vehicle.key"

[floor]
# Where the ECUs' release counters are kept, and the manifests' own: apart from state_dir, so that a wipe of that
# does not reach them. "file:FOLDER", or "tpm:TCTI" for a TPM: "tpm:device:/dev/tpmrm0". The same as in ecu.toml.
store = "{3}"

# What is read of metadata, where more than the usual caps is needed: root_bytes, timestamp_bytes, snapshot_bytes,
# targets_bytes, listed_bytes, roots_per_cycle, delegated_roles, delegation_depth.
# [limits.director]
# [limits.image]

# One entry for each secondary: where it answers.
# [[ecu]]
# serial = "…"
# address = "127.0.0.1:8801"
)";

Result<void> add_primary_files(disk::Disk& disk, const PrimaryOrder& order, const std::string& dir) {
  TRY(disk.make_folder(dir + "/tls", disk::kSecretFolder));
  TRY(disk::replace_file(disk, dir + "/tls/ca.crt", TRY(host::read_file(order.ca, kMaxCa))));
  TRY(make_device_key(disk, VehicleId(order.ecu.vin), dir + "/tls/vehicle.key", dir + "/tls/vehicle.csr"));
  TRY(disk.make_folder(dir + "/primary", disk::kSecretFolder));
  const std::string config =
      fmt::format(kConfig, order.ecu.vin, order.ecu.serial, order.server, order.ecu.floor_store) +
      TRY(raised_limits(order.ecu));
  return disk::replace_file(disk, dir + "/primary.toml", as_bytes(config));
}

}  // namespace

Result<json::Object> provision_primary(disk::Disk& disk, PrimaryOrder order) {
  while (order.server.ends_with('/')) order.server.pop_back();
  if (!order.server.starts_with("https://") && !order.server.starts_with("http://")) {
    return fault(Fault::Kind::Usage, "'" + order.server + "' is no server", "write it as https://host:port");
  }
  order.ecu.listen = "127.0.0.1:0";  // it is never asked over the network
  json::Object record = TRY(provision_ecu(disk, order.ecu, [&](const std::filesystem::path& dir) {
    return add_primary_files(disk, order, dir.string());
  }));
  record.set("primary", true);
  return record;
}

}  // namespace cotter::client
