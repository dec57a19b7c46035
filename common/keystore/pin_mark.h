// That the last PIN given to a token, or to a TPM's key, was wrong: a file beside the key's record, so that a
// program that starts again and again does not give it twice. Never holds the PIN itself, but what tells it
// from another: a salted hash that is slow to try. A plain value: as the files, one process at a time.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/crypto/secret.h"

namespace cotter::keystore {

class PinMark {
 public:
  PinMark() = default;  ///< remembers nothing: there is no folder
  /// Of the keys in `dir` that are in one store.
  PinMark(const std::filesystem::path& dir, std::string_view store);

  /// Fault: Denied (the last PIN was wrong, and this is it; names `of`, and says what to do).
  [[nodiscard]] Result<void> check(const crypto::Secret& pin, const std::string& of) const;
  /// After this one was refused. Faults: NoSpace, Denied, Io.
  Result<void> note(const crypto::Secret& pin) const;
  /// After one was taken.
  void clear() const;
  /// Empty: remembers nothing.
  [[nodiscard]] const std::filesystem::path& file() const noexcept { return file_; }

 private:
  std::filesystem::path file_;
};

}  // namespace cotter::keystore
