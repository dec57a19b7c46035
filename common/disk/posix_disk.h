// The file system of this machine, by POSIX calls alone.
// Never buffers, never retries but after EINTR. Safe on any thread: it keeps nothing.
#pragma once

#include "common/disk/disk.h"

namespace cotter::disk {

/// The Fault that a failed system call means: ENOENT and ENOTDIR -> NotFound, ENOSPC and EDQUOT -> NoSpace,
/// EACCES, EPERM and EROFS -> Denied, EWOULDBLOCK -> Busy, EEXIST and ENOTEMPTY -> Conflict, else Io. `what`
/// is what was tried: "cannot write /x/y"; the reason is appended.
Error errno_fault(std::string what, int error_number);

class PosixDisk final : public Disk {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, Opening how, mode_t mode) override;
  Result<std::unique_ptr<File>> open_nameless(const std::string& folder, mode_t mode) override;
  Result<void> give_name(File& nameless, const std::string& path) override;
  [[nodiscard]] Result<std::optional<Entry>> look_at(const std::string& path) const override;
  [[nodiscard]] Result<std::vector<std::string>> list(const std::string& folder) const override;
  [[nodiscard]] Result<std::string> read_link(const std::string& path) const override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& path) override;
  Result<void> make_folder(const std::string& path, mode_t mode) override;
  Result<void> make_link(const std::string& path, const std::string& target) override;
  Result<void> sync_folder(const std::string& folder) override;
  Result<std::unique_ptr<Lock>> lock(const std::string& path) override;
};

}  // namespace cotter::disk
