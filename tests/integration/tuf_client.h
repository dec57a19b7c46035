// cotter-tuf as a test bench drives it: the real program against a repository on loopback.
// Never looks into the program: exit codes, files and requests are all there is. One thread.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/json/strict_reader.h"
#include "tests/sim/http_server.h"
#include "tests/sim/repository_sim.h"
#include "tests/sim/temp_dir.h"
#include "tests/world/faketime.h"
#include "tests/world/process.h"

namespace cotter::test {

using sim::RepositorySim;

inline UtcTime real_now() {
  return std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
}
inline UtcTime in_days(int days) { return real_now() + std::chrono::hours(24 * days); }

inline std::string content_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
inline void write_file(const std::filesystem::path& file, std::string_view content) {
  std::ofstream(file, std::ios::binary).write(content.data(), static_cast<std::streamsize>(content.size()));
}
/// Names of all entries, hidden ones too.
inline std::set<std::string> names_in(const std::filesystem::path& folder) {
  std::set<std::string> names;
  if (!std::filesystem::exists(folder)) return names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    names.insert(entry.path().filename().string());
  }
  return names;
}

/// The exit code of cotter-tuf. `days`: how far faketime moves its clock.
inline int run_client(const std::vector<std::string>& arguments, int days = 0, std::string* said = nullptr) {
  world::Command command{COTTER_TUF, arguments, {}, {}};
  const auto faketime = world::Faketime::create();
  EXPECT_TRUE(faketime.has_value()) << summary(faketime.error());
  if (!faketime) return -1;
  if (days != 0) {
    command.environment = faketime->environment((days > 0 ? "+" : "") + std::to_string(days) + "d");
  }
  const auto ended = world::run(command, std::chrono::seconds(60));
  EXPECT_TRUE(ended.has_value()) << summary(ended.error());
  if (!ended) return -1;
  if (said != nullptr) *said = ended->out + ended->err;
  return ended->exit_code;
}

/// One plain TUF repository and one client of it.
class TufClient : public ::testing::Test {
 protected:
  TufClient() : repo("image", in_days(30)), server(sim::serving({{"repo", &repo}})) {}

  int init() {
    write_file(dir.path() / "root.json", as_text(first_root));
    return run_client({"--metadata-dir", metadata.string(), "init", (dir.path() / "root.json").string()});
  }
  int refresh(int days = 0) {
    return run_client(
        {"--metadata-url", server.url() + "/repo", "--metadata-dir", metadata.string(), "refresh"}, days,
        &said);
  }
  int download_all(const std::vector<std::string>& names, int days = 0) {
    std::vector<std::string> arguments = {
        "--metadata-url", server.url() + "/repo/", "--metadata-dir",    metadata.string(),
        "--target-dir",   targets.string(),        "--target-base-url", server.url() + "/repo/targets"};
    for (const std::string& name : names) {
      arguments.emplace_back("--target-name");
      arguments.push_back(name);
    }
    arguments.emplace_back("download");
    return run_client(arguments, days, &said);
  }
  int download(const std::string& name, int days = 0) { return download_all({name}, days); }

  /// What the client trusts; empty when it has no such file.
  [[nodiscard]] std::string trusted(const std::string& file) const {
    return content_of(metadata / (file + ".json"));
  }
  [[nodiscard]] std::string served(const RoleName& role) const {
    return std::string(as_text(repo.file_of(role)));
  }
  /// The version of a trusted file; 0 when there is none.
  [[nodiscard]] std::int64_t version(const std::string& file) const {
    const std::string text = trusted(file);
    const auto document = json::read(as_bytes(text));
    if (!document) return 0;
    const json::Value* version = document->as_object()->find("signed")->as_object()->find("version");
    return *version->as_int();
  }
  /// Requests since the last call.
  std::vector<std::string> requests() {
    std::vector<std::string> all = repo.requests();
    repo.forget_requests();
    return all;
  }

  using Paths = std::vector<std::string>;
  const RoleName root_role = model::root_role(), timestamp_role = model::timestamp_role(),
                 snapshot_role = model::snapshot_role(), targets_role = model::targets_role();

  sim::TempDir dir;
  std::filesystem::path metadata = dir.path() / "metadata", targets = dir.path() / "targets";
  RepositorySim repo;
  Bytes first_root = repo.file_of(model::root_role());
  sim::HttpServer server;
  std::string said;  ///< by the last refresh or download
};

}  // namespace cotter::test
