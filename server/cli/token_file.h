// A token of the operations API out of its file. Never out of an argument. One thread.
#pragma once

#include <filesystem>

#include "common/base/result.h"
#include "common/crypto/secret.h"
#include "common/host/atomic_file.h"
#include "server/operations/token.h"

namespace cotter::cli {

/// One line, as cotter token add --out writes it. Faults: NotFound, Denied, Io, Usage (no token).
inline Result<crypto::Secret> read_token_file(const std::filesystem::path& file) {
  constexpr std::uint64_t kMostBytes = 256;
  Bytes content = TRY(host::read_file(file, kMostBytes));
  while (!content.empty() && (content.back() == '\n' || content.back() == '\r')) content.pop_back();
  if (!operations::token_hash(as_text(content)))
    return fault(Fault::Kind::Usage, file.string() + " holds no token", "cotter token add --out writes one");
  return crypto::Secret::taking(content);
}

}  // namespace cotter::cli
