#include "server/ledger/log_signer.h"

#include "common/crypto/digest.h"

namespace cotter::ledger {

SignedHead SignedHead::of(const Checkpoint& checkpoint) {
  return {checkpoint.size, crypto::sha256(as_bytes(checkpoint_text(checkpoint)))};
}

Result<Checkpoint> head_of(const std::string& origin, const Log& log) {
  const Hash hash = TRY(root(log.size, log.hashes));
  return Checkpoint{origin, log.size, hash};
}

Result<Growth> growth_since(std::uint64_t size, const std::string& origin, const Log& log) {
  const Hash then = TRY(root(size, log.hashes));
  std::vector<Hash> proof = TRY(consistency_proof(size, log.size, log.hashes));
  return Growth{checkpoint_text({origin, size, then}), std::move(proof)};
}

Result<void> expect_growth(const Checkpoint& last, const Checkpoint& next, const Log& log) {
  if (last.size > next.size) {
    return fault(Fault::Kind::Conflict, "the log has " + std::to_string(next.size) + " entries, and had " +
                                            std::to_string(last.size) +
                                            " when it was last signed: the last ones were taken away");
  }
  const auto proof = TRY(consistency_proof(last.size, next.size, log.hashes));
  if (verify_consistency(last.size, last.root, next.size, next.root, proof)) return {};
  return fault(Fault::Kind::Conflict,
               "the first " + std::to_string(last.size) +
                   " entries of the log are not what was signed: history was rewritten");
}

}  // namespace cotter::ledger
