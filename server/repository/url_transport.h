// Reads a repository from the web, for `cotter check URL` and `cotter submit`.
// Never follows a redirect, never leaves its base. One thread at a time.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/crypto/secret.h"
#include "server/repository/source.h"

namespace cotter::repository {

/// What TLS needs beyond the system's own CAs.
struct TlsFiles {
  std::optional<std::filesystem::path> ca{};           ///< trust this CA and no other
  std::optional<std::filesystem::path> certificate{};  ///< who we are, where the server asks
  std::optional<std::filesystem::path> key{};
};

class UrlTransport final : public Source {
 public:
  /// `base_url`: http or https, with or without a slash at its end. Faults: Usage (another kind of URL), Io.
  static Result<UrlTransport> create(std::string_view base_url, const TlsFiles& tls);
  ~UrlTransport() override;
  UrlTransport(UrlTransport&&) noexcept;
  UrlTransport& operator=(UrlTransport&&) noexcept;
  /// Shows this token with every request from now on; https alone. Fault: Usage.
  Result<void> show_token(const crypto::Secret& token);
  /// Faults besides: Network, Timeout (30 s without a byte), Denied (TLS, or the server's word).
  Result<void> stream(std::string_view path, const Sink& sink) override;

 private:
  struct Connection;
  UrlTransport(std::string base_url, std::unique_ptr<Connection> connection);
  std::string base_url_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace cotter::repository
