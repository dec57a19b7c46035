#include "server/repository/taken_images.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include "common/host/atomic_file.h"

namespace cotter::repository {
namespace {

namespace fs = std::filesystem;
using disk::Descriptor;

constexpr std::uint64_t kMaxJournalBytes = 256 * 1024 * 1024;  // of a quarter of a million images

tl::unexpected<Error> cannot_write(const fs::path& path) {
  return fail(host::errno_fault("cannot write " + path.string(), errno));
}

std::string text_of(const timespec& time) {
  return std::to_string(time.tv_sec) + "." + std::to_string(time.tv_nsec);
}

/// Which file, of what size and last written when: links that come and go do not show in it.
std::string content_of(const struct stat& file) {
  return std::to_string(file.st_dev) + ":" + std::to_string(file.st_ino) + ":" +
         std::to_string(file.st_size) + ":" + text_of(file.st_mtim);
}

/// The time of the last change too, which nobody can put back.
std::string source_of(const struct stat& file) { return content_of(file) + ":" + text_of(file.st_ctim); }

/// Whether it is a file with this content.
bool is_still(const fs::path& path, const std::string& content) {
  struct stat file {};
  return ::lstat(path.c_str(), &file) == 0 && S_ISREG(file.st_mode) && content_of(file) == content;
}

}  // namespace

Result<std::unique_ptr<TakenImages>> TakenImages::open(const Layout& layout, std::uint64_t step) {
  const fs::path dir = layout.taken_dir();
  if (::mkdir(dir.c_str(), host::kSecretDir) != 0 && errno != EEXIST) return cannot_write(dir);
  Descriptor folder(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (folder.get() < 0) return cannot_write(dir);
  std::unique_ptr<TakenImages> taken(new TakenImages(layout, std::move(folder), step));
  taken->load();
  taken->remove_others();
  return taken;
}

TakenImages::~TakenImages() {
  std::error_code error;
  for (fs::directory_iterator entry(dir_, error), end; !error && entry != end; entry.increment(error))
    ::rmdir(entry->path().c_str());
  ::rmdir(dir_.c_str());
}

Result<fs::path> TakenImages::folder_for(std::size_t thread) const {
  fs::path folder = dir_ / std::to_string(thread);
  if (::mkdir(folder.c_str(), host::kSecretDir) != 0 && errno != EEXIST) return cannot_write(folder);
  return folder;
}

std::string TakenImages::name_of(const fs::path& copy) const {
  return copy.parent_path() == dir_ ? copy.filename().string()
                                    : (copy.parent_path().filename() / copy.filename()).string();
}

void TakenImages::sweep(const Layout& layout) {
  std::error_code unknown;
  if (fs::exists(layout.taken_dir(), unknown)) static_cast<void>(open(layout, UINT64_MAX));
}

/// Up to the first line that is not whole. One that cannot be read is none; nor is another account's.
void TakenImages::load() {
  struct stat status {};
  if (::lstat(journal_.c_str(), &status) != 0 || status.st_uid != ::geteuid()) return;
  const auto bytes = host::read_file(journal_, kMaxJournalBytes);
  if (!bytes) return;
  std::string_view rest = as_text(*bytes);
  for (std::size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
    auto record = TakenRecord::decode(rest.substr(0, end));
    if (!record) return;
    journal_bytes_ += end + 1;
    rest.remove_prefix(end + 1);
    if (!is_still(dir_ / record->copy, record->copy_is)) continue;
    const std::string source = record->source;
    known_.insert_or_assign(source, *std::move(record));
  }
}

/// Copies that were not durable yet, or that nobody remembers. What cannot be removed is in nobody's way.
void TakenImages::remove_others() {
  if (known_.empty()) journal_bytes_ = 0;
  std::set<std::string> ours;
  for (const auto& [source, record] : known_) ours.insert(record.copy);
  if (!known_.empty()) ours.insert(name_of(journal_));
  std::error_code error;
  for (fs::recursive_directory_iterator entry(dir_, error), end; !error && entry != end;
       entry.increment(error)) {
    if (!ours.contains(name_of(entry->path()))) ::unlink(entry->path().c_str());  // a folder stays
  }
}

std::optional<IncomingImage> TakenImages::find(const struct stat& source) const {
  const auto known = known_.find(source_of(source));
  if (known == known_.end()) return std::nullopt;
  const TakenRecord& record = known->second;
  return IncomingImage::kept((dir_ / record.copy).native(), record.length, record.hashes);
}

Result<void> TakenImages::note(IncomingImage& image) {
  if (!image.source()) return {};
  std::vector<IncomingImage*> due;
  {
    const std::lock_guard lock(noting_);
    noted_.push_back(&image);
    noted_bytes_ += image.length();
    if (noted_bytes_ < step_) return {};
    due = std::exchange(noted_, {});
    noted_bytes_ = 0;
  }
  return remember(due);  // others go on reading
}

Result<void> TakenImages::remember_rest() {
  if (known_.empty() && kept_.empty()) return {};
  noted_bytes_ = 0;
  return remember(std::exchange(noted_, {}));
}

Result<void> TakenImages::remember(const std::vector<IncomingImage*>& images) {
  if (images.empty()) return {};
  const std::lock_guard lock(remembering_);
  if (::syncfs(folder_.get()) != 0) return cannot_write(dir_);
  std::string lines;
  for (const IncomingImage* image : images) {
    struct stat copy {};
    if (::lstat(image->file().c_str(), &copy) != 0) return cannot_write(image->file());
    lines += TakenRecord{source_of(*image->source()), name_of(image->file()), content_of(copy),
                         image->length(), image->hashes()}
                 .encode();
  }
  TRY(append(lines));
  for (IncomingImage* image : images) {
    image->keep();
    kept_.push_back(image->file());
  }
  return {};
}

Result<void> TakenImages::append(std::string_view lines) {
  const bool is_new = journal_bytes_ == 0;
  const Descriptor file(
      ::open(journal_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, host::kSecretFile));
  // Behind half a line nothing would be read again.
  if (file.get() < 0 || ::ftruncate(file.get(), static_cast<off_t>(journal_bytes_)) != 0)
    return cannot_write(journal_);
  for (std::string_view rest = lines; !rest.empty();) {
    const ssize_t written = ::write(file.get(), rest.data(), rest.size());
    if (written < 0 && errno != EINTR) return cannot_write(journal_);
    if (written > 0) rest.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fdatasync(file.get()) != 0) return cannot_write(journal_);
  if (is_new && ::fsync(folder_.get()) != 0) return cannot_write(dir_);
  journal_bytes_ += lines.size();
  return {};
}

void TakenImages::forget() {
  if (known_.empty() && kept_.empty()) return;
  ::unlink(journal_.c_str());  // first: a copy without it is nobody's
  for (const auto& [source, record] : known_) ::unlink((dir_ / record.copy).c_str());
  for (const fs::path& copy : kept_) ::unlink(copy.c_str());
}

}  // namespace cotter::repository
