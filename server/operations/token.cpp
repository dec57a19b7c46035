#include "server/operations/token.h"

#include <algorithm>
#include <cctype>

#include "common/crypto/digest.h"

namespace cotter::operations {
namespace {

constexpr std::string_view kPrefix = "cotter-";
constexpr std::string_view kScheme = "bearer ";
constexpr std::size_t kRandomBytes = 32;

}  // namespace

std::string_view name_of(TokenRole role) noexcept {
  return role == TokenRole::Supplier ? "supplier" : "operator";
}

std::optional<TokenRole> token_role_named(std::string_view name) noexcept {
  for (const TokenRole role : {TokenRole::Supplier, TokenRole::Operator}) {
    if (name == name_of(role)) return role;
  }
  return std::nullopt;
}

crypto::Secret new_token() {
  std::string text(kPrefix);
  text += to_hex(crypto::Secret::random(kRandomBytes).view());
  return crypto::Secret::taking({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
}

std::optional<Bytes> token_hash(std::string_view text) {
  if (text.size() != kPrefix.size() + 2 * kRandomBytes || !text.starts_with(kPrefix)) return std::nullopt;
  const std::string_view digits = text.substr(kPrefix.size());
  const bool well = std::ranges::all_of(
      digits, [](unsigned char c) { return std::isdigit(c) != 0 || (c >= 'a' && c <= 'f'); });
  if (!well) return std::nullopt;
  return crypto::sha256(as_bytes(text));
}

std::optional<Bytes> bearer_hash(std::string_view authorization) {
  if (authorization.size() < kScheme.size()) return std::nullopt;
  const bool is_bearer = std::ranges::equal(authorization.substr(0, kScheme.size()), kScheme,
                                            [](unsigned char a, char b) { return std::tolower(a) == b; });
  if (!is_bearer) return std::nullopt;
  return token_hash(authorization.substr(kScheme.size()));
}

}  // namespace cotter::operations
