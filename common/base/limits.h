// Every limit on bytes and counts, with its reason. Never is anything read without one; configuration may
// raise them. Values only, safe on any thread.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cotter {

/// Caps on what a client reads, in bytes or counts (VER-LIM). A length that verified metadata lists comes
/// before the cap of its role, but for `listed_bytes`.
struct Limits {
  /// Five ML-DSA-87 keys and their signatures take 72 kB, and as much again when five others follow them. A
  /// fleet made for ed25519, of which a dozen take 10 kB, must be able to follow.
  std::uint64_t root_bytes = 256 * 1024;
  std::uint64_t timestamp_bytes = 32 * 1024;  ///< names one file; two ML-DSA-87 signatures take 19 kB
  std::uint64_t snapshot_bytes = 64 * 1024;   ///< some 400 delegations, where no length is listed
  std::uint64_t targets_bytes = 64 * 1024;    ///< a director lists one vehicle's ECUs
  /// The most of any file, whatever its parent lists: who holds one online key may stop updates, but not
  /// exhaust a vehicle's memory (GAP-39).
  std::uint64_t listed_bytes = 256 * 1024;
  std::uint32_t roots_per_cycle = 256;  ///< VER-2; the next cycle goes on from there
  std::uint32_t delegated_roles = 64;   ///< roles looked at for one image (VER-40)
  std::uint32_t delegation_depth = 16;  ///< VER-40

  /// An image repository's targets list every image of a fleet.
  static Limits for_image_repository() {
    Limits limits;
    limits.targets_bytes = 8 * 1024 * 1024;
    limits.listed_bytes = 32 * 1024 * 1024;
    return limits;
  }
  /// Other people's TUF repositories (checklist section 0).
  static Limits for_any_tuf_repository() {
    Limits limits;
    limits.root_bytes = 512 * 1024;
    limits.snapshot_bytes = 2 * 1024 * 1024;
    limits.targets_bytes = 8 * 1024 * 1024;
    limits.listed_bytes = 64 * 1024 * 1024;
    return limits;
  }
};

inline constexpr std::size_t kMaxTargetName = 255;  // FMT-52
inline constexpr std::size_t kMaxIdentifier = 128;  // GAP-31: VIN, ECU serial, hardware id
/// In one file: each is checked over the whole of it, so that thousands in a large file would take minutes.
inline constexpr std::size_t kMaxSignatures = 64;
inline constexpr std::size_t kMaxReleasedRoleName = 64;       // FMT-73
inline constexpr std::size_t kMaxManifestBytes = 256 * 1024;  // 100 ECUs at 2 kB a report, with room

}  // namespace cotter
