#include "server/app/staged_folder.h"

#include <system_error>
#include <utility>

namespace cotter::app {
namespace {

namespace fs = std::filesystem;

constexpr const char* kStaging = ".cotter-init";
constexpr const char* kLock = "lock";

/// Whether it was made here. Faults but Conflict.
Result<bool> make_if_missing(const fs::path& dir, mode_t mode) {
  const Result<void> made = host::make_dir(dir, mode);
  if (made) return true;
  std::error_code ignored;
  if (is_fault(made.error(), Fault::Kind::Conflict) && fs::is_directory(dir, ignored)) return false;
  return fail(made.error());
}

Result<void> empty_but_for_lock(const fs::path& staging) {
  std::error_code error;
  for (fs::directory_iterator entry(staging, error), end; !error && entry != end; entry.increment(error)) {
    if (entry->path().filename() != kLock) fs::remove_all(entry->path(), error);
    if (error) break;
  }
  if (error) return fail(host::errno_fault("cannot clean up " + staging.string(), error.value()));
  return {};
}

}  // namespace

StagedFolder::StagedFolder(fs::path dir, fs::path staging, bool made_dir, bool was_interrupted,
                           host::FileLock lock)
    : dir_(std::move(dir)),
      staging_(std::move(staging)),
      made_dir_(made_dir),
      was_interrupted_(was_interrupted),
      lock_(std::move(lock)) {}

StagedFolder::StagedFolder(StagedFolder&& other) noexcept
    : dir_(std::move(other.dir_)),
      staging_(std::exchange(other.staging_, {})),
      made_dir_(other.made_dir_),
      was_interrupted_(other.was_interrupted_),
      kept_(other.kept_),
      placed_(std::move(other.placed_)),
      lock_(std::move(other.lock_)) {}

Result<StagedFolder> StagedFolder::in(const fs::path& dir, mode_t mode) {
  const bool made_dir = TRY(make_if_missing(dir, mode));
  const fs::path staging = dir / kStaging;
  Result<bool> made_staging = make_if_missing(staging, host::kSecretDir);
  Result<host::FileLock> lock =
      made_staging ? host::FileLock::acquire(staging / kLock) : fail(made_staging.error());
  if (!lock) {
    std::error_code ignored;
    if (made_staging && *made_staging) fs::remove(staging, ignored);
    if (made_dir) fs::remove(dir, ignored);
    return fail(std::move(lock).error());
  }
  StagedFolder folder(dir, staging, made_dir, !*made_staging, *std::move(lock));
  TRY(empty_but_for_lock(staging));
  return folder;
}

StagedFolder::~StagedFolder() {
  if (staging_.empty()) return;  // moved from
  std::error_code ignored;
  if (!kept_) {
    for (const fs::path& entry : placed_) fs::remove_all(entry, ignored);
  }
  fs::remove_all(staging_, ignored);
  if (!kept_ && made_dir_) fs::remove(dir_, ignored);
}

Result<void> StagedFolder::place(std::string_view name) {
  const fs::path to = dir_ / name;
  std::error_code error;
  if (fs::exists(fs::symlink_status(to, error))) {
    return fault(Fault::Kind::Conflict, to.string() + " is there already");
  }
  fs::rename(staging_ / name, to, error);
  if (error) return fail(host::errno_fault("cannot make " + to.string(), error.value()));
  placed_.push_back(to);
  return host::sync_dir(dir_);
}

}  // namespace cotter::app
