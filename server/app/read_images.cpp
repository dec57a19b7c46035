#include "server/app/read_images.h"

#include <sys/stat.h>

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

#include "common/host/on_threads.h"

namespace cotter::app {
namespace {

namespace fs = std::filesystem;
using Progress = std::function<void(std::uint64_t, std::uint64_t)>;

/// Hashing one file and reading the next take turns on no processor.
class ImageReading {
 public:
  ImageReading(repository::TakenImages* taken, std::vector<SourceFile>& files,
               const std::vector<Artifact>& artifacts, const Progress& progress)
      : taken_(taken), files_(&files), artifacts_(&artifacts), progress_(&progress) {
    host::on_threads(files.size(), [&](std::size_t i, std::size_t) {
      struct stat status {};
      if (::stat(path_of(files[i]).c_str(), &status) != 0) return;  // reading it will say why
      if (auto copy = taken != nullptr ? taken->find(status) : std::nullopt) {
        files[i].image.emplace(*std::move(copy));
      } else {
        total_ += static_cast<std::uint64_t>(status.st_size);
      }
    });
  }

  Result<Findings> run() {
    std::vector<fs::path> dirs(host::threads_for(files_->size()));
    for (std::size_t thread = 0; taken_ != nullptr && thread < dirs.size(); ++thread)
      dirs[thread] = TRY(taken_->folder_for(thread));
    host::on_threads(files_->size(), [&](std::size_t i, std::size_t thread) {
      if (is_full_ || (*files_)[i].image) return;
      auto done = take_in((*files_)[i], dirs[thread], thread == 0);
      if (!done) note(i, std::move(done).error());
    });
    tell();
    Findings findings;
    if (is_full_) {  // foremost: what is remembered has to go then, for a full disk is in everybody's way
      findings.add("", full_.error());
    } else if (taken_ != nullptr) {
      if (const auto kept = taken_->remember_rest(); !kept) findings.add("", kept.error());
    }
    for (std::size_t i = 0; i < files_->size(); ++i) {
      const auto error = errors_.find(i);
      if (error == errors_.end()) continue;
      findings.add((*artifacts_)[(*files_)[i].artifacts.front()].where, error->second);
    }
    return findings;
  }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return done_; }

 private:
  /// What kept file `i` from being read.
  void note(std::size_t i, Error error) {
    const std::lock_guard lock(mutex_);
    if (is_fault(error, Fault::Kind::NoSpace)) {
      full_ = fail(std::move(error));
      is_full_ = true;
    } else {
      errors_.emplace(i, std::move(error));
    }
  }

  Result<void> take_in(SourceFile& file, const fs::path& dir, bool is_caller) {
    std::uint64_t told = 0;
    const auto progress = [&](std::uint64_t done) {
      done_ += done - std::exchange(told, done);
      if (is_caller) tell();
    };
    const auto durable = taken_ != nullptr ? repository::Durable::Later : repository::Durable::Never;
    file.image.emplace(TRY(repository::take_in(dir, path_of(file), progress, durable)));
    return taken_ != nullptr ? taken_->note(*file.image) : Result<void>();
  }

  [[nodiscard]] const fs::path& path_of(const SourceFile& file) const {
    return (*artifacts_)[file.artifacts.front()].file;
  }

  void tell() const {
    if (*progress_) (*progress_)(done_, total_);
  }

  repository::TakenImages* taken_;
  std::vector<SourceFile>* files_;
  const std::vector<Artifact>* artifacts_;
  const Progress* progress_;
  std::atomic<std::uint64_t> total_{0};  ///< of those to be read
  std::atomic<std::uint64_t> done_{0};
  std::mutex mutex_;
  Result<void> full_;  ///< of the disk; no more is read then
  std::atomic<bool> is_full_{false};
  std::map<std::size_t, Error> errors_;  ///< by file
};

/// Most paths have none, and need not be taken apart.
std::string without_detours(const fs::path& file) {
  const std::string& path = file.native();
  const auto has = [&](const char* part) { return path.find(part) != std::string::npos; };
  return has("/.") || has("//") || path.starts_with("./") ? file.lexically_normal().native() : path;
}

}  // namespace

std::vector<SourceFile> source_files(const std::vector<Artifact>& artifacts) {
  std::unordered_map<std::string, std::size_t> known;
  std::vector<SourceFile> files;
  for (std::size_t i = 0; i < artifacts.size(); ++i) {
    const auto [place, is_new] = known.try_emplace(without_detours(artifacts[i].file), files.size());
    if (is_new) files.push_back({{}});
    files[place->second].artifacts.push_back(i);
  }
  return files;
}

Result<std::uint64_t> read_images(repository::TakenImages* taken, std::vector<SourceFile>& files,
                                  const std::vector<Artifact>& artifacts, const Progress& progress) {
  ImageReading reading(taken, files, artifacts, progress);
  TRY(TRY(reading.run()).verdict());
  return reading.bytes();
}

}  // namespace cotter::app
