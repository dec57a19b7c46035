#include "server/repository/batch.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <optional>
#include <set>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "common/disk/descriptor.h"
#include "common/host/atomic_file.h"
#include "common/host/on_threads.h"
#include "server/repository/file_reader.h"

namespace cotter::repository {
namespace {

namespace fs = std::filesystem;
using disk::Descriptor;

tl::unexpected<Error> cannot_write(const fs::path& path) {
  return fail(host::errno_fault("cannot write " + path.string(), errno));
}

Result<void> sync_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0 || ::fdatasync(file.get()) != 0) return cannot_write(path);
  return {};
}

std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

/// A path in the incoming folder that no file of this process has had: whoever holds one removes it later.
/// What another process left there goes.
fs::path new_path(const Layout& layout) {
  static std::atomic<std::uint64_t> given{0};
  fs::path path = layout.incoming_dir() / ("file." + std::to_string(++given));
  ::unlink(path.c_str());
  return path;
}

}  // namespace

PassingFile::~PassingFile() {
  if (!path_.empty()) ::unlink(path_.c_str());
}
PassingFile::PassingFile(PassingFile&& other) noexcept : path_(std::exchange(other.path_, {})) {}
PassingFile& PassingFile::operator=(PassingFile&& other) noexcept {
  std::swap(path_, other.path_);
  return *this;
}

void begin_writing_out(int fd, std::uint64_t length) noexcept {
  constexpr std::uint64_t kLarge = 1024 * 1024;
  if (length < kLarge) return;
  static_cast<void>(::sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE));  // a hint: finish() syncs
}

Result<PassingFile> Batch::write(ByteView bytes) {
  const fs::path path = new_path(*layout_);
  const Descriptor fd(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, host::kPublicFile));
  if (fd.get() < 0) return cannot_write(path);
  PassingFile file(path);
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd.get(), bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) return cannot_write(path);
    if (written > 0) bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  if (::fchmod(fd.get(), host::kPublicFile) != 0) return cannot_write(path);  // exactly: no umask
  return file;
}

void Batch::add(Naming naming) {
  for (const std::string& name : naming.names) folders_.insert(folder_of(name));
  files_.push_back(std::move(naming));
}

/// A sync of one file costs the disk a flush of its own: above some files one of the whole file system is
/// cheaper, though it waits for others' bytes too. It tells of failed writes since Linux 5.8.
Result<void> Batch::make_durable() const {
  for (const std::string& folder : folders_) TRY(make_dirs(folder, host::Synced::Later));
  constexpr std::size_t kMany = 32;
  if (files_.size() > kMany) {
    const Descriptor dir(::open(layout_->incoming_dir().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (dir.get() < 0 || ::syncfs(dir.get()) != 0) return cannot_write(layout_->dir());
    return {};
  }
  for (const Naming& naming : files_) TRY(sync_file(naming.file));
  // Each folder's name, though it was there: a killed writer may have made it, and no sync was about it.
  std::set<fs::path> above;
  for (const std::string& folder : folders_) {
    for (fs::path dir = folder; dir != layout_->dir() && dir.has_relative_path(); dir = dir.parent_path())
      above.insert(dir.parent_path());
  }
  for (const fs::path& dir : above) TRY(host::sync_dir(dir));
  return {};
}

/// A file that moves leaves no link that must be removed again. Where it cannot move, because the name is
/// taken or the file system does not know how, it is linked like the others, which looks what is there.
Result<void> Batch::put(const Naming& naming) const {
  const std::string* file = &naming.file;
  for (const std::string& name : naming.names) {
    if (naming.moves && file == &naming.file &&
        ::renameat2(AT_FDCWD, file->c_str(), AT_FDCWD, name.c_str(), RENAME_NOREPLACE) == 0) {
      file = &name;
    } else {
      TRY(link(*file, name, naming.mends));
    }
  }
  if (naming.moves && file == &naming.file) ::unlink(file->c_str());
  return {};
}

Result<void> Batch::link(const std::string& file, const std::string& name, bool mends) const {
  if (::link(file.c_str(), name.c_str()) == 0) return {};
  if (errno != EEXIST) return cannot_write(name);
  // What a writer left that was killed has its name already. Not asked before: nearly always nothing is
  // there. It may be this very file: a release that goes on does not read it.
  std::error_code unknown;
  if (fs::equivalent(file, name, unknown)) return {};
  if (TRY(same_content(file, name))) return {};
  if (!mends) {
    return fault(Fault::Kind::Conflict, name + " is there already, with other content",
                 "a version is never published twice; was " + layout_->dir().string() +
                     " or cotter.db restored from a backup?");
  }
  const fs::path passing = new_path(*layout_);
  if (::link(file.c_str(), passing.c_str()) != 0 || ::rename(passing.c_str(), name.c_str()) != 0)
    return cannot_write(name);
  return {};
}

/// The names of one folder wait for each other, whoever gives them: one thread for a folder.
Result<void> Batch::give_names() {
  std::vector<std::vector<const Naming*>> work;
  std::unordered_map<std::string, std::size_t> known;
  for (const Naming& naming : files_) {
    const auto [place, is_new] = known.try_emplace(folder_of(naming.names.front()), work.size());
    if (is_new) work.emplace_back();
    work[place->second].push_back(&naming);
  }
  std::mutex mutex;
  std::optional<Error> failed;
  host::on_threads(work.size(), [&](std::size_t i, std::size_t) {
    for (const Naming* naming : work[i]) {
      auto done = put(*naming);
      if (done) continue;
      const std::lock_guard lock(mutex);
      failed = std::move(done).error();
      return;
    }
  });
  if (failed) return fail(*std::move(failed));
  for (const std::string& folder : folders_) TRY(host::sync_dir(folder));
  files_.clear();
  folders_.clear();
  return {};
}

Result<void> Batch::finish() {
  TRY(make_durable());
  return give_names();
}

Result<bool> same_content(const fs::path& one, const fs::path& other) {
  FileReader first = TRY(FileReader::open(one));
  FileReader second = TRY(FileReader::open(other));
  for (;;) {
    const ByteView a = TRY(first.next());
    const ByteView b = TRY(second.next());
    if (!std::ranges::equal(a, b)) return false;
    if (a.empty()) return true;
  }
}

Result<void> make_dirs(const fs::path& dir, host::Synced synced) {
  std::error_code error;
  if (fs::is_directory(dir, error)) return {};
  TRY(make_dirs(dir.parent_path(), synced));
  auto made = host::make_dir(dir, host::kPublicDir, synced);
  if (!made && is_fault(made.error(), Fault::Kind::Conflict) && fs::is_directory(dir, error)) return {};
  return made;
}

}  // namespace cotter::repository
