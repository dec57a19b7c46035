// The listener's TLS: its own key and certificate, and what a client certificate says, by OpenSSL.
// Never TLS below 1.2, never a session taken up again: each connection is judged anew. One thread.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <optional>
#include <string>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "server/http/server.h"

namespace cotter::http {

struct FreeTlsContext {
  void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
using TlsContext = std::unique_ptr<SSL_CTX, FreeTlsContext>;

/// A context for server connections. A client without a certificate may connect (and is told what it lacks);
/// one with a bad certificate may not. Faults: NotFound (a file is missing), Denied (wrong passphrase), Io
/// (damaged; a key of another certificate).
Result<TlsContext> make_tls_context(const TlsMaterial& material);

/// Whom the verified client certificate names: the common name of its subject, if that is an identifier.
std::optional<VehicleId> named_by_certificate(SSL* connection);
/// Why a handshake refused the client's certificate ("certificate has expired"); empty when it did not.
std::string certificate_complaint(SSL* connection);

}  // namespace cotter::http
