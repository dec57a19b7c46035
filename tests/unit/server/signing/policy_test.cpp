#include "server/signing/policy.h"

#include <gtest/gtest.h>

#include "common/model/time_source.h"
#include "server/signing/canonical_reader.h"
#include "tests/unit/common/expect_rule.h"
#include "tests/unit/server/ledger/memory_log.h"
#include "tests/unit/server/signing/contents.h"

namespace cotter::signing {
namespace {

using test::canonical;
using test::kNoon;

constexpr uid_t kCaller = 1000;

/// The signing process as far as policies go: each key's terms, and of one series the past.
class Policies : public testing::Test {
 protected:
  /// "signed", or the name of the policy that refused. What is signed becomes the past.
  std::string ask(Duty duty, const Bytes& message, UtcTime now = kNoon,
                  std::optional<ledger::Growth> growth = {}) {
    auto content = read_content(duty, message, keys);
    if (!content) return std::string(name_of(content.error().policy));
    content->growth = std::move(growth);
    if (const auto refusal = judge(*content, past, terms, now)) {
      EXPECT_FALSE(refusal->why.empty());
      return std::string(name_of(refusal->policy));
    }
    past.last = LastSigned{content->number, content->digest, content->listed};
    return "signed";
  }
  template <class Role>
  std::string ask(Duty duty, const Role& role) {
    return ask(duty, canonical(role));
  }

