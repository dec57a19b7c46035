#include "tests/world/world.h"

#include <algorithm>
#include <fstream>

#include "common/crypto/digest.h"
#include "common/host/atomic_file.h"
#include "common/json/canonical.h"
#include "common/json/object_view.h"
#include "common/json/strict_reader.h"

namespace cotter::world {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMaxImage = 64ULL * 1024 * 1024;

Result<json::Value> parse(const std::string& text) { return json::read(as_bytes(text)); }

Result<void> make_dirs(const fs::path& dir) {
  std::error_code error;
  fs::create_directories(dir, error);
  if (error) return fail(host::errno_fault("cannot make " + dir.string(), error.value()));
  return {};
}

}  // namespace

std::string EcuPlan::image_name(const fs::path& file) const {
  // Two boards of u-boot are both called u-boot.bin: the folder tells them apart.
  const bool telling = before.filename() != after.filename();
  const std::string name = telling ? file.filename().string()
                                   : file.parent_path().filename().string() + "-" + file.filename().string();
  return team + "/" + hardware_id + "/" + name;
}

std::vector<EcuPlan> demo_vehicle() {
  const fs::path u_boot = "/usr/lib/u-boot";
  const fs::path opensbi = "/usr/lib/riscv64-linux-gnu/opensbi/generic";
  const fs::path ath9k = "/lib/firmware/ath9k_htc";
  return {
      {.serial = "GATEWAY-0001",
       .hardware_id = "gateway-mk1",
       .team = "platform",
       .primary = true,
       .before = u_boot / "qemu_arm/u-boot.bin",
       .after = u_boot / "qemu_arm64/u-boot.bin"},
      {.serial = "HEADUNIT-0001",
       .hardware_id = "headunit-mk3",
       .team = "infotainment",
       .before = "/usr/share/OVMF/OVMF_CODE.fd",
       .after = "/usr/share/OVMF/OVMF_CODE_4M.fd"},
      {.serial = "ADAS-0001",
       .hardware_id = "adas-mk2",
       .team = "driving",
       .before = opensbi / "fw_jump.bin",
       .after = opensbi / "fw_dynamic.bin"},
      {.serial = "BODY-0001",
       .hardware_id = "body-mk5",
       .team = "body",
       .before = "/usr/share/seabios/bios.bin",
       .after = "/usr/share/seabios/bios-256k.bin"},
      {.serial = "RADIO-0001",
       .hardware_id = "radio-mk1",
       .team = "connectivity",
       .partial = true,
       .before = ath9k / "htc_9271-1.4.0.fw",
       .after = ath9k / "htc_7010-1.4.0.fw"},
      {.serial = "BRAKE-0001",
       .hardware_id = "brake-mk4",
       .team = "chassis",
       .partial = true,
       .spare_slot = false,
       .before = u_boot / "maltael/u-boot.bin",
       .after = u_boot / "malta64el/u-boot.bin"},
  };
}

World::World(fs::path dir, fs::path programs, std::vector<EcuPlan> ecus)
    : dir_(std::move(dir)), programs_(std::move(programs)), ecus_(std::move(ecus)) {
  environment_["COTTER_PASSPHRASE"] = "the workspace's own words";
  environment_["COTTER_PASSPHRASE_HOLDER"] = "the holders' own words";
}

const EcuPlan& World::primary() const {
  return *std::ranges::find_if(ecus_, [](const EcuPlan& ecu) { return ecu.primary; });
}

Command World::command(const char* program, std::vector<std::string> arguments) const {
  const std::string name(program);
  if (pins_.empty() || (name != "cotter" && name != "cotter-sign")) {
    return {this->program(program), std::move(arguments), environment_, {}};
  }
  arguments.insert(arguments.begin(),
                   {"-c", "exec 3<\"$0\"; exec \"$@\"", pins_.string(), this->program(program).string()});
  arguments.insert(arguments.end(), {"--pin-fd", "3"});
  return {"/bin/sh", std::move(arguments), environment_, {}};
}

Result<void> World::make_workspace(std::vector<std::string> init_options, const fs::path& pins) {
  TRY(make_dirs(dir_));
  init_options.insert(init_options.begin(),
                      {"init", workspace().string(), "--offline-dir", holders().string()});
  pins_ = pins;
  TRY(run_well(command("cotter", std::move(init_options))));
  return {};
}

Result<void> World::start_server(std::vector<std::string> options) {
  server_options_ = std::move(options);
  std::vector<std::string> arguments = {"-C", workspace().string(), "--json", "--listen",
                                        "127.0.0.1:" + std::to_string(server_port_)};
  arguments.insert(arguments.end(), server_options_.begin(), server_options_.end());
  Command server = command("cotterd", std::move(arguments));
  server.environment.erase("COTTER_PASSPHRASE_HOLDER");  // it would not start with an offline key in reach
  server.without = {"COTTER_PASSPHRASE_HOLDER"};
  server.log = dir_ / "cotterd.log";
  server_ = TRY(Daemon::start(server));
  const json::Value ready = TRY(parse(TRY(server_->read_line())));
  const std::string url = TRY(TRY(json::ObjectView::of(ready, "cotterd")).string("listening"));
  server_port_ = std::stoi(url.substr(url.rfind(':') + 1));
  return {};
}

Result<void> World::restart_server() {
  if (server_) server_->stop();
  return start_server(server_options_);
}

