#include "server/repository/batch.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>
#include <unordered_set>
#include <utility>

#include "common/disk/descriptor.h"
#include "common/host/atomic_file.h"
#include "server/repository/file_reader.h"

namespace cotter::repository {
namespace {

namespace fs = std::filesystem;
using disk::Descriptor;

tl::unexpected<Error> cannot_write(const fs::path& path) {
  return fail(host::errno_fault("cannot write " + path.string(), errno));
}

Result<void> sync_file(const fs::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0 || ::fdatasync(file.get()) != 0) return cannot_write(path);
  return {};
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
  const fs::path path = layout_->incoming_dir() / ("file." + std::to_string(++written_));
  const Descriptor fd(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, host::kPublicFile));
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

/// Each file once, however many names it has. A sync of one file costs the disk a flush of its own: above
/// some files one of the whole file system is cheaper, though it waits for others' bytes too. It tells of
/// failed writes since Linux 5.8.
Result<void> Batch::sync_data() const {
  constexpr std::size_t kMany = 64;
  if (files_.size() > kMany) {
    const Descriptor dir(::open(layout_->incoming_dir().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (dir.get() < 0 || ::syncfs(dir.get()) != 0) return cannot_write(layout_->dir());
    return {};
  }
  const fs::path* last = nullptr;
  for (const Named& named : files_) {
    if (last != nullptr && *last == named.file) continue;
    TRY(sync_file(named.file));
    last = &named.file;
  }
  return {};
}

Result<void> Batch::put(const Named& named) const {
  if (::link(named.file.c_str(), named.name.c_str()) == 0) return {};
  if (errno != EEXIST) return cannot_write(named.name);
  // What a writer left that was killed has its name already. Not asked before: nearly always nothing is
  // there. It may be this very file: a release that goes on does not read it.
  std::error_code unknown;
  if (fs::equivalent(named.file, named.name, unknown)) return {};
  if (TRY(same_content(named.file, named.name))) return {};
  if (named.other == Other::Refuse) {
    return fault(Fault::Kind::Conflict, named.name.string() + " is there already, with other content",
                 "a version is never published twice; was " + layout_->dir().string() +
                     " or cotter.db restored from a backup?");
  }
  const fs::path passing = layout_->incoming_dir() / "mended";
  ::unlink(passing.c_str());
  if (::link(named.file.c_str(), passing.c_str()) != 0 || ::rename(passing.c_str(), named.name.c_str()) != 0)
    return cannot_write(named.name);
  return {};
}

Result<void> Batch::make_durable() {
  // Folders first, and all of them: of a name that a killed writer left the folder may not be durable yet.
  for (const Named& named : files_) {
    const std::string& name = named.name.native();
    dirs_.insert(name.substr(0, name.rfind('/')));
  }
  for (const std::string& dir : dirs_) TRY(make_dirs(dir));
  return sync_data();
}

Result<void> Batch::give_names() {
  for (const Named& named : files_) TRY(put(named));
  for (const std::string& dir : dirs_) TRY(host::sync_dir(dir));
  files_.clear();
  dirs_.clear();
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

Result<void> make_dirs(const fs::path& dir) {
  std::error_code error;
  if (fs::is_directory(dir, error)) return {};
  TRY(make_dirs(dir.parent_path()));
  auto made = host::make_dir(dir, host::kPublicDir);
  if (!made && is_fault(made.error(), Fault::Kind::Conflict) && fs::is_directory(dir, error)) return {};
  return made;
}

}  // namespace cotter::repository
