// A repository to read from, metadata and images, wherever it lies.
// Never decides what is good: the trust core does. Each implementation states its thread rule.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/trust/seams.h"

namespace cotter::repository {

/// Takes a file piece by piece; its error ends the reading.
using Sink = std::function<Result<void>(ByteView)>;

struct Source : trust::Transport {
  /// The file at `path` below the repository's base, through `sink`. Faults: NotFound, Denied, Network,
  /// Timeout, Io; and the errors of the sink.
  virtual Result<void> stream(std::string_view path, const Sink& sink) = 0;
  /// As trust::Transport asks, over stream().
  Result<Bytes> get(std::string_view path, std::uint64_t max_bytes) override;
};

}  // namespace cotter::repository
