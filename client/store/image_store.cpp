#include "client/store/image_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "common/host/atomic_file.h"
#include "common/model/file_names.h"
#include "common/trust/image_check.h"

namespace cotter::client {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kChunk = 256 * 1024;

/// An open file descriptor, closed with its owner.
class File {
 public:
  static Result<File> open(const fs::path& path, int flags) {
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC, host::kSecretFile);
    if (fd < 0) return fail(host::errno_fault("cannot open " + path.string(), errno));
    return File(fd, path);
  }
  File(File&& other) noexcept : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}
  File& operator=(File&&) = delete;
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] Result<std::uint64_t> size() const {
    struct stat facts {};
    if (::fstat(fd_, &facts) != 0) return fail(host::errno_fault("cannot look at " + path_.string(), errno));
    return static_cast<std::uint64_t>(facts.st_size);
  }
  Result<Bytes> read(std::uint64_t offset, std::size_t max) const {
    Bytes bytes(max);
    const ssize_t got = ::pread(fd_, bytes.data(), max, static_cast<off_t>(offset));
    if (got < 0) return fail(host::errno_fault("cannot read " + path_.string(), errno));
    bytes.resize(static_cast<std::size_t>(got));
    return bytes;
  }
  Result<void> append(ByteView bytes) {
    while (!bytes.empty()) {
      const ssize_t put = ::write(fd_, bytes.data(), bytes.size());
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return fail(host::errno_fault("cannot write " + path_.string(), errno));
      bytes = bytes.subspan(static_cast<std::size_t>(put));
    }
    return {};
  }
  Result<void> sync() {
    if (::fdatasync(fd_) != 0) return fail(host::errno_fault("cannot make durable " + path_.string(), errno));
    return {};
  }

 private:
  File(int fd, fs::path path) : fd_(fd), path_(std::move(path)) {}
  int fd_;
  fs::path path_;
};

class FileSource final : public ImageSource {
 public:
  FileSource(File file, std::uint64_t size) : file_(std::move(file)), size_(size) {}
  [[nodiscard]] std::uint64_t size() const override { return size_; }
  Result<Bytes> read(std::uint64_t offset, std::size_t max) override { return file_.read(offset, max); }

 private:
  File file_;
  std::uint64_t size_;
};

class FileSink final : public ImageSink {
 public:
  explicit FileSink(File file) : file_(std::move(file)) {}
  Result<void> write(ByteView chunk) override { return file_.append(chunk); }

 private:
  File file_;
};

Result<std::unique_ptr<ImageSource>> source_of(const fs::path& path) {
  File file = TRY(File::open(path, O_RDONLY));
  const std::uint64_t size = TRY(file.size());
  return std::unique_ptr<ImageSource>(std::make_unique<FileSource>(std::move(file), size));
}

/// Feeds what an earlier cycle left to the check, so that the hash covers every byte on disk, resumed or not.
Result<void> check_part(const File& file, std::uint64_t size, trust::ImageCheck& check) {
  for (std::uint64_t offset = 0; offset < size;) {
    const Bytes chunk = TRY(file.read(offset, kChunk));
    if (chunk.empty()) break;
    TRY(check.write(chunk));
    offset += chunk.size();
  }
  return {};
}

/// Whether the whole image lies there, as the metadata lists it.
Result<bool> holds(const fs::path& path, const model::Target& target) {
  if (!fs::exists(path)) return false;
  const File file = TRY(File::open(path, O_RDONLY));
  trust::ImageCheck check(target);
  return check_part(file, TRY(file.size()), check) && check.finish();
}

Result<void> rename_durably(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0)
    return fail(host::errno_fault("cannot move " + from.string(), errno));
  return host::sync_dir(to.parent_path());
}

}  // namespace

Result<ImageStore> ImageStore::open(fs::path dir) {
  for (const char* name : {"images", "parts", "backups"}) {
    std::error_code error;
    fs::create_directories(dir / name, error);
    if (error) return fail(host::errno_fault("cannot make " + (dir / name).string(), error.value()));
  }
  return ImageStore(std::move(dir));
}

fs::path ImageStore::image_path(const trust::Assignment& assignment) const {
  // Both functions are checked before anything lies here; the stronger name would do as well.
  const auto& digests = assignment.target().hashes.all();
  return dir_ / "images" / to_hex(digests.begin()->second);
}

fs::path ImageStore::part_path(const trust::Assignment& assignment) const {
  return dir_ / "parts" / image_path(assignment).filename();
}

fs::path ImageStore::backup_path(const EcuSerial& ecu) const {
  return dir_ / "backups" / model::percent_encoded_segment(ecu.value());
}

Result<void> ImageStore::obtain(const trust::Assignment& assignment, const Fetch& fetch) {
  // An image that storage has damaged since would be refused by its ECU, cycle after cycle (VER-REC).
  if (TRY(holds(image_path(assignment), assignment.target()))) return {};
  const fs::path part = part_path(assignment);
  const auto attempt = [&]() -> Result<void> {
    File file = TRY(File::open(part, O_RDWR | O_CREAT | O_APPEND));
    trust::ImageCheck check(assignment.target());
    TRY(check_part(file, TRY(file.size()), check));
    if (check.received() < assignment.target().length) {
      TRY(fetch(check.received(), [&](ByteView chunk) -> Result<void> {
        TRY(check.write(chunk));
        return file.append(chunk);
      }));
    }
    TRY(check.finish());
    return file.sync();
  };
  const Result<void> fetched = attempt();
  if (!fetched) {
    // Bytes that break a rule are worth nothing to a later cycle; bytes that merely stopped coming are.
    const Rejection* why = rejection_in(fetched.error());
    const bool resumable =
        why == nullptr || why->rule == RuleId::TransferTooSlow || why->rule == RuleId::ImageTooShort;
    if (!resumable) ::unlink(part.c_str());
    return fail(
        located(concerning(fetched.error(), assignment.name().value()), Repository::Image, "targets"));
  }
  return rename_durably(part, image_path(assignment));
}

Result<void> ImageStore::keep_only(const std::vector<trust::Assignment>& needed) {
  std::set<fs::path> names;
  for (const trust::Assignment& assignment : needed) names.insert(image_path(assignment).filename());
  for (const char* folder : {"images", "parts"}) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(dir_ / folder, error)) {
      if (!names.contains(entry.path().filename())) fs::remove(entry.path(), error);
    }
    if (error) return fail(host::errno_fault("cannot tidy " + (dir_ / folder).string(), error.value()));
  }
  return {};
}

Result<std::unique_ptr<ImageSource>> ImageStore::image(const trust::Assignment& assignment) {
  return source_of(image_path(assignment));
}

Result<std::unique_ptr<ImageSink>> ImageStore::new_backup(const EcuSerial& ecu) {
  fs::path path = backup_path(ecu);
  path += ".new";
  File file = TRY(File::open(path, O_WRONLY | O_CREAT | O_TRUNC));
  return std::unique_ptr<ImageSink>(std::make_unique<FileSink>(std::move(file)));
}

Result<void> ImageStore::keep_backup(const EcuSerial& ecu) {
  fs::path path = backup_path(ecu);
  path += ".new";
  TRY(TRY(File::open(path, O_WRONLY)).sync());
  return rename_durably(path, backup_path(ecu));
}

Result<std::unique_ptr<ImageSource>> ImageStore::backup(const EcuSerial& ecu) {
  return source_of(backup_path(ecu));
}

}  // namespace cotter::client
