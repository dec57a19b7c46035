// Who signs the ledger remembers what it signed, out of reach of whoever writes cotter.db: a key in a file
// and a signing process alike. Real keys, a real socket, and forgers with SQL.
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <thread>

#include "common/host/atomic_file.h"
#include "common/keystore/file_keystore.h"
#include "server/app/audit_verify.h"
#include "server/app/record.h"
#include "server/keys/file_log_signer.h"
#include "server/keys/keyring.h"
#include "server/signing/remote_signer.h"
#include "server/signing/service.h"
#include "server/signing/socket_server.h"
#include "server/storage/sqlite/database.h"
#include "server/storage/sqlite/ledger_store.h"
#include "tests/sim/kill_at_step.h"
#include "tests/sim/temp_dir.h"
#include "tests/unit/server/fleet.h"

namespace cotter {
namespace {

namespace fs = std::filesystem;
using test::kNoon;

enum class Mode : std::uint8_t { KeyFile, SigningProcess };

crypto::Secret words() {
  std::string text = "the ledger's own words";
  return crypto::Secret::taking({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
}

struct FixedClock final : Clock {
  [[nodiscard]] UtcTime now() const override { return kNoon; }
};

/// `cotterd --role sign` for the ledger's key, on a thread.
class SigningThread {
 public:
  SigningThread(const fs::path& keys_dir, const fs::path& socket)
      : service_(open_ring(keys_dir), signing::Journal::open(keys_dir).value(),
                 {{signing::Duty::Ledger, {{::geteuid()}, 1000, std::chrono::hours(1)}}}, clock_),
        stop_(::eventfd(0, EFD_CLOEXEC)),
        door_(signing::SocketServer::listen({socket, {::geteuid()}},
                                            [this](const signing::Request& request, uid_t caller) {
                                              return service_.answer(request, caller);
                                            })
                  .value()),
        thread_([this] { EXPECT_TRUE(door_.run(stop_)); }) {}
  ~SigningThread() {
    const std::uint64_t one = 1;
    EXPECT_EQ(::write(stop_, &one, sizeof one), static_cast<ssize_t>(sizeof one));
    thread_.join();
    ::close(stop_);
  }
  SigningThread(const SigningThread&) = delete;
  SigningThread& operator=(const SigningThread&) = delete;

 private:
  static keys::Keyring open_ring(const fs::path& keys_dir) {
    const crypto::Secret passphrase = words();
    return keys::Keyring::open(keys_dir, keystore::unlock_by(passphrase)).value();
  }
  FixedClock clock_;
  signing::Service service_;
  int stop_;
  signing::SocketServer door_;
  std::thread thread_;
};

class RememberedHead : public testing::TestWithParam<Mode> {
 protected:
  void SetUp() override {
    auto store = keystore::FileKeystore::create(keys_dir(), words(), {1, 8 * 1024}).value();
    ASSERT_TRUE(store.generate(keys::kLedgerKeyName, "ledger", kNoon));
    start();
  }
  /// As after every program was ended: what is remembered is on the disk.
  void restart() {
    stop();
    start();
  }
  void stop() {
    signers_.reset();
    process_.reset();
  }

  static ledger::Entry entry(std::uint64_t number, const std::string& who = "account:alice") {
    return {"assignment", UtcTime(std::chrono::hours(number)), who, "VIN-" + std::to_string(number), {}};
  }
  void add(const ledger::Entry& entry) {
    auto transaction = host::Transaction::begin(db()).value();
    ASSERT_TRUE(app::record(db(), entry));
    ASSERT_TRUE(transaction.commit());
  }
  void grow_to(std::uint64_t size) {
    for (std::uint64_t at = store().size().value(); at < size; ++at) add(entry(at));
  }
  void sign(int hour = 0) {
    const auto signing = app::sign_ledger(db(), signers_->ledger(), kNoon + std::chrono::hours(hour));
    ASSERT_TRUE(signing) << summary(signing.error());
  }
  /// Of how many entries the newest checkpoint in the database is.
  std::uint64_t signed_size() {
    const auto newest = store().newest_checkpoint().value();
    return newest ? newest->size : 0;
  }
  /// The whole log anew with what it said, but for the entries from `first` on and before `end`, which
  /// mallory wrote; and no checkpoint beyond `first` entries.
  void rewrite_from(std::uint64_t first, std::uint64_t end = ~std::uint64_t{0}, std::string forget = "") {
    const std::uint64_t size = store().size().value();
    if (forget.empty()) forget = "DELETE FROM ledger_checkpoint WHERE size > " + std::to_string(first);
    empty(forget);
    for (std::uint64_t at = 0; at < size; ++at) {
      add(at < first || at >= end ? entry(at) : entry(at, "account:mallory"));
    }
  }
  void cut_to(std::uint64_t size) {
    empty("DELETE FROM ledger_checkpoint");
    grow_to(size);
  }
  /// As `cotter key move` does: the journal is empty.
  void move_to_signing_process() {
    signers_.reset();
    start_process();
  }
  ledger::LogSigner* ledger() { return signers_->ledger(); }
  [[nodiscard]] fs::path database() const { return temp_.path() / "cotter.db"; }

  [[nodiscard]] fs::path keys_dir() const { return temp_.path() / "keys"; }
  host::Db& db() { return db_; }
  storage::LedgerStore store() { return storage::LedgerStore(db_); }

 private:
  void empty(const std::string& besides) {
    for (const char* trigger :
         {"ledger_entry_stays", "ledger_entry_remains", "ledger_hash_stays", "ledger_hash_remains"}) {
      ASSERT_TRUE(db().exec("DROP TRIGGER IF EXISTS " + std::string(trigger)));
    }
    ASSERT_TRUE(db().exec("DELETE FROM ledger_entry; DELETE FROM ledger_hash;" + besides));
  }
  void start() {
    if (GetParam() == Mode::KeyFile) {
      const crypto::Secret passphrase = words();
      signers_ = keys::open_signers(keys_dir(), keystore::unlock_by(passphrase)).value();
      return;
    }
    start_process();
  }
  void start_process() {
    process_ = std::make_unique<SigningThread>(keys_dir(), temp_.path() / "sock");
    signers_ = signing::RemoteSigners::open(temp_.path() / "sock").value();
  }
  sim::TempDir temp_;
  host::Db db_ = storage::open_database(database()).value();
  std::unique_ptr<SigningThread> process_;
  std::unique_ptr<keys::Signers> signers_;
};

INSTANTIATE_TEST_SUITE_P(, RememberedHead, testing::Values(Mode::KeyFile, Mode::SigningProcess),
                         [](const auto& mode) {
                           return mode.param == Mode::KeyFile ? "KeyFile" : "SigningProcess";
                         });

TEST_P(RememberedHead, KeepsHistoryFromBeingRewrittenAfterTheLastCheckpointThatIsLeft) {
  grow_to(3);
  sign();
  grow_to(8);
  sign(1);
  rewrite_from(3);
  ASSERT_EQ(signed_size(), 3U);
  add(entry(8));
  restart();
  sign(2);
  EXPECT_EQ(signed_size(), 3U);
}

TEST_P(RememberedHead, KeepsHistoryFromBeingRewrittenWhereNoCheckpointIsLeft) {
  grow_to(8);
  sign();
  rewrite_from(0);
  add(entry(8));
  restart();
  sign(1);
  EXPECT_EQ(signed_size(), 0U);
}

TEST_P(RememberedHead, IsNotMisledByStoredHashesThatContradictEachOther) {
  grow_to(5);
  sign();
  grow_to(8);
  const std::string then = to_hex(store().hash({2, 0}).value());
  rewrite_from(0, 4);
  // The root of the first 5 is that of before, and the root of all 8 is not.
  ASSERT_TRUE(db().exec("UPDATE ledger_hash SET hash = x'" + then + "' WHERE level = 2 AND position = 0"));
  sign(1);
  EXPECT_EQ(signed_size(), 0U);
}

TEST_P(RememberedHead, GoesOnWhateverCheckpointsTheDatabaseLost) {
  for (std::uint64_t size = 1; size < 20; ++size) {
    grow_to(size);
    const std::string lost = size % 3 == 0 ? "true" : "false";
    ASSERT_TRUE(db().exec("DELETE FROM ledger_checkpoint WHERE " + lost));
    if (size % 5 == 0) restart();
    sign(static_cast<int>(size));
    ASSERT_EQ(signed_size(), size) << "as after a crash between the signature and its row";
  }
  ASSERT_TRUE(db().exec("DELETE FROM ledger_checkpoint"));
  sign(30);
  EXPECT_EQ(signed_size(), 19U) << "the same head again";
}

TEST_P(RememberedHead, IsNeverOfEntriesThatMayBeRolledBack) {
  grow_to(3);
  sign();
  {
    const auto transaction = host::Transaction::begin(db()).value();
    ASSERT_TRUE(app::record(db(), entry(3)));
    EXPECT_FALSE(app::sign_ledger(db(), ledger(), kNoon)) << "it begins a transaction of its own";
  }
  add(entry(3, "account:bob"));
  sign(1);
  EXPECT_EQ(signed_size(), 4U);
}

TEST_P(RememberedHead, TellsWhoeverVerifiesTheLog) {
  EXPECT_FALSE(ledger()->last().value()) << "nothing is signed yet";
  grow_to(8);
  sign();
  const auto key = ledger::verifier_key(ledger()->public_key()).value();
  const auto verify = [&] { return app::verify_ledger(db(), key, {}, ledger()->last().value()).value(); };
  EXPECT_TRUE(verify().healthy());
  grow_to(9);
  EXPECT_TRUE(verify().healthy()) << "an entry that is not signed for yet";
  const std::string true_root = to_hex(verify().root);
  rewrite_from(0);
  ASSERT_EQ(verify().problems.size(), 2U) << "no checkpoint is left, and:";
  EXPECT_EQ(
      verify().problems.front(),
      "the checkpoint that the ledger's key signed last does not hold: the first 8 entries are not what "
      "was signed; history was rewritten");
  rewrite_from(9);  // nothing of it
  EXPECT_EQ(to_hex(verify().root), true_root);
  sign(1);
  EXPECT_TRUE(verify().healthy()) << "what was there is there again";
  cut_to(5);
  EXPECT_NE(verify().problems.front().find("signed last is about 9 entries, the log has 5"),
            std::string::npos)
      << verify().problems.front();
  grow_to(7);
  sign(2);
  EXPECT_EQ(signed_size(), 0U) << "nor is a shorter log signed";
}

TEST_P(RememberedHead, GoesWithTheKeyToASigningProcess) {
  if (GetParam() != Mode::KeyFile) GTEST_SKIP() << "it is there";
  grow_to(8);
  sign();
  move_to_signing_process();
  const auto last = ledger()->last().value();
  ASSERT_TRUE(last);
  EXPECT_EQ(last->size, 8U);
  rewrite_from(0);
  sign(1);
  EXPECT_EQ(signed_size(), 0U);
}

TEST_P(RememberedHead, IsForgottenByHandWhereTheDatabaseCameBackFromABackup) {  // schemas/ledger.md
  grow_to(5);
  sign();
  const std::string backup = store().newest_checkpoint()->value().note;
  grow_to(8);
  sign(1);
  cut_to(5);
  ASSERT_TRUE(store().put_checkpoint(5, backup, kNoon));
  add(entry(5, "account:bob"));
  sign(2);
  EXPECT_EQ(signed_size(), 5U);
  const crypto::PublicKey key = ledger()->public_key();
  if (GetParam() == Mode::KeyFile) {
    ASSERT_TRUE(fs::remove(keys::signed_head_path(keys_dir(), key)));
  } else {
    stop();
    host::Db journal = host::Db::open(keys_dir() / "signing.db").value();
    ASSERT_TRUE(journal.exec("DELETE FROM last_signed WHERE keyid = '" + key.computed_id().value() + "'"));
  }
  restart();
  sign(3);
  EXPECT_EQ(signed_size(), 6U);
}

TEST_P(RememberedHead, IsNothingThatTheKeyDidNotSign) {
  if (GetParam() != Mode::KeyFile) GTEST_SKIP() << "in a journal";
  grow_to(3);
  sign();
  ASSERT_TRUE(host::write_atomically(keys::signed_head_path(keys_dir(), ledger()->public_key()), {}));
  EXPECT_TRUE(is_fault(ledger()->last().error(), Fault::Kind::Conflict));
  grow_to(4);
  sign(1);
  EXPECT_EQ(signed_size(), 3U);
}

TEST_P(RememberedHead, BeginsWithTheDatabasesNewestWhereNothingWasRememberedYet) {
  if (GetParam() != Mode::KeyFile) GTEST_SKIP() << "a journal always had the last";
  grow_to(3);
  sign();
  const fs::path file = keys::signed_head_path(keys_dir(), ledger()->public_key());
  fs::remove(file);  // as in a workspace from before
  grow_to(5);
  sign(1);
  EXPECT_EQ(signed_size(), 5U);
  EXPECT_TRUE(fs::exists(file));
  fs::remove(file);
  rewrite_from(0, 8, "DELETE FROM ledger_checkpoint WHERE false");
  add(entry(5));
  sign(2);
  EXPECT_EQ(signed_size(), 5U) << "the database's own checkpoint still counts";
}

TEST_P(RememberedHead, OfAProgramKilledAtAnyStepLetsTheNextGoOn) {
  if (GetParam() != Mode::KeyFile) GTEST_SKIP() << "service_test kills the signing process";
  grow_to(1);
  sign();
  unsigned step = 1;
  for (;; ++step) {
    SCOPED_TRACE("killed before change " + std::to_string(step));
    const sim::Death death = sim::run_until_step(step, [&] {
      host::Db own = storage::open_database(database()).value();
      auto transaction = host::Transaction::begin(own).value();
      return app::record(own, entry(1000 + step)) && transaction.commit() &&
             app::sign_ledger(own, ledger(), kNoon + std::chrono::hours(step));
    });
    if (death == sim::Death::CannotTrace) GTEST_SKIP() << "this machine does not let us trace a child";
    ASSERT_NE(death, sim::Death::Failed);
    add(entry(2000 + step));
    sign(static_cast<int>(step));
    EXPECT_EQ(signed_size(), store().size().value());
    if (death == sim::Death::Finished) break;
  }
  EXPECT_GT(step, 4U);
  const auto key = ledger::verifier_key(ledger()->public_key()).value();
  EXPECT_TRUE(app::verify_ledger(db(), key, {}, ledger()->last().value())->healthy());
}

}  // namespace
}  // namespace cotter
