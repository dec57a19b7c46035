// Makes a workspace: keys, both repositories' first files, database, certificates, settings.
// Never puts an offline key into the workspace, never overwrites a key, never leaves half a workspace. One
// thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/time.h"
#include "common/crypto/secret.h"
#include "common/keystore/key_folder.h"
#include "server/app/workspace.h"

namespace cotter::app {

/// `threshold` of `keys` must sign.
struct KeyPlan {
  std::uint32_t keys = 3;
  std::uint32_t threshold = 2;
};

struct InitPlan {
  std::filesystem::path dir;
  std::filesystem::path offline_dir;  ///< holder-1/, holder-2/, … are made in it
  KeyPlan root{};                     ///< of both repositories
  KeyPlan targets{};                  ///< of the image repository
  std::vector<std::string> server_names{};
  keystore::KdfCost kdf{};  ///< of every key folder
  /// Tokens and TPMs: the first holder's keys are made in the first, and so on; the other holders' in files.
  std::vector<std::string> holder_stores{};
  std::optional<std::string> online_store{};  ///< of the server's keys; nothing: files
  keystore::AskPin pin{};

  /// Each holder has at most one key of a role.
  [[nodiscard]] std::uint32_t holders() const noexcept { return std::max(root.keys, targets.keys); }
};

struct NewPassphrases {
  crypto::Secret online;                ///< of keys/ and pki/
  std::vector<crypto::Secret> holders;  ///< one for each of the plan's holders; empty for those with a token
};

/// What can be said before anybody is asked for a passphrase. Faults: Usage (numbers, folders within each
/// other), Conflict (there is a workspace, or a holder's folder).
Result<void> check_plan(const InitPlan& plan);

/// On success `plan.dir` is a workspace with a published, empty image repository; on failure nothing of it is
/// left, on tokens neither. cotter.toml comes last: a folder without it is no workspace. Faults: those of
/// check_plan(), Usage (a holder with the workspace's passphrase), those of TokenKeys and TpmKeys, Denied,
/// NoSpace, Busy, Io.
Result<Workspace> init_workspace(const InitPlan& plan, const NewPassphrases& passphrases, UtcTime now);

/// "holder-2"
std::string holder_name(std::uint32_t number);

}  // namespace cotter::app
