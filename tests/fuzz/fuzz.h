// What every fuzz target shares: an input as bytes, and an invariant that must hold.
// Never catches anything: a broken invariant ends the process, so that libFuzzer keeps the input.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/base/bytes.h"
#include "common/base/error.h"

namespace cotter::fuzz {

/// Defined by each target.
void one(ByteView input);

}  // namespace cotter::fuzz

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  cotter::fuzz::one({data, size});
  return 0;
}
