#include "server/app/audit_verify.h"

#include <algorithm>

#include "common/keystore/key_record.h"
#include "server/keys/keyring.h"
#include "server/ledger/entry.h"
#include "server/signing/remote_signer.h"
#include "server/storage/sqlite/ledger_store.h"

namespace cotter::app {
namespace {

using ledger::Checkpoint;
using ledger::Hash;
using ledger::Node;
using storage::LedgerRow;

struct Claim {
  std::string what;  ///< "the newest checkpoint"
  ledger::SignedHead head;
};

/// Goes through the log once, from the first entry to the last.
class Recount {
 public:
  /// `origin` of the log: of its checkpoints all else is counted here.
  Recount(storage::LedgerStore& store, std::string origin, std::vector<Claim> claims)
      : store_(&store), origin_(std::move(origin)), claims_(std::move(claims)) {
    std::ranges::stable_sort(claims_, {}, [](const Claim& claim) { return claim.head.size; });
  }

  void problem(std::string what) {
    if (problems_.size() < kMaxLedgerProblems) problems_.push_back(std::move(what));
  }

  Result<void> take(const LedgerRow& row) {
    judge_claims();
    if (row.index != next_row_) {
      problem("entries " + std::to_string(next_row_) + " to " + std::to_string(row.index - 1) +
              " are missing");
    }
    next_row_ = row.index + 1;
    judge_columns(row);
    return add(ledger::leaf_hash(row.body));
  }

  LedgerHealth finish() && {
    judge_claims();
    for (; next_claim_ < claims_.size(); ++next_claim_) {
      const Claim& claim = claims_[next_claim_];
      problem(claim.what + " is about " + std::to_string(claim.head.size) + " entries, the log has " +
              std::to_string(size_) + ": the last ones were taken away");
    }
    LedgerHealth health;
    health.size = size_;
    health.root = root();
    health.problems = std::move(problems_);
    return health;
  }

 private:
  /// The log searches by columns beside the body: they must not say anything else.
  void judge_columns(const LedgerRow& row) {
    const std::string name = "entry " + std::to_string(row.index);
    const auto entry = ledger::Entry::decode(row.body);
    if (!entry) {
      problem(name + " is damaged: " + summary(entry.error()));
    } else if (entry->kind != row.kind || entry->subject != row.subject || entry->time != row.time) {
      problem(name + " is listed under another kind, subject or time than its own");
    }
  }

  /// Adds the leaf to the peaks, and compares each subtree that is complete now with the stored one.
  Result<void> add(const Hash& leaf) {
    Node node{{0, size_++}, leaf};
    TRY(compare(node));
    while ((node.subtree.index & 1U) == 1) {
      node = Node{{node.subtree.level + 1, node.subtree.index >> 1U},
                  ledger::node_hash(peaks_.back().hash, node.hash)};
      peaks_.pop_back();
      TRY(compare(node));
    }
    peaks_.push_back(node);
    return {};
  }

  Result<void> compare(const Node& node) {
    if (hashes_differ_) return {};
    const auto stored = store_->hash(node.subtree);
    if (!stored && !is_fault(stored.error(), Fault::Kind::NotFound)) return fail(stored.error());
    if (stored && *stored == node.hash) return {};
    hashes_differ_ = true;  // all that follow are wrong too
    problem("from entry " + std::to_string(size_ - 1) +
            " on the stored hashes are not those of the entries: an entry was altered, moved or dropped");
    return {};
  }

  [[nodiscard]] Hash root() const {
    if (peaks_.empty()) return ledger::empty_root();
    Hash hash = peaks_.back().hash;
    for (auto peak = peaks_.rbegin() + 1; peak != peaks_.rend(); ++peak) {
      hash = ledger::node_hash(peak->hash, hash);
    }
    return hash;
  }

  /// Those about as many entries as were seen by now.
  void judge_claims() {
    for (; next_claim_ < claims_.size() && claims_[next_claim_].head.size == size_; ++next_claim_) {
      const Claim& claim = claims_[next_claim_];
      if (claim.head.digest == ledger::SignedHead::of({origin_, size_, root()}).digest) continue;
      problem(claim.what + " does not hold: the first " + std::to_string(size_) +
              " entries are not what was signed; history was rewritten");
    }
  }