  test::NumberedSigner own{50};
  test::NumberedSigner time_key{51};
  KnownKeys keys{&own.public_key(), &time_key.public_key()};
  Terms terms{{kCaller}, 10, std::chrono::hours(2)};
  Past past;
};

TEST_F(Policies, EachKeySignsItsOwnContent) {
  EXPECT_EQ(ask(Duty::ImageSnapshot, test::snapshot(1, 1)), "signed");
  past = {};
  EXPECT_EQ(ask(Duty::ImageTimestamp, test::timestamp(1, 1)), "signed");
  past = {};
  EXPECT_EQ(ask(Duty::DirectorTargets, test::director_targets(1)), "signed");
  past = {};
  EXPECT_EQ(ask(Duty::DirectorSnapshot, test::snapshot(1, 1, "VIN-1")), "signed");
  past = {};
  EXPECT_EQ(ask(Duty::DirectorTimestamp, test::timestamp(1, 1, "VIN-1")), "signed");
  past = {};
  EXPECT_EQ(ask(Duty::TimeSource, test::attestation(kNoon)), "signed");
  past = {};
  EXPECT_EQ(ask(Duty::Ledger, test::checkpoint(own.public_key(), 7, 1)), "signed");
}

TEST_F(Policies, NoKeySignsWhatIsAnothers) {  // KEY-10, ATK-38
  const Bytes contents[] = {canonical(test::snapshot(1, 1)),
                            canonical(test::timestamp(1, 1)),
                            canonical(test::director_targets(1)),
                            canonical(test::attestation(kNoon)),
                            test::checkpoint(own.public_key(), 7, 1),
                            to_bytes("{}"),
                            to_bytes("no JSON"),
                            {}};
  const std::map<Duty, std::size_t> fits = {{Duty::ImageSnapshot, 0},
                                            {Duty::ImageTimestamp, 1},
                                            {Duty::DirectorTargets, 2},
                                            {Duty::DirectorSnapshot, 0},
                                            {Duty::DirectorTimestamp, 1},
                                            {Duty::TimeSource, 3},
                                            {Duty::Ledger, 4}};
  for (const auto& [duty, fitting] : fits) {
    for (std::size_t i = 0; i < std::size(contents); ++i) {
      if (i == fitting) continue;
      EXPECT_EQ(ask(duty, contents[i]), "other-role") << name_of(duty) << " " << as_text(contents[i]);
    }
  }
}

TEST_F(Policies, AnotherSpellingOfTheSameContentIsNotSigned) {
  Bytes spaced = canonical(test::timestamp(1, 1));
  spaced.insert(spaced.begin() + 1, ' ');
  EXPECT_EQ(ask(Duty::ImageTimestamp, spaced), "other-role");
}

TEST_F(Policies, ADirectorsFileNamesItsVehicleAndAnImageRepositorysNone) {  // FMT-61
  EXPECT_EQ(ask(Duty::DirectorSnapshot, test::snapshot(1, 1)), "vehicle-foreign");
  EXPECT_EQ(ask(Duty::DirectorTimestamp, test::timestamp(1, 1)), "vehicle-foreign");
  EXPECT_EQ(ask(Duty::DirectorTargets, test::director_targets(1, "BRAKE", "")), "vehicle-foreign");
  EXPECT_EQ(ask(Duty::ImageSnapshot, test::snapshot(1, 1, "VIN-1")), "vehicle-foreign");
  EXPECT_EQ(ask(Duty::ImageTimestamp, test::timestamp(1, 1, "VIN-1")), "vehicle-foreign");
}

TEST_F(Policies, ADirectorDelegatesNothing) {  // FMT-62
  auto targets = test::director_targets(1);
  targets.delegations.emplace();
  EXPECT_EQ(ask(Duty::DirectorTargets, targets), "director-delegates");
  auto snapshot = test::snapshot(1, 1, "VIN-1");
  snapshot.meta.set(RoleName("brakes"), test::listed(1));
  EXPECT_EQ(ask(Duty::DirectorSnapshot, snapshot), "director-delegates");
}

TEST_F(Policies, AnEcuIsListedOnceAndForItsOwnVehicle) {
  auto of_nobody = test::director_targets(1);
  of_nobody.targets.begin()->second.custom.erase("ecuIdentifiers");
  EXPECT_EQ(ask(Duty::DirectorTargets, of_nobody), "ecu-foreign");
  auto twice = test::director_targets(1);
  twice.targets.emplace(TargetName("other.bin"), twice.targets.begin()->second);
  EXPECT_EQ(ask(Duty::DirectorTargets, twice), "ecu-foreign");
  past.owners = {{"BRAKE", "VIN-2"}};
  EXPECT_EQ(ask(Duty::DirectorTargets, test::director_targets(1)), "ecu-foreign");
  past.owners = {{"BRAKE", "VIN-1"}};
  EXPECT_EQ(ask(Duty::DirectorTargets, test::director_targets(1)), "signed");
}

TEST_F(Policies, TargetsNameNoTimeSourceButOurs) {  // PVS-6
  const auto with = [](const crypto::PublicKey& key) {
    model::TimeSource source;
    source.keys.emplace(key.computed_id(), key);
    source.role = {{key.computed_id()}, 1};
    auto targets = test::director_targets(1);
    targets.unknown.set(model::time_source_role().value(), source.encode());
    return targets;
  };
  const test::NumberedSigner stranger(52);
  EXPECT_EQ(ask(Duty::DirectorTargets, with(stranger.public_key())), "time-source-foreign");
  keys.time_source = nullptr;
  EXPECT_EQ(ask(Duty::DirectorTargets, with(time_key.public_key())), "time-source-foreign");
  keys.time_source = &time_key.public_key();
  EXPECT_EQ(ask(Duty::DirectorTargets, with(time_key.public_key())), "signed");
}

TEST_F(Policies, AVersionIsAboveTheLastOrTheSameBytesAgain) {  // FMT-3
  EXPECT_EQ(ask(Duty::ImageTimestamp, test::timestamp(5, 3)), "signed");
  EXPECT_EQ(ask(Duty::ImageTimestamp, test::timestamp(5, 3)), "signed") << "the answer was not heard";
  EXPECT_EQ(ask(Duty::ImageTimestamp, test::timestamp(5, 4)), "version-not-higher");
  EXPECT_EQ(ask(Duty::ImageTimestamp, test::timestamp(4, 3)), "version-not-higher");
  EXPECT_EQ(ask(Duty::ImageTimestamp, test::timestamp(9, 3)), "signed") << "numbers may be skipped";
}

TEST_F(Policies, NothingIsListedLowerThanBeforeOrLeftOut) {
  auto first = test::snapshot(1, 4);
  first.meta.set(RoleName("brakes"), test::listed(2));
  EXPECT_EQ(ask(Duty::ImageSnapshot, first), "signed");
  auto lower = first;
  lower.version = Version(2);
  lower.meta.set(RoleName("brakes"), test::listed(1));
  EXPECT_EQ(ask(Duty::ImageSnapshot, lower), "listed-version-lower");
  EXPECT_EQ(ask(Duty::ImageSnapshot, test::snapshot(2, 4)), "listed-version-lower");
  first.version = Version(2);
  EXPECT_EQ(ask(Duty::ImageSnapshot, first), "signed");
  past = {};
  EXPECT_EQ(ask(Duty::ImageTimestamp, test::timestamp(1, 2)), "signed");
  EXPECT_EQ(ask(Duty::ImageTimestamp, test::timestamp(2, 1)), "listed-version-lower");
}

TEST_F(Policies, NothingIsSignedThatHasExpired) {
  auto role = test::timestamp(1, 1);
  role.expires = kNoon;
  EXPECT_EQ(ask(Duty::ImageTimestamp, role), "expired");
  role.expires = kNoon + std::chrono::seconds(1);
  EXPECT_EQ(ask(Duty::ImageTimestamp, role), "signed");
}

TEST_F(Policies, NothingLivesLongerThanItsRoleMay) {
  auto role = test::director_targets(1);
  role.expires = kNoon + terms.longest_life + kLifeSlack + std::chrono::seconds(1);
  EXPECT_EQ(ask(Duty::DirectorTargets, role), "expires-too-late");
  role.expires = kNoon + terms.longest_life + kLifeSlack;
  EXPECT_EQ(ask(Duty::DirectorTargets, role), "signed");
}

TEST_F(Policies, NoTimeIsAttestedThatTheOwnClockDoesNotShow) {
  for (const std::chrono::seconds off : {std::chrono::seconds(31), std::chrono::seconds(-31)}) {
    EXPECT_EQ(ask(Duty::TimeSource, test::attestation(kNoon + off)), "time-off");
  }
  EXPECT_EQ(ask(Duty::TimeSource, test::attestation(kNoon + kClockSlack)), "signed");
  EXPECT_EQ(ask(Duty::TimeSource, test::attestation(kNoon - kClockSlack)), "signed");
}

TEST_F(Policies, TheLedgerNeverShrinksAndNeverForks) {
  const auto head = [&](std::uint64_t size, std::uint8_t root) {
    return test::checkpoint(own.public_key(), size, root);
  };
  EXPECT_EQ(ask(Duty::Ledger, head(7, 1)), "signed");
  EXPECT_EQ(ask(Duty::Ledger, head(7, 1)), "signed");
  EXPECT_EQ(ask(Duty::Ledger, head(7, 2)), "ledger-shrinks");
  EXPECT_EQ(ask(Duty::Ledger, head(6, 1)), "ledger-shrinks");
  EXPECT_EQ(ask(Duty::Ledger, head(8, 2)), "ledger-forks");
  EXPECT_EQ(ask(Duty::Ledger, test::checkpoint(time_key.public_key(), 9, 1)), "ledger-foreign");
}

TEST_F(Policies, TheLedgerIsShownToGoOnFromTheLastCheckpoint) {
  const std::string origin = ledger::origin_of(own.public_key());
  auto log = test::numbered_log(9);
  auto forged = log;
  forged.entries.clear();
  forged.hashes.clear();
  for (int i = 0; i < 9; ++i) forged.add("another entry " + std::to_string(i));
  const auto head = [&](test::MemoryLog& of, std::uint64_t size) {
    return to_bytes(ledger::checkpoint_text({origin, size, of.root(size)}));
  };
  const auto growth = [&](test::MemoryLog& of, std::uint64_t from, std::uint64_t to) {
    return ledger::growth_since(from, origin, {to, of.reader()}).value();
  };
  EXPECT_EQ(ask(Duty::Ledger, head(log, 5)), "signed") << "the first is believed";
  EXPECT_EQ(ask(Duty::Ledger, head(log, 7)), "ledger-forks") << "nothing shows it";
  EXPECT_EQ(ask(Duty::Ledger, head(forged, 7), kNoon, growth(forged, 5, 7)), "ledger-forks")
      << "a proof from a head that was not signed";
  EXPECT_EQ(ask(Duty::Ledger, head(log, 7), kNoon, growth(log, 4, 7)), "ledger-forks")
      << "a proof from before the last";
  EXPECT_EQ(ask(Duty::Ledger, head(forged, 7), kNoon,
                ledger::Growth{growth(log, 5, 7).last, growth(forged, 5, 7).proof}),
            "ledger-forks")
      << "the true head, and a proof of another log";
  EXPECT_EQ(ask(Duty::Ledger, head(log, 7), kNoon, ledger::Growth{growth(log, 5, 7).last, {}}),
            "ledger-forks");
  EXPECT_EQ(ask(Duty::Ledger, head(log, 7), kNoon, growth(log, 5, 7)), "signed");
  EXPECT_EQ(ask(Duty::Ledger, head(log, 7)), "signed") << "the same again needs no proof";
  EXPECT_EQ(ask(Duty::Ledger, head(log, 9), kNoon, growth(log, 5, 9)), "ledger-forks")
      << "the last is another one now";
  EXPECT_EQ(ask(Duty::Ledger, head(log, 9), kNoon, growth(log, 7, 9)), "signed");
}

TEST_F(Policies, AKeySignsForItsCallersOnlyAndNotTooOften) {
  EXPECT_FALSE(judge_caller("image-snapshot", terms, kCaller, 9));
  EXPECT_EQ(judge_caller("image-snapshot", terms, kCaller, 10)->policy, Policy::TooOften);
  EXPECT_EQ(judge_caller("image-snapshot", terms, kCaller + 1, 0)->policy, Policy::CallerNotAllowed);
  EXPECT_EQ(judge_caller("image-snapshot", {}, 0, 0)->policy, Policy::CallerNotAllowed) << "not root either";
}

TEST(CanonicalReader, ReadsTheNewlinesOfAPem) {  // FMT-25
  const json::Value value = json::Object{{"pem", "-----BEGIN\nkey\tend\"\\\n"}};
  const Bytes canonical = json::canonical(value);
  EXPECT_NE(as_text(canonical).find('\n'), std::string_view::npos);
  const auto read = read_canonical(canonical);
  ASSERT_TRUE(read) << summary(read.error());
  EXPECT_EQ(*read, value);
}

TEST(CanonicalReader, TakesNoSecondSpelling) {
  for (const char* text : {R"({ "a":1})", R"({"b":1,"a":2})", R"({"a":"\u0041"})", R"({"a":"\n"})",
                           "{\"a\":1}\n", R"({"a":1,"a":1})"}) {
    EXPECT_NE(test::verdict(read_canonical(as_bytes(text))), "accepted") << text;
  }
}

}  // namespace
}  // namespace cotter::signing
