#include "server/repository/image_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "common/host/atomic_file.h"
#include "common/trust/image_check.h"
#include "server/repository/file_reader.h"
#include "server/repository/folder_transport.h"

namespace cotter::repository {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kPermissions = 07777;

class IncomingFile {
 public:
  /// Under a name that nothing in the folder has: copies of a release that was stopped may lie there.
  static Result<IncomingFile> create(const fs::path& dir) {
    static std::atomic<std::uint64_t> given{0};
    for (;;) {
      std::string name = dir.native() + "/image." + std::to_string(++given);
      const int fd =
          ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, host::kPublicFile);
      if (fd >= 0) return IncomingFile(fd, std::move(name));
      if (errno != EEXIST) return fail(host::errno_fault("cannot write " + name, errno));
    }
  }
  ~IncomingFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  IncomingFile(IncomingFile&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}
  IncomingFile& operator=(IncomingFile&&) = delete;

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  Result<void> write(ByteView bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
      if (written < 0 && errno != EINTR) return failed();
      if (written > 0) bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return {};
  }
  Result<void> finish(Durable durable, std::uint64_t length) {
    struct stat status {};
    if (::fstat(fd_, &status) != 0) return failed();
    // Exactly: no umask. Asked first, for a change costs the disk a note in its journal, of each of
    // thousands.
    if ((status.st_mode & kPermissions) != host::kPublicFile && ::fchmod(fd_, host::kPublicFile) != 0)
      return failed();
    if (durable == Durable::Later) {
      begin_writing_out(fd_, length);
      return {};
    }
    return ::fsync(fd_) == 0 ? Result<void>() : failed();
  }

 private:
  IncomingFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  [[nodiscard]] Result<void> failed() const {
    return fail(host::errno_fault("cannot write " + path_, errno));
  }
  int fd_;
  std::string path_;
};

bool is_before(const timespec& a, const timespec& b) {
  return a.tv_sec != b.tv_sec ? a.tv_sec < b.tv_sec : a.tv_nsec < b.tv_nsec;
}

bool is_unchanged(const struct stat& before, const struct stat& after) {
  const auto same_time = [](const timespec& a, const timespec& b) {
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
  };
  return before.st_size == after.st_size && same_time(before.st_mtim, after.st_mtim) &&
         same_time(before.st_ctim, after.st_ctim);
}

bool is_whole(const fs::path& file, const IncomingImage& image) {
  const model::Target wanted{image.length(), image.hashes(), {}, {}};
  trust::ImageCheck check(wanted);
  FolderTransport folder(file.parent_path());
  return folder.stream(file.filename().string(), [&](ByteView piece) { return check.write(piece); }) &&
         check.finish();
}

/// Puts the incoming file under `name`, whatever lies there: only ever the same bytes, or damaged ones.
Result<void> replace(const Layout& layout, const IncomingImage& image, const fs::path& name) {
  const fs::path passing = layout.incoming_dir() / "mended";
  ::unlink(passing.c_str());
  if (::link(image.file().c_str(), passing.c_str()) != 0 || ::rename(passing.c_str(), name.c_str()) != 0) {
    return fail(host::errno_fault("cannot write " + name.string(), errno));
  }
  return {};
}

Result<void> link_image(const Layout& layout, const IncomingImage& image, const fs::path& name) {
  if (::link(image.file().c_str(), name.c_str()) == 0) return {};
  if (errno != EEXIST) return fail(host::errno_fault("cannot write " + name.string(), errno));
  if (is_whole(name, image)) return {};
  return replace(layout, image, name);
}

}  // namespace

IncomingImage::~IncomingImage() {
  if (!file_.empty() && !is_kept_) ::unlink(file_.c_str());
}

IncomingImage::IncomingImage(IncomingImage&& other) noexcept
    : file_(std::exchange(other.file_, {})),
      length_(other.length_),
      hashes_(std::move(other.hashes_)),
      source_(other.source_),
      is_kept_(other.is_kept_) {}

IncomingImage IncomingImage::kept(std::string file, std::uint64_t length, crypto::Hashes hashes) {
  IncomingImage image(std::move(file));
  image.length_ = length;
  image.hashes_ = std::move(hashes);
  image.keep();
  return image;
}

Result<IncomingImage> take_in(const fs::path& dir, const fs::path& source,
                              const std::function<void(std::uint64_t)>& progress, Durable durable) {
  FileReader reader = TRY(FileReader::open(source));
  // Asked before the first byte is read: whatever changes from here on is noted with this time or a later
  // one.
  timespec began{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &began);
  const struct stat before = TRY(reader.status());
  std::optional<IncomingFile> file;
  if (durable != Durable::Never) file.emplace(TRY(IncomingFile::create(dir)));
  IncomingImage image(file ? file->path() : std::string());
  crypto::Hasher sha256(crypto::HashFunction::Sha256);
  crypto::Hasher sha512(crypto::HashFunction::Sha512);
  for (ByteView piece = TRY(reader.next()); !piece.empty(); piece = TRY(reader.next())) {
    sha256.update(piece);
    sha512.update(piece);
    if (file) TRY(file->write(piece));
    image.length_ += piece.size();
    if (progress) progress(image.length_);
  }
  const struct stat after = TRY(reader.status());
  if (!is_unchanged(before, after) || image.length_ != static_cast<std::uint64_t>(after.st_size)) {
    return fault(Fault::Kind::Conflict, source.string() + " changed while it was read",
                 "let its build finish, then publish again: nothing was published");
  }
  if (image.length_ == 0)
    return fault(Fault::Kind::Usage, source.string() + " is empty", "name the image's file");
  if (file) TRY(file->finish(durable, image.length_));
  image.hashes_.set(crypto::HashFunction::Sha256, sha256.finish());
  image.hashes_.set(crypto::HashFunction::Sha512, sha512.finish());
  if (is_before(after.st_ctim, began)) image.source_ = after;
  return image;
}

Batch::Naming naming_of(const Layout& layout, const IncomingImage& image,
                        const std::vector<TargetName>& names) {
  Batch::Naming naming{image.file(), {}, !image.is_kept(), true};
  for (const auto& [function, digest] : image.hashes().all()) {
    const std::string hex = to_hex(digest);
    for (const TargetName& name : names) naming.names.push_back(layout.image(name, hex));
  }
  return naming;
}

Result<void> store_image(const Layout& layout, const IncomingImage& image, const TargetName& name) {
  fs::path dir;
  for (const auto& [function, digest] : image.hashes().all()) {
    const fs::path path = layout.image(name, to_hex(digest));
    dir = path.parent_path();
    TRY(make_dirs(dir));
    TRY(link_image(layout, image, path));
  }
  return host::sync_dir(dir);
}

Result<void> check_image(Source& source, const TargetName& name, const model::Target& target,
                         std::uint64_t* bytes_read) {
  for (const auto& [function, digest] : target.hashes.all()) {
    if (!crypto::hash_function_named(function)) continue;  // nobody asks under a hash that nobody can check
    trust::ImageCheck check(target);
    TRY(source.stream(image_url_path(name, to_hex(digest)), [&](ByteView piece) {
      if (bytes_read != nullptr) *bytes_read += piece.size();
      return check.write(piece);
    }));
    TRY(check.finish());
  }
  return {};
}

}  // namespace cotter::repository
