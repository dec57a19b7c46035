#include "server/app/time_service.h"

#include <gtest/gtest.h>

#include "common/model/time_attestation.h"
#include "common/model/time_source.h"
#include "common/trust/verified.h"
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
  TimeService service{key, clock};
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

TEST_F(AttestedTime, IsNotSaidToWhoDoesNotAskForIt) {
  EXPECT_EQ(test::verdict(service.attest(as_bytes("{}"))), "member-missing");
  EXPECT_EQ(test::verdict(service.attest(Bytes(model::kMaxTimeRequestBytes + 1, ' '))), "file-too-large");
  EXPECT_EQ(key.count(), 0);
}

}  // namespace
}  // namespace cotter::app
