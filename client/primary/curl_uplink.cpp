#include "client/primary/curl_uplink.h"

#include <limits>

#include "common/model/file_names.h"
#include "common/model/time_attestation.h"

namespace cotter::client {
namespace {

constexpr std::uint64_t kMaxReplyBytes = 64 * 1024;

}  // namespace

CurlUplink::CurlUplink(CurlSession session, CurlSession undated, UplinkUrls urls)
    : session_(std::move(session)),
      undated_(std::move(undated)),
      urls_(std::move(urls)),
      director_(session_, urls_.director),
      director_roots_(*this),
      image_repository_(session_, urls_.image_repository) {}

template <class Call>
Result<Bytes> CurlUplink::whatever_the_dates(const Call& call) {
  auto answer = call(session_);
  if (answer || !session_.failed_by_dates()) return answer;
  return call(undated_);
}

Result<Bytes> CurlUplink::RootTransport::get(std::string_view path, std::uint64_t max_bytes) {
  const std::string url = url_below(uplink_.urls_.director, path);
  return uplink_.whatever_the_dates([&](CurlSession& session) { return session.get(url, max_bytes); });
}

Result<Bytes> CurlUplink::attest_time(ByteView request) {
  return whatever_the_dates([&](CurlSession& session) {
    return session.post(urls_.time, request, "application/json", model::kMaxTimeAttestationBytes);
  });
}

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
