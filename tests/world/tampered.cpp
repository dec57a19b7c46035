#include "tests/world/tampered.h"

#include <utility>

#include "common/host/atomic_file.h"
#include "server/repository/layout.h"

namespace cotter::world {

namespace {

constexpr std::uint64_t kMost = 64ULL * 1024 * 1024;

}  // namespace

Result<Tampered> Tampered::file(std::filesystem::path path, ByteView with) {
  Bytes honest = TRY(host::read_file(path, kMost));
  Tampered tampered(std::move(path));
  tampered.honest_ = std::move(honest);
  if (std::filesystem::exists(tampered.packed())) {
    tampered.honest_packed_ = TRY(host::read_file(tampered.packed(), kMost));
    std::filesystem::remove(tampered.packed());
  }
  TRY(host::write_atomically(tampered.path_, with));
  return tampered;
}

Tampered::Tampered(Tampered&& other) noexcept
    : path_(std::exchange(other.path_, {})),
      honest_(std::move(other.honest_)),
      honest_packed_(std::move(other.honest_packed_)) {}

Tampered::~Tampered() {
  if (path_.empty()) return;
  // Nothing to be done about a failure: what it leaves is a file that every client refuses.
  static_cast<void>(host::write_atomically(path_, honest_));
  if (honest_packed_) static_cast<void>(host::write_atomically(packed(), *honest_packed_));
}

std::filesystem::path Tampered::packed() const {
  return path_.string() + std::string(repository::kPackedEnd);
}

}  // namespace cotter::world
