// Signs the ledger's checkpoints by a key of this process, and keeps the last one in a file beside the key:
// who can write cotter.db alone cannot make it forget.
// Never overwrites the file by a checkpoint that does not go on from it. One thread and, by the caller's
// lock, one process at a time.
#pragma once

#include <filesystem>
#include <optional>

#include "common/base/result.h"
#include "common/crypto/signer.h"
#include "server/ledger/log_signer.h"

namespace cotter::keys {

/// "ledger-0123456789abcdef.checkpoint", after the log's origin: another key is another log.
std::filesystem::path signed_head_path(const std::filesystem::path& keys_dir, const crypto::PublicKey& key);
/// What is in it; nothing where there is no such file. Faults: Conflict (the key did not sign what is there),
/// Denied, Io.
Result<std::optional<ledger::Checkpoint>> signed_head(const std::filesystem::path& keys_dir,
                                                      const crypto::PublicKey& key);

class FileLogSigner final : public ledger::LogSigner {
 public:
  /// Without the file the first log that comes is believed. `key` must outlive this.
  FileLogSigner(std::filesystem::path keys_dir, crypto::Signer& key)
      : keys_dir_(std::move(keys_dir)), key_(&key) {}
  [[nodiscard]] const crypto::PublicKey& public_key() const noexcept override { return key_->public_key(); }
  Result<std::optional<ledger::SignedHead>> last() override;
  Result<std::string> sign(const ledger::Log& log) override;

 private:
  std::filesystem::path keys_dir_;
  crypto::Signer* key_;
};

}  // namespace cotter::keys
