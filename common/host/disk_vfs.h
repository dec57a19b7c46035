// SQLite's way to files, over the seam that all of a client's files go through.
// Never shares a database: the file is locked as long as it is open, so that WAL needs no shared memory. Used
// by one connection, on its thread.
#pragma once

#include <memory>
#include <string>

#include "common/disk/disk.h"

namespace cotter::host {

class DiskVfs {
 public:
  /// Known to SQLite by name() as long as it lives; outlives the connection that uses it.
  explicit DiskVfs(disk::Disk& disk);
  ~DiskVfs();
  DiskVfs(const DiskVfs&) = delete;
  DiskVfs& operator=(const DiskVfs&) = delete;
  [[nodiscard]] const char* name() const noexcept;

  struct Registration;

 private:
  std::unique_ptr<Registration> registration_;
};

}  // namespace cotter::host
