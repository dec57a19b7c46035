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
  std::string time;
};

class CurlUplink final : public Uplink {
 public:
  /// `session` for all; `undated`, which looks at no dates, for what is signed and comes before the time is
  /// known, and only after `session` found nothing else wrong with the server's certificate.
  CurlUplink(CurlSession session, CurlSession undated, UplinkUrls urls);
  CurlUplink(const CurlUplink&) = delete;
  CurlUplink& operator=(const CurlUplink&) = delete;
  trust::Transport& director() override { return director_; }
  trust::Transport& director_roots() override { return director_roots_; }
  trust::Transport& image_repository() override { return image_repository_; }
  Result<void> send_manifest(ByteView manifest) override;
  Result<Bytes> attest_time(ByteView request) override;
  void go_by(UtcTime now) override { session_.go_by(now); }
  Result<void> download(const trust::Assignment& assignment, std::uint64_t offset,
                        const std::function<Result<void>(ByteView)>& sink) override;

 private:
  /// The director's roots, whatever the dates in its certificate.
  class RootTransport final : public trust::Transport {
   public:
    explicit RootTransport(CurlUplink& uplink) : uplink_(uplink) {}
    Result<Bytes> get(std::string_view path, std::uint64_t max_bytes) override;

   private:
    CurlUplink& uplink_;
  };
  template <class Call>
  Result<Bytes> whatever_the_dates(const Call& call);

  CurlSession session_;
  CurlSession undated_;
  UplinkUrls urls_;
  CurlTransport director_;
  RootTransport director_roots_;
  CurlTransport image_repository_;
};

}  // namespace cotter::client
