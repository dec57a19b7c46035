// One repository's metadata over HTTP: the trust core's Transport.
// Never looks into what it carries. One thread, that of its session.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "client/fetch/curl_session.h"
#include "common/trust/seams.h"

namespace cotter::client {

class CurlTransport final : public trust::Transport {
 public:
  /// `session` must outlive it. No file of more than `most_bytes` is read, whatever signed metadata lists.
  CurlTransport(CurlSession& session, std::string base_url,
                std::uint64_t most_bytes = std::numeric_limits<std::uint64_t>::max());
  Result<Bytes> get(std::string_view path, std::uint64_t max_bytes) override;

 private:
  CurlSession* session_;
  std::string base_url_;
  std::uint64_t most_bytes_;
};

}  // namespace cotter::client
