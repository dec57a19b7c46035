// Secure time, checklist section 7. The whole vehicle's side of it stands in tests/scenarios/time-*.json.
#include "common/trust/secure_time.h"

#include <gtest/gtest.h>

#include "tests/sim/time_source_sim.h"
#include "tests/unit/common/trust/trust_kit.h"

namespace cotter::trust {
namespace {

using namespace std::chrono_literals;
using sim::numbered_nonce;
using test::kNow;
using test::verdict;

const RoleName kTime = model::time_source_role();

template <class T>
T must(Result<T> result) {
  EXPECT_TRUE(result) << summary(result.error());
  return *std::move(result);
}

/// A director whose root lists a time source, and an ECU of it.
struct World {
  World() {
    director.bind_to(test::kVin);
    rotate();
  }
  void rotate() {
    director.rotate(kTime);
    director.publish(model::root_role());
    source.keys = director.signers.at(kTime);
  }
  /// The director's newest root, as an ECU trusts it.
  Verified<model::Root> root() {
    return must(must(Unverified<model::Root>::parse(director.file_of(model::root_role()), Profile::Vehicle))
                    .verify_anchor());
  }
  Bytes answer(std::vector<model::Nonce> nonces) { return *source.answer(nonces, now); }

  sim::RepositorySim director{"director", test::kExpires};
  sim::TimeSourceSim source;
  UtcTime now = kNow;
};

/// An ECU: asks and listens, with a clock that runs.
struct Ecu {
  explicit Ecu(World& in, TimeState state = {}) : world(in), time({}, std::move(state)) {
    time.learn(world.root());
  }
  [[nodiscard]] Uptime uptime() const { return {boot, world.now - kNow + 100s}; }
  model::Nonce ask() { return time.ask(numbered_nonce(++drawn)); }
  std::string cycle() {
    const model::Nonce nonce = ask();
    return verdict(time.accept(world.answer({nonce}), uptime()));
  }
  /// Switched off, and on again: what was worth a write is still there.
  void restart(const std::string& next_boot) {
    boot = next_boot;
    const Bytes record = time.state().encode();
    time = SecureTime({}, TimeState::decode(record).value());
    time.learn(world.root());
  }
  World& world;
  SecureTime time;
  std::string boot = "boot-1";
  std::uint8_t drawn = 0;
};

TEST(SecureTime, IsTheAttestedTimeAndWhatHasPassedSince) {  // TIM-2, TIM-3
  World world;
  Ecu ecu(world);
  EXPECT_EQ(verdict(ecu.time.now(ecu.uptime())), "time-not-attested");
  EXPECT_EQ(ecu.cycle(), "accepted");
  EXPECT_EQ(ecu.time.now(ecu.uptime()).value(), kNow);
  world.now += 90s;
  EXPECT_EQ(ecu.time.now(ecu.uptime()).value(), kNow + 90s);
  EXPECT_EQ(ecu.time.latest(ecu.uptime()), kNow + 90s);  // TIM-8
}

TEST(SecureTime, IsNotThereWhereTheRootListsNoSource) {  // FMT-32
  World world;
  world.director.root.roles.erase(kTime);
  world.director.publish(model::root_role());
  EXPECT_FALSE(Ecu(world).time.has_source());
  world.rotate();
  EXPECT_TRUE(Ecu(world).time.has_source());
}

TEST(SecureTime, OneAnswerServesEveryEcuOfTheRequest) {  // FMT-90, PRI-14
  World world;
  Ecu brake(world), door(world);
  door.drawn = 100;
  const Bytes answer = world.answer({brake.ask(), door.ask()});
  EXPECT_EQ(verdict(brake.time.accept(answer, brake.uptime())), "accepted");
  EXPECT_EQ(verdict(door.time.accept(answer, door.uptime())), "accepted");
}

TEST(SecureTime, TheSameAnswerIsNotTakenTwice) {  // TIM-3, TIM-11: replay of an old attestation
  World world;
  Ecu ecu(world);
  const Bytes answer = world.answer({ecu.ask()});
  EXPECT_EQ(verdict(ecu.time.accept(answer, ecu.uptime())), "accepted");
  EXPECT_EQ(verdict(ecu.time.accept(answer, ecu.uptime())), "time-nonce-missing");
  const model::Nonce next = ecu.ask();
  EXPECT_EQ(verdict(ecu.time.accept(answer, ecu.uptime())), "time-nonce-missing");
  EXPECT_EQ(verdict(ecu.time.accept(world.answer({next}), ecu.uptime())), "accepted");
}

TEST(SecureTime, AnAnswerToAnotherEcuIsNone) {  // TIM-11: nonce of another ECU
  World world;
  Ecu ecu(world);
  ecu.ask();
  EXPECT_EQ(verdict(ecu.time.accept(world.answer({numbered_nonce(200)}), ecu.uptime())),
            "time-nonce-missing");
}

TEST(SecureTime, AnAnswerBeforeAnyQuestionIsNone) {  // TIM-3
  World world;
  Ecu ecu(world);
  EXPECT_EQ(verdict(ecu.time.accept(world.answer({numbered_nonce(1)}), ecu.uptime())), "time-nonce-missing");
}

TEST(SecureTime, TakesNoAnswerButOfEnoughKeysOfTheSource) {  // TIM-3, TIM-11: unsigned; wrong key
  World world;
  const sim::Keys three = {world.director.new_key(kTime), world.director.new_key(kTime),
                           world.director.new_key(kTime)};
  world.director.set_keys(kTime, three, 2);
  world.director.publish(model::root_role());
  Ecu ecu(world);
  const model::Nonce nonce = ecu.ask();
  const auto judged = [&](const sim::Keys& keys) {
    world.source.keys = keys;
    return verdict(ecu.time.accept(world.answer({nonce}), ecu.uptime()));
  };
  EXPECT_EQ(judged({}), "threshold-not-met");
  EXPECT_EQ(judged({sim::key("mallory"), sim::key("mallory-2")}), "threshold-not-met");
  EXPECT_EQ(judged({three[0]}), "threshold-not-met");
  EXPECT_EQ(judged({three[0], three[0]}), "signature-key-repeated");
  EXPECT_EQ(judged(world.director.signers.at(model::timestamp_role())), "threshold-not-met");
  EXPECT_EQ(judged({three[0], three[2]}), "accepted");
}

TEST(SecureTime, DoesNotGoBackASecond) {  // TIM-3, TIM-9, TIM-11: time back by 1 s
  World world;
  Ecu ecu(world);
  ASSERT_EQ(ecu.cycle(), "accepted");
  ecu.restart("boot-2");
  world.source.says = kNow - 1s;
  EXPECT_EQ(ecu.cycle(), "time-before-floor");
  world.source.says = kNow;
  EXPECT_EQ(ecu.cycle(), "accepted");
}

TEST(SecureTime, IsNeverBeforeThisSoftwareWasWritten) {  // TIM-1, TIM-9
  World world;
  Ecu ecu(world);
  world.source.says = kWritten - 1s;
  EXPECT_EQ(ecu.cycle(), "time-before-floor");
  world.source.says = kWritten;
  EXPECT_EQ(ecu.cycle(), "accepted");
}

TEST(SecureTime, IsNeverBeforeTheEcuLeftTheFactory) {  // TIM-1, TIM-9
  World world;
  TimeState factory;
  factory.floor = kNow + 1h;
  Ecu ecu(world, factory);  // learns its first source, which takes nothing back
  EXPECT_EQ(ecu.cycle(), "time-before-floor");
  EXPECT_EQ(ecu.time.latest({}), kNow + 1h);
}

TEST(SecureTime, AnAnswerHeldBackForAnHourIsRefused) {  // TIM-11: delay by 1 h
  World world;
  Ecu ecu(world);
  ASSERT_EQ(ecu.cycle(), "accepted");
  const Bytes answer = world.answer({ecu.ask()});
  world.now += 1h;
  EXPECT_EQ(verdict(ecu.time.accept(answer, ecu.uptime())), "time-before-floor");
  EXPECT_EQ(ecu.time.now(ecu.uptime()).value(), kNow + 1h);
  world.source.says = world.now - 10min;  // a source may be behind what the ECU counted, a little
  EXPECT_EQ(ecu.cycle(), "accepted");
  EXPECT_EQ(ecu.time.now(ecu.uptime()).value(), world.now - 10min);
}

TEST(SecureTime, TenYearsAheadNeedASecondAnswer) {  // TIM-5, TIM-11: time +10 y; ATK-51
  World world;
  Ecu ecu(world);
  world.source.says = test::kExpires + 366 * 24h;
  EXPECT_EQ(ecu.cycle(), "time-jump-unconfirmed");
  EXPECT_EQ(verdict(ecu.time.now(ecu.uptime())), "time-not-attested");
  EXPECT_EQ(ecu.time.latest(ecu.uptime()), kWritten);
  ecu.restart("boot-2");  // whoever was stored for years may not be up for long
  EXPECT_EQ(ecu.cycle(), "accepted");
  EXPECT_EQ(ecu.time.now(ecu.uptime()).value(), *world.source.says);
}

TEST(SecureTime, AYearPastTheRootIsNoJump) {  // TIM-5
  World world;
  world.source.says = test::kExpires + 365 * 24h;
  EXPECT_EQ(Ecu(world).cycle(), "accepted");
  world.source.says = *world.source.says + 1s;
  EXPECT_EQ(Ecu(world).cycle(), "time-jump-unconfirmed");
}

TEST(SecureTime, OnlyAnAnswerThatAgreesConfirmsAJump) {  // TIM-5
  World world;
  const UtcTime far = test::kExpires + 4000 * 24h;
  for (const auto& [second, judged] :
       {std::pair(far - 1s, "time-jump-unconfirmed"), std::pair(far + 7 * 24h, "accepted"),
        std::pair(far + 7 * 24h + 1s, "time-jump-unconfirmed"), std::pair(kNow, "accepted")}) {
    Ecu ecu(world);
    world.source.says = far;
    ASSERT_EQ(ecu.cycle(), "time-jump-unconfirmed");
    world.source.says = second;
    EXPECT_EQ(ecu.cycle(), judged) << format_utc(second);
  }
}

TEST(SecureTime, OneAnswerDoesNotConfirmItself) {  // TIM-5
  World world;
  Ecu ecu(world);
  world.source.says = *parse_utc("9999-12-31T23:59:59Z");
  const Bytes answer = world.answer({ecu.ask()});
  EXPECT_EQ(verdict(ecu.time.accept(answer, ecu.uptime())), "time-jump-unconfirmed");
  EXPECT_EQ(verdict(ecu.time.accept(answer, ecu.uptime())), "time-nonce-missing");
  ecu.ask();
  EXPECT_EQ(verdict(ecu.time.accept(answer, ecu.uptime())), "time-nonce-missing");
}

TEST(SecureTime, ANewTimeKeyInTheRootBringsBackWhoWasLedAstray) {  // VER-9, KEY-26, TIM-5, ATK-51
  World world;
  Ecu ecu(world);
  world.source.says = *parse_utc("9999-12-31T23:59:59Z");
  ASSERT_EQ(ecu.cycle(), "time-jump-unconfirmed");
  ASSERT_EQ(ecu.cycle(), "accepted");
  world.source.says.reset();
  EXPECT_EQ(ecu.cycle(), "time-before-floor");
  world.rotate();
  ecu.time.learn(world.root());
  EXPECT_EQ(ecu.time.latest(ecu.uptime()), kWritten);
  EXPECT_EQ(verdict(ecu.time.now(ecu.uptime())), "time-not-attested");  // until attested anew, in this cycle
  EXPECT_EQ(ecu.cycle(), "accepted");
  EXPECT_EQ(ecu.time.now(ecu.uptime()).value(), kNow);
}

TEST(SecureTime, TheOldTimeKeySaysNothingAfterRotation) {  // VER-9, KEY-26
  World world;
  Ecu ecu(world);
  const sim::Keys old = world.source.keys;
  world.rotate();
  ecu.time.learn(world.root());
  world.source.keys = old;
  EXPECT_EQ(ecu.cycle(), "threshold-not-met");
}

TEST(SecureTime, ARootThatKeepsTheTimeKeyKeepsTheFloor) {  // VER-9
  World world;
  Ecu ecu(world);
  ASSERT_EQ(ecu.cycle(), "accepted");
  world.director.rotate(model::timestamp_role());
  world.director.publish(model::root_role());
  ecu.time.learn(world.root());
  EXPECT_EQ(ecu.time.now(ecu.uptime()).value(), kNow);
  ecu.restart("boot-2");
  EXPECT_EQ(ecu.time.latest(ecu.uptime()), kNow);
}

TEST(SecureTime, PartialEcusLearnANewTimeKeyFromTargets) {  // PVS-6
  World world;
  Ecu ecu(world);
  ASSERT_EQ(ecu.cycle(), "accepted");
  const auto learn = [&](const json::Value& source) {
    world.director.targets().unknown.set("x-time-source", source);
    world.director.release({model::targets_role()});
    const auto targets = must(must(Unverified<model::Targets>::parse(
                                       world.director.file_of(model::targets_role()), Profile::Vehicle))
                                  .verify(Authority::of_root(world.root(), model::targets_role())));
    return verdict(ecu.time.learn(targets));
  };
  EXPECT_EQ(learn(model::TimeSource::of(*world.root())->encode()), "accepted");
  EXPECT_EQ(ecu.time.now(ecu.uptime()).value(), kNow);  // the same key: nothing changed

  world.source.keys = {sim::key("next")};
  const crypto::PublicKey& next = world.source.keys[0]->public_key();
  const std::string id = next.computed_id().value();
  const json::Object keys{{id, next.encode()}};
  EXPECT_EQ(learn(json::Object{{"keys", keys}, {"keyids", json::Array{id}}, {"threshold", 1}}), "accepted");
  EXPECT_EQ(verdict(ecu.time.now(ecu.uptime())), "time-not-attested");
  EXPECT_EQ(ecu.time.latest(ecu.uptime()), kWritten);
  ecu.restart("boot-1");  // learns its old root again, which is no news
  EXPECT_EQ(ecu.cycle(), "accepted");
  EXPECT_EQ(learn("none"), "member-wrong-kind");
}

TEST(SecureTime, LastsAWeekWithoutAnAnswerWhereAClockRuns) {  // TIM-6, TIM-11: drop
  World world;
  Ecu ecu(world);
  ASSERT_EQ(ecu.cycle(), "accepted");
  world.now += 7 * 24h;
  EXPECT_EQ(ecu.time.now(ecu.uptime()).value(), world.now);
  ecu.restart("boot-1");  // the program, not the machine
  EXPECT_EQ(ecu.time.now(ecu.uptime()).value(), world.now);
  world.now += 1s;
  EXPECT_EQ(verdict(ecu.time.now(ecu.uptime())), "time-not-attested");
  EXPECT_EQ(ecu.time.latest(ecu.uptime()), kNow);
}

TEST(SecureTime, DoesNotOutliveABoot) {  // TIM-6: nobody knows how long the machine was off
  World world;
  Ecu ecu(world);
  ASSERT_EQ(ecu.cycle(), "accepted");
  ecu.restart("boot-2");
  EXPECT_EQ(verdict(ecu.time.now(ecu.uptime())), "time-not-attested");
  EXPECT_EQ(ecu.cycle(), "accepted");
}

TEST(SecureTime, AClockThatWentBackCountsForNothing) {  // TIM-6
  World world;
  Ecu ecu(world);
  ASSERT_EQ(ecu.cycle(), "accepted");
  EXPECT_EQ(verdict(ecu.time.now(Uptime{"boot-1", 99s})), "time-not-attested");
}

TEST(SecureTime, WithoutAClockOnlyThisCyclesAnswerCounts) {  // TIM-6
  World world;
  Ecu ecu(world);
  EXPECT_EQ(verdict(ecu.time.accept(world.answer({ecu.ask()}), std::nullopt)), "accepted");
  EXPECT_EQ(ecu.time.now(std::nullopt).value(), kNow);
  ecu.ask();
  EXPECT_EQ(verdict(ecu.time.now(std::nullopt)), "time-not-attested");
}

TEST(SecureTime, RefusalsChangeNothingAndKeepTheNonce) {  // TIM-3: on any failure do not overwrite
  World world;
  Ecu ecu(world);
  ASSERT_EQ(ecu.cycle(), "accepted");
  const model::Nonce nonce = ecu.ask();
  const Bytes before = ecu.time.state().encode();
  const Bytes good = world.answer({nonce});
  std::vector<Bytes> bad = {{},
                            to_bytes("{}"),
                            Bytes(model::kMaxTimeAttestationBytes + 1, ' '),
                            world.answer({numbered_nonce(200)})};
  for (std::size_t i = 0; i < good.size(); i += 5) {
    bad.emplace_back(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(i));
    bad.push_back(good);
    bad.back()[i] ^= 1;
  }
  world.source.says = kNow - 1h;
  bad.push_back(world.answer({nonce}));
  for (const Bytes& answer : bad) {
    EXPECT_NE(verdict(ecu.time.accept(answer, ecu.uptime())), "accepted") << as_text(answer);
    EXPECT_EQ(as_text(ecu.time.state().encode()), as_text(before));
    EXPECT_EQ(ecu.ask(), nonce);
  }
  EXPECT_EQ(verdict(ecu.time.accept(good, ecu.uptime())), "accepted");
  EXPECT_NE(ecu.ask(), nonce);
}

TEST(SecureTime, TakesNoAnswerOfMoreThan64KiB) {  // VER-LIM, ATK-22
  World world;
  Ecu ecu(world);
  Bytes answer = world.answer({ecu.ask()});
  answer.resize(model::kMaxTimeAttestationBytes + 1, ' ');
  EXPECT_EQ(verdict(ecu.time.accept(answer, ecu.uptime())), "file-too-large");
  answer.pop_back();
  EXPECT_EQ(verdict(ecu.time.accept(answer, ecu.uptime())), "accepted");
}

// TIM-10; TIM-11: two secondaries get different attestations
TEST(SecureTime, APrimaryTakesAnAnswerToItsWholeRequestAndNothingElse) {
  World world;
  Ecu primary(world);
  const std::vector<model::Nonce> request = {primary.ask(), numbered_nonce(101), numbered_nonce(102)};
  const auto judged = [&](std::vector<model::Nonce> answered) {
    return verdict(primary.time.accept_for(request, world.answer(std::move(answered)), primary.uptime()));
  };
  EXPECT_EQ(judged({request[0], request[1]}), "time-nonce-missing");
  EXPECT_EQ(judged({request[1], request[2]}), "time-nonce-missing");
  EXPECT_EQ(judged({request[0], request[1], request[2], numbered_nonce(200)}), "time-nonce-foreign");
  EXPECT_EQ(judged({request[2], request[0], request[1]}), "accepted");
}

TEST(SecureTime, IsWrittenDownOnlyWhenItIsWorthIt) {  // TIM-7
  World world;
  Ecu ecu(world);
  EXPECT_TRUE(ecu.time.needs_saving());  // it learnt a source
  ecu.time.saved();
  EXPECT_EQ(ecu.cycle(), "accepted");
  EXPECT_TRUE(ecu.time.needs_saving());
  ecu.time.saved();
  world.now += 59min;
  EXPECT_EQ(ecu.cycle(), "accepted");
  EXPECT_FALSE(ecu.time.needs_saving());
  world.now += 1min;
  EXPECT_EQ(ecu.cycle(), "accepted");
  EXPECT_TRUE(ecu.time.needs_saving());
  ecu.time.saved();
  ecu.boot = "boot-2";
  EXPECT_EQ(ecu.cycle(), "accepted");
  EXPECT_TRUE(ecu.time.needs_saving());
  ecu.time.saved();
  world.rotate();
  ecu.time.learn(world.root());
  EXPECT_TRUE(ecu.time.needs_saving());
}

TEST(TimeState, GivesBackWhatItKept) {
  World world;
  Ecu ecu(world);
  ASSERT_EQ(ecu.cycle(), "accepted");
  world.source.says = test::kExpires + 4000 * 24h;
  ASSERT_EQ(ecu.cycle(), "time-jump-unconfirmed");
  const Bytes record = ecu.time.state().encode();
  EXPECT_EQ(as_text(TimeState::decode(record).value().encode()), as_text(record));
  EXPECT_EQ(verdict(TimeState::decode(to_bytes("{}"))), "member-missing");
  std::string ahead(as_text(record));
  const auto year = ahead.find("\"20") + 2;
  ahead[year] = '8';  // one bit
  EXPECT_FALSE(TimeState::decode(to_bytes(ahead)));
}

// TIM-10
TEST(SecureTime, TakesNoAnswerThatSaysAnotherVehicleAsked) {
  World world;
  TimeRules rules;
  rules.vin = VehicleId("VIN-1");
  SecureTime time(rules);
  time.learn(world.root());
  model::TimeAttestation attestation;
  attestation.time = world.now;
  attestation.nonces = {time.ask(numbered_nonce(1))};
  attestation.vin = VehicleId("VIN-2");
  const auto answer = [&] { return sim::signed_file(attestation.encode(), world.source.keys); };
  EXPECT_EQ(verdict(time.accept(answer(), std::nullopt)), "time-nonce-foreign");
  attestation.vin = VehicleId("VIN-1");
  EXPECT_EQ(verdict(time.accept(answer(), std::nullopt)), "accepted");
  attestation.nonces = {time.ask(numbered_nonce(2))};
  attestation.vin.reset();
  EXPECT_EQ(verdict(time.accept(answer(), std::nullopt)), "accepted") << "not every source repeats it";
}

}  // namespace
}  // namespace cotter::trust
