// The Uplink over HTTPS: both repositories and the manifest on one kept-alive connection.
// Never follows a redirect for metadata to another place. One thread.
#pragma once

#include <string>

#include "client/fetch/curl_session.h"
#include "client/fetch/curl_transport.h"
#include "client/primary/uplink.h"

namespace cotter::client {

struct UplinkUrls {
  std::string director;
  std::string image_repository;
  std::string images;
};

class CurlUplink final : public Uplink {
 public:
  CurlUplink(CurlSession session, UplinkUrls urls);
  CurlUplink(const CurlUplink&) = delete;
  CurlUplink& operator=(const CurlUplink&) = delete;
  trust::Transport& director() override { return director_; }
  trust::Transport& image_repository() override { return image_repository_; }
  Result<void> send_manifest(ByteView manifest) override;
  Result<void> download(const trust::Assignment& assignment, std::uint64_t offset,
                        const std::function<Result<void>(ByteView)>& sink) override;

 private:
  CurlSession session_;
  UplinkUrls urls_;
  CurlTransport director_;
  CurlTransport image_repository_;
};

}  // namespace cotter::client
