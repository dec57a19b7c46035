// The benches of `./dev bench`, one function each: what it ran, beside its physical baseline of the same run.
// Never leaves a process or a file behind. One thread, but where a bench says so.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "tests/bench/figures.h"
#include "tests/world/metadata_sent.h"

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

/// Of a repository of so many images.
struct SizeFigures {
  std::size_t images = 0;
  double published_us = 0;   ///< at once; of the most of all in many releases, as a fleet's come
  std::size_t releases = 1;  ///< that it was published in
  std::optional<Figure> published_by_token{};  ///< beside the same by a key in a file
  double one_more_us = 0;
  Figure one_more_by_token;  ///< likewise, into the same repository
  double peak_bytes = 0;     ///< of who releases one more
};
struct SignFigures {
  Figure release, one_into_most;                                     ///< those with a goal
  double hash_us = 0, write_us = 0, sign_us = 0, token_sign_us = 0;  ///< each alone, of many images
  double snapshot_us = 0;  ///< the largest repository's, hashed, signed and verified alone
  std::vector<SizeFigures> sizes{};
  std::size_t releases = 0;              ///< that the largest repository came in
  std::size_t alike = 0;                 ///< of its bins, those that have the version of the one before
  double entry_bytes = 0;                ///< of an image in its bin there, on average
  world::MetadataSent wire_bytes_one{};  ///< for the first update of a vehicle of one ECU, the primary's
  world::MetadataSent wire_bytes_six{};  ///< of one with five secondaries besides, which verify fully
  double wall_us = 0;                    ///< of the bench itself
  [[nodiscard]] Figures rows() const;
  [[nodiscard]] std::string json_line() const;
};
/// Releases of many images, and of one into repositories of up to `most`, by a key in a file and by one in a
/// token; minutes, where that is a million. Wire bytes are those that cotterd sends a real cotter-primary
/// from the factory in its first cycle, over TLS, until each ECU runs its image: the bodies in the access
/// log, of all but images; no heads, no TLS. The goal is for image repository and director together.
Result<SignFigures> bench_sign(const Places& places, std::size_t most);
/// WORKSPACE NUMBER [TOKEN]: releases the image of that number, and returns microseconds of wall time.
Result<double> release_one(const std::vector<std::string>& words);

/// The work of a child that measures itself: `cotter-bench --inner WORK ARGUMENT...`. Prints microseconds of
/// CPU. Its own process, so that its peak memory is its own.
Result<double> run_inner(const std::vector<std::string>& words);

}  // namespace cotter::bench
