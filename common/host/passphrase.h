// Where a passphrase comes from: a file descriptor, the environment, or a person at a terminal.
// Never from an argument, never echoed, never logged. One thread.
#pragma once

#include <optional>
#include <string>

#include "common/base/result.h"
#include "common/crypto/secret.h"

namespace cotter::host {

/// The sources in the order they are tried.
struct PassphraseSource {
  std::optional<int> fd{};  ///< one line is read from it, no byte beyond: the next read gets the next line
  std::string variable;     ///< "COTTER_PASSPHRASE"; empty: none
  std::string prompt;       ///< "Passphrase of the workspace": asked on the terminal, echo off
};

/// An existing passphrase. Faults: Usage (none of the sources has one; says how to give it), Io.
Result<crypto::Secret> read_passphrase(const PassphraseSource& source);

inline constexpr std::size_t kMinNewPassphrase = 8;

/// A passphrase that will protect something new: at least kMinNewPassphrase bytes, and asked for twice on a
/// terminal. Faults as above; Usage too when it is too short or the two differ.
Result<crypto::Secret> read_new_passphrase(const PassphraseSource& source);

}  // namespace cotter::host
