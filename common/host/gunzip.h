// gzip (RFC 1952), by zlib: metadata unpacked as it comes.
// Never says how much is too much: whoever unpacks what others packed counts what comes out, and what goes
// in, for a stream may be endless in either. One thread.
#pragma once

#include <functional>
#include <memory>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace cotter::host {

/// Unpacks one stream as it comes.
class Gunzip {
 public:
  /// Takes a piece of at most kMostAtOnce bytes. Its error ends the unpacking.
  using Sink = std::function<Result<void>(ByteView)>;
  static constexpr std::size_t kMostAtOnce = std::size_t{1} << 14U;

  Gunzip();
  ~Gunzip();
  Gunzip(const Gunzip&) = delete;
  Gunzip& operator=(const Gunzip&) = delete;

  /// Sends on what comes out. Errors: the sink's; Io (damaged, or something behind its end).
  Result<void> feed(ByteView piece, const Sink& sink);
  /// Nothing more comes. Io: the end is missing.
  Result<void> finish() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace cotter::host
