// A signed ledger in a database in memory, and what a forger with the database can do to it. Never for use
// outside tests. One thread.
#pragma once

#include <string>

#include "common/host/sqlite.h"
#include "server/app/audit_verify.h"
#include "server/app/record.h"
#include "server/keys/file_log_signer.h"
#include "server/storage/sqlite/database.h"
#include "server/storage/sqlite/ledger_store.h"
#include "tests/sim/sim_key.h"
#include "tests/sim/temp_dir.h"

namespace cotter::test {

class StoredLog {
 public:
  explicit StoredLog(std::uint64_t size = 0) {
    COTTER_ASSERT(host::migrate(db, storage::migrations()));
    for (std::uint64_t i = 0; i < size; ++i) add(entry(i));
    if (size != 0) sign();
  }

  static ledger::Entry entry(std::uint64_t number) {
    return {"assignment", UtcTime(std::chrono::hours(number)), "account:alice",
            "VIN-" + std::to_string(number), json::Object{{"ecu", "BRAKE"}}};
  }
  void add(const ledger::Entry& entry) {
    auto transaction = host::Transaction::begin(db).value();
    COTTER_ASSERT(app::record(db, entry));
    COTTER_ASSERT(transaction.commit());
  }
  void sign(std::int64_t hour = 0) {
    COTTER_ASSERT(app::sign_ledger(db, &signer, UtcTime(std::chrono::hours(hour))));
  }
  /// As whoever has the key in hand does, whatever it signed before.
  void sign_whatever_is_there() {
    const std::uint64_t size = store.size().value();
    const ledger::Checkpoint head{verifier.name(), size, ledger::root(size, store.reader()).value()};
    COTTER_ASSERT(store.put_checkpoint(size, ledger::sign_checkpoint(head, key).value(), UtcTime()));
  }
  [[nodiscard]] std::string newest() { return store.newest_checkpoint().value().value().note; }
  [[nodiscard]] app::LedgerHealth verify(const std::vector<std::string>& against = {}) {
    return app::verify_ledger(db, verifier, against).value();
  }

  /// What a forger runs: the triggers are in nobody's way who can write the file.
  void forge(const std::string& sql) {
    for (const char* trigger :
         {"ledger_entry_stays", "ledger_entry_remains", "ledger_hash_stays", "ledger_hash_remains"}) {
      COTTER_ASSERT(db.exec("DROP TRIGGER IF EXISTS " + std::string(trigger)));
    }
    COTTER_ASSERT(db.exec(sql));
  }
  /// The forger leaves these entries, with all hashes as they must be.
  void rewrite(const std::vector<ledger::Entry>& entries) {
    forge("DELETE FROM ledger_entry; DELETE FROM ledger_hash;");
    for (const ledger::Entry& each : entries) add(each);
  }

  host::Db db = host::Db::open(":memory:").value();
  storage::LedgerStore store{db};
  sim::SimKey key{"ledger"};
  sim::TempDir keys_dir;
  keys::FileLogSigner signer{keys_dir.path(), key};
  ledger::VerifierKey verifier = ledger::verifier_key(key.public_key()).value();
};

}  // namespace cotter::test
