#include "client/primary/config.h"

#include "common/host/atomic_file.h"
#include "common/host/config.h"
#include "common/host/limits_config.h"
#include "common/json/object_view.h"
#include "common/json/strict_reader.h"

namespace cotter::client {
namespace {

constexpr std::uint64_t kMaxRecordBytes = 1024 * 1024;

Result<std::map<EcuSerial, TcpAddress>> read_addresses(const host::Config& config) {
  std::map<EcuSerial, TcpAddress> addresses;
  for (const host::Config& ecu : TRY(config.tables("ecu"))) {
    EcuSerial serial(TRY(ecu.string("serial")));
    addresses[std::move(serial)] = TRY(parse_tcp_address(TRY(ecu.string("address"))));
  }
  return addresses;
}

Result<std::optional<CurlSession::TlsFiles>> read_tls(const host::Config& config) {
  const auto ca = TRY(config.find_path("tls.ca"));
  if (!ca) return std::nullopt;
  CurlSession::TlsFiles files;
  files.ca = *ca;
  files.certificate = TRY(config.path("tls.certificate"));
  files.key = TRY(config.path("tls.key"));
  return files;
}

/// "https://host:port/time"
std::string time_url_beside(const std::string& director_url) {
  const auto scheme = director_url.find("://");
  const auto host_ends = director_url.find('/', scheme == std::string::npos ? 0 : scheme + 3);
  return director_url.substr(0, host_ends) + "/time";
}

Result<KnownEcu> read_ecu(const json::Value& value) {
  const auto ecu = TRY(json::ObjectView::of(value, "ecu"));
  EcuSerial serial(TRY(ecu.string("serial")));
  HardwareId hardware_id(TRY(ecu.string("hardware_id")));
  auto key = TRY(crypto::PublicKey::decode(*TRY(ecu.value("key")), crypto::Profile::Vehicle));
  const ReleaseCounter counter(TRY(ecu.integer("release_counter")));
  return KnownEcu{std::move(serial), std::move(hardware_id), std::move(key), counter};
}

}  // namespace

Result<PrimaryConfig> PrimaryConfig::read(const std::filesystem::path& file) {
  const host::Config config = TRY(host::Config::read(file));
  PrimaryConfig read;
  read.identity.vin = VehicleId(TRY(config.string("vin")));
  read.identity.primary = EcuSerial(TRY(config.string("primary")));
  read.record = TRY(config.path("record"));
  read.own_ecu = TRY(config.path("own_ecu"));
  read.state_dir = TRY(config.path("state_dir"));
  read.director_url = TRY(config.string("director_url"));
  read.image_url = TRY(config.string("image_url"));
  read.image_target_url = TRY(config.string("image_target_url"));
  read.time_url = TRY(config.string_or("time_url", time_url_beside(read.director_url)));
  read.tls = TRY(read_tls(config));
  read.addresses = TRY(read_addresses(config));
  read.poll_every = std::chrono::seconds(TRY(config.integer_or("poll_every_seconds", 300, 1, 7 * 24 * 3600)));
  read.cycle.image_refresh_every =
      std::chrono::seconds(TRY(config.integer_or("image_refresh_seconds", 24 * 3600, 0, 7 * 24 * 3600)));
  read.cycle.director_limits = TRY(host::read_limits(config, "limits.director", read.cycle.director_limits));
  read.cycle.image_limits = TRY(host::read_limits(config, "limits.image", read.cycle.image_limits));
  const std::filesystem::path dir = file.parent_path();
  read.floors = TRY(read_floor_place(config, dir.empty() ? "." : dir));
  TRY(config.refuse_unknown());
  return read;
}

Result<std::vector<KnownEcu>> read_vehicle_record(const std::filesystem::path& file,
                                                  const VehicleIdentity& identity) {
  const json::Value document = TRY(json::read(TRY(host::read_file(file, kMaxRecordBytes))));
  const auto record = TRY(json::ObjectView::of(document, "vehicle record"));
  const std::string hint = "put the record there that the director's inventory was given";
  if (TRY(record.string("vin")) != identity.vin.value()) {
    return fault(Fault::Kind::Usage, file.string() + " is the record of another vehicle", hint);
  }
  std::vector<KnownEcu> ecus;
  bool primary_listed = false;
  for (const json::Value& entry : *TRY(record.array("ecus"))) {
    ecus.push_back(TRY(read_ecu(entry)));
    primary_listed = primary_listed || ecus.back().serial == identity.primary;
  }
  if (!primary_listed) {
    return fault(Fault::Kind::Usage, file.string() + " does not list the primary " + identity.primary.value(),
                 hint);
  }
  return ecus;
}

}  // namespace cotter::client
