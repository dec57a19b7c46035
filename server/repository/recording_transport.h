// A transport that keeps what it fetched: what an answer about a repository follows from, for somebody else
// to repeat it. Never hands on a file that it could not keep. As the transport below it: one thread.
#pragma once

#include <filesystem>
#include <set>
#include <string>

#include "common/trust/seams.h"

namespace cotter::repository {

class RecordingTransport final : public trust::Transport {
 public:
  /// Both outlive it. `dir` is made when the first file comes.
  RecordingTransport(trust::Transport& below, std::filesystem::path dir)
      : below_(&below), dir_(std::move(dir)) {}
  /// Faults besides: NoSpace, Denied, Io.
  Result<Bytes> get(std::string_view path, std::uint64_t max_bytes) override;
  /// Below `dir`, as the repository names them.
  [[nodiscard]] const std::set<std::string>& files() const noexcept { return files_; }

 private:
  trust::Transport* below_;
  std::filesystem::path dir_;
  std::set<std::string> files_;
};

}  // namespace cotter::repository
