// A TestWorkspace with a release role, and manifests made in memory. Never slow: no passphrase is stretched.
// One thread.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <ctime>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/model/file_names.h"
#include "common/trust/refresh.h"
#include "server/app/apply_release.h"
#include "server/app/grow_release_role.h"
#include "server/app/init_release_role.h"
#include "server/repository/bins.h"
#include "server/repository/folder_transport.h"
#include "tests/unit/server/test_workspace.h"

namespace cotter::test {

inline const RoleName kFirmware("fw");

/// Returns once a change of these files would show in their times. What was written within the last tick of
/// the system's clock could change once more without: nobody remembers having read it.
inline void let_settle(const std::vector<app::Artifact>& artifacts) {
  for (const app::Artifact& artifact : artifacts) {
    struct stat file {};
    ASSERT_EQ(::stat(artifact.file.c_str(), &file), 0);
    const auto is_past = [&] {
      timespec now{};
      ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
      return std::pair(now.tv_sec, now.tv_nsec) > std::pair(file.st_ctim.tv_sec, file.st_ctim.tv_nsec);
    };
    while (!is_past()) {
    }
  }
}

class ReleaseWorkspace : public TestWorkspace {
 public:
  using TestWorkspace::TestWorkspace;

  sim::Keys release_key = sim::keys("image-fw", 1);

  [[nodiscard]] Result<app::ReleaseSigners> release_signers() const {
    return app::ReleaseSigners{keys.online(), release_key.front().get()};
  }
  [[nodiscard]] app::InitRoleRequest init_request(std::initializer_list<std::size_t> holders,
                                                  std::uint32_t bits = 3) const {
    app::InitRoleRequest request{{},
                                 {kFirmware,
                                  {"fw/*"},
                                  {HardwareId("hw-1"), HardwareId("hw-2")},
                                  bits,
                                  release_key.front()->public_key()}};
    for (const std::size_t place : holders) request.holders.push_back(keys.targets.at(place).get());
    request.online = [this] { return Result<app::OnlineSigners>(keys.online()); };
    request.signers = [this] { return release_signers(); };
    return request;
  }
  [[nodiscard]] Result<app::InitRoleOutcome> init_role(std::initializer_list<std::size_t> holders = {0, 1},
                                                       std::uint32_t bits = 3) const {
    return app::init_release_role(workspace(), init_request(holders, bits), kNow);
  }

  /// An artifact "fw/NAME" for hw-1 with this content; the same content is the same file.
  [[nodiscard]] app::Artifact artifact(const std::string& name, const std::string& content,
                                       std::optional<std::uint64_t> counter = 1) const {
    app::Artifact artifact;
    artifact.file = repo().parent_path() / "files" / content;
    write(artifact.file, content);
    artifact.release.name = TargetName("fw/" + name);
    artifact.release.hardware_ids = {HardwareId("hw-1")};
    artifact.release.version = "1.0";
    if (counter) artifact.release.counter = ReleaseCounter(*counter);
    artifact.where = name;
    return artifact;
  }
  [[nodiscard]] app::ApplyRequest request(std::vector<app::Artifact> artifacts) const {
    app::ApplyRequest request;
    request.manifest = {kFirmware, std::move(artifacts)};
    request.signers = [this](const RoleName&) { return release_signers(); };
    return request;
  }
  [[nodiscard]] Result<app::ApplyOutcome> apply(std::vector<app::Artifact> artifacts) const {
    return app::apply_release(workspace(), request(std::move(artifacts)), kNow);
  }

  [[nodiscard]] app::GrowRequest grow_request(std::initializer_list<std::size_t> holders,
                                              std::uint32_t bits) const {
    app::GrowRequest request;
    request.role = kFirmware;
    request.bit_length = bits;
    request.confirmed = true;
    for (const std::size_t place : holders) request.holders.push_back(keys.targets.at(place).get());
    request.online = [this] { return Result<app::OnlineSigners>(keys.online()); };
    request.signers = [this] { return release_signers(); };
    return request;
  }
  [[nodiscard]] Result<app::GrowOutcome> grow(std::uint32_t bits,
                                              std::initializer_list<std::size_t> holders = {0, 1}) const {
    return app::grow_release_role(workspace(), grow_request(holders, bits), kNow);
  }

  /// As a vehicle finds it. Of an error its rule's or fault's words.
  [[nodiscard]] Result<trust::Found> find(const std::string& name,
                                          const std::optional<HardwareId>& hardware = std::nullopt) const {
    return find_from(TRY(read()), name, hardware);
  }
  /// As one finds it who knows no newer metadata.
  [[nodiscard]] Result<trust::Found> find_from(trust::TrustedSet known, const std::string& name,
                                               const std::optional<HardwareId>& hardware) const {
    trust::DelegationWalk walk(std::move(known), TargetName(name), hardware);
    repository::FolderTransport folder(repo());
    for (auto want = walk.next(); want; want = walk.next()) {
      if (want->place == trust::Place::Stored) {
        TRY(walk.absent());
        continue;
      }
      TRY(walk.give(TRY(folder.get(model::metadata_file_name(want->role, want->version), want->max_bytes))));
    }
    return walk.found();
  }
  /// Of its bins, by the role's own file.
  [[nodiscard]] std::uint32_t bits() const {
    auto set = read();
    repository::FolderTransport folder(repo());
    if (!set || !repository::load_delegated(*set, folder, kFirmware, model::targets_role())) return 0;
    return (*set->targets(kFirmware, model::targets_role()))->delegations->succinct->bit_length;
  }
  /// All that the bins list, by name.
  [[nodiscard]] std::map<std::string, json::Value> listed(std::uint32_t bits = 3) const {
    std::map<std::string, json::Value> all;
    auto set = read();
    repository::FolderTransport folder(repo());
    if (!set || !repository::load_delegated(*set, folder, kFirmware, model::targets_role())) {
      ADD_FAILURE() << "the role cannot be read";
      return all;
    }
    const auto bins = *(*set->targets(kFirmware, model::targets_role()))->delegations->succinct;
    EXPECT_EQ(bins.bit_length, bits);
    for (std::uint64_t number = 0; number < repository::bin_count(bins); ++number) {
      const auto loaded = repository::load_delegated(*set, folder, bins.bin(number), kFirmware);
      EXPECT_TRUE(loaded) << explain(loaded.error());
      for (const auto& [name, target] : (*set->targets(bins.bin(number), kFirmware))->targets)
        all.emplace(name.value(), target.encode());
    }
    return all;
  }
};

}  // namespace cotter::test
