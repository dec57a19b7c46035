// Repositories as tools of other makes write them: their schemes, spellings, nulls and places left empty.
#include "common/json/canonical.h"
#include "tests/integration/tuf_client.h"
#include "tests/sim/openssl_key.h"

namespace cotter::test {
namespace {

class TufMakes : public TufClient {
 protected:
  /// Without hashes and lengths, which TUF leaves open, a file can be changed and signed again.
  void publish_without_hashes() {
    repo.list_hashes = false;
    repo.release({targets_role});
  }
  void rewrite(const RoleName& role, const std::function<void(json::Object&)>& change) {
    repo.tamper(role, change, repo.signers.at(role));
  }
};

struct Make {
  std::string keytype, scheme;
};
void PrintTo(const Make& make, std::ostream* out) { *out << make.keytype << "/" << make.scheme; }

class TufSchemes : public TufClient, public ::testing::WithParamInterface<Make> {};

TEST_P(TufSchemes, SignARepository) {  // FMT-23, FMT-24
  if (!crypto::is_supported(crypto::scheme_named(GetParam().scheme)->scheme)) {
    GTEST_SKIP() << GetParam().scheme << " is not in this OpenSSL";
  }
  const auto key = sim::new_openssl_key(GetParam().keytype, GetParam().scheme);
  ASSERT_NE(key->public_key().scheme(), crypto::Scheme::Unsupported);
  ASSERT_EQ(init(), 0);
  repo.set_keys(timestamp_role, {key});
  repo.publish(root_role);
  repo.release({targets_role});
  EXPECT_EQ(refresh(), 0) << said;
  EXPECT_EQ(version("timestamp"), 2);

  Bytes& file = repo.files.at(repo.path_of(timestamp_role));
  repo.publish(timestamp_role);
  repo.tamper(timestamp_role, [](json::Object& content) { content.set("x-changed", 1); }, {key});
  EXPECT_EQ(refresh(), 0) << said;
  // The same signature over other content.
  std::string altered(as_text(file));
  altered.replace(altered.find("\"version\":3"), 11, "\"version\":4");
  file = to_bytes(altered);
  EXPECT_EQ(refresh(), 1);
  EXPECT_NE(said.find("threshold-not-met"), std::string::npos) << said;
}

INSTANTIATE_TEST_SUITE_P(OfOtherMakes, TufSchemes,
                         ::testing::Values(Make{"ecdsa", "ecdsa-sha2-nistp256"},
                                           Make{"ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256"},
                                           Make{"ecdsa", "ecdsa-sha2-nistp384"},
                                           Make{"ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384"},
                                           Make{"rsa", "rsassa-pss-sha256"}, Make{"rsa", "rsassa-pss-sha384"},
                                           Make{"rsa", "rsassa-pss-sha512"},
                                           Make{"rsa", "rsa-pkcs1v15-sha256"},
                                           Make{"rsa", "rsa-pkcs1v15-sha384"},
                                           Make{"rsa", "rsa-pkcs1v15-sha512"}, Make{"ml-dsa", "ml-dsa-44/1"},
                                           Make{"ml-dsa", "ml-dsa-65/1"}, Make{"ml-dsa", "ml-dsa-87/1"}),
                         [](const auto& make) {
                           std::string name = make.param.keytype + "_" + make.param.scheme;
                           std::ranges::replace_if(
                               name, [](char c) { return c == '-' || c == '/'; }, '_');
                           return name;
                         });

TEST_F(TufMakes, NamesOfTheSpecificationVary) {  // FMT-5
  ASSERT_EQ(init(), 0);
  for (const char* spec : {"1.0", "1.0.0", "1.0.31", "1.0.34"}) {
    repo.timestamp.spec_version = spec;
    repo.publish(timestamp_role);
    EXPECT_EQ(refresh(), 0) << spec << ": " << said;
  }
  repo.timestamp.spec_version = "2.0.0";
  repo.publish(timestamp_role);
  EXPECT_EQ(refresh(), 1);
}

TEST_F(TufMakes, HashesAndLengthsMayBeLeftOut) {  // FMT-46
  ASSERT_EQ(init(), 0);
  repo.add_target(targets_role, TargetName("file"), "content");
  publish_without_hashes();
  EXPECT_EQ(download("file"), 0) << said;
}

TEST_F(TufMakes, PlacesOfOfflineKeysMayBeEmpty) {  // VER-T
  ASSERT_EQ(init(), 0);
  repo.release({targets_role});
  auto document = json::read(repo.file_of(timestamp_role));
  json::Array& signatures = *document->as_object()->find("signatures")->as_array();
  signatures.insert(signatures.begin(), json::Object{{"keyid", "offline-1"}, {"sig", ""}});
  signatures.insert(signatures.begin(), json::Object{{"keyid", "offline-2"}, {"sig", json::Value()}});
  signatures.push_back(json::Object{{"keyid", "another-scheme"}, {"sig", "not in hex: +/="}});
  signatures.push_back(
      json::Object{{"keyid", "one-more"}, {"method", "x"}, {"sig", json::Object{{"r", "1"}}}});
  repo.files.at(repo.path_of(timestamp_role)) = to_bytes(json::to_text(*document));
  EXPECT_EQ(refresh(), 0) << said;
}

TEST_F(TufMakes, CustomMayBeAnything) {  // TUF 4.5
  ASSERT_EQ(init(), 0);
  repo.add_target(targets_role, TargetName("file"), "content");
  repo.add_target(targets_role, TargetName("other"), "content");
  publish_without_hashes();
  rewrite(targets_role, [](json::Object& content) {
    json::Object& entries = *content.find("targets")->as_object();
    entries.find("file")->as_object()->set("custom", json::Value());
    entries.find("other")->as_object()->set("custom", "a word");
    content.set("delegations", json::Value());
    content.set("_comment", "made by hand");
  });
  EXPECT_EQ(download_all({"file", "other"}), 0) << said;
  EXPECT_EQ(trusted("targets"), served(targets_role));
}

TEST_F(TufMakes, EmptyListsMayBeNull) {  // as serialisers write them that know no absence
  ASSERT_EQ(init(), 0);
  const RoleName role("hashed");
  repo.delegate(targets_role, sim::delegated("hashed"));
  repo.add_target(role, TargetName("file"), "content");
  repo.publish(role);
  publish_without_hashes();
  rewrite(targets_role, [](json::Object& content) {
    json::Object& delegations = *content.find("delegations")->as_object();
    json::Object& entry = *delegations.find("roles")->as_array()->front().as_object();
    entry.set("paths", json::Value());
    entry.set("path_hash_prefixes",
              json::Array{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "a", "b", "c", "d", "e", "f"});
    entry.set("terminating", json::Value());
  });
  EXPECT_EQ(download("file"), 0) << said;
}

TEST_F(TufMakes, DelegationsMayHaveKeysAndNoRoles) {
  ASSERT_EQ(init(), 0);
  repo.targets().delegations.emplace();
  const auto key = sim::key("nobody's");
  repo.targets().delegations->keys.insert_or_assign(key->public_key().computed_id(), key->public_key());
  repo.add_target(targets_role, TargetName("file"), "content");
  repo.release({targets_role});
  EXPECT_EQ(download("file"), 0) << said;
  EXPECT_EQ(download("missing"), 1);
}

TEST_F(TufMakes, SeveralRolesMayHaveToAgree) {  // TAP 3, VER-47
  ASSERT_EQ(init(), 0);
  repo.delegate(targets_role, sim::delegated_together("both", {"A", "B"}, 2));
  repo.targets().delegations->bare_list = true;
  for (const char* role : {"A", "B"}) {
    repo.add_target(RoleName(role), TargetName("file"), "content");
    repo.add_target(RoleName(role), TargetName("differs"), std::string("by ") + role);
  }
  repo.release({RoleName("A"), RoleName("B"), targets_role});
  EXPECT_EQ(download("file"), 0) << said;
  EXPECT_EQ(download("differs"), 1);
  EXPECT_NE(said.find("target-not-found"), std::string::npos) << said;
}

}  // namespace
}  // namespace cotter::test
