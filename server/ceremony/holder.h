// The offline keys of one holder: a folder of key files with a passphrase of its own, or of keys on a token.
// Never kept open: signers live for one ceremony. One thread.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/crypto/signer.h"
#include "common/keystore/key_folder.h"

namespace cotter::ceremony {

using Signers = std::vector<std::unique_ptr<crypto::Signer>>;

/// The signers of the holder's keys whose names are `prefix` or begin with `prefix` and a dash:
/// "image-targets" finds image-targets-2. Asks for the passphrase only where one of them is in a file.
/// Faults: NotFound (no folder, no such key in it, its token is not plugged in), Denied (wrong passphrase),
/// Io.
Result<Signers> open_holder(const std::filesystem::path& dir, keystore::Unlock unlock,
                            std::string_view prefix);

/// Whether `key_name` belongs to a role that only holders may sign: a root, or the image repository's
/// targets.
bool is_offline_key(std::string_view key_name) noexcept;

}  // namespace cotter::ceremony