  storage::LedgerStore* store_;
  std::string origin_;
  std::vector<Claim> claims_;
  std::size_t next_claim_ = 0;
  std::vector<Node> peaks_;  ///< complete subtrees, the largest first
  std::uint64_t size_ = 0;
  std::uint64_t next_row_ = 0;
  bool hashes_differ_ = false;
  std::vector<std::string> problems_;
};

/// What was signed: who vouches for it is checked here, whether it is so later.
struct Claims {
  std::vector<Claim> all;
  std::optional<Checkpoint> newest;  ///< of the database's
  std::vector<std::string> problems;
};

Claims collect(const std::vector<storage::StoredCheckpoint>& stored, const ledger::VerifierKey& key,
               const std::vector<std::string>& against) {
  Claims claims;
  for (const storage::StoredCheckpoint& each : stored) {
    const std::string what = "the stored checkpoint of " + std::to_string(each.size) + " entries";
    auto checkpoint = ledger::open_checkpoint(each.note, key);
    if (!checkpoint) {
      claims.problems.push_back(what + ": " + summary(checkpoint.error()));
      continue;
    }
    if (checkpoint->size != each.size) claims.problems.push_back(what + " is about another number of them");
    if (!claims.newest || checkpoint->size > claims.newest->size) claims.newest = *checkpoint;
    claims.all.push_back({what, ledger::SignedHead::of(*checkpoint)});
  }
  for (const std::string& note : against) {
    auto checkpoint = ledger::open_checkpoint(note, key);
    if (checkpoint) {
      claims.all.push_back({"the checkpoint to compare with", ledger::SignedHead::of(*checkpoint)});
    } else {
      claims.problems.push_back("the checkpoint to compare with: " + summary(checkpoint.error()));
    }
  }
  return claims;
}

}  // namespace

Result<std::optional<ledger::VerifierKey>> ledger_key(const Workspace& workspace) {
  auto keys = keystore::list_keys(workspace.keys_dir());
  if (!keys && workspace.settings().signer && is_fault(keys.error(), Fault::Kind::NotFound)) {
    const auto signers = TRY(signing::RemoteSigners::open(*workspace.settings().signer));
    if (signers->ledger() == nullptr) return std::optional<ledger::VerifierKey>();
    return std::optional(TRY(ledger::verifier_key(signers->ledger()->public_key())));
  }
  for (const keystore::KeyInfo& key : TRY(std::move(keys))) {
    if (key.name == keys::kLedgerKeyName) return std::optional(TRY(ledger::verifier_key(key.key)));
  }
  return std::optional<ledger::VerifierKey>();
}

Result<ledger::VerifierKey> needed_ledger_key(const Workspace& workspace) {
  if (auto key = TRY(ledger_key(workspace))) return *std::move(key);
  return fault(Fault::Kind::NotFound, "the ledger is not signed: this workspace has no key named ledger",
               "cotter key generate --name ledger --role ledger makes one");
}

Result<std::optional<ledger::SignedHead>> last_signed(const Workspace& workspace) {
  auto keys = keystore::list_keys(workspace.keys_dir());
  if (!keys && workspace.settings().signer && is_fault(keys.error(), Fault::Kind::NotFound)) {
    const auto signers = TRY(signing::RemoteSigners::open(*workspace.settings().signer));
    if (signers->ledger() == nullptr) return std::optional<ledger::SignedHead>();
    return signers->ledger()->last();
  }
  for (const keystore::KeyInfo& key : TRY(std::move(keys))) {
    if (key.name != keys::kLedgerKeyName) continue;
    const auto head = TRY(keys::signed_head(workspace.keys_dir(), key.key));
    if (head) return std::optional(ledger::SignedHead::of(*head));
  }
  return std::optional<ledger::SignedHead>();
}

Result<LedgerHealth> verify_ledger(host::Db& db, const std::optional<ledger::VerifierKey>& key,
                                   const std::vector<std::string>& against,
                                   const std::optional<ledger::SignedHead>& last) {
  if (!key && !against.empty()) {
    return fault(Fault::Kind::Usage, "no key to check the older checkpoint with",
                 "give the log's by --vkey: this workspace has no key named ledger");
  }
  storage::LedgerStore store(db);
  // Before the entries: one that is signed meanwhile is about more of them than we read.
  const auto stored = TRY(store.checkpoints());
  Claims claims;
  if (key) claims = collect(stored, *key, against);
  if (key && last) claims.all.push_back({"the checkpoint that the ledger's key signed last", *last});
  Recount recount(store, key ? key->name() : std::string(), std::move(claims.all));
  for (std::string& problem : claims.problems) recount.problem(std::move(problem));
  TRY(store.each({}, [&](const LedgerRow& row) { return recount.take(row); }));
  LedgerHealth health = std::move(recount).finish();
  if (key && stored.empty() && health.size != 0) {
    health.problems.emplace_back("no checkpoint is stored: what vouched for these entries was taken away");
  }
  if (health.healthy()) health.signed_head = std::move(claims.newest);
  return health;
}

}  // namespace cotter::app
