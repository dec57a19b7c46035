// Paths of requests, ranges and conditions: whatever is asked for, what is sent lies in the repository's
// folder, and no more of it than there is.
#include <stdlib.h>

#include <filesystem>

#include "common/host/atomic_file.h"
#include "server/http/static_files.h"
#include "tests/fuzz/fuzz.h"

namespace cotter::fuzz {
namespace {

constexpr std::size_t kInside = 100;
constexpr std::size_t kOutside = 4242;  // a file of this size is never to be sent

/// A repository beside a file that is nobody's business.
std::filesystem::path make_folder() {
  std::string name = (std::filesystem::temp_directory_path() / "cotter-fuzz-XXXXXX").string();
  COTTER_ASSERT(::mkdtemp(name.data()) != nullptr);
  const std::filesystem::path base = name;
  std::filesystem::create_directories(base / "repo/targets/a");
  COTTER_ASSERT(host::write_atomically(base / "secret", Bytes(kOutside)));
  COTTER_ASSERT(host::write_atomically(base / "repo/timestamp.json", Bytes(kInside)));
  COTTER_ASSERT(host::write_atomically(base / "repo/targets/a/b.bin", Bytes(kInside)));
  return base / "repo";
}

}  // namespace

void one(ByteView input) {
  static const http::StaticFiles files(make_folder());
  const std::string_view text = as_text(input);
  const auto split = text.find('\n');
  http::Request request;
  if (split != std::string_view::npos) {
    for (const char* header : {"range", "if-range", "if-none-match", "if-modified-since"}) {
      request.headers[header] = std::string(text.substr(split + 1));
    }
  }
  const http::Response response = files.serve(request, text.substr(0, split));
  if (!response.file) return;
  COTTER_ASSERT(response.file->file.size() == kInside);
  COTTER_ASSERT(response.file->offset + response.file->length <= kInside);
}

}  // namespace cotter::fuzz
