#include "server/keys/pki.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <optional>

#include "common/crypto/digest.h"
#include "common/host/atomic_file.h"
#include "common/model/file_names.h"
#include "server/keys/certificate.h"

namespace cotter::keys {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMaxPem = 64 * 1024;
constexpr std::size_t kMaxCommonName = 64;  // RFC 5280, ub-common-name
constexpr std::size_t kMaxDnsName = 253;
constexpr std::chrono::hours kClockSkew{1};  // of a vehicle whose clock is behind ours

constexpr const char* kCaCertificate = "ca.crt";
constexpr const char* kCaKey = "ca.key";

bool is_address(const std::string& name) {
  std::array<unsigned char, sizeof(in6_addr)> address{};
  return ::inet_pton(AF_INET, name.c_str(), address.data()) == 1 ||
         ::inet_pton(AF_INET6, name.c_str(), address.data()) == 1;
}

/// Letters, digits, `-` and `.` alone: OpenSSL's notation of a list of names gives a meaning to others.
bool is_dns_name(const std::string& name) {
  return !name.empty() && name.size() <= kMaxDnsName && name.front() != '.' && name.front() != '-' &&
         name.find("..") == std::string::npos && std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
                  c == '-';
         });
}

Result<std::string> alternative_names(const std::vector<std::string>& more) {
  std::string names = "DNS:localhost,IP:127.0.0.1,IP:::1";
  for (const std::string& name : more) {
    if (is_address(name)) {
      names += ",IP:" + name;
    } else if (is_dns_name(name)) {
      names += ",DNS:" + name;
    } else {
      return fault(Fault::Kind::Usage, "bad server name \"" + name + "\"", "use a DNS name or an IP address");
    }
  }
  return names;
}

CertificateText ca_text(EVP_PKEY& key, UtcTime now) {
  // Part of the key's hash in the name tells the CAs of two workspaces apart.
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(&key, &der);
  const Bytes hash = crypto::sha256(ByteView(der, static_cast<std::size_t>(std::max(size, 0))));
  OPENSSL_free(der);
  return {.common_name = "Cotter workspace CA " + to_hex(ByteView(hash).first(4)),
          .basic_constraints = "critical,CA:TRUE,pathlen:0",
          .key_usage = "critical,keyCertSign,cRLSign",
          .not_before = now - kClockSkew,
          .not_after = now + kCaLifetime};
}

CertificateText end_text(std::string common_name, std::string purpose, UtcTime now,
                         std::chrono::days lifetime) {
  return {.common_name = std::move(common_name),
          .basic_constraints = "critical,CA:FALSE",
          .key_usage = "critical,digitalSignature",
          .extended_key_usage = std::move(purpose),
          .not_before = now - kClockSkew,
          .not_after = now + lifetime};
}

Result<void> write_pair(const fs::path& stem, X509& certificate, EVP_PKEY& key,
                        const crypto::Secret& passphrase) {
  const std::string sealed = TRY(sealed_pem(key, passphrase));
  TRY(host::create_atomically(stem.string() + ".key", as_bytes(sealed), host::kSecretFile));
  const std::string pem = TRY(pem_of(certificate));
  return host::create_atomically(stem.string() + ".crt", as_bytes(pem), host::kPublicFile);
}

struct Authority {
  CertificateHandle certificate;
  KeyHandle key;
};

Result<Authority> open_ca(const fs::path& pki_dir, const crypto::Secret& passphrase) {
  const fs::path certificate_file = pki_dir / kCaCertificate;
  const fs::path key_file = pki_dir / kCaKey;
  const Bytes certificate_pem = TRY(host::read_file(certificate_file, kMaxPem));
  const Bytes key_pem = TRY(host::read_file(key_file, kMaxPem));
  Authority ca;
  ca.certificate = TRY(read_certificate(as_text(certificate_pem), certificate_file.string()));
  ca.key = TRY(open_sealed_pem(as_text(key_pem), passphrase, key_file.string()));
  if (X509_check_private_key(ca.certificate.get(), ca.key.get()) != 1) {
    return fault(Fault::Kind::Io, key_file.string() + " is not the key of " + certificate_file.string(),
                 "restore both from the same backup");
  }
  return ca;
}

std::optional<UtcTime> time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return std::nullopt;
  return UtcTime(std::chrono::seconds(::timegm(&parts)));
}

}  // namespace

Result<void> create_pki(const fs::path& pki_dir, const crypto::Secret& passphrase,
                        const std::vector<std::string>& server_names, UtcTime now) {
  const std::string names = TRY(alternative_names(server_names));
  TRY(host::make_dir(pki_dir, host::kSecretDir));

  const KeyHandle ca_key = TRY(make_key());
  const CertificateHandle ca = TRY(make_certificate(ca_text(*ca_key, now), *ca_key, nullptr, *ca_key));
  TRY(write_pair(pki_dir / "ca", *ca, *ca_key, passphrase));

  CertificateText text =
      end_text(server_names.empty() ? "localhost" : server_names.front().substr(0, kMaxCommonName),
               "serverAuth", now, kServerLifetime);
  text.alternative_names = names;
  const KeyHandle server_key = TRY(make_key());
  const CertificateHandle server = TRY(make_certificate(text, *server_key, ca.get(), *ca_key));
  return write_pair(pki_dir / "server", *server, *server_key, passphrase);
}

Result<std::string> issue_device_certificate(const fs::path& pki_dir, const crypto::Secret& passphrase,
                                             const VehicleId& vehicle, std::string_view csr_pem,
                                             UtcTime now) {
  if (!model::is_identifier(vehicle.value()) || vehicle.value().size() > kMaxCommonName) {
    return fault(Fault::Kind::Usage, "bad vehicle id for a certificate",
                 "use 1 to 64 printable characters, no blank, slash, backslash or quote");
  }
  const KeyHandle device_key = TRY(requested_key(csr_pem));
  const Authority ca = TRY(open_ca(pki_dir, passphrase));
  const CertificateText text = end_text(vehicle.value(), "clientAuth", now, kDeviceLifetime);
  const CertificateHandle certificate =
      TRY(make_certificate(text, *device_key, ca.certificate.get(), *ca.key));
  return pem_of(*certificate);
}

Result<Validity> validity_of(std::string_view pem, const std::string& what) {
  const CertificateHandle certificate = TRY(read_certificate(pem, what));
  const auto not_before = time_of(X509_get0_notBefore(certificate.get()));
  const auto not_after = time_of(X509_get0_notAfter(certificate.get()));
  if (!not_before || !not_after) {
    return fault(Fault::Kind::Io, "cannot read the dates of " + what, "make the certificate anew");
  }
  return Validity{*not_before, *not_after};
}

Result<Validity> read_validity(const fs::path& file) {
  const Bytes pem = TRY(host::read_file(file, kMaxPem));
  return validity_of(as_text(pem), file.string());
}

Result<Certified> read_certified(const fs::path& file) {
  const Bytes pem = TRY(host::read_file(file, kMaxPem));
  Certified certified;
  certified.validity = TRY(validity_of(as_text(pem), file.string()));
  const CertificateHandle certificate = TRY(read_certificate(as_text(pem), file.string()));
  EVP_PKEY* key = X509_get0_pubkey(certificate.get());
  if (key == nullptr) return certified;
  if (const auto known = keystore::public_key_of(*key)) certified.key = *known;
  return certified;
}

}  // namespace cotter::keys
