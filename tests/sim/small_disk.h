// What a test needs to meet a full disk and a folder that is not its own, for real.
// Never pretends: where the machine does not let us, the test is skipped and says why. One thread.
#pragma once

#include <sys/mount.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/sim/temp_dir.h"

namespace cotter::sim {

/// A tmpfs of a few pages, mounted as long as this lives.
class SmallDisk {
 public:
  explicit SmallDisk(const std::string& size) {
    mounted_ = ::mount("none", dir_.path().c_str(), "tmpfs", 0, ("size=" + size).c_str()) == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(dir_.path().c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  [[nodiscard]] bool mounted() const noexcept { return mounted_; }
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return dir_.path(); }
  /// Leaves no byte.
  void fill() const {
    std::ofstream filler(path() / "filler", std::ios::binary);
    const std::string page(4096, 'x');
    while (filler.write(page.data(), static_cast<std::streamsize>(page.size())).flush()) {
    }
  }

 private:
  TempDir dir_;
  bool mounted_ = false;
};

/// While it lives, root is nobody: modes count.
class AsNobody {
 public:
  AsNobody() : changed_(::geteuid() == 0 && ::seteuid(kNobody) == 0) {}
  ~AsNobody() {
    if (changed_ && ::seteuid(0) != 0) std::abort();
  }
  AsNobody(const AsNobody&) = delete;
  AsNobody& operator=(const AsNobody&) = delete;

 private:
  static constexpr uid_t kNobody = 65534;
  bool changed_;
};

}  // namespace cotter::sim
