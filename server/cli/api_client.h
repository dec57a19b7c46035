// Asks the operations API of a cotterd, as the bearer of a token.
// Never without TLS, never follows a redirect: the token goes to no other server. One thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/crypto/secret.h"
#include "server/repository/url_transport.h"

namespace cotter::cli {

struct ApiReply {
  long status = 0;
  std::map<std::string, std::string> headers;  ///< names in lower case
  Bytes body;
};

class ApiClient {
 public:
  /// Faults: Usage (no https URL), Io.
  static Result<ApiClient> create(std::string_view server, const repository::TlsFiles& tls,
                                  const crypto::Secret& token);
  ~ApiClient();
  ApiClient(ApiClient&&) noexcept;
  ApiClient& operator=(ApiClient&&) noexcept;

  /// `path` from the server's root on. Faults: Network, Timeout, Denied (TLS), Io (an answer of megabytes).
  Result<ApiReply> ask(const std::string& method, std::string_view path, ByteView body = {},
                       const std::vector<std::string>& headers = {});

 private:
  struct Connection;
  ApiClient(std::string server, std::unique_ptr<Connection> connection);
  std::string server_;
  std::unique_ptr<Connection> connection_;
};

/// A problem (RFC 9457) as an error: 401 and 403 Denied, 404 NotFound, 409 Conflict, 422 Denied, else
/// Network.
Error error_of(const ApiReply& reply);

}  // namespace cotter::cli
