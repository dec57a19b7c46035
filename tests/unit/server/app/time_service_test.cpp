#include "server/app/time_service.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "common/model/time_attestation.h"
#include "common/model/time_source.h"
#include "common/trust/verified.h"
#include "server/storage/sqlite/database.h"
#include "server/storage/sqlite/ledger_store.h"
#include "tests/sim/temp_dir.h"
#include "tests/unit/common/expect_rule.h"
#include "tests/unit/server/fleet.h"

namespace cotter::app {
namespace {

using test::kNoon;

struct SteppedClock final : Clock {
  [[nodiscard]] UtcTime now() const override { return time; }
  UtcTime time = kNoon;
};

class AttestedTime : public testing::Test {
 protected:
  /// As a vehicle reads it, by the key that its root lists.
  model::TimeAttestation answer() {
    model::TimeSource source;
    source.keys.emplace(key.public_key().computed_id(), key.public_key());
    source.role = {{key.public_key().computed_id()}, 1};
    auto wire = service.attest(request.wire());
    EXPECT_TRUE(wire);
    auto file = trust::Unverified<model::TimeAttestation>::parse(*std::move(wire), model::Profile::Vehicle);
    EXPECT_TRUE(file);
    auto verified = (*std::move(file)).verify(trust::Authority::of_time_source(source));
    EXPECT_TRUE(verified) << summary(verified.error());
    return **verified;
  }
  model::TimeRequest request{{model::Nonce(std::string(32, 'a')), model::Nonce(std::string(32, 'b'))},
                             VehicleId("VIN-1")};
  SteppedClock clock;
  test::NumberedSigner key{77};
  /// What the ledger tells of times: "FROM UNTIL" of each.
  [[nodiscard]] std::vector<std::string> told() const {
    host::Db db = storage::open_database(database()).value();
    storage::LedgerFilter filter;
    filter.kind = ledger::kAttestedTime;
    std::vector<std::string> all;
    EXPECT_TRUE(storage::LedgerStore(db).each(filter, [&](const storage::LedgerRow& row) -> Result<void> {
      const auto entry = ledger::Entry::decode(row.body).value();
      EXPECT_EQ(entry.subject, "director/x-time-source");
      EXPECT_EQ(*entry.details.find("keyid")->as_string(), key.public_key().computed_id().value());
      const auto text = [&](const char* name) {
        return std::string(entry.details.find(name)->as_string()->view());
      };
      all.push_back(text("from") + " " + text("until"));
      return {};
    }));
    return all;
  }
  [[nodiscard]] std::filesystem::path database() const { return dir.path() / "cotter.db"; }
  sim::TempDir dir;
  TimeService service{key, clock, storage::open_database(database()).value()};
};

TEST_F(AttestedTime, IsSignedOverWhatWasAskedWith) {  // TIM-3, FMT-90
  const model::TimeAttestation attestation = answer();
  EXPECT_EQ(attestation.time, kNoon);
  EXPECT_EQ(attestation.nonces, request.nonces);
  EXPECT_EQ(attestation.vin, request.vin);
}

TEST_F(AttestedTime, NeverGoesBackWhateverTheClockSays) {  // TIM-9
  answer();
  clock.time -= std::chrono::seconds(1);
  EXPECT_EQ(answer().time, kNoon);
  clock.time += std::chrono::hours(1);
  EXPECT_EQ(answer().time, clock.time);
}

TEST_F(AttestedTime, LiesInAWindowThatTheLedgerTellsOf) {
  for (int time = 0; time < 3; ++time) answer();
  EXPECT_EQ(told(), (std::vector<std::string>{"2026-07-01T12:00:00Z 2026-07-02T00:00:00Z"}));
  clock.time = parse_utc("2026-07-01T23:59:59Z").value();
  answer();
  EXPECT_EQ(told().size(), 1U);
  clock.time = parse_utc("2026-07-02T00:00:00Z").value();
  answer();
  clock.time = kNoon;
  answer();
  EXPECT_EQ(told(), (std::vector<std::string>{"2026-07-01T12:00:00Z 2026-07-02T00:00:00Z",
                                              "2026-07-02T00:00:00Z 2026-07-03T00:00:00Z"}));
}

TEST_F(AttestedTime, IsNotSaidWhereTheLedgerCannotTellOfIt) {
  host::Db db = storage::open_database(database()).value();
  ASSERT_TRUE(db.exec("ALTER TABLE ledger_entry RENAME TO lost"));
  EXPECT_FALSE(service.attest(request.wire()));
  EXPECT_EQ(key.count(), 0) << "nothing was signed";
  ASSERT_TRUE(db.exec("ALTER TABLE lost RENAME TO ledger_entry"));
  answer();
  EXPECT_EQ(told().size(), 1U);
}

TEST_F(AttestedTime, IsNotSaidToWhoDoesNotAskForIt) {
  EXPECT_EQ(test::verdict(service.attest(as_bytes("{}"))), "member-missing");
  EXPECT_EQ(test::verdict(service.attest(Bytes(model::kMaxTimeRequestBytes + 1, ' '))), "file-too-large");
  EXPECT_EQ(key.count(), 0);
  EXPECT_TRUE(told().empty());
}

}  // namespace
}  // namespace cotter::app
