// A small workspace for tests of the server's rooms: an image repository with keys of the test's own, no key
// files. Never slow: no passphrase is stretched. One thread.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/time.h"
#include "common/host/atomic_file.h"
#include "server/app/publish_release.h"
#include "server/app/workspace.h"
#include "server/repository/commit.h"
#include "server/repository/reader.h"
#include "server/repository/root_maker.h"
#include "tests/sim/sim_key.h"
#include "tests/sim/temp_dir.h"

namespace cotter::test {

inline constexpr UtcTime kNow{std::chrono::seconds(1'900'000'000)};

inline repository::RoleSigners signers(const sim::Keys& keys, std::uint32_t threshold) {
  repository::RoleSigners role;
  for (const auto& key : keys) role.signers.push_back(key.get());
  role.threshold = threshold;
  return role;
}

struct ImageKeys {
  sim::Keys root = sim::keys("image-root", 3);
  sim::Keys targets = sim::keys("image-targets", 3);
  sim::Keys snapshot = sim::keys("image-snapshot", 1);
  sim::Keys timestamp = sim::keys("image-timestamp", 1);

  [[nodiscard]] repository::FirstKeys first() const {
    return {signers(root, 2), signers(targets, 2), signers(snapshot, 1), signers(timestamp, 1)};
  }
  [[nodiscard]] app::OnlineSigners online() const {
    return {snapshot.front().get(), timestamp.front().get()};
  }
};

inline constexpr repository::FirstLifetimes kLifetimes{std::chrono::days(365), std::chrono::days(90),
                                                       std::chrono::days(7), std::chrono::days(1)};

inline void write(const std::filesystem::path& path, std::string_view content) {
  std::ofstream(path, std::ios::binary) << content;
}
inline std::string content_of(const std::filesystem::path& path) {
  return std::string(as_text(host::read_file(path, 1U << 30U).value_or(Bytes())));
}

/// With the four first files published at kNow.
class TestWorkspace {
 public:
  /// In a folder of its own, unless `dir` says where.
  explicit TestWorkspace(const std::optional<std::filesystem::path>& dir = std::nullopt)
      : dir_(dir.value_or(temp_.path() / "ws")) {
    for (const char* folder : {"", "repo", "pending", "files"})
      std::filesystem::create_directories(dir_ / folder);
    write(dir_ / "cotter.toml", "");
    const auto files = repository::make_image_repository(keys.first(), kLifetimes, kNow);
    if (!files) ADD_FAILURE() << explain(files.error());
    for (const repository::NewFile& file : *files) EXPECT_TRUE(repository::write_file(layout(), file));
  }

  [[nodiscard]] app::Workspace workspace() const { return *app::Workspace::open(dir_); }
  [[nodiscard]] repository::Layout layout() const { return repository::Layout(dir_ / "repo"); }
  [[nodiscard]] std::filesystem::path repo() const { return dir_ / "repo"; }
  [[nodiscard]] std::filesystem::path pending() const { return dir_ / "pending"; }

  /// A file to publish.
  [[nodiscard]] std::filesystem::path file(std::string_view content) const {
    std::filesystem::path path = dir_ / "files" / "image.bin";
    write(path, content);
    return path;
  }

  /// For hardware id "hw-1", version "1.0", the holders at these places signing.
  [[nodiscard]] app::PublishRequest request(std::string name, std::string_view content,
                                            std::initializer_list<std::size_t> holders) const {
    app::PublishRequest request;
    request.file = file(content);
    request.release.name = TargetName(std::move(name));
    request.release.hardware_ids = {HardwareId("hw-1")};
    request.release.version = "1.0";
    for (const std::size_t place : holders) request.holders.push_back(keys.targets.at(place).get());
    request.online = [this] { return Result<app::OnlineSigners>(keys.online()); };
    return request;
  }
  [[nodiscard]] Result<app::PublishOutcome> publish(const app::PublishRequest& request,
                                                    UtcTime now = kNow) const {
    return app::publish_release(workspace(), request, now);
  }
  [[nodiscard]] Result<app::PublishOutcome> publish(std::string name, std::string_view content,
                                                    std::initializer_list<std::size_t> holders = {0,
                                                                                                  1}) const {
    return publish(request(std::move(name), content, holders));
  }

  [[nodiscard]] Result<trust::TrustedSet> read(UtcTime now = kNow) const {
    return repository::read_as_client(repo(), now);
  }
  [[nodiscard]] std::vector<std::string> bundles() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(pending())) {
      names.push_back(entry.path().filename().string());
    }
    return names;
  }

  ImageKeys keys;

 private:
  sim::TempDir temp_;
  std::filesystem::path dir_;
};

}  // namespace cotter::test
