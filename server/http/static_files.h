// Signed files as a CDN expects them: ETag, Last-Modified, Range, HEAD, cache headers, packed metadata.
// Never leaves its folder, whatever a path says or a link in it stands for, and never looks into a file. Safe
// on any thread.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "server/http/message.h"

namespace cotter::http {

class StaticFiles {
 public:
  explicit StaticFiles(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// GET or HEAD of `path`, which is relative and percent-encoded. 200, 206 (one range), 304, 404, 416.
  /// Versioned and hash-named files never change: "immutable". timestamp.json alone does: "no-cache".
  /// Metadata that lies packed beside itself is sent so to whoever accepts gzip, and asks for no range.
  [[nodiscard]] Response serve(const Request& request, std::string_view path) const;

 private:
  std::filesystem::path folder_;
};

/// Percent-decodes; nothing when malformed.
std::optional<std::string> percent_decoded(std::string_view text);

}  // namespace cotter::http
