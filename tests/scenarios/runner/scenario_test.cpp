// Plays every file of tests/scenarios at the heights that it names, and holds the files to their rules.
#include "tests/scenarios/runner/scenario.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <ostream>
#include <set>

#include "tests/scenarios/runner/height.h"

namespace cotter::scenario {
namespace {

struct Performance {
  std::filesystem::path file;
  std::string height;
};

void PrintTo(const Performance& performance, std::ostream* out) { *out << performance.file.string(); }

std::vector<Performance> all_performances() {
  std::vector<Performance> all;
  for (const auto& file : all_files()) {
    for (const std::string& height : load(file).heights) {
      const bool sockets = height == "outside" || height == "server";  // cotter-replay's
      if (!sockets) all.push_back({file, height});
    }
  }
  // The quick heights first: what a mutant breaks shows soon.
  std::stable_partition(all.begin(), all.end(),
                        [](const Performance& each) { return each.height != "primary"; });
  return all;
}

std::unique_ptr<Height> height_named(const std::string& name, Stage& stage) {
  if (name == "core") return core_height(stage);
  if (name == "primary") return primary_height(stage);
  return name == "bus" ? bus_height(stage) : director_height(stage);
}

std::string told(const Came& came) { return came ? *came : summary(came.error()); }

class Player {
 public:
  explicit Player(const Performance& performance)
      : scenario_(load(performance.file)),
        stage_(scenario_.attacker_holds),
        height_(height_named(performance.height, stage_)),
        before_(height_->installed()),
        with_core_(performance.height == "core") {}

  void play() {
    for (std::size_t i = 0; i < scenario_.steps.size(); ++i) {
      const json::Member& step = verb_of(scenario_.steps[i]);
      SCOPED_TRACE("step " + std::to_string(i + 1) + ": " + step.key);
      play(step.key, step.value);
      if (::testing::Test::HasFailure()) return;
    }
  }

 private:
  void play(const std::string& verb, const json::Value& what) {
    if (verb == "expect") return expect(what);
    if (verb == "damage") {
      ASSERT_TRUE(height_->damage(FileId::parse(*what.as_string())));
      return;
    }
    if (stage_.play(verb, what)) return;
    const auto came = height_->play(verb, what);
    ASSERT_TRUE(came) << "this height knows no " << verb;
    const json::Value* result = verb == "cycle"               ? &what
                                : what.as_object() != nullptr ? find(what, "result")
                                                              : nullptr;
    if (result != nullptr) {
      compare(*came, *result);
    } else {
      EXPECT_TRUE(*came) << told(*came);
    }
  }

  void compare(const Came& came, const json::Value& expected) {
    if (const auto* word = expected.as_string()) {
      EXPECT_EQ(told(came), *word);
      return;
    }
    ASSERT_FALSE(came) << "not refused, but " << *came;
    if (const json::Value* kind = find(expected, "fault")) {
      const std::map<std::string, Fault::Kind> kinds = {{"timeout", Fault::Kind::Timeout},
                                                        {"network", Fault::Kind::Network},
                                                        {"not-found", Fault::Kind::NotFound},
                                                        {"io", Fault::Kind::Io}};
      EXPECT_TRUE(is_fault(came.error(), kinds.at(*kind->as_string()))) << told(came);
      return;
    }
    const Rejection* rejection = rejection_in(came.error());
    ASSERT_NE(rejection, nullptr) << told(came);
    EXPECT_EQ(rule_of(rejection->rule).name, text(expected, "reject")) << told(came);
    if (scenario_.looks_like && rule_of(rejection->rule).name == scenario_.rule) {
      EXPECT_EQ(name_of(rejection->looks_like()), name_of(*scenario_.looks_like));
    }
    if (find(expected, "at") != nullptr) {
      const FileId file = FileId::parse(text(expected, "at"));
      EXPECT_EQ(rejection->repository, file.repository) << told(came);
      EXPECT_EQ(rejection->role.substr(0, file.role.value().size()), file.role.value()) << told(came);
    }
  }

