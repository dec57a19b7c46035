// A small workspace with a supplier, "acme": two of its three keys sign, for acme/*/* on acme-ecu. One
// thread.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/crypto/digest.h"
#include "common/trust/draft.h"
#include "server/app/accept_submission.h"
#include "server/app/check_repository.h"
#include "server/app/submission_files.h"
#include "server/app/suppliers.h"
#include "server/app/tokens.h"
#include "server/repository/folder_transport.h"
#include "server/repository/publisher.h"
#include "server/storage/sqlite/database.h"
#include "server/storage/sqlite/supplier_store.h"
#include "tests/unit/server/test_workspace.h"

namespace cotter::test {

inline const RoleName kAcme("acme");
inline const std::string kApp = "acme/ecu/app";
inline const std::string kImage = "the build";  ///< of what a supplier hands in

class SupplierWorkspace : public TestWorkspace {
 public:
  explicit SupplierWorkspace(const std::optional<std::filesystem::path>& dir = std::nullopt)
      : TestWorkspace(dir) {
    const repository::Layout director(workspace().director_dir());
    std::filesystem::create_directories(director.dir());
    const sim::Keys targets = sim::keys("director-targets", 1);
    const sim::Keys snapshot = sim::keys("director-snapshot", 1);
    const sim::Keys timestamp = sim::keys("director-timestamp", 1);
    const repository::FirstKeys first{signers(director_keys, 1), signers(targets, 1), signers(snapshot, 1),
                                      signers(timestamp, 1)};
    const auto root = repository::make_director_root(first, kLifetimes.root, kNow);
    if (!root) ADD_FAILURE() << explain(root.error());
    EXPECT_TRUE(repository::write_file(director, *root));
  }

  [[nodiscard]] app::AddSupplierRequest supplier(operations::SupplierPolicy policy = {}) const {
    app::AddSupplierRequest request;
    request.plan.name = RoleName("acme");
    request.plan.paths = {"acme/*/*"};
    request.plan.hardware_ids = {HardwareId("acme-ecu")};
    for (const auto& key : acme) request.plan.keys.push_back(key->public_key());
    request.plan.threshold = 2;
    request.policy = std::move(policy);
    for (const std::size_t place : {0U, 1U}) request.holders.push_back(keys.targets.at(place).get());
    request.online = [this] { return Result<app::OnlineSigners>(keys.online()); };
    return request;
  }
  void take_in(operations::SupplierPolicy policy = {}) const {
    const auto added = app::add_supplier(workspace(), supplier(std::move(policy)), kNow);
    ASSERT_TRUE(added) << explain(added.error());
    ASSERT_EQ(added->state, app::TargetsOutcome::State::Published);
  }

  /// Another policy, which nobody signs.
  void take_in_again(operations::SupplierPolicy policy) const {
    ASSERT_TRUE(app::add_supplier(workspace(), supplier(std::move(policy)), kNow));
  }

  static repository::Release release(std::string name, std::string_view content, std::uint64_t counter = 1) {
    repository::Release release;
    release.name = TargetName(std::move(name));
    release.hardware_ids = {HardwareId("acme-ecu")};
    release.version = "1.0";
    release.counter = ReleaseCounter(counter);
    release.length = content.size();
    release.hashes = crypto::Hashes::of(as_bytes(content));
    return release;
  }
  /// What acme would sign next: `base` and the image.
  static model::Targets next(const repository::Release& release, std::uint64_t version = 1,
                             model::Targets base = {}) {
    base.targets[release.name] = repository::target_of(release, *release.counter);
    base.version = Version(version);
    base.expires = kNow + std::chrono::days(30);
    return base;
  }
  [[nodiscard]] Bytes signed_by(const model::Targets& targets,
                                std::initializer_list<std::size_t> places = {0, 1}) const {
    return signed_by(acme, targets, places);
  }
  static Bytes signed_by(const sim::Keys& keys, const model::Targets& targets,
                         std::initializer_list<std::size_t> places = {0, 1}) {
    trust::Draft<model::Targets> draft(targets);
    for (const std::size_t place : places) EXPECT_TRUE(draft.sign(*keys.at(place)));
    return draft.wire();
  }

