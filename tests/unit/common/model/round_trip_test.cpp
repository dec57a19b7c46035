// FMT-9: what decode() accepts, encode() gives back, but for the spellings that roles.h names.
#include <gtest/gtest.h>

#include <functional>

#include "common/json/canonical.h"
#include "common/model/manifest.h"
#include "common/model/roles.h"
#include "tests/unit/common/model/documents.h"

namespace cotter::model {
namespace {

using Visit = std::function<void(const json::Value& document, const std::string& what)>;

/// Every value that a member or element is tried with.
const std::vector<json::Value>& odd_values() {
  static const std::vector<json::Value> values = {0,
                                                  1,
                                                  std::int64_t{9007199254740991},
                                                  "",
                                                  "x",
                                                  "k1",
                                                  "AB",
                                                  "1.0",
                                                  "root",
                                                  true,
                                                  false,
                                                  nullptr,
                                                  json::Array{},
                                                  json::Array{"k2", "k1"},
                                                  json::Object{},
                                                  json::Object{{"version", 5}}};
  return values;
}

/// Spellings that come back in another way: see the head of roles.h.
bool is_respelled(const std::string& member, const json::Value* value) {
  const bool is_empty = value != nullptr && ((value->as_object() != nullptr && value->as_object()->empty()) ||
                                             (value->as_array() != nullptr && value->as_array()->empty()));
  const bool is_null = value != nullptr && value->is_null();
  if (member == "consistent_snapshot") return value == nullptr;
  if (member == "terminating") return value == nullptr || is_null;
  if (member == "delegations" || member == "paths") return is_null;
  if (member == "path_hash_prefixes") return is_empty || is_null;
  if (member == "custom" || member == "installation_report") return is_empty;
  if (member == "blake3")
    return value != nullptr && value->as_string() != nullptr && *value->as_string() == "AB";
  return false;
}

/// Hands out every document that is one change away from `whole`: each member dropped, each value replaced,
/// each object with one member more.
void for_each_variant(const json::Value& whole, test::Path& path, const Visit& visit) {
  json::Value copy = whole;
  const json::Value here = test::at(copy, path);
  const std::string what = path.empty() ? "" : path.back();
  if (!path.empty()) {
    for (const json::Value& value : odd_values()) {
      if (!is_respelled(what, &value))
        visit(test::changed(whole, path, value), what + " = " + json::to_text(value));
    }
  }
  const auto descend = [&](const std::string& step) {
    path.push_back(step);
    for_each_variant(whole, path, visit);
    path.pop_back();
  };
  if (const json::Object* object = here.as_object()) {
    test::Path added = path;
    added.emplace_back("zz-unknown");
    visit(test::changed(whole, added, json::Array{1, "two"}), what + " with one member more");
    for (const json::Member& member : *object) {
      added.back() = member.key;
      if (!is_respelled(member.key, nullptr)) visit(test::without(whole, added), "no " + member.key);
      descend(member.key);
    }
  }
  if (const json::Array* array = here.as_array()) {
    for (std::size_t i = 0; i < array->size(); ++i) descend(std::to_string(i));
  }
}

template <class Decode>
void expect_round_trips(const json::Value& document, Decode decode) {
  ASSERT_EQ(decode(document).value().encode(), document);
  std::size_t accepted = 0;
  test::Path path;
  for_each_variant(document, path, [&](const json::Value& variant, const std::string& what) {
    const auto decoded = decode(variant);
    if (!decoded) return;
    ++accepted;
    EXPECT_EQ(decoded.value().encode(), variant) << what;
  });
  EXPECT_GT(accepted, 10U);
}

template <class Role>
void expect_role_round_trips(const json::Value& document) {
  for (const Profile profile : {Profile::Tuf, Profile::Vehicle}) {
    expect_round_trips(document, [&](const json::Value& value) { return Role::decode(value, profile); });
  }
}

TEST(RoundTrip, GivesRootsBack) { expect_role_round_trips<Root>(test::root()); }                 // FMT-9
TEST(RoundTrip, GivesTimestampsBack) { expect_role_round_trips<Timestamp>(test::timestamp()); }  // FMT-9
TEST(RoundTrip, GivesSnapshotsBack) { expect_role_round_trips<Snapshot>(test::snapshot()); }     // FMT-9
TEST(RoundTrip, GivesTargetsBack) { expect_role_round_trips<Targets>(test::targets()); }         // FMT-9
// FMT-9
TEST(RoundTrip, GivesHashedBinsBack) { expect_role_round_trips<Targets>(test::targets_with_bins()); }
TEST(RoundTrip, GivesManifestsBack) { expect_round_trips(test::manifest(), VehicleManifest::decode); }

// A report's own facts come back; what an image entry says beyond them does not.
TEST(RoundTrip, GivesReportsBack) {
  EXPECT_EQ(VersionReport::decode(test::report()).value().encode(), test::report());
}

TEST(RoundTrip, SpellsOutWhatWasAbsent) {
  const Root root = Root::decode(test::without(test::root(), {"consistent_snapshot"}), Profile::Tuf).value();
  EXPECT_EQ(root.encode(), test::changed(test::root(), {"consistent_snapshot"}, false));
}

TEST(RoundTrip, MakesAFreshRoleThatReadsBack) {
  Targets targets;
  targets.vin = VehicleId("WDB123");
  targets.targets[TargetName("a.bin")] = Target{3, crypto::Hashes::of(as_bytes("abc")), {}, {}};
  const Targets again = Targets::decode(targets.encode(), Profile::Vehicle).value();
  EXPECT_EQ(again.encode(), targets.encode());
  EXPECT_EQ(again.spec_version, "1.0.34");
}

}  // namespace
}  // namespace cotter::model