  /// Versions by file; null: none is stored.
  template <class StoredVersion>
  void expect_versions(const json::Value& files, StoredVersion stored) {
    for (const auto& [file, version] : *files.as_object()) {
      const auto wanted =
          version.is_null() ? std::nullopt : std::optional(static_cast<std::uint64_t>(*version.as_int()));
      EXPECT_EQ(stored(FileId::parse(file)), wanted) << file.view();
    }
  }

  void expect(const json::Value& what) {
    if (const json::Value* trusted = find(what, "trusted")) {
      expect_versions(*trusted, [&](const FileId& file) { return height_->trusted(file); });
    }
    if (const json::Value* ecus = find(what, "ecu_trusts")) {
      for (const auto& [ecu, files] : *ecus->as_object()) {
        SCOPED_TRACE(ecu.view());
        expect_versions(files,
                        [&, &ecu = ecu](const FileId& file) { return height_->ecu_trusts(ecu, file); });
      }
    }
    if (const json::Value* installed = find(what, "installed")) expect_installed(*installed);
    if (const json::Value* floors = find(what, "floor")) {
      for (const auto& [ecu, floor] : *floors->as_object()) {
        EXPECT_EQ(height_->floor(ecu), static_cast<std::uint64_t>(*floor.as_int())) << ecu.view();
      }
    }
    if (const json::Value* attack = find(what, "reported"); attack != nullptr && !with_core_) {
      EXPECT_NE(height_->reported().find(*attack->as_string()), std::string::npos) << height_->reported();
    }
  }

  /// "unchanged": as they were at the expect before, or at the start.
  void expect_installed(const json::Value& installed) {
    const auto now = height_->installed();
    if (const auto* images = installed.as_object()) {
      for (const auto& [ecu, image] : *images)
        EXPECT_EQ(now.at(ecu).name.value(), *image.as_string()) << ecu.view();
    } else {
      for (const auto& [ecu, image] : now)
        EXPECT_EQ(image, before_.at(ecu)) << ecu << ": " << image.name.value();
    }
    before_ = now;
  }

