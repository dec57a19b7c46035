#include "server/app/audit_prove.h"

#include "common/host/atomic_file.h"
#include "common/json/canonical.h"
#include "server/storage/sqlite/ledger_store.h"

namespace cotter::app {
namespace {

constexpr const char* kWhoSigns = "cotterd and `cotter publish` sign for all entries when they next sign";

Error tampered(const Error& why) {
  return Fault{Fault::Kind::Denied, "what is stored proves nothing: " + summary(why),
               "`cotter audit verify` tells what is wrong with the ledger"};
}

}  // namespace

Result<ledger::Proof> prove_entry(host::Db& db, const ledger::VerifierKey& key, std::uint64_t index) {
  storage::LedgerStore store(db);
  const auto newest = TRY(store.newest_checkpoint());
  if (!newest) return fault(Fault::Kind::NotFound, "no checkpoint of the ledger was signed yet", kWhoSigns);
  const auto signed_head = ledger::open_checkpoint(newest->note, key);
  if (!signed_head) return fail(tampered(signed_head.error()));
  const std::uint64_t size = signed_head->size;
  if (index >= size) {
    const bool is_there = index < TRY(store.size());
    return fault(Fault::Kind::NotFound,
                 "entry " + std::to_string(index) +
                     (is_there ? " is not signed for yet: the newest checkpoint is about the first " +
                                     std::to_string(size)
                               : " is not in the ledger"),
                 is_there ? kWhoSigns : "`cotter audit log` shows the entries");
  }
  const Bytes body = TRY(store.body(index));
  ledger::Proof proof;
  proof.index = index;
  proof.checkpoint = newest->note;
  auto entry = ledger::Entry::decode(body);
  if (!entry) return fail(tampered(entry.error()));
  proof.entry = *std::move(entry);
  proof.path = TRY(ledger::inclusion_proof(index, size, store.reader()));
  if (const auto holds = proof.verify(key); !holds) return fail(tampered(holds.error()));
  return proof;
}

std::string proof_file_name(std::uint64_t index) { return "entry-" + std::to_string(index) + ".json"; }

Result<EntryProofs> write_entry_proofs(host::Db& db, const ledger::VerifierKey& key,
                                       const std::set<std::uint64_t>& indexes,
                                       const std::filesystem::path& dir) {
  EntryProofs proofs;
  const auto newest = TRY(storage::LedgerStore(db).newest_checkpoint());
  for (const std::uint64_t index : indexes) {
    if (newest && index >= newest->size) {
      proofs.unsigned_yet.push_back(index);
      continue;
    }
    const ledger::Proof proof = TRY(prove_entry(db, key, index));
    TRY(host::write_atomically(dir / proof_file_name(index), as_bytes(json::to_pretty_text(proof.encode()))));
    proofs.proven.push_back(index);
  }
  return proofs;
}

}  // namespace cotter::app
