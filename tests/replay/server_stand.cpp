#include "tests/replay/server_stand.h"

#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>

#include "common/host/atomic_file.h"
#include "common/json/canonical.h"
#include "common/json/strict_reader.h"
#include "server/keys/certificate.h"
#include "server/keys/pki.h"

namespace cotter::replay {
namespace {

constexpr std::uint64_t kMaxSettings = 64 * 1024;
constexpr const char* kOnline = "words of a stand that guards nothing";
constexpr const char* kHolder = "words of a holder who holds nothing";

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string key_pem(EVP_PKEY& key) {
  const Bio bio(BIO_new(BIO_s_mem()), &BIO_free);
  COTTER_ASSERT(PEM_write_bio_PrivateKey(bio.get(), &key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return text_of(bio.get());
}

std::string request_pem(EVP_PKEY& key) {
  const std::unique_ptr<X509_REQ, decltype(&X509_REQ_free)> request(X509_REQ_new(), &X509_REQ_free);
  COTTER_ASSERT(X509_REQ_set_pubkey(request.get(), &key) == 1 &&
                X509_REQ_sign(request.get(), &key, EVP_sha256()) > 0);
  const Bio bio(BIO_new(BIO_s_mem()), &BIO_free);
  COTTER_ASSERT(PEM_write_bio_X509_REQ(bio.get(), request.get()) == 1);
  return text_of(bio.get());
}

crypto::Secret secret(std::string text) {
  return crypto::Secret::taking({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
}

}  // namespace

world::Command ServerStand::command(const char* program, std::vector<std::string> arguments) const {
  world::Command command;
  command.program = programs_ / program;
  command.arguments = std::move(arguments);
  command.environment = {{"COTTER_PASSPHRASE", kOnline}};
  return command;
}

Result<ServerStand> ServerStand::build(std::filesystem::path dir, std::filesystem::path programs) {
  TRY(host::make_dir(dir, host::kSecretDir));
  ServerStand stand(std::move(dir), std::move(programs));
  world::Command init = stand.command(
      "cotter", {"init", stand.workspace().string(), "--offline-dir", (stand.dir_ / "holders").string()});
  init.environment["COTTER_PASSPHRASE_HOLDER"] = kHolder;
  TRY(world::run_well(init));
  TRY(stand.hasten());
  return stand;
}

/// A vehicle under attack comes to its limit, and what it is told to wait would be most of a run. Still far
/// below what a flood reaches on a machine that is busy with other tests, or it would not come to a limit at
/// all.
Result<void> ServerStand::hasten() const {
  const auto file = workspace() / "cotter.toml";
  const Bytes bytes = TRY(host::read_file(file, kMaxSettings));
  std::string text(as_text(bytes));
  const std::string slow = "writes_per_minute = 12\n";
  const auto place = text.find(slow);
  COTTER_ASSERT(place != std::string::npos);
  text.replace(place, slow.size(), "writes_per_minute = 240\n");
  return host::write_atomically(file, as_bytes(text));
}

Result<void> ServerStand::record(const inventory::VehicleRecord& record) {
  const auto file = dir_ / (record.vin.value() + ".json");
  TRY(host::write_atomically(file, as_bytes(json::to_text(record.encode()))));
  TRY(world::run_well(command("cotter", {"-C", workspace().string(), "vehicle", "add", file.string()})));
  return {};
}

Result<Credentials> ServerStand::certify(const VehicleId& vin) {
  const auto pki = workspace() / "pki";
  const Credentials made{pki / "ca.crt", dir_ / (vin.value() + ".crt"), dir_ / (vin.value() + ".key")};
  const auto key = TRY(keys::make_key());
  const UtcTime now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const std::string certificate =
      TRY(keys::issue_device_certificate(pki, secret(kOnline), vin, request_pem(*key), now));
  TRY(host::write_atomically(made.certificate, as_bytes(certificate)));
  TRY(host::write_atomically(made.key, as_bytes(key_pem(*key)), host::kSecretFile));
  return made;
}

Result<ServerOptions> ServerStand::enroll(const std::string& vin, bool with_certificates) {
  ServerOptions options;
  options.vin = vin;
  options.seed_file = dir_ / (vin + ".seed");
  const Identity identity = TRY(Identity::open(options.seed_file, vin));
  TRY(record(identity.record()));
  TRY(record(identity.neighbours_record()));
  if (with_certificates) {
    options.vehicle = TRY(certify(VehicleId(identity.vin())));
    options.neighbour = TRY(certify(VehicleId(identity.neighbours_vin())));
  }
  return options;
}

Result<std::string> ServerStand::start(bool plain, const std::map<std::string, std::string>& environment) {
  std::vector<std::string> arguments = {"-C", workspace().string(), "--listen", "127.0.0.1:0"};
  if (plain) arguments.emplace_back("--plain");
  world::Command cotterd = command("cotterd", std::move(arguments));
  cotterd.log = log();
  cotterd.without = {"COTTER_PASSPHRASE_HOLDER"};
  for (const auto& [name, value] : environment) cotterd.environment[name] = value;
  server_ = TRY(world::Daemon::start(cotterd));
  const std::string line = TRY(server_->read_line());
  const std::string words = "listening on ";
  if (!line.starts_with(words)) return fault(Fault::Kind::Io, "cotterd says: " + line);
  return line.substr(words.size());
}

int ServerStand::stop() {
  const int code = server_ ? server_->stop() : 0;
  server_.reset();
  return code;
}

Result<json::Value> ServerStand::inventory(const std::string& vin) {
  const std::string shown =
      TRY(world::run_well(command("cotter", {"-C", workspace().string(), "vehicle", "show", vin, "--json"})));
  return json::read(as_bytes(shown));
}

}  // namespace cotter::replay
