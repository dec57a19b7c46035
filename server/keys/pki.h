// The workspace's certificate authority: the server's certificate and the vehicles' device certificates.
// Never signs a request whose sender does not hold its key, and never takes a name from the request. ECDSA
// P-256, SHA-256. Safe on any thread.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/base/time.h"
#include "common/crypto/public_key.h"
#include "common/crypto/secret.h"

namespace cotter::keys {

// Lifetimes: the CA outlives the vehicles' first certificates; a device is renewed long before its own ends.
inline constexpr std::chrono::days kCaLifetime{20 * 365};
inline constexpr std::chrono::days kServerLifetime{397};
inline constexpr std::chrono::days kDeviceLifetime{2 * 365};

/// Makes `pki_dir` (0700) with ca.crt, ca.key, server.crt and server.key; the keys are PKCS #8, encrypted
/// under `passphrase` (scrypt, AES-256-CBC), 0600. The server's certificate is for localhost, 127.0.0.1, ::1
/// and `server_names` (DNS names or addresses). Faults: Conflict (`pki_dir` is there), Usage (a bad name),
/// Denied, NoSpace, Io.
Result<void> create_pki(const std::filesystem::path& pki_dir, const crypto::Secret& passphrase,
                        const std::vector<std::string>& server_names, UtcTime now);

/// A certificate in PEM, CN = `vehicle`, for TLS clients alone, for the key in `csr_pem` (PKCS #10; P-256,
/// P-384, Ed25519 or RSA of at least 2048 bits). Faults: Denied (wrong passphrase; the request is not signed
/// by the key it names; a weak key), Usage (no PEM request, `vehicle` is no identifier), NotFound, Io.
Result<std::string> issue_device_certificate(const std::filesystem::path& pki_dir,
                                             const crypto::Secret& passphrase, const VehicleId& vehicle,
                                             std::string_view csr_pem, UtcTime now);

/// From when until when a certificate is good.
struct Validity {
  UtcTime not_before{};
  UtcTime not_after{};
};
/// Of one in PEM; `what` names it. Fault: Io (no certificate).
Result<Validity> validity_of(std::string_view pem, const std::string& what);
/// Of the one in `file`. Faults: NotFound, Denied, Io.
Result<Validity> read_validity(const std::filesystem::path& file);
/// Likewise, with the key that it is for; none where that is of a kind that we do not sign with.
struct Certified {
  Validity validity{};
  std::optional<crypto::PublicKey> key{};
};
Result<Certified> read_certified(const std::filesystem::path& file);

}  // namespace cotter::keys
