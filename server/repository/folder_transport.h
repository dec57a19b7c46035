// Reads a repository from its folder, as a client reads it from the network.
// Never follows a path out of the folder. Safe on any thread.
#pragma once

#include <filesystem>
#include <string_view>

#include "server/repository/source.h"

namespace cotter::repository {

class FolderTransport final : public Source {
 public:
  explicit FolderTransport(std::filesystem::path dir) : dir_(std::move(dir)) {}
  Result<void> stream(std::string_view path, const Sink& sink) override;

 private:
  std::filesystem::path dir_;
};

}  // namespace cotter::repository
