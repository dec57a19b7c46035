// Who may use the operations API: a bearer token's text, what is kept of it, and whom it makes its bearer.
// Never kept in the clear: its SHA-256 is enough to know it again, and 256 random bits need no slower hash.
// Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/time.h"
#include "common/crypto/secret.h"

namespace cotter::operations {

/// What a bearer may do: hand in submissions of one supplier; or look at all of them.
enum class TokenRole : std::uint8_t { Supplier, Operator };
std::string_view name_of(TokenRole role) noexcept;
std::optional<TokenRole> token_role_named(std::string_view name) noexcept;

/// What is known of a token; never the token.
struct TokenRecord {
  std::string name;  ///< of its bearer, for people and the ledger
  TokenRole role = TokenRole::Supplier;
  std::optional<std::string> supplier;  ///< for whom, of role Supplier alone
  UtcTime added{};
  UtcTime expires{};
  std::optional<UtcTime> revoked{};
  [[nodiscard]] bool is_good(UtcTime now) const { return !revoked && now < expires; }
};

/// Whose token came with a request.
struct Caller {
  std::string name;
  TokenRole role = TokenRole::Supplier;
  std::string supplier;  ///< empty but for role Supplier
};

/// "cotter-" and 64 hex digits, all of them random: known as one wherever it turns up by mistake.
crypto::Secret new_token();
/// Of a text that has a token's form; nothing of any other.
std::optional<Bytes> token_hash(std::string_view text);
/// Of the token in an Authorization header (RFC 6750 2.1); nothing when it holds none.
std::optional<Bytes> bearer_hash(std::string_view authorization);

}  // namespace cotter::operations
