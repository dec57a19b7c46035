// What a shell around the trust core must provide: a way to fetch, a place to keep metadata.
// Never implemented here; the core itself performs no I/O. Each implementation states its thread rule.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/strong.h"

namespace cotter::trust {

/// A verified file to keep. `version` tells roots apart, all of which a primary keeps for its secondaries
/// (FVS-5).
struct Store {
  RoleName role;
  Version version;
  Bytes wire;
};
/// A file that must no longer serve as a floor (VER-8).
struct Forget {
  RoleName role;
};
using Effect = std::variant<Store, Forget>;

struct Transport {
  virtual ~Transport() = default;
  /// The body at `path` below this repository's base, at most `max_bytes` of it.
  /// Rejections: file-too-large, transfer-too-slow. Faults: NotFound (a definite 404 or 403, and nothing
  /// else), Network, Timeout.
  virtual Result<Bytes> get(std::string_view path, std::uint64_t max_bytes) = 0;
};

struct MetadataStore {
  virtual ~MetadataStore() = default;
  /// The stored file, byte for byte as served; nothing when there is none. Fault: Io.
  virtual Result<std::optional<Bytes>> load(Repository repository, const RoleName& role) const = 0;
  /// All effects or none, durable on return (VER-ATOM). Faults: Io, NoSpace.
  virtual Result<void> commit(Repository repository, std::span<const Effect> effects) = 0;
};

}  // namespace cotter::trust
