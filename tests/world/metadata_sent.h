// What of metadata a cotterd sent, by its access log (`cotterd --access-log FILE`). Never counts images, and
// never takes the log's word alone: what the image repository sent has the size of the file that lies there.
// One thread.
#pragma once

#include <cstdint>
#include <filesystem>

#include "common/base/result.h"

namespace cotter::world {

/// Bytes of bodies as they crossed the wire: no heads, no TLS.
struct MetadataSent {
  std::uint64_t image = 0;        ///< of the image repository, and what it says where it has no such file
  std::uint64_t image_plain = 0;  ///< the same, had no file been sent packed
  std::uint64_t director = 0;     ///< all else that is no image: the attested time, what reports are told
  [[nodiscard]] std::uint64_t total() const noexcept { return image + director; }
};

/// Of a server that has stopped, for an answer's line comes after its body; several may share a log. `repo`
/// is the folder that was served. Faults: NotFound, Denied; Io (a line that cannot be read, another size than
/// the file's, no snapshot or nothing of a director: no vehicle has updated).
Result<MetadataSent> metadata_sent(const std::filesystem::path& access_log,
                                   const std::filesystem::path& repo);

}  // namespace cotter::world
