// A folder of a test's own, gone with it. Never shared. One thread.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "common/base/error.h"

namespace cotter::sim {

class TempDir {
 public:
  TempDir() {
    std::string name = (std::filesystem::temp_directory_path() / "cotter-test-XXXXXX").string();
    COTTER_ASSERT(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace cotter::sim
