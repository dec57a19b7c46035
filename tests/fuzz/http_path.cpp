// Paths of requests: whatever is asked for, what is sent lies in the repository's folder.
#include <filesystem>

#include "server/http/static_files.h"
#include "tests/fuzz/fuzz.h"

namespace cotter::fuzz {

void one(ByteView input) {
  // The folder above holds more than the repository may show.
  static const std::filesystem::path folder = "/usr/share/doc";
  static const http::StaticFiles files(folder);
  http::Request request;
  if (!input.empty()) {
    if ((input.front() & 1U) != 0) request.headers["range"] = std::string(as_text(input.subspan(1)));
    if ((input.front() & 2U) != 0) request.headers["if-none-match"] = std::string(as_text(input.subspan(1)));
  }
  const http::Response response = files.serve(request, as_text(input));
  if (!response.file) return;
  const auto relative = std::filesystem::weakly_canonical(response.file->path).lexically_relative(folder);
  COTTER_ASSERT(!relative.empty() && *relative.begin() != "..");
}

}  // namespace cotter::fuzz
