#include "server/app/audit_prove.h"

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

}  // namespace cotter::app
