#include "server/keys/file_log_signer.h"

#include <algorithm>

#include "common/host/atomic_file.h"

namespace cotter::keys {

namespace fs = std::filesystem;

fs::path signed_head_path(const fs::path& keys_dir, const crypto::PublicKey& key) {
  std::string name = ledger::origin_of(key);  // cotter-ledger/0123456789abcdef
  name.erase(0, name.rfind('/') + 1);
  return keys_dir / ("ledger-" + name + ".checkpoint");
}

Result<std::optional<ledger::Checkpoint>> signed_head(const fs::path& keys_dir,
                                                      const crypto::PublicKey& key) {
  const fs::path path = signed_head_path(keys_dir, key);
  const auto note = host::read_file(path, ledger::kMaxNoteBytes);
  if (!note && is_fault(note.error(), Fault::Kind::NotFound)) return std::optional<ledger::Checkpoint>();
  if (!note) return fail(note.error());
  auto checkpoint = ledger::open_checkpoint(as_text(*note), TRY(ledger::verifier_key(key)));
  if (checkpoint) return std::optional(*std::move(checkpoint));
  return fault(
      Fault::Kind::Conflict,
      "what the ledger's key signed last is not in " + path.string() + ": " + summary(checkpoint.error()),
      "put the file back from a backup; nothing signs the ledger before");
}

Result<std::optional<ledger::SignedHead>> FileLogSigner::last() {
  const auto head = TRY(signed_head(keys_dir_, public_key()));
  if (!head) return std::optional<ledger::SignedHead>();
  return std::optional(ledger::SignedHead::of(*head));
}

Result<std::string> FileLogSigner::sign(const ledger::Log& log) {
  const ledger::Checkpoint next = TRY(ledger::head_of(ledger::origin_of(public_key()), log));
  if (const auto last = TRY(signed_head(keys_dir_, public_key()))) {
    TRY(ledger::expect_growth(*last, next, log));
  }
  std::string note = TRY(ledger::sign_checkpoint(next, *key_));
  // Before anybody has it: killed in between, the same head is signed again. Whatever account signs next can
  // read it: it is no secret, and the folder is closed.
  TRY(host::write_atomically(signed_head_path(keys_dir_, public_key()), as_bytes(note)));
  return note;
}

}  // namespace cotter::keys
