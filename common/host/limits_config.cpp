#include "common/host/limits_config.h"

namespace cotter::host {
namespace {

// The least that any repository needs, and the most that a client may be told to hold in memory.
constexpr std::int64_t kLeastBytes = 1024;
constexpr std::int64_t kMostBytes = 1024 * 1024 * 1024;
constexpr std::int64_t kMostRoots = 100'000;
constexpr std::int64_t kMostRoles = 100'000;
constexpr std::int64_t kMostDepth = 1'000;

}  // namespace

Result<Limits> read_limits(const Config& config, const std::string& table, Limits defaults) {
  Limits limits = defaults;
  const auto bytes = [&](const char* key, std::uint64_t& into) -> Result<void> {
    into = static_cast<std::uint64_t>(
        TRY(config.integer_or(table + "." + key, static_cast<std::int64_t>(into), kLeastBytes, kMostBytes)));
    return {};
  };
  const auto count = [&](const char* key, std::uint32_t& into, std::int64_t most) -> Result<void> {
    into = static_cast<std::uint32_t>(TRY(config.integer_or(table + "." + key, into, 1, most)));
    return {};
  };
  TRY(bytes("root_bytes", limits.root_bytes));
  TRY(bytes("timestamp_bytes", limits.timestamp_bytes));
  TRY(bytes("snapshot_bytes", limits.snapshot_bytes));
  TRY(bytes("targets_bytes", limits.targets_bytes));
  TRY(bytes("listed_bytes", limits.listed_bytes));
  TRY(count("roots_per_cycle", limits.roots_per_cycle, kMostRoots));
  TRY(count("delegated_roles", limits.delegated_roles, kMostRoles));
  TRY(count("delegation_depth", limits.delegation_depth, kMostDepth));
  return limits;
}

}  // namespace cotter::host
