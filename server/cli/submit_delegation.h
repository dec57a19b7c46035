// cotter submit's options for whom a supplier lets sign below it, and what they change. Never signs. One
// thread.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/crypto/public_key.h"
#include "common/keystore/key_record.h"
#include "common/model/roles.h"

namespace cotter::cli {

struct DelegateOptions {
  std::string role;
  std::vector<std::string> paths;
  std::vector<std::string> hardware_ids;
  std::vector<std::filesystem::path> keys;
  std::uint32_t threshold = 1;
  bool terminating = false;
  std::vector<std::string> ended;
  [[nodiscard]] bool is_given() const { return !role.empty() || !ended.empty(); }
};

void add_delegate_options(CLI::App& verb, DelegateOptions& options);

/// Takes the roles that end out of `targets`, and puts the new one in, or in place of one of its name, at the
/// end. Faults: Usage (it cannot be a supplier's role), NotFound (a role that ends is not there), those of
/// reading keys.
Result<void> change_delegations(model::Targets& targets, const RoleName& by, const DelegateOptions& options);

/// What `cotter key show --json` prints, or a KEY object by itself. Faults: NotFound, Denied, Io. Rejections:
/// json-*, member-*, key-*.
Result<crypto::PublicKey> read_public_key(const std::filesystem::path& file);
/// The same with its name, its store and when it was made, where the file says so.
Result<keystore::KeyInfo> read_named_key(const std::filesystem::path& file);

}  // namespace cotter::cli
