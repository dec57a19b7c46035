// Reads a repository from its folder, as a client reads it from the network.
// Never follows a path out of the folder. Safe on any thread.
#pragma once

#include <filesystem>
#include <string_view>

#include "common/trust/seams.h"

namespace cotter::repository {

class FolderTransport final : public trust::Transport {
 public:
  explicit FolderTransport(std::filesystem::path dir) : dir_(std::move(dir)) {}
  /// Rejection: file-too-large. Faults: NotFound, Denied, Io.
  Result<Bytes> get(std::string_view path, std::uint64_t max_bytes) override;

 private:
  std::filesystem::path dir_;
};

}  // namespace cotter::repository
