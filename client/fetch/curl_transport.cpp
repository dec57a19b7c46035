#include "client/fetch/curl_transport.h"

#include <algorithm>
#include <utility>

namespace cotter::client {

CurlTransport::CurlTransport(CurlSession& session, std::string base_url, std::uint64_t most_bytes)
    : session_(&session), base_url_(std::move(base_url)), most_bytes_(most_bytes) {}

Result<Bytes> CurlTransport::get(std::string_view path, std::uint64_t max_bytes) {
  return session_->get(url_below(base_url_, path), std::min(max_bytes, most_bytes_));
}

}  // namespace cotter::client
