#include "client/store/target_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "client/store/local_name.h"
#include "common/host/atomic_file.h"
#include "common/trust/image_check.h"

namespace cotter::client {
namespace {

namespace fs = std::filesystem;

/// No target's name is encoded to a percent sign before a 'p'.
constexpr std::string_view kPassing = "%partial-";
constexpr mode_t kMode = 0644;

Error failed(const fs::path& path, int error_number) {
  return host::errno_fault("cannot write " + path.string(), error_number);
}

/// A file without a name, which the kernel removes by itself unless it is given one; -1 where there is no
/// such thing, or no /proc to name it through.
int open_nameless(const fs::path& folder) {
  if (::access("/proc/self/fd", X_OK) != 0) return -1;
  return ::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, kMode);
}

std::string passing_template(const fs::path& folder) { return (folder / kPassing).string() + "XXXXXX"; }

/// A name that nobody has, by the same rule as mkstemp.
Result<fs::path> unused_name(const fs::path& folder) {
  std::string name = passing_template(folder);
  const int fd = ::mkostemp(name.data(), O_CLOEXEC);
  if (fd < 0) return fail(failed(folder, errno));
  ::close(fd);
  ::unlink(name.c_str());
  return fs::path(name);
}

bool passes(int fd, trust::ImageCheck check) {
  std::array<std::uint8_t, 65536> chunk;
  for (;;) {
    const ssize_t got = ::read(fd, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false;
    if (got == 0) return check.finish().has_value();
    if (!check.write(ByteView(chunk.data(), static_cast<std::size_t>(got)))) return false;
  }
}

}  // namespace

IncomingTarget::IncomingTarget(int fd, fs::path passing, fs::path final_path)
    : fd_(fd), passing_(std::move(passing)), final_(std::move(final_path)) {}

IncomingTarget::IncomingTarget(IncomingTarget&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      passing_(std::exchange(other.passing_, {})),
      final_(std::move(other.final_)) {}

IncomingTarget::~IncomingTarget() {
  if (fd_ >= 0) ::close(fd_);
  if (!passing_.empty()) ::unlink(passing_.c_str());
}

Result<void> IncomingTarget::write(ByteView chunk) {
  while (!chunk.empty()) {
    const ssize_t written = ::write(fd_, chunk.data(), chunk.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail(failed(final_, errno));
    chunk = chunk.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> IncomingTarget::give_passing_name(const fs::path& folder) {
  if (::fsync(fd_) != 0) return fail(failed(final_, errno));
  if (!passing_.empty()) return {};
  fs::path name = TRY(unused_name(folder));
  const std::string source = "/proc/self/fd/" + std::to_string(fd_);
  if (::linkat(AT_FDCWD, source.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) != 0) {
    return fail(failed(final_, errno));
  }
  passing_ = std::move(name);
  return {};
}

Result<TargetFolder> TargetFolder::open(fs::path folder) {
  std::error_code trouble;
  fs::create_directories(folder, trouble);
  if (trouble) return fail(host::errno_fault("cannot make the folder " + folder.string(), trouble.value()));
  std::vector<fs::path> left_behind;
  for (fs::directory_iterator entry(folder, trouble), end; !trouble && entry != end;
       entry.increment(trouble)) {
    if (entry->path().filename().string().starts_with(kPassing)) left_behind.push_back(entry->path());
  }
  if (trouble) return fail(host::errno_fault("cannot list the folder " + folder.string(), trouble.value()));
  for (const fs::path& path : left_behind) ::unlink(path.c_str());
  return TargetFolder(std::move(folder));
}

fs::path TargetFolder::path_of(const TargetName& name) const { return folder_ / local_name(name.value()); }

bool TargetFolder::has(const TargetName& name, const model::Target& target) const {
  const int fd = ::open(path_of(name).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return false;
  struct stat status {};
  const bool fits = ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
                    static_cast<std::uint64_t>(status.st_size) == target.length &&
                    passes(fd, trust::ImageCheck(target));
  ::close(fd);
  return fits;
}

Result<IncomingTarget> TargetFolder::receive(const TargetName& name) const {
  if (const int fd = open_nameless(folder_); fd >= 0) return IncomingTarget(fd, {}, path_of(name));
  std::string passing = passing_template(folder_);
  const int fd = ::mkostemp(passing.data(), O_CLOEXEC);
  if (fd < 0) return fail(failed(path_of(name), errno));
  IncomingTarget target(fd, passing, path_of(name));
  if (::fchmod(fd, kMode) != 0) return fail(failed(path_of(name), errno));
  return target;
}

Result<void> TargetFolder::publish(std::vector<IncomingTarget> targets) const {
  for (IncomingTarget& target : targets) TRY(target.give_passing_name(folder_));
  for (IncomingTarget& target : targets) {
    if (::rename(target.passing_.c_str(), target.final_.c_str()) != 0)
      return fail(failed(target.final_, errno));
    target.passing_.clear();
  }
  return host::sync_dir(folder_);
}

}  // namespace cotter::client
