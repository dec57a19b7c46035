// Publishing one image: taken in, described, signed by the holders, published; or left waiting for their
// signatures. Never lists an image that is not stored, never loses a release that waits. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/time.h"
#include "common/crypto/signer.h"
#include "server/app/repository_writer.h"
#include "server/app/workspace.h"
#include "server/repository/publisher.h"

namespace cotter::app {

struct PublishRequest {
  std::filesystem::path file;
  repository::Release release;             ///< length and hashes are found out here
  std::vector<crypto::Signer*> holders{};  ///< image targets keys at hand; may be fewer than the threshold
  /// Asked for once enough holders have signed: unlocking the online keys may need a person.
  std::function<Result<OnlineSigners>()> online;
  std::optional<std::chrono::seconds> targets_lifetime{};  ///< of the targets file; none: the workspace's
  std::function<void(std::uint64_t bytes_done)> progress{};
};

struct PublishOutcome {
  enum class State : std::uint8_t {
    Published,
    Awaiting,   ///< signatures are missing: they go into `bundle`
    Unchanged,  ///< published so already
  };
  State state = State::Unchanged;
  std::uint64_t length = 0;
  crypto::Hashes hashes;
  ReleaseCounter counter;
  std::vector<HardwareId> unknown_hardware{};  ///< of its hardware ids those that no recorded ECU has
  PublishedVersions versions;                  ///< Published, Unchanged; Awaiting: of the targets alone
  std::filesystem::path bundle{};              ///< Awaiting
  std::string sha256{};                        ///< Awaiting: of what is to be signed
  std::uint32_t signatures = 0;                ///< by distinct holders, so far
  std::uint32_t threshold = 0;
  std::vector<std::string>
      summary{};  ///< what the holders sign for, a line a release: those that waited before too
};

/// One bundle waits at a time: the next release joins it, under a new version that replaces the bundle and
/// asks for its signatures anew. The same release again, with holders, adds their signatures to the bundle
/// that waits. Faults: Usage (release or file will not do), NotFound (the file), Conflict (the file changed
/// meanwhile), Denied (release counter too low; a holder's key is not one of the role's), Busy, NoSpace, Io.
/// Rejections: those of a client (root-expired, …). Whatever fails, clients see the old state.
Result<PublishOutcome> publish_release(const Workspace& workspace, const PublishRequest& request,
                                       UtcTime now);

}  // namespace cotter::app
