// The smallest secondary: partial verification over libsodium alone, in a folder that `cotter-secondary
// provision` laid out. Also the example for a port: what an ECU must bring is what this file names.
// Never reads a configuration file, never logs. One thread.
#include <cstdio>
#include <ctime>
#include <string>

#include "client/install/ab_slot.h"
#include "client/install/factory.h"
#include "client/install/floor_records.h"
#include "client/install/single_slot.h"
#include "client/install/slot_files.h"
#include "client/install/state_folder.h"
#include "client/links/socket.h"
#include "client/secondary/core.h"
#include "client/secondary/packed_metadata.h"
#include "client/secondary/posix_time.h"
#include "client/secondary/serve.h"
#include "common/base/limits.h"
#include "common/disk/files.h"
#include "common/disk/posix_disk.h"

namespace cotter::client {
namespace {

constexpr std::uint64_t kMaxRoot = Limits().root_bytes;

struct LibraryClock final : Clock {
  [[nodiscard]] UtcTime now() const override { return UtcTime(std::chrono::seconds(std::time(nullptr))); }
};

struct Arguments {
  std::string dir, host;
  std::uint16_t port = 0;
  EcuIdentity identity;
};

Result<Arguments> read_arguments(disk::Disk& disk, int count, char** words) {
  if (count != 7) {
    return fault(Fault::Kind::Usage,
                 "usage: cotter_secondary_min DIR HOST PORT VIN SERIAL HARDWARE_ID (partial verification)");
  }
  Arguments arguments;
  arguments.dir = words[1];
  arguments.host = words[2];
  const int port = std::atoi(words[3]);
  if (port < 0 || port > UINT16_MAX) return fault(Fault::Kind::Usage, "a port is 0 to 65535");
  arguments.port = static_cast<std::uint16_t>(port);
  EcuIdentity& identity = arguments.identity;
  identity.vin = VehicleId(words[4]);
  identity.serial = EcuSerial(words[5]);
  identity.hardware_id = HardwareId(words[6]);
  identity.verification = Verification::Partial;
  std::optional<Bytes> root =
      TRY(disk::read_small_file(disk, arguments.dir + "/director-root.json", kMaxRoot));
  if (!root) return fault(Fault::Kind::NotFound, arguments.dir + "/director-root.json is not there");
  identity.director_root = *std::move(root);
  return arguments;
}

Result<void> run(int count, char** words) {
  disk::PosixDisk disk;
  Arguments arguments = TRY(read_arguments(disk, count, words));
  SlotFiles files(disk, arguments.dir);
  StateFolder state(disk, arguments.dir + "/state", ".json");
  StateFolder metadata_files(disk, arguments.dir + "/metadata", ".pack");
  PackedMetadata metadata(metadata_files);
  FloorFiles floors(disk, arguments.dir + "/floors");
  const EcuFloor floor{floors, arguments.identity.serial};
  AbSlot two(files, state, floor);
  SingleSlot one(files, state, floor);
  Installer& installer = files.has_spare() ? static_cast<Installer&>(two) : one;
  EcuSigner signer(TRY(load_ecu_key(disk, arguments.dir + "/ecu.key")));
  const LibraryClock clock;
  const PosixUptime uptime;
  SodiumNonces nonces;

  SecondaryCore core(std::move(arguments.identity),
                     {metadata, installer, state, {clock, uptime, nonces}, signer, floors});
  TRY(core.start());
  Socket listener = TRY(Socket::listen(arguments.host, arguments.port));
  std::printf("listening on %s:%u\n", arguments.host.c_str(), TRY(listener.port()));
  std::fflush(stdout);
  return serve(core, listener, {});
}

}  // namespace
}  // namespace cotter::client

int main(int count, char** words) {
  const auto result = cotter::client::run(count, words);
  if (result) return 0;
  std::fprintf(stderr, "error: %s\n", cotter::summary(result.error()).c_str());
  return 1;
}
