// cotterd --role sign: the process that alone holds the online keys.
// Never listens on a network, never opens cotter.db. One thread.
#pragma once

#include <filesystem>
#include <optional>

#include "common/base/result.h"

namespace cotter {

struct SignRole {
  std::optional<std::filesystem::path> workspace{};  ///< -C: whose cotter.toml says what is granted
  std::optional<std::filesystem::path> keys{};       ///< --keys; none: the workspace's
  std::optional<std::filesystem::path> socket{};     ///< --socket; none: cotter.toml's server.signer
  std::optional<int> passphrase_fd{};
  std::optional<int> pin_fd{};
  bool json = false;
};

/// Says where it answers, and serves until SIGTERM or SIGINT. Faults: Usage (no socket is named), Denied
/// (wrong passphrase; an offline key within reach; terms that a caller could write), Busy (it runs already),
/// NotFound, Io.
Result<void> serve_signatures(const SignRole& role);

}  // namespace cotter
