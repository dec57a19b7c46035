// The search through delegations: order of visits, terminating roles, bins, names that need encoding.
#include "tests/integration/tuf_client.h"

namespace cotter::test {
namespace {

struct Edge {
  std::string delegator, role;
  bool terminating = false;
  std::vector<std::string> paths = {"*"};
};
struct Graph {
  std::string name;
  std::vector<Edge> edges;
  std::vector<std::string> visited;
};

const std::vector<Graph>& graphs() {
  static const std::vector<Graph> all = {
      {"OneRole", {{"targets", "A"}}, {"A"}},
      {"TwoRolesInOrder", {{"targets", "A"}, {"targets", "B"}}, {"A", "B"}},
      {"DepthFirst", {{"targets", "A"}, {"targets", "B"}, {"A", "C"}, {"A", "D"}}, {"A", "C", "D", "B"}},
      {"DepthFirstOverThreeLevels",
       {{"targets", "A"}, {"targets", "B"}, {"A", "C"}, {"C", "D"}},
       {"A", "C", "D", "B"}},
      {"TerminatingEndsTheSearch",
       {{"targets", "A"}, {"targets", "B"}, {"A", "C", true}, {"A", "D"}},
       {"A", "C"}},
      {"TerminatingRoleMayDelegate",
       {{"targets", "A"}, {"targets", "B"}, {"A", "C", true}, {"C", "D"}},
       {"A", "C", "D"}},
      {"TerminatingThatDoesNotMatchIsPassedOver",
       {{"targets", "A", true, {"*.py"}}, {"targets", "B"}},
       {"B"}},
      {"BranchesThatDoNotMatchAreLeftOut",
       {{"targets", "A", false, {"*.py"}}, {"targets", "B"}, {"A", "C"}},
       {"B"}},
      {"CyclesEnd",
       {{"targets", "A"}, {"targets", "B"}, {"B", "C"}, {"C", "D"}, {"D", "B"}},
       {"A", "B", "C", "D"}},
      {"RoleReachedTwiceIsVisitedOnce",
       {{"targets", "A"}, {"targets", "B"}, {"B", "C"}, {"A", "C"}},
       {"A", "C", "B"}},
      {"RoleReachedByTheParentThatMatches",
       {{"targets", "A"}, {"targets", "B"}, {"B", "C"}, {"A", "C", false, {"*.py"}}},
       {"A", "B", "C"}},
  };
  return all;
}

class TufGraph : public TufClient, public ::testing::WithParamInterface<Graph> {};

TEST_P(TufGraph, IsVisitedInPreOrder) {  // FMT-70, VER-40, VER-43
  std::set<std::string> roles;
  for (const Edge& edge : GetParam().edges) {
    repo.delegate(RoleName(edge.delegator), sim::delegated(edge.role, edge.paths, edge.terminating));
    roles.insert(edge.role);
  }
  for (const std::string& role : roles) repo.publish(RoleName(role));
  repo.release({targets_role});
  ASSERT_EQ(init(), 0);
  EXPECT_EQ(download("missing"), 1);
  Paths expected = {"2.root.json", "timestamp.json", "2.snapshot.json", "2.targets.json"};
  for (const std::string& role : GetParam().visited) expected.push_back("1." + role + ".json");
  EXPECT_EQ(requests(), expected);
}

INSTANTIATE_TEST_SUITE_P(Graphs, TufGraph, ::testing::ValuesIn(graphs()),
                         [](const auto& graph) { return graph.param.name; });

using TufDelegation = TufClient;

TEST_F(TufDelegation, TargetIsFoundWhereEveryPatternOfTheChainMatches) {  // FMT-75, VER-46
  const RoleName b("B"), c("C"), d("D");
  repo.delegate(targets_role, sim::delegated("A", {"*.doc", "*.md"}));
  repo.delegate(targets_role, sim::delegated("B", {"releases/*/*"}));
  repo.delegate(b, sim::delegated("C", {"releases/x/*"}));
  repo.delegate(b, sim::delegated("D", {"releases/y/*.zip"}));
  repo.add_target(RoleName("A"), TargetName("README.md"), "readme");
  repo.add_target(c, TargetName("releases/x/x_v1"), "x");
  repo.add_target(d, TargetName("releases/y/y_v1.zip"), "y");
  repo.add_target(d, TargetName("releases/z/z_v1.zip"), "z");
  repo.release({RoleName("A"), b, c, d, targets_role});
  ASSERT_EQ(init(), 0);
  EXPECT_EQ(download_all({"README.md", "releases/x/x_v1", "releases/y/y_v1.zip"}), 0) << said;
  EXPECT_EQ(download("releases/z/z_v1.zip"), 1);
  EXPECT_EQ(names_in(metadata),
            (std::set<std::string>{"root.json", "timestamp.json", "snapshot.json", "targets.json", "A.json",
                                   "B.json", "C.json", "D.json"}));
}

TEST_F(TufDelegation, DelegatedFilesAreFetchedOnceAndOnlyByDownloads) {
  repo.delegate(targets_role, sim::delegated("A"));
  repo.add_target(RoleName("A"), TargetName("file"), "content");
  repo.release({RoleName("A"), targets_role});
  ASSERT_EQ(init(), 0);
  ASSERT_EQ(refresh(), 0);
  const auto asked = requests();
  EXPECT_EQ(std::count(asked.begin(), asked.end(), "1.A.json"), 0);
  ASSERT_EQ(download("file"), 0) << said;
  EXPECT_EQ(trusted("A"), served(RoleName("A")));
  requests();
  ASSERT_EQ(download("file"), 0) << said;
  EXPECT_EQ(requests(), (Paths{"2.root.json", "timestamp.json"}));
}

TEST_F(TufDelegation, ExpiredDelegatedRoleIsNeitherStoredNorUsed) {  // VER-35
  const RoleName a("A");
  repo.delegate(targets_role, sim::delegated("A"));
  repo.targets(a).expires = in_days(7);
  repo.add_target(a, TargetName("first"), "1");
  repo.add_target(a, TargetName("second"), "2");
  repo.release({a, targets_role});
  ASSERT_EQ(init(), 0);
  EXPECT_EQ(download("first"), 0) << said;
  EXPECT_EQ(download("second", 18), 1);
  EXPECT_NE(said.find("targets-expired"), std::string::npos) << said;
  EXPECT_EQ(names_in(targets), std::set<std::string>{"first"});
  repo.targets(a).expires = in_days(21);
  repo.release({a});
  EXPECT_EQ(download("second", 18), 0) << said;

  repo.targets(a).expires = in_days(-1);
  repo.add_target(a, TargetName("third"), "3");
  repo.release({a});
  EXPECT_EQ(download("third"), 1);
  EXPECT_EQ(version("A"), 2);
}

// VER-41: what cannot be verified ends the search; it does not fall through to the next role.
TEST_F(TufDelegation, RoleThatDoesNotVerifyEndsTheSearch) {
  const RoleName a("A"), b("B");
  repo.delegate(targets_role, sim::delegated("A"));
  repo.delegate(targets_role, sim::delegated("B"));
  repo.add_target(b, TargetName("file"), "content");
  repo.signers[a] = {sim::key("stranger")};
  repo.release({a, b, targets_role});
  ASSERT_EQ(init(), 0);
  EXPECT_EQ(download("file"), 1);
  EXPECT_NE(said.find("threshold-not-met"), std::string::npos) << said;
  EXPECT_EQ(requests().back(), "1.A.json");
  EXPECT_EQ(names_in(metadata).count("A.json"), 0U);
}

TEST_F(TufDelegation, RoleThatTheSnapshotDoesNotListIsNotAskedFor) {
  repo.delegate(targets_role, sim::delegated("A"));
  repo.release({targets_role});
  ASSERT_EQ(init(), 0);
  EXPECT_EQ(download("file"), 1);
  EXPECT_EQ(requests().back(), "2.targets.json");
}

TEST_F(TufDelegation, AnyRoleNameIsOneSegmentOfUrlAndDisk) {  // FMT-73
  const std::vector<std::pair<std::string, std::string>> names = {{"?", "%3F"},
                                                                  {"#", "%23"},
                                                                  {"/delegatedrole", "%2Fdelegatedrole"},
                                                                  {"../role", "..%2Frole"},
                                                                  {"..", "%2E%2E"},
                                                                  {"ä b", "%C3%A4%20b"},
                                                                  {"1.root", "1.root"}};
  for (const auto& [name, encoded] : names) repo.delegate(targets_role, sim::delegated(name));
  for (const auto& [name, encoded] : names) repo.publish(RoleName(name));
  repo.release({targets_role});
  ASSERT_EQ(init(), 0);
  EXPECT_EQ(download("missing"), 1);
  const auto asked = requests();
  for (const auto& [name, encoded] : names) {
    EXPECT_EQ(std::count(asked.begin(), asked.end(), "1." + encoded + ".json"), 1) << name;
    EXPECT_EQ(trusted(encoded), served(RoleName(name))) << name;
  }
  EXPECT_EQ(names_in(metadata).size(), 4 + names.size());
}

TEST_F(TufDelegation, BinsAreFoundByTheHashOfTheName) {
  repo.delegate_bins(targets_role, 4, "bin");
  model::SuccinctRoles bins = *repo.targets().delegations->succinct;
  for (const char* name : {"one", "two", "dir/three"}) {
    repo.add_target(bins.bin_of(TargetName(name)), TargetName(name), name);
  }
  for (char digit : std::string("0123456789abcdef")) repo.publish(RoleName(std::string("bin-") + digit));
  repo.release({targets_role});
  ASSERT_EQ(init(), 0);
  EXPECT_EQ(download_all({"one", "two", "dir/three"}), 0) << said;
  EXPECT_EQ(download("four"), 1);
}

}  // namespace
}  // namespace cotter::test
