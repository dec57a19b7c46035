#pragma once

#include <filesystem>
#include <optional>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace cotter::world {

/// Other bytes in a published file's place, for those too who accept it packed, until it is gone.
class Tampered {
 public:
  /// Faults: NotFound, Denied, NoSpace, Io.
  static Result<Tampered> file(std::filesystem::path path, ByteView with);
  ~Tampered();
  Tampered(Tampered&&) noexcept;
  Tampered& operator=(Tampered&&) = delete;

 private:
  explicit Tampered(std::filesystem::path path) : path_(std::move(path)) {}
  [[nodiscard]] std::filesystem::path packed() const;
  std::filesystem::path path_;  // none: nothing to put back
  Bytes honest_;
  std::optional<Bytes> honest_packed_;
};

}  // namespace cotter::world
