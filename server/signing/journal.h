// The signing process's durable memory: what it signed last in each series, whose each ECU is, and what it
// signed and refused, in order. Never lets a signature go before it is on the disk: note() comes first, and
// survives kill -9. Belongs to one thread.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/base/time.h"
#include "common/host/atomic_file.h"
#include "common/host/sqlite.h"
#include "server/signing/policy.h"

namespace cotter::signing {

class Journal {
 public:
  /// signing.db in the folder of the keys, made where it is missing, and a lock beside it: two processes that
  /// signed with the same keys would not know of each other. Faults: Busy (another has it), those of
  /// storage::open_signing_database().
  static Result<Journal> open(const std::filesystem::path& keys_dir);

  [[nodiscard]] const std::filesystem::path& keys_dir() const noexcept { return keys_dir_; }

  /// What bears on `content`. Faults of a read.
  Result<Past> past(const KeyId& keyid, const Content& content);
  /// Durable on return: `content`, by the key of that name, is the last of its series now, its ECUs are its
  /// vehicle's, and its release role is as far. Faults of a write.
  Result<void> note(const std::string& key, const KeyId& keyid, const Content& content, uid_t caller,
                    UtcTime now);
  /// Likewise, what was refused; `digest` of the message. Faults of a write.
  Result<void> note_refusal(const std::string& key, const Refusal& refusal, ByteView digest, uid_t caller,
                            UtcTime now);

 private:
  Journal(std::filesystem::path keys_dir, host::FileLock lock, host::Db db)
      : keys_dir_(std::move(keys_dir)), lock_(std::move(lock)), db_(std::move(db)) {}
  std::filesystem::path keys_dir_;
  host::FileLock lock_;
  host::Db db_;
};

}  // namespace cotter::signing
