// A line of what a release remembers of an image that it took in: which file it was read from, as that was,
// and which copy has its bytes. Never read where a byte of it is another than was written. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/crypto/digest.h"

namespace cotter::repository {

struct TakenRecord {
  static constexpr std::size_t kMaxBytes = 2048;  ///< of a line; ours have a third of that

  std::string source;   ///< all that says whether a file is still that file, unchanged
  std::string copy;     ///< "0/NAME": a thread's folder within that of copies, and its name there
  std::string copy_is;  ///< likewise of the copy
  std::uint64_t length = 0;
  crypto::Hashes hashes{};  ///< sha256 and sha512

  /// With its end of line.
  [[nodiscard]] std::string encode() const;
  /// A line without its end; nothing where it is not one, or not whole. The name leads nowhere else.
  static std::optional<TakenRecord> decode(std::string_view line);
  friend bool operator==(const TakenRecord&, const TakenRecord&) = default;
};

}  // namespace cotter::repository
