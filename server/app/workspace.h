// A workspace: the folder with everything one machine needs, its paths and its settings.
// Never holds keys or passphrases. A plain value once opened: safe on any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"

namespace cotter::app {

/// How long each role's metadata lives once it is signed.
struct Lifetimes {
  std::chrono::seconds root;
  std::chrono::seconds targets;
  std::chrono::seconds snapshot;
  std::chrono::seconds timestamp;
  friend bool operator==(const Lifetimes&, const Lifetimes&) = default;
};

/// Who may have something signed by the keys of the signing process, and how often.
struct SigningGrant {
  std::vector<std::string> callers{};  ///< accounts, by name or number; none: the signing process's own
  std::uint32_t per_minute = 0;        ///< of each of these keys
};

/// What cotter.toml says; what it leaves out has these values.
struct Settings {
  Lifetimes image{std::chrono::days{365}, std::chrono::days{90}, std::chrono::days{7}, std::chrono::days{1}};
  Lifetimes director{std::chrono::days{365}, std::chrono::days{1}, std::chrono::days{1},
                     std::chrono::days{1}};
  std::string listen = "127.0.0.1:8443";
  bool public_repo = false;  ///< /repo/ is served to clients without a certificate too
  /// What one vehicle may ask of the director at once, and then in a minute.
  std::uint32_t writes_at_once = 300;
  std::uint32_t writes_per_minute = 12;
  std::uint32_t reads_at_once = 600;
  std::uint32_t reads_per_minute = 600;
  std::optional<std::filesystem::path>
      signer{};  ///< the signing process's socket; none: the keys are in keys/
  std::optional<std::filesystem::path>
      release_signer{};  ///< the socket of the one with release roles' keys; none: they are with the others
  SigningGrant sign_image{{}, 60};
  SigningGrant sign_director{{}, 6'000};
  SigningGrant sign_time{{}, 60'000};
  SigningGrant sign_release{{}, 20'000};               ///< a release may touch every bin of its role
  std::vector<std::string> release_roles{};            ///< whose keys the signing process uses too
  std::optional<std::filesystem::path> offline_dir{};  ///< where init put the holders' folders
};

class Workspace {
 public:
  /// `given` (-C DIR), else COTTER_WORKSPACE, else the current folder or the nearest one above that holds
  /// cotter.toml. Faults: NotFound (says where it looked), and those of open().
  static Result<Workspace> find(const std::optional<std::filesystem::path>& given);
  /// Faults: NotFound (no cotter.toml in `dir`), Usage (cotter.toml is wrong: file, line, key), Denied, Io.
  static Result<Workspace> open(const std::filesystem::path& dir);

  [[nodiscard]] const std::filesystem::path& dir() const noexcept { return dir_; }  ///< absolute
  [[nodiscard]] const Settings& settings() const noexcept { return settings_; }
  [[nodiscard]] std::filesystem::path config_path() const { return dir_ / "cotter.toml"; }
  [[nodiscard]] std::filesystem::path db_path() const { return dir_ / "cotter.db"; }
  [[nodiscard]] std::filesystem::path keys_dir() const { return dir_ / "keys"; }
  [[nodiscard]] std::filesystem::path repo_dir() const { return dir_ / "repo"; }
  [[nodiscard]] std::filesystem::path director_dir() const { return dir_ / "director"; }
  [[nodiscard]] std::filesystem::path pending_dir() const { return dir_ / "pending"; }
  [[nodiscard]] std::filesystem::path submissions_dir() const { return dir_ / "submissions"; }
  /// Metadata of suppliers that are gone, as it was published: for the trace of what they made.
  [[nodiscard]] std::filesystem::path removed_dir() const { return dir_ / "removed"; }
  [[nodiscard]] std::filesystem::path pki_dir() const { return dir_ / "pki"; }

 private:
  Workspace(std::filesystem::path dir, Settings settings)
      : dir_(std::move(dir)), settings_(std::move(settings)) {}
  std::filesystem::path dir_;
  Settings settings_;
};

/// The text of a new workspace's cotter.toml: every setting with its default and a comment.
std::string cotter_toml_text(const Settings& settings);
Result<Settings> read_settings(const std::filesystem::path& cotter_toml);

}  // namespace cotter::app