Result<json::Value> World::provision(const EcuPlan& ecu) {
  std::vector<std::string> arguments = {"provision",
                                        ecu_dir(ecu).string(),
                                        "--vin",
                                        vin_,
                                        "--serial",
                                        ecu.serial,
                                        "--hardware-id",
                                        ecu.hardware_id,
                                        "--director-root",
                                        (workspace() / "director/1.root.json").string(),
                                        "--image",
                                        ecu.before.string(),
                                        "--image-name",
                                        ecu.image_name(ecu.before),
                                        "--release-counter",
                                        "1"};
  const auto add = [&](std::initializer_list<std::string> more) { arguments.insert(arguments.end(), more); };
  if (!ecu.partial) add({"--image-root", (workspace() / "repo/1.root.json").string()});
  if (ecu.primary) {
    add({"--server", server_url(), "--ca", (workspace() / "pki/ca.crt").string()});
  } else {
    ecu_ports_[ecu.serial] = TRY(free_port());
    add({"--verification", ecu.partial ? "partial" : "full", "--listen",
         "127.0.0.1:" + std::to_string(ecu_ports_[ecu.serial])});
    if (!ecu.spare_slot) add({"--no-spare-slot"});
  }
  return parse(
      TRY(run_well(command(ecu.primary ? "cotter-primary" : "cotter-secondary", std::move(arguments)))));
}

Result<void> World::build_vehicle() {
  TRY(make_dirs(dir_ / "vehicle"));
  json::Array records;
  for (const EcuPlan& ecu : ecus_) records.push_back(TRY(provision(ecu)));
  const json::Object vehicle{{"vin", vin_}, {"ecus", std::move(records)}};
  // One record for both sides: the inventory believes these keys, and the primary knows its secondaries by
  // it.
  const fs::path record = ecu_dir(primary()) / "vehicle.json";
  TRY(host::write_atomically(record, as_bytes(json::to_pretty_text(vehicle))));
  TRY(run_well(command("cotter", {"-C", workspace().string(), "vehicle", "add", record.string()})));
  TRY(certify_vehicle());
  return add_links();
}

Result<void> World::certify_vehicle() {
  const fs::path tls = ecu_dir(primary()) / "tls";
  TRY(run_well(command("cotter", {"-C", workspace().string(), "vehicle", "certificate", vin_, "--csr",
                                  (tls / "vehicle.csr").string(), "--out", (tls / "vehicle.crt").string()})));
  return {};
}

Result<void> World::add_links() {
  std::ofstream config(ecu_dir(primary()) / "primary.toml", std::ios::app);
  for (const auto& [serial, port] : ecu_ports_) {
    config << "\n[[ecu]]\nserial = \"" << serial << "\"\naddress = \"127.0.0.1:" << port << "\"\n";
  }
  config.close();
  if (!config) return fault(Fault::Kind::Io, "cannot add the secondaries' addresses to primary.toml");
  return {};
}

Result<void> World::start_secondary(const EcuPlan& ecu) {
  Command secondary = command("cotter-secondary", {"--config", (ecu_dir(ecu) / "ecu.toml").string()});
  secondary.environment.clear();  // an ECU has no business with anyone's passphrase
  secondary.log = dir_ / "vehicle" / (ecu.serial + ".log");
  Daemon daemon = TRY(Daemon::start(secondary));
  TRY(daemon.read_line());
  secondaries_.insert_or_assign(ecu.serial, std::move(daemon));
  return {};
}

Result<void> World::start_secondaries() {
  for (const EcuPlan& ecu : ecus_) {
    if (!ecu.primary) TRY(start_secondary(ecu));
  }
  return {};
}

Result<void> World::publish(const EcuPlan& ecu, const fs::path& file, int release_counter) {
  TRY(run_well(command(
      "cotter", {"-C", workspace().string(), "publish", file.string(), "--name", ecu.image_name(file),
                 "--hardware-id", ecu.hardware_id, "--version", std::to_string(release_counter) + ".0",
                 "--release-counter", std::to_string(release_counter), "--sign-with",
                 (holders() / "holder-1").string(), "--sign-with", (holders() / "holder-2").string()})));
  return {};
}

Result<void> World::assign(const EcuPlan& ecu, const fs::path& file) {
  TRY(run_well(
      command("cotter", {"-C", workspace().string(), "assign", vin_, ecu.serial, ecu.image_name(file)})));
  return {};
}

Result<std::pair<int, json::Value>> World::run_primary() {
  Command primary =
      command("cotter-primary",
              {"--config", (ecu_dir(this->primary()) / "primary.toml").string(), "--once", "--json"});
  primary.environment.clear();
  const Ended ended = TRY(run(primary));
  auto said = parse(ended.out);
  if (!said) return fault(Fault::Kind::Io, "cotter-primary said no JSON, but: " + ended.err);
  return std::pair(ended.exit_code, std::move(*said));
}

Result<json::Value> World::inventory() {
  return parse(
      TRY(run_well(command("cotter", {"-C", workspace().string(), "vehicle", "show", vin_, "--json"}))));
}

Result<std::string> World::active_sha256(const EcuPlan& ecu) {
  fs::path folder = ecu_dir(ecu);
  return to_hex(crypto::sha256(TRY(host::read_file(fs::canonical(folder / "active"), kMaxImage))));
}

void World::stop() {
  for (auto& [serial, secondary] : secondaries_) secondary.stop();
  secondaries_.clear();
  if (server_) server_->stop();
  server_.reset();
}

}  // namespace cotter::world
