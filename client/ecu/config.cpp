#include "client/ecu/config.h"

#include "common/host/atomic_file.h"
#include "common/host/config.h"
#include "common/host/limits_config.h"
#include "common/model/file_names.h"

namespace cotter::client {
namespace {

Result<std::string> identifier(const host::Config& config, std::string_view key) {
  std::string text = TRY(config.string(key));
  if (!model::is_identifier(text)) {
    return fail(
        config.bad_value(key, "must be 1 to 128 printable characters without blanks, quotes or slashes"));
  }
  return text;
}

Result<ServeLimits> read_limits(const host::Config& config) {
  ServeLimits limits;
  const auto seconds = [&](std::string_view key, std::chrono::milliseconds& into) -> Result<void> {
    into = std::chrono::seconds(TRY(config.integer_or(key, into.count() / 1000, 1, 3600)));
    return {};
  };
  TRY(seconds("limits.idle_seconds", limits.idle));
  TRY(seconds("limits.frame_seconds", limits.frame));
  limits.min_bytes_per_second = static_cast<std::uint64_t>(
      TRY(config.integer_or("limits.min_bytes_per_second",
                            static_cast<std::int64_t>(limits.min_bytes_per_second), 1, 1'000'000'000)));
  return limits;
}

}  // namespace

Result<Verification> verification_named(const std::string& name) {
  if (name == "full") return Verification::Full;
  if (name == "partial") return Verification::Partial;
  return fault(Fault::Kind::Usage, "\"" + name + "\" is no kind of verification", "full or partial");
}

Result<EcuConfig> read_ecu_config(const std::filesystem::path& file) {
  const host::Config config = TRY(host::Config::read(file));
  EcuConfig ecu;
  ecu.dir = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  ecu.identity.vin = VehicleId(TRY(identifier(config, "vin")));
  ecu.identity.serial = EcuSerial(TRY(identifier(config, "serial")));
  ecu.identity.hardware_id = HardwareId(TRY(identifier(config, "hardware_id")));
  const std::string verification = TRY(config.string("verification"));
  const auto kind = verification_named(verification);
  if (!kind) return fail(config.bad_value("verification", "must be \"full\" or \"partial\""));
  ecu.identity.verification = *kind;
  const auto address = parse_tcp_address(TRY(config.string("listen")));
  if (!address) return fail(config.bad_value("listen", "must be HOST:PORT, as 127.0.0.1:8801"));
  ecu.listen = *address;
  ecu.limits = TRY(read_limits(config));
  EcuIdentity& self = ecu.identity;
  self.director_limits = TRY(host::read_limits(config, "limits.director", self.director_limits));
  self.image_limits = TRY(host::read_limits(config, "limits.image", self.image_limits));
  ecu.floors = TRY(read_floor_place(config, ecu.dir));
  TRY(config.refuse_unknown());

  self.director_root = TRY(host::read_file(ecu.dir / "director-root.json", self.director_limits.root_bytes));
  if (*kind == Verification::Full) {
    self.image_root = TRY(host::read_file(ecu.dir / "image-root.json", self.image_limits.root_bytes));
  }
  return ecu;
}

}  // namespace cotter::client
