#include "common/host/gzip.h"

#include <libdeflate.h>

#include <memory>

#include "common/base/error.h"

namespace cotter::host {
namespace {

// On a snapshot of 8,192 bins, 240 kB: 1 packs to 23 kB in half the time that zlib takes to the same size; 5
// to 16 kB in 2.4 times the time; beyond it only the time grows.
constexpr int kLevel = 1;

}  // namespace

Bytes gzip(ByteView plain) {
  const std::unique_ptr<libdeflate_compressor, void (*)(libdeflate_compressor*)> packer(
      libdeflate_alloc_compressor(kLevel), libdeflate_free_compressor);
  COTTER_ASSERT(packer != nullptr);
  Bytes packed(libdeflate_gzip_compress_bound(packer.get(), plain.size()));
  packed.resize(
      libdeflate_gzip_compress(packer.get(), plain.data(), plain.size(), packed.data(), packed.size()));
  COTTER_ASSERT(!packed.empty());
  return packed;
}

}  // namespace cotter::host
