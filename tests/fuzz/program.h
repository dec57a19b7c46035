// An input read as a program: numbers and pieces of bytes, taken from its front until it is used up.
// Never runs out: what is not there reads as zero and as nothing. One thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "common/base/bytes.h"

namespace cotter::fuzz {

class Program {
 public:
  explicit Program(ByteView input) : rest_(input) {}
  [[nodiscard]] bool done() const noexcept { return rest_.empty(); }
  std::uint8_t byte() {
    const ByteView taken = bytes(1);
    return taken.empty() ? std::uint8_t{0} : taken.front();
  }
  /// 0 to `count` - 1.
  std::size_t below(std::size_t count) { return count == 0 ? 0 : byte() % count; }
  bool flag() { return (byte() & 1U) != 0; }
  /// At most `size` bytes.
  ByteView bytes(std::size_t size) {
    const ByteView taken = rest_.first(std::min(size, rest_.size()));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }
  ByteView rest() { return bytes(rest_.size()); }

 private:
  ByteView rest_;
};

}  // namespace cotter::fuzz