  Scenario scenario_;
  Stage stage_;
  std::unique_ptr<Height> height_;
  std::map<std::string, model::InstalledImage> before_;
  bool with_core_;
};

class Scenarios : public ::testing::TestWithParam<Performance> {};

TEST_P(Scenarios, EndAsTheFileSays) { Player(GetParam()).play(); }

std::string name_of_performance(const ::testing::TestParamInfo<Performance>& info) {
  std::string name = info.param.file.stem().string() + "_" + info.param.height;
  std::ranges::replace_if(
      name, [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Attacks, Scenarios, ::testing::ValuesIn(all_performances()), name_of_performance);

TEST(ScenarioFiles, AreValidAgainstTheSchemaAndEndWithExpect) {
  for (const auto& file : all_files()) {
    std::ifstream stream(file);
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    EXPECT_EQ(complaint(text).value_or(""), "") << file;
    EXPECT_EQ(complaint(load(file)).value_or(""), "") << file;
    EXPECT_NE(text.find("\"name\": \"" + file.stem().string() + "\""), std::string::npos) << file;
  }
}

TEST(ScenarioFiles, CoverEveryRule) {  // VER-ERR
  std::set<std::string> covered;
  for (const auto& file : all_files()) covered.insert(load(file).rule);
  for (const Rule& rule : all_rules()) {
    EXPECT_TRUE(covered.contains(std::string(rule.name)))
        << rule.name << " has no scenario: tests/scenarios/";
  }
}

std::set<std::string> all_ids() {
  std::set<std::string> ids;
  for (const auto& file : all_files()) {
    for (const std::string& id : load(file).ids) ids.insert(id);
  }
  return ids;
}

TEST(ScenarioFiles, CoverEveryAttackOfTheCatalogue) {  // ATK-1 to ATK-52
  const std::set<std::string> ids = all_ids();
  for (int number = 1; number <= 52; ++number) {
    const std::string id = "ATK-" + std::to_string(number);
    EXPECT_TRUE(ids.contains(id)) << id << " has no scenario: tests/scenarios/";
  }
}

TEST(ScenarioFiles, CoverEveryCellOfTheKeyCompromiseMatrix) {
  std::set<std::pair<std::string, std::string>> covered;
  for (const auto& file : all_files()) {
    const Scenario scenario = load(file);
    if (scenario.matrix) covered.emplace(scenario.matrix->row, scenario.matrix->column);
  }
  for (const std::string& row : matrix_rows()) {
    for (const std::string column : {"must-fail", "succeeds"}) {
      // Nothing is left that must fail, and nothing succeeds.
      if (row == "image-root-and-director" && column == "must-fail") continue;
      if (row == "below-threshold" && column == "succeeds") continue;
      EXPECT_TRUE(covered.contains({row, column})) << row << " has no scenario that " << column;
    }
  }
}

TEST(ScenarioFiles, WaitForNothingButTheFeaturesThatAreStillToCome) {
  const std::set<std::string> may_wait = {"ATK-1", "ATK-2", "ATK-3", "ATK-11", "ATK-30", "ATK-52"};
  std::set<std::string> waiting;
  for (const auto& file : all_files()) {
    const Scenario scenario = load(file);
    if (!scenario.waiting()) continue;
    ASSERT_FALSE(scenario.ids.empty()) << file;
    EXPECT_TRUE(may_wait.contains(scenario.ids.front())) << file << " must not wait";
    EXPECT_TRUE(waiting.insert(scenario.ids.front()).second) << file << " is one too many that waits";
  }
  // Of these the client's side is there, and played.
  std::set<std::string> played;
  for (const auto& file : all_files()) {
    const Scenario scenario = load(file);
    if (!scenario.waiting()) played.insert(scenario.ids.begin(), scenario.ids.end());
  }
  for (const char* id : {"ATK-3", "ATK-11", "ATK-30"}) EXPECT_TRUE(played.contains(id)) << id;
}

TEST(ScenarioFiles, AnUnknownFieldOrVerbIsAComplaint) {
  const std::string good =
      R"({"name":"n","why":"w","must":"m","ids":[],"heights":["core"],"steps":[{"expect":{"installed":"unchanged"}}]})";
  EXPECT_EQ(complaint(good).value_or(""), "");
  EXPECT_TRUE(complaint(R"({"nmae":"n",)" + good.substr(1)));
  std::string verb = good;
  verb.replace(verb.find("expect"), 6, "expekt");
  EXPECT_TRUE(complaint(verb));
}

TEST(ScenarioFiles, OneThatWaitsHasNothingToPlay) {
  const std::string waiting =
      R"({"name":"n","why":"w","must":"m","ids":[],"state":"waiting","waits_for":"a feature"})";
  EXPECT_EQ(complaint(waiting).value_or(""), "");
  const std::string nothing = R"({"name":"n","why":"w","must":"m","ids":[]})";
  EXPECT_TRUE(complaint(nothing)) << "it neither waits nor plays";
  const std::string silent = R"({"name":"n","why":"w","must":"m","ids":[],"state":"waiting"})";
  EXPECT_TRUE(complaint(silent)) << "it does not say what it waits for";
  Scenario scenario;
  scenario.waits_for = "a feature";
  EXPECT_FALSE(complaint(scenario));
  scenario.heights = {"core"};
  EXPECT_TRUE(complaint(scenario));
}

TEST(ScenarioFiles, OneWithoutAMustIsAComplaint) {
  EXPECT_TRUE(complaint(
      R"({"name":"n","why":"w","ids":[],"heights":["core"],"steps":[{"expect":{"installed":"unchanged"}}]})"));
}

TEST(ScenarioFiles, ARuleThatNoStepMeetsIsAComplaint) {
  Scenario scenario;
  scenario.rule = "root-expired";
  scenario.steps = {json::Object{{"expect", json::Object{}}}};
  EXPECT_TRUE(complaint(scenario));
  scenario.rule = "no-such-rule";
  EXPECT_TRUE(complaint(scenario));
}

TEST(ScenarioFiles, AScenarioWithoutAnExpectIsAComplaint) {
  Scenario scenario;
  EXPECT_TRUE(complaint(scenario));
  scenario.steps = {json::Object{{"cycle", "idle"}}};
  EXPECT_TRUE(complaint(scenario));
}

}  // namespace
}  // namespace cotter::scenario