  /// acme lets acme-sensors, two of its three keys, sign acme/sensors/*.
  [[nodiscard]] repository::SupplierRolePlan below() const {
    repository::SupplierRolePlan plan;
    plan.name = RoleName("acme-sensors");
    plan.paths = {"acme/sensors/*"};
    plan.hardware_ids = {HardwareId("acme-ecu")};
    for (const auto& key : sensors) plan.keys.push_back(key->public_key());
    plan.threshold = 2;
    return plan;
  }
  static model::Targets letting_sign(const repository::SupplierRolePlan& plan, model::Targets base = {},
                                     std::uint64_t version = 1) {
    EXPECT_TRUE(repository::add_delegation(base, plan));
    base.version = Version(version);
    base.expires = kNow + std::chrono::days(30);
    return base;
  }

  /// One that names this content.
  static std::string sbom(std::string_view content) {
    return R"({"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[],"metadata":{"component":)"
           R"({"type":"firmware","name":"app","hashes":[{"alg":"SHA-256","content":")" +
           to_hex(crypto::sha256(as_bytes(content))) + R"("}]}}})";
  }

  /// "acme-ci", by which its submissions come.
  static void give_token(host::Db& db, const std::string& supplier_name) {
    static_cast<void>(app::add_token(db, {supplier_name + "-ci", operations::TokenRole::Supplier,
                                          supplier_name, kNow, kNow + std::chrono::days(1)}));
  }
  /// As if it had come by the API, judged and waiting.
  [[nodiscard]] std::string waiting(const Bytes& metadata, const std::string& image,
                                    const std::string& supplier_name = "acme",
                                    const std::string& sbom_file = {}) const {
    host::Db db = storage::open_database(workspace().db_path()).value();
    storage::SupplierStore store(db);
    give_token(db, supplier_name);
    operations::SubmissionRecord record;
    record.id = operations::new_submission_id();
    record.supplier = supplier_name;
    record.token = supplier_name + "-ci";
    record.created = kNow;
    record.state = operations::SubmissionState::Waiting;
    app::SubmissionFiles files(workspace().submissions_dir());
    for (const auto& [kind, bytes] : {std::pair(operations::FileKind::Metadata, metadata),
                                      std::pair(operations::FileKind::Image, to_bytes(image)),
                                      std::pair(operations::FileKind::Sbom, to_bytes(sbom_file))}) {
      if (bytes.empty()) continue;
      record.submission.files.push_back({kind, crypto::sha256(bytes), bytes.size()});
      EXPECT_TRUE(files.append(record.id, record.submission.files.back(), 0, bytes));
    }
    EXPECT_TRUE(store.add(record));
    return record.id;
  }
  [[nodiscard]] Result<app::AcceptOutcome> accept(const std::string& id,
                                                  std::optional<operations::Caller> by = std::nullopt) const {
    app::AcceptRequest request;
    request.id = id;
    request.by = std::move(by);
    request.online = [this] { return Result<app::OnlineSigners>(keys.online()); };
    return app::accept_submission(workspace(), request, kNow);
  }
  [[nodiscard]] Result<trust::Found> find(const std::string& name) const {
    return repository::find_target(TRY(read()), repo(), TargetName(name));
  }

  sim::Keys director_keys = sim::keys("director-root", 1);
  sim::Keys acme = sim::keys("acme", 3);
  sim::Keys sensors = sim::keys("sensors", 3);
};

inline void expect_healthy(const SupplierWorkspace& ws) {
  repository::FolderTransport folder(ws.repo());
  const auto health = app::check_repository(folder, kNow, {});
  ASSERT_TRUE(health && health->healthy()) << testing::PrintToString(health->problems);
}

}  // namespace cotter::test
