// A PKCS #11 URI (RFC 7512), parsed: which token, which key on it, where its PIN lies. Never holds a PIN: one
// in the URI itself would end in logs and argument lists. One owner, one thread.
#pragma once

#include <p11-kit/uri.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/crypto/free_by.h"

namespace cotter::keystore {

class Pkcs11Uri {
 public:
  /// Fault: Usage (not such a URI; a `pin-value`; a `pin-source` that is no file).
  static Result<Pkcs11Uri> parse(const std::string& text);

  [[nodiscard]] bool fits(const CK_TOKEN_INFO& token) const;
  [[nodiscard]] std::optional<Bytes> object() const { return attribute(CKA_LABEL); }
  [[nodiscard]] std::optional<Bytes> id() const { return attribute(CKA_ID); }
  [[nodiscard]] const std::optional<std::filesystem::path>& pin_source() const noexcept {
    return pin_source_;
  }
  [[nodiscard]] std::optional<std::string> module_path() const;
  /// Of the token alone.
  [[nodiscard]] Result<std::string> of_token() const;
  /// Of one key on `token`; what this URI says of PIN and module stays.
  [[nodiscard]] Result<std::string> of_key(const CK_TOKEN_INFO& token, ByteView id,
                                           const std::string& label) const;

 private:
  using Handle = std::unique_ptr<P11KitUri, crypto::FreeBy<p11_kit_uri_free>>;
  explicit Pkcs11Uri(Handle handle) : handle_(std::move(handle)) {}
  [[nodiscard]] std::optional<Bytes> attribute(CK_ATTRIBUTE_TYPE type) const;
  Handle handle_;
  std::optional<std::filesystem::path> pin_source_;
};

}  // namespace cotter::keystore
