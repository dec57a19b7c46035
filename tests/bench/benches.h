// The benches of `./dev bench`, one function each: what it ran, beside its physical baseline of the same run.
// Never leaves a process or a file behind. One thread, but where a bench says so.
#pragma once

#include <filesystem>

#include "common/base/result.h"
#include "tests/bench/figures.h"

namespace cotter::bench {

struct Places {
  std::filesystem::path self;         ///< cotter-bench
  std::filesystem::path programs;     ///< release builds of the programs
  std::filesystem::path ecu_program;  ///< cotter_secondary_min of preset ecu
};

/// The smallest secondary: its size, and its memory for a 4 MB update over TCP.
Result<Figures> bench_ecu(const Places& places);
/// cotter-primary against cotterd: first cycle, steady poll, 10,000 targets, a big image.
Result<Figures> bench_client(const Places& places);
/// Verify, canonicalise, serve, accept.
Result<Figures> bench_core(const Places& places);

/// The work of a child that measures itself: `cotter-bench --inner WORK ARGUMENT...`. Prints microseconds of
/// CPU. Its own process, so that its peak memory is its own.
Result<double> run_inner(const std::vector<std::string>& words);

}  // namespace cotter::bench
