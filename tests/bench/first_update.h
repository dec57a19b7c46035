// What a vehicle's first update of a repository fetches, over HTTP from our server, by its access log.
// One thread, and one for the server.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "common/base/result.h"
#include "server/repository/publisher.h"

namespace cotter::bench {

/// Bytes of the image repository's metadata, for a vehicle whose ECUs run an image each, as the server sent
/// them.
Result<std::uint64_t> first_update_bytes(const std::filesystem::path& repo,
                                         const std::vector<repository::Release>& images);

}  // namespace cotter::bench
