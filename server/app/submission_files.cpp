#include "server/app/submission_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "common/crypto/digest.h"
#include "common/disk/descriptor.h"
#include "common/host/atomic_file.h"
#include "server/repository/file_reader.h"

namespace cotter::app {
namespace {

namespace fs = std::filesystem;
using disk::Descriptor;
using operations::SubmittedFile;

constexpr const char* kPart = ".part";

Error io_error(const char* what, const fs::path& path) {
  return host::errno_fault(std::string("cannot ") + what + ' ' + path.string(), errno);
}

/// 0 for a missing file.
Result<std::uint64_t> size_of(const fs::path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0) return static_cast<std::uint64_t>(status.st_size);
  if (errno == ENOENT || errno == ENOTDIR) return std::uint64_t{0};
  return fail(io_error("look at", path));
}

Result<void> write_at(int fd, const fs::path& path, std::uint64_t offset, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t done = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return fail(io_error("write", path));
    bytes = bytes.subspan(static_cast<std::size_t>(done));
    offset += static_cast<std::uint64_t>(done);
  }
  if (::fdatasync(fd) != 0) return fail(io_error("write", path));
  return {};
}

Result<Bytes> sha256_of(const fs::path& path) {
  crypto::Hasher hasher(crypto::HashFunction::Sha256);
  auto reader = TRY(repository::FileReader::open(path));
  for (ByteView piece = TRY(reader.next()); !piece.empty(); piece = TRY(reader.next())) hasher.update(piece);
  return hasher.finish();
}

Error other_hash(const SubmittedFile& file) {
  return Fault{Fault::Kind::Conflict, "what came is not the file " + to_hex(file.sha256) + ": it begins anew",
               "send it again from offset 0"};
}

}  // namespace

fs::path SubmissionFiles::folder(const std::string& id) const {
  COTTER_ASSERT(operations::is_submission_id(id));
  return dir_ / id;
}

Result<fs::path> SubmissionFiles::whole(const std::string& id, const SubmittedFile& file) const {
  fs::path path = folder(id) / to_hex(file.sha256);
  std::error_code error;
  if (fs::is_regular_file(fs::symlink_status(path, error))) return path;
  return fault(Fault::Kind::NotFound, "file " + to_hex(file.sha256) + " is not here yet", "send it");
}

Error SubmissionFiles::changed(const SubmittedFile& file) {
  return Fault{Fault::Kind::Conflict,
               "the file kept as " + to_hex(file.sha256) + " is no longer what the supplier handed in",
               "reject the submission, have it handed in anew, and find out who wrote to the folder"};
}

Result<Bytes> SubmissionFiles::paper(const std::string& id, const SubmittedFile& file) const {
  Bytes bytes = TRY(host::read_file(TRY(whole(id, file)), operations::kMaxPaperBytes));
  if (crypto::sha256(bytes) != file.sha256) return fail(changed(file));
  return bytes;
}

/// Gives the complete part its name, if its bytes are the right ones; else it is emptied.
Result<bool> SubmissionFiles::finish(const std::string& id, const SubmittedFile& file) {
  const fs::path whole = folder(id) / to_hex(file.sha256);
  const fs::path part = whole.string() + kPart;
  std::error_code error;
  if (TRY(sha256_of(part)) != file.sha256) {
    fs::remove(part, error);
    if (error) return fail(host::errno_fault("cannot remove " + part.string(), error.value()));
    return false;
  }
  fs::rename(part, whole, error);
  if (error) return fail(host::errno_fault("cannot rename " + part.string(), error.value()));
  TRY(host::sync_dir(folder(id)));
  return true;
}

Result<std::uint64_t> SubmissionFiles::held(const std::string& id, const SubmittedFile& file) {
  if (whole(id, file)) return file.length;
  const fs::path part = folder(id) / (to_hex(file.sha256) + kPart);
  const std::uint64_t size = TRY(size_of(part));
  if (size < file.length) return size;
  // Killed between the last byte and the name.
  return TRY(finish(id, file)) ? file.length : 0;
}

Result<std::uint64_t> SubmissionFiles::append(const std::string& id, const SubmittedFile& file,
                                              std::uint64_t offset, ByteView bytes) {
  const std::uint64_t here = TRY(held(id, file));
  if (offset != here) {
    return fault(Fault::Kind::Conflict,
                 "the file ends at " + std::to_string(here) + " here, not at " + std::to_string(offset));
  }
  if (bytes.size() > file.length - here) {
    return fault(Fault::Kind::Usage, "more bytes than the " + std::to_string(file.length) + " announced");
  }
  if (bytes.empty()) return here;
  TRY(host::ensure_dir(dir_, host::kSecretDir));
  TRY(host::ensure_dir(folder(id), host::kSecretDir));
  const fs::path part = folder(id) / (to_hex(file.sha256) + kPart);
  {
    const Descriptor fd(::open(part.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, host::kSecretFile));
    if (fd.get() < 0) return fail(io_error("open", part));
    if (auto written = write_at(fd.get(), part, offset, bytes); !written) {
      // Half a piece is as good as none, and its bytes may be missing elsewhere.
      static_cast<void>(::ftruncate(fd.get(), static_cast<off_t>(offset)) == 0);
      return fail(written.error());
    }
  }
  if (offset == 0) TRY(host::sync_dir(folder(id)));
  if (here + bytes.size() < file.length) return here + bytes.size();
  if (!TRY(finish(id, file))) return fail(other_hash(file));
  return file.length;
}

Result<void> SubmissionFiles::remove(const std::string& id) {
  std::error_code error;
  fs::remove_all(folder(id), error);
  if (error) return fail(host::errno_fault("cannot remove " + folder(id).string(), error.value()));
  return {};
}

}  // namespace cotter::app
