// DIR-48: no vehicle waits for ever without somebody being told why.
#include "server/director/stuck.h"

#include <gtest/gtest.h>

#include "tests/unit/server/fleet.h"

namespace cotter::director {
namespace {

using std::chrono::days;
using test::kNoon;

/// BRAKE was assigned an image at noon, and the vehicle was heard of a day before.
Standing waiting() {
  Standing standing;
  standing.vehicle = test::fresh_vehicle();
  standing.vehicle.last_manifest_at = kNoon - days(1);
  inventory::Ecu& brake = standing.vehicle.ecus[1];
  brake.desired = inventory::Desired{TargetName("brakes/2.bin"),
                                     test::entry_for("brake 2", {HardwareId("brake-mk4")}, 2), kNoon};
  return standing;
}

inventory::Ecu& brake(Standing& standing) { return standing.vehicle.ecus[1]; }

/// BRAKE's own report of `when`.
void report(Standing& standing, UtcTime when) {
  inventory::Reported reported;
  reported.accepted_at = when;
  reported.installed = brake(standing).record.image;
  brake(standing).reported = reported;
  standing.vehicle.last_manifest_at = when;
}

std::string why(const Standing& standing, UtcTime now = kNoon + days(14)) {
  const auto all = stuck(standing, now);
  if (all.empty()) return "";
  EXPECT_EQ(all.size(), 1U);
  EXPECT_FALSE(all.front().what_to_do.empty());
  return all.front().why;
}

bool says(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST(Stuck, IsNobodyBeforeTheDeadline) {
  EXPECT_EQ(why(waiting(), kNoon + days(14) - std::chrono::seconds(1)), "");
  EXPECT_NE(why(waiting(), kNoon + days(14)), "");
  Deadlines short_ones;
  short_ones.to_confirm = std::chrono::hours(1);
  EXPECT_EQ(stuck(waiting(), kNoon + std::chrono::hours(1), short_ones).size(), 1U);
}

TEST(Stuck, IsNobodyWhoHasConfirmedOrHasNothingToConfirm) {
  Standing confirmed = waiting();
  brake(confirmed).desired->confirmed_at = kNoon;
  EXPECT_EQ(why(confirmed, kNoon + days(1000)), "");
  Standing idle = waiting();
  brake(idle).desired.reset();
  EXPECT_EQ(why(idle, kNoon + days(1000)), "") << "a parked car without an order is no problem";
}

TEST(Stuck, TellsSilenceFromADeadEcuFromARefusalFromAnInstallationThatFails) {
  Standing standing = waiting();
  EXPECT_TRUE(says(why(standing), "last heard of at 2026-06-30T12:00:00Z")) << why(standing);
  standing.vehicle.last_manifest_at.reset();
  EXPECT_TRUE(says(why(standing), "never sent a manifest")) << why(standing);

  report(standing, kNoon - days(1));
  standing.vehicle.last_manifest_at = kNoon + days(1);
  EXPECT_TRUE(says(why(standing), "no newer report")) << why(standing);
  brake(standing).absence = "does not answer";
  EXPECT_TRUE(says(why(standing), "does not answer")) << why(standing);

  brake(standing).absence.reset();
  report(standing, kNoon + days(1));
  EXPECT_TRUE(says(why(standing), "still runs factory/brake-mk4/1.bin")) << why(standing);
  standing.complaints.emplace(brake(standing).serial(), "image/root:root-expired");
  EXPECT_TRUE(says(why(standing), "image/root:root-expired")) << why(standing);
  EXPECT_EQ(stuck(standing, kNoon + days(14)).front().ecu, brake(standing).serial());
  EXPECT_EQ(stuck(standing, kNoon + days(14)).front().since, kNoon);
}

TEST(Stuck, IsWhoRunsAStrangersImageAtOnce) {  // DIR-27
  Standing standing = waiting();
  report(standing, kNoon);
  brake(standing).reported->quarantined = true;
  EXPECT_TRUE(says(why(standing, kNoon), "never gave it")) << why(standing, kNoon);
}

TEST(Stuck, IsAVehicleWhoseManifestsAreRefused) {  // DIR-21
  Standing standing = waiting();
  standing.refused = inventory::ManifestRefusal{"manifest-ecu-unknown", "an ECU that it has not", kNoon};
  EXPECT_EQ(why(standing, kNoon + std::chrono::hours(23)), "") << "a workshop may be at it";
  const auto all = stuck(standing, kNoon + days(20));
  ASSERT_EQ(all.size(), 1U) << "of its ECUs nothing newer is known";
  EXPECT_FALSE(all.front().ecu);
  EXPECT_EQ(all.front().since, kNoon);
  EXPECT_TRUE(says(all.front().why, "an ECU that it has not"));
  EXPECT_TRUE(says(all.front().what_to_do, "cotter vehicle ecu replace VIN-1")) << all.front().what_to_do;
  standing.refused->rule = "manifest-time-wrong";
  EXPECT_TRUE(says(stuck(standing, kNoon + days(20)).front().what_to_do, "clock"));
}

}  // namespace
}  // namespace cotter::director
