#include "common/model/time_source.h"

#include <gtest/gtest.h>

#include "tests/unit/common/expect_rule.h"
#include "tests/unit/common/model/documents.h"

namespace cotter::model {
namespace {

using test::changed;
using test::verdict;
using test::without;

Root root_of(const json::Value& document) { return Root::decode(document, Profile::Vehicle).value(); }

json::Value targets_with(const json::Value& source) {
  return changed(test::targets(), {"x-time-source"}, source);
}

Targets targets_of(const json::Value& document) {
  return Targets::decode(document, Profile::Vehicle).value();
}

json::Value member() { return TimeSource::of(root_of(test::root()))->encode(); }

// FMT-32
TEST(TimeSource, StandsInADirectorsRoot) {
  const auto source = TimeSource::of(root_of(test::root()));
  ASSERT_TRUE(source);
  EXPECT_EQ(source->role.threshold, 1U);
  ASSERT_EQ(source->keys.size(), 1U);  // no other role's
  EXPECT_EQ(source->keys.at(KeyId("k1")).material(), test::public_key(1).material());
  EXPECT_FALSE(TimeSource::of(root_of(without(test::root(), {"roles", "x-time-source"}))));
}

// PVS-6
TEST(TimeSource, StandsInTargetsTheSame) {
  const Targets targets = targets_of(targets_with(member()));
  EXPECT_EQ((*TimeSource::of(targets))->digest(), TimeSource::of(root_of(test::root()))->digest());
  EXPECT_FALSE(*TimeSource::of(targets_of(test::targets())));
}

TEST(TimeSource, OfTargetsIsReadAsStrictlyAsARoots) {
  const auto judged = [](const json::Value& source) {
    return verdict(TimeSource::of(targets_of(targets_with(source))));
  };
  EXPECT_EQ(judged(member()), "accepted");
  EXPECT_EQ(judged("k1"), "member-wrong-kind");
  EXPECT_EQ(judged(without(member(), {"keys"})), "member-missing");
  EXPECT_EQ(judged(changed(member(), {"threshold"}, 0)), "threshold-zero");
  EXPECT_EQ(judged(changed(member(), {"threshold"}, 2)), "threshold-above-keys");
  EXPECT_EQ(judged(changed(member(), {"keyids"}, json::Array{"k2"})), "member-missing");
}

// FMT-22
TEST(TimeSource, IsAnotherWhenKeysOrThresholdAreAndNotWhenTheirNamesAre) {
  const std::string digest = TimeSource::decode(member()).value().digest();
  json::Value renamed = without(member(), {"keys", "k1"});
  renamed = changed(renamed, {"keys", "other"}, test::public_key(1).encode());
  EXPECT_EQ(TimeSource::decode(changed(renamed, {"keyids"}, json::Array{"other"})).value().digest(), digest);

  EXPECT_NE(
      TimeSource::decode(changed(member(), {"keys", "k1"}, test::public_key(2).encode())).value().digest(),
      digest);
  json::Value two = changed(member(), {"keys", "k2"}, test::public_key(2).encode());
  two = changed(two, {"keyids"}, json::Array{"k1", "k2"});
  EXPECT_NE(TimeSource::decode(two).value().digest(), digest);
  EXPECT_NE(TimeSource::decode(changed(two, {"threshold"}, 2)).value().digest(),
            TimeSource::decode(two).value().digest());
}

}  // namespace
}  // namespace cotter::model
