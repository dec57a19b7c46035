// What the tests of key files and tokens share: a cheap passphrase, and who answers when a PIN is asked for.
// Never for use outside tests. One thread.
#pragma once

#include <string>

#include "common/base/bytes.h"
#include "common/base/time.h"
#include "common/crypto/secret.h"
#include "common/keystore/file_keystore.h"
#include "common/keystore/pin.h"

namespace cotter::test {

inline constexpr keystore::KdfCost kCheap{1, 8};                      // in KiB: what Argon2id takes at least
inline constexpr UtcTime kMade{std::chrono::seconds(1'900'000'000)};  ///< when keys are made

inline crypto::Secret secret(const std::string& text) {
  Bytes bytes = to_bytes(text);
  return crypto::Secret::taking(bytes);
}

inline keystore::AskPin answers(const std::string& pin, bool attended = true) {
  return {[pin](const std::string&) { return Result<crypto::Secret>(secret(pin)); }, attended};
}

}  // namespace cotter::test
