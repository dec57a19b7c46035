// How much memory a call takes: every block that this program allocates is counted, whoever asks for it -
// operator new, RapidJSON, OpenSSL, libsodium. Never counts what had been there before the call. One thread.
#pragma once

#include <cstddef>

namespace cotter::bounds {

struct Memory {
  std::size_t peak = 0;    ///< most bytes held at one time
  std::size_t blocks = 0;  ///< blocks asked for
  std::size_t bytes = 0;   ///< their sizes, all together
};

/// From its beginning until memory() is asked.
class Counting {
 public:
  Counting() noexcept;
  ~Counting();
  Counting(const Counting&) = delete;
  Counting& operator=(const Counting&) = delete;
  [[nodiscard]] Memory memory() const noexcept;
};

}  // namespace cotter::bounds
