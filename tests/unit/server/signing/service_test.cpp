// The signing process without its socket: real keys in files, a real journal, a stepped clock, kill -9.
#include "server/signing/service.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "common/keystore/file_keystore.h"
#include "server/storage/sqlite/signing_store.h"
#include "tests/sim/kill_at_step.h"
#include "tests/sim/temp_dir.h"
#include "tests/unit/server/signing/contents.h"

namespace cotter::signing {
namespace {

namespace fs = std::filesystem;
using test::canonical;
using test::kNoon;

constexpr uid_t kDaemon = 1000;
constexpr uid_t kPublisher = 1001;
const std::vector<RoleName> kReleases = {RoleName("fw")};

crypto::Secret words() {
  std::string text = "the signer's own words";
  return crypto::Secret::taking({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
}

struct SteppedClock final : Clock {
  [[nodiscard]] UtcTime now() const override { return time; }
  UtcTime time = kNoon;
};

class SigningService : public testing::Test {
 protected:
  void SetUp() override {
    auto store = keystore::FileKeystore::create(dir(), words(), {1, 8 * 1024}).value();
    for (const Duty duty : kAllDuties) ASSERT_TRUE(store.generate(name_of(duty), "some/role", kNoon));
    for (const char* role : {"fw", "maps"})
      ASSERT_TRUE(store.generate("key-of-" + std::string(role), "image/" + std::string(role), kNoon));
  }
  [[nodiscard]] fs::path dir() const { return temp_.path() / "keys"; }
  [[nodiscard]] Service open() const {
    std::map<Duty, Terms> terms;
    for (const Duty duty : kAllDuties) terms[duty] = {{kDaemon}, 5, std::chrono::hours(2)};
    terms[Duty::ImageTimestamp].callers = {kPublisher};
    terms[Duty::Release] = {{kPublisher}, 5, std::chrono::hours(2)};
    const crypto::Secret passphrase = words();
    keys::Keyring ring = keys::Keyring::open(dir(), keystore::unlock_by(passphrase), kReleases).value();
    return {std::move(ring), Journal::open(dir()).value(), std::move(terms), clock, kReleases};
  }
  /// "signed", the policy that refused, or "failed".
  static std::string said(const Answer& answer) {
    if (std::holds_alternative<crypto::Signature>(answer)) return "signed";
    const auto* refused = std::get_if<Refused>(&answer);
    return refused == nullptr ? "failed" : refused->policy;
  }
  template <class Role>
  static std::string ask(Service& service, Duty duty, const Role& role, uid_t caller = kDaemon) {
    return said(service.answer({name_of(duty), canonical(role)}, caller));
  }
  [[nodiscard]] std::vector<storage::SignedRow> signatures() const {
    auto db = storage::open_signing_database(dir() / "signing.db").value();
    return storage::SigningStore(db).signatures().value();
  }
  [[nodiscard]] std::vector<storage::RefusedRow> refusals() const {
    auto db = storage::open_signing_database(dir() / "signing.db").value();
    return storage::SigningStore(db).refusals().value();
  }
  SteppedClock clock;

 private:
  sim::TempDir temp_;
};

TEST_F(SigningService, GivesSignaturesThatItsPublicKeyVerifies) {
  Service service = open();
  const Answer key = service.answer({"director-timestamp"}, kDaemon);
  const auto public_key =
      crypto::PublicKey::decode(std::get<KeyIs>(key).key, crypto::Profile::Vehicle).value();
  const Bytes message = canonical(test::timestamp(1, 1, "VIN-1"));
  const Answer answer = service.answer({"director-timestamp", message}, kDaemon);
  ASSERT_EQ(said(answer), "signed");
  EXPECT_TRUE(public_key.verifies(message, std::get<crypto::Signature>(answer).bytes));
}

TEST_F(SigningService, HasNoKeyButThoseOfItsDuties) {
  auto store = keystore::FileKeystore::open(dir(), words()).value();
  ASSERT_TRUE(store.generate("image-targets-1", "image/targets", kNoon));
  Service service = open();
  for (const char* name : {"image-targets-1", "image-root-1", "", "../ledger", "LEDGER"}) {
    EXPECT_EQ(std::get<Failed>(service.answer({name}, kDaemon)).kind, Fault::Kind::NotFound) << name;
  }
}

TEST_F(SigningService, RemembersAfterARestartWhatItSigned) {  // FMT-3
  {
    Service service = open();
    EXPECT_EQ(ask(service, Duty::DirectorTargets, test::director_targets(5)), "signed");
  }
  Service service = open();
  EXPECT_EQ(ask(service, Duty::DirectorTargets, test::director_targets(4)), "version-not-higher");
  EXPECT_EQ(ask(service, Duty::DirectorTargets, test::director_targets(5)), "signed");
  EXPECT_EQ(ask(service, Duty::DirectorTargets, test::director_targets(1, "DOOR", "VIN-2")), "signed")
      << "each vehicle has numbers of its own";
  EXPECT_EQ(ask(service, Duty::DirectorTargets, test::director_targets(2, "BRAKE", "VIN-2")), "ecu-foreign");
  EXPECT_EQ(signatures().size(), 2U) << "the same bytes again are no second signature";
}

TEST_F(SigningService, ANewKeyBeginsAnew) {  // KEY-5
  {
    Service service = open();
    EXPECT_EQ(ask(service, Duty::DirectorSnapshot, test::snapshot(900, 900, "VIN-1")), "signed");
  }
  fs::remove(dir() / "director-snapshot.key");
  auto store = keystore::FileKeystore::open(dir(), words()).value();
  ASSERT_TRUE(store.generate("director-snapshot", "some/role", kNoon));
  Service service = open();
  EXPECT_EQ(ask(service, Duty::DirectorSnapshot, test::snapshot(1, 1, "VIN-1")), "signed");
}

TEST_F(SigningService, SignsForTheReleaseRolesItIsToAndRemembersTheirVersions) {
  const auto release = [](Service& service, const model::Targets& file, uid_t caller = kPublisher) {
    return said(service.answer({"image-fw", canonical(file)}, caller));
  };
  auto bin = test::stamped<model::Targets>(5, "");
  bin.targets.emplace(TargetName("fw/a.bin"), test::entry_for("an image", {HardwareId("hw-1")}, 1));
  {
    Service service = open();
    EXPECT_EQ(said(service.answer({"image-maps"}, kPublisher)), "failed")
        << "a key, and no release role here";
    const Answer key = service.answer({"image-fw"}, kPublisher);
    const auto own = crypto::PublicKey::decode(std::get<KeyIs>(key).key, crypto::Profile::Vehicle).value();
    auto file = test::stamped<model::Targets>(1, "");
    file.delegations.emplace().keys.emplace(own.computed_id(), own);
    file.delegations->succinct.emplace();
    file.delegations->succinct->keys = {{own.computed_id()}, 1};
    file.delegations->succinct->bit_length = 3;
    file.delegations->succinct->name_prefix = "fw";
    EXPECT_EQ(release(service, file, kDaemon), "caller-not-allowed");
    EXPECT_EQ(release(service, bin), "bin-foreign");
    EXPECT_EQ(release(service, file), "signed");
    EXPECT_EQ(release(service, bin), "signed");
  }
  Service service = open();
  EXPECT_EQ(release(service, bin), "signed") << "the same bytes again";
  auto other = bin;
  other.expires += std::chrono::seconds(1);
  EXPECT_EQ(release(service, other), "version-not-higher");
  other.version = Version(4);
  EXPECT_EQ(release(service, other), "version-not-higher");
  other.version = Version(6);
  EXPECT_EQ(release(service, other), "signed");
  ASSERT_EQ(signatures().size(), 3U);
  EXPECT_EQ(signatures().back().key, "image-fw");
  EXPECT_EQ(signatures().back().number, 6U);
}

TEST_F(SigningService, RemembersThatAReleaseRoleHasGrown) {  // KEY-10
  const auto release = [](Service& service, const model::Targets& file) {
    return said(service.answer({"image-fw", canonical(file)}, kPublisher));
  };
  auto bin = test::stamped<model::Targets>(5, "");
  bin.targets.emplace(TargetName("fw/a.bin"), test::entry_for("an image", {HardwareId("hw-1")}, 1));
  auto file = test::stamped<model::Targets>(1, "");
  {
    Service service = open();
    const Answer key = service.answer({"image-fw"}, kPublisher);
    const auto own = crypto::PublicKey::decode(std::get<KeyIs>(key).key, crypto::Profile::Vehicle).value();
    file.delegations.emplace().keys.emplace(own.computed_id(), own);
    file.delegations->succinct.emplace();
    file.delegations->succinct->keys = {{own.computed_id()}, 1};
    file.delegations->succinct->bit_length = 1;
    file.delegations->succinct->name_prefix = "fw";
    ASSERT_EQ(release(service, file), "signed");
    ASSERT_EQ(release(service, bin), "signed");
    file.version = Version(6);
    file.delegations->succinct->bit_length = 2;
    ASSERT_EQ(release(service, file), "signed");
  }
  Service service = open();
  EXPECT_EQ(release(service, bin), "version-not-higher") << "the very bytes that were signed before it grew";
  EXPECT_EQ(release(service, file), "signed") << "the same bytes again";
  file.version = Version(7);
  file.delegations->succinct->bit_length = 1;
  EXPECT_EQ(release(service, file), "bin-foreign");
  bin.version = Version(6);
  EXPECT_EQ(release(service, bin), "signed");
}

TEST_F(SigningService, SignsWithEachKeyForItsOwnCallers) {
  Service service = open();
  EXPECT_EQ(ask(service, Duty::ImageTimestamp, test::timestamp(1, 1), kDaemon), "caller-not-allowed");
  EXPECT_EQ(ask(service, Duty::ImageTimestamp, test::timestamp(1, 1), kPublisher), "signed");
  EXPECT_EQ(ask(service, Duty::ImageSnapshot, test::snapshot(1, 1), kPublisher), "caller-not-allowed");
}

TEST_F(SigningService, SignsSoOftenAMinuteAndNoMore) {
  Service service = open();
  for (std::uint64_t version = 1; version <= 5; ++version) {
    EXPECT_EQ(ask(service, Duty::DirectorTimestamp, test::timestamp(version, 1, "VIN-1")), "signed");
  }
  EXPECT_EQ(ask(service, Duty::DirectorTimestamp, test::timestamp(6, 1, "VIN-1")), "too-often");
  EXPECT_EQ(ask(service, Duty::DirectorSnapshot, test::snapshot(1, 1, "VIN-1")), "signed") << "another key";
  clock.time += std::chrono::minutes(1);
  EXPECT_EQ(ask(service, Duty::DirectorTimestamp, test::timestamp(6, 1, "VIN-1")), "signed");
}

TEST_F(SigningService, NotesEachSignatureAndOfARowOfRefusalsOneAMinute) {
  Service service = open();
  EXPECT_EQ(ask(service, Duty::ImageSnapshot, test::snapshot(3, 1)), "signed");
  EXPECT_EQ(ask(service, Duty::TimeSource, test::attestation(kNoon)), "signed");
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(ask(service, Duty::ImageSnapshot, test::snapshot(2, 1)), "version-not-higher");
  }
  EXPECT_EQ(ask(service, Duty::TimeSource, test::attestation(kNoon + std::chrono::hours(1))), "time-off");
  ASSERT_EQ(signatures().size(), 1U);
  EXPECT_EQ(signatures()[0].key, "image-snapshot");
  EXPECT_EQ(signatures()[0].number, 3U);
  EXPECT_EQ(signatures()[0].caller, kDaemon);
  ASSERT_EQ(refusals().size(), 2U);
  EXPECT_EQ(refusals()[0].policy, "version-not-higher");
  EXPECT_EQ(refusals()[0].digest, crypto::sha256(canonical(test::snapshot(2, 1))));
  EXPECT_EQ(refusals()[1].policy, "time-off");
  clock.time += std::chrono::minutes(1);
  EXPECT_EQ(ask(service, Duty::ImageSnapshot, test::snapshot(2, 1)), "version-not-higher");
  EXPECT_EQ(refusals().size(), 3U);
}

TEST_F(SigningService, RefusesToServeTheSameKeysTwice) {
  const Service service = open();
  const auto second = Journal::open(dir());
  ASSERT_FALSE(second);
  EXPECT_TRUE(is_fault(second.error(), Fault::Kind::Busy)) << summary(second.error());
}

TEST_F(SigningService, KilledAtAnyStepItNeverSignsTwoContentsUnderOneVersion) {
  const auto first = test::director_targets(7);
  auto other = first;
  other.expires += std::chrono::seconds(1);
  unsigned step = 1;
  for (;; ++step) {
    SCOPED_TRACE("killed before change " + std::to_string(step));
    fs::remove(dir() / "signing.db");
    fs::remove(dir() / "signing.db-wal");
    fs::remove(dir() / "signing.db-shm");
    const fs::path gone = dir() / "signature-left";  // the last change of all
    fs::remove(gone);
    const sim::Death death = sim::run_until_step(step, [&] {
      Service service = open();
      if (ask(service, Duty::DirectorTargets, first) != "signed") return false;
      fs::create_directory(gone);
      return true;
    });
    if (death == sim::Death::CannotTrace) GTEST_SKIP() << "this machine does not let us trace a child";
    ASSERT_NE(death, sim::Death::Failed);
    const bool noted = fs::exists(dir() / "signing.db") && !signatures().empty();
    EXPECT_TRUE(noted || !fs::exists(gone)) << "a signature left that the journal does not hold";
    Service service = open();
    EXPECT_EQ(ask(service, Duty::DirectorTargets, first), "signed") << "the same again, after the crash";
    EXPECT_EQ(ask(service, Duty::DirectorTargets, other), "version-not-higher");
    fs::remove(gone);
    if (death == sim::Death::Finished) break;
  }
  EXPECT_GT(step, 8U);
}

}  // namespace
}  // namespace cotter::signing
