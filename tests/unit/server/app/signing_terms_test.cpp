#include "server/app/signing_terms.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "common/host/atomic_file.h"
#include "tests/sim/temp_dir.h"

namespace cotter::app {
namespace {

namespace fs = std::filesystem;
using signing::Duty;

TEST(SigningTerms, AreThisAccountsAloneUnlessTheFileNamesOthers) {
  Settings settings;
  settings.sign_director.callers = {"4242", "root"};
  const auto terms = signing_terms(settings).value();
  EXPECT_EQ(terms.at(Duty::ImageSnapshot).callers, std::set<uid_t>{::geteuid()});
  EXPECT_EQ(terms.at(Duty::DirectorTargets).callers, (std::set<uid_t>{0, 4242}));
  EXPECT_EQ(terms.at(Duty::TimeSource).callers, std::set<uid_t>{::geteuid()});
  EXPECT_EQ(terms.at(Duty::Ledger).callers, (std::set<uid_t>{0, 4242, ::geteuid()}))
      << "who signs metadata signs the ledger that tells of it";
  EXPECT_EQ(callers_of(terms), (std::set<uid_t>{0, 4242, ::geteuid()}));
}

TEST(SigningTerms, LetEachRoleLiveAsLongAsItsLifetime) {
  Settings settings;
  settings.image.timestamp = std::chrono::hours(5);
  settings.director.targets = std::chrono::hours(6);
  settings.sign_time.per_minute = 7;
  const auto terms = signing_terms(settings).value();
  EXPECT_EQ(terms.at(Duty::ImageTimestamp).longest_life, std::chrono::hours(5));
  EXPECT_EQ(terms.at(Duty::DirectorTargets).longest_life, std::chrono::hours(6));
  EXPECT_EQ(terms.at(Duty::ImageSnapshot).longest_life, settings.image.snapshot);
  EXPECT_EQ(terms.at(Duty::TimeSource).per_minute, 7U);
}

TEST(SigningTerms, NameReleaseRolesWhoseBinsLiveAYear) {
  Settings settings;
  settings.release_roles = {"fw", "maps"};
  settings.sign_release.callers = {"4242"};
  EXPECT_EQ(signing_release_roles(settings).value(),
            (std::vector<RoleName>{RoleName("fw"), RoleName("maps")}));
  const auto terms = signing_terms(settings).value();
  EXPECT_EQ(terms.at(Duty::Release).callers, std::set<uid_t>{4242});
  EXPECT_EQ(terms.at(Duty::Release).longest_life, std::chrono::days(365));
  EXPECT_TRUE(callers_of(terms).contains(4242));
  for (const char* name : {"targets", "", "a/b"}) {
    settings.release_roles = {name};
    const auto roles = signing_release_roles(settings);
    ASSERT_FALSE(roles) << name;
    EXPECT_TRUE(is_fault(roles.error(), Fault::Kind::Usage)) << name;
  }
}

TEST(SigningTerms, NameAccountsThatThereAre) {
  Settings settings;
  settings.sign_image.callers = {"nobody-of-that-name"};
  const auto terms = signing_terms(settings);
  ASSERT_FALSE(terms);
  EXPECT_TRUE(is_fault(terms.error(), Fault::Kind::NotFound));
  EXPECT_EQ(account_number("root").value(), 0U);
  EXPECT_EQ(group_of(0), std::optional<gid_t>(0));
}

TEST(SigningTerms, AreNotTakenFromAFileThatOthersCanWrite) {
  const sim::TempDir temp;
  const fs::path file = temp.path() / "cotter.toml";
  ASSERT_TRUE(host::write_atomically(file, {}));
  const auto workspace = Workspace::open(temp.path()).value();
  const std::set<uid_t> others{::geteuid(), ::geteuid() + 1};
  EXPECT_TRUE(refuse_writable_terms(workspace, others));
  fs::permissions(file, fs::perms(0664));
  EXPECT_TRUE(refuse_writable_terms(workspace, {::geteuid()})) << "nobody else calls";
  EXPECT_TRUE(is_fault(refuse_writable_terms(workspace, others).error(), Fault::Kind::Denied));
  fs::permissions(file, fs::perms(0644));
  fs::permissions(temp.path(), fs::perms(0777));
  EXPECT_TRUE(is_fault(refuse_writable_terms(workspace, others).error(), Fault::Kind::Denied));
}

}  // namespace
}  // namespace cotter::app
