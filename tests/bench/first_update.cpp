#include "tests/bench/first_update.h"

#include <string>
#include <utility>

#include "common/crypto/digest.h"
#include "common/host/atomic_file.h"
#include "common/json/canonical.h"
#include "common/json/object_view.h"
#include "common/json/strict_reader.h"
#include "tests/bench/vehicle.h"
#include "tests/sim/temp_dir.h"
#include "tests/world/world.h"

namespace cotter::bench {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFactoryImage = 4096;
constexpr std::uint64_t kMaxImage = 1024 * 1024;

/// A role of cotterd, and what of a server's addresses it answers. Not one of all roles: the vehicle's
/// workspace has no keys of the image repository, which another one filled.
struct Part {
  const char* role;
  const char* path;
};
constexpr Part kParts[] = {{"image", "/repo/"}, {"director", "/director/"}, {"time", "/time"}};

/// For "TEAM/ECU/FILE" as the fleet's images are named.
std::vector<world::EcuPlan> plans_for(const std::vector<app::Artifact>& images, const fs::path& dir) {
  std::vector<world::EcuPlan> ecus;
  for (const app::Artifact& image : images) {
    const fs::path name = image.release.name.value();
    world::EcuPlan ecu;
    ecu.serial = "ECU-" + std::to_string(ecus.size() + 1);
    ecu.hardware_id = image.release.hardware_ids.front().value();
    ecu.team = name.begin()->string();
    ecu.primary = ecus.empty();
    ecu.before = dir / "before.bin";
    ecu.after = dir / name.filename();
    ecus.push_back(std::move(ecu));
  }
  return ecus;
}

Result<void> serve(const fs::path& repo, world::World& world) {
  const fs::path served = world.workspace() / "repo";
  std::error_code error;
  fs::remove_all(served, error);
  if (!error) fs::create_directory_symlink(repo, served, error);
  if (error) return fail(host::errno_fault("cannot serve " + repo.string(), error.value()));
  return {};
}

/// The address where a part of the server answers from now on.
Result<std::string> start(const Part& part, const world::World& world, const fs::path& access_log,
                          std::vector<world::Daemon>& servers) {
  world::Command command =
      world.command("cotterd", {"-C", world.workspace().string(), "--json", "--role", part.role, "--listen",
                                "127.0.0.1:0", "--access-log", access_log.string()});
  command.environment.erase("COTTER_PASSPHRASE_HOLDER");
  command.without = {"COTTER_PASSPHRASE_HOLDER"};
  command.log = access_log.parent_path() / "cotterd.log";
  servers.push_back(TRY(world::Daemon::start(command)));
  const json::Value ready = TRY(json::read(as_bytes(TRY(servers.back().read_line()))));
  return TRY(json::ObjectView::of(ready, "cotterd")).string("listening");
}

Result<void> update(world::World& world, const std::vector<app::Artifact>& images) {
  for (const world::EcuPlan& ecu : world.ecus()) TRY(world.assign(ecu, ecu.after));
  const auto [exit_code, said] = TRY(world.run_primary());
  for (std::size_t i = 0; i < images.size(); ++i) {
    const Bytes image = TRY(host::read_file(images[i].file, kMaxImage));
    if (exit_code == 0 && TRY(world.active_sha256(world.ecus()[i])) == to_hex(crypto::sha256(image)))
      continue;
    return fault(Fault::Kind::Io, world.ecus()[i].serial + " does not run its image", json::to_text(said));
  }
  return {};
}

}  // namespace

Result<world::MetadataSent> first_update(const Places& places, const fs::path& repo,
                                         const std::vector<app::Artifact>& images) {
  const sim::TempDir dir;
  const fs::path access_log = dir.path() / "access.log";
  TRY(host::write_atomically(dir.path() / "before.bin", Bytes(kFactoryImage, 1)));
  world::World world(dir.path() / "world", places.programs, plans_for(images, dir.path()));
  TRY(world.make_workspace());
  TRY(serve(repo, world));
  TRY(world.build_vehicle());
  std::vector<world::Daemon> servers;
  std::vector<std::pair<std::string, std::string>> addresses;
  for (const Part& part : kParts) {
    const std::string url = TRY(start(part, world, access_log, servers));
    addresses.emplace_back(world.server_url() + part.path, url + part.path);
  }
  TRY(replace_in(world.ecu_dir(world.primary()) / "primary.toml", addresses));
  TRY(world.start_secondaries());
  TRY(update(world, images));
  world.stop();
  for (world::Daemon& server : servers) server.stop();
  return world::metadata_sent(access_log, repo);
}

}  // namespace cotter::bench
