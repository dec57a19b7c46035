#include "client/primary/curl_uplink.h"

#include <limits>

#include "common/model/file_names.h"

namespace cotter::client {
namespace {

constexpr std::uint64_t kMaxReplyBytes = 64 * 1024;

}  // namespace

CurlUplink::CurlUplink(CurlSession session, UplinkUrls urls)
    : session_(std::move(session)),
      urls_(std::move(urls)),
      director_(session_, urls_.director),
      image_repository_(session_, urls_.image_repository) {}

Result<void> CurlUplink::send_manifest(ByteView manifest) {
  TRY(session_.put(url_below(urls_.director, "manifest"), manifest, "application/json", kMaxReplyBytes));
  return {};
}

Result<void> CurlUplink::download(const trust::Assignment& assignment, std::uint64_t offset,
                                  const std::function<Result<void>(ByteView)>& sink) {
  // One identical copy lies under each listed hash (FMT-101); the first will do.
  const auto& hashes = assignment.target().hashes.all();
  const std::string path = model::target_url_path(assignment.name(), to_hex(hashes.begin()->second));
  // The sink knows the length, and names what is longer by the rule for images.
  return session_.download(url_below(urls_.images, path), offset, std::numeric_limits<std::uint64_t>::max(),
                           sink);
}

}  // namespace cotter::client
