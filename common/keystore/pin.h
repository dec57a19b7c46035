// Where the PIN of a token or of a TPM's key comes from: a file, or somebody who is asked.
// Never kept here, never tried here. One thread.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "common/base/result.h"
#include "common/crypto/secret.h"
#include "common/keystore/pin_mark.h"

namespace cotter::keystore {

/// Who is asked where no file is named.
struct AskPin {
  /// Called with what the PIN is for, at most once. Empty: nobody can be asked.
  std::function<Result<crypto::Secret>(const std::string& of)> ask;
  /// A person answers. Who does not is not let near a token whose last PIN was wrong: a service that starts
  /// again and again would lock it.
  bool attended = true;
  PinMark mark{};  ///< what is remembered of the last one
};

/// The first line of the file `source`, else what `ask_pin` answers for `of`. Faults: Usage (nobody can be
/// asked), those of whoever is, those of a file.
Result<crypto::Secret> read_pin(const std::optional<std::filesystem::path>& source, const AskPin& ask_pin,
                                const std::string& of);

}  // namespace cotter::keystore
