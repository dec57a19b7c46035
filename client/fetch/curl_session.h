// HTTP and HTTPS over one kept-alive connection, by libcurl.
// Never reads past a limit, never follows a redirect but for images, never waits without end. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/time.h"

namespace cotter::client {

class CurlSession {
 public:
  /// A client certificate, and the CA that the server's certificate must come from. PEM files.
  struct TlsFiles {
    std::filesystem::path ca;
    std::filesystem::path certificate;
    std::filesystem::path key;
  };
  enum class Dates : std::uint8_t { Judged, Ignored };
  struct Options {
    std::optional<TlsFiles> tls;
    /// Of the server's certificate, by which all else is judged all the same: who signed it, for whom.
    Dates dates = Dates::Judged;
    /// A transfer whose average over `window` falls below this is given up (PRI-17, ATK-5): a weak radio link
    /// is slow, a server that sends a byte a second means to hold us up.
    std::uint64_t min_bytes_per_second = 1024;
    std::chrono::seconds window{10};
    std::chrono::seconds connect_timeout{10};
  };
  /// Takes a piece of the body. An error ends the transfer and is what the call returns.
  using Sink = std::function<Result<void>(ByteView)>;

  /// Faults: Io (no libcurl handle, or one without OpenSSL), Usage (a TLS file is missing).
  static Result<CurlSession> create(Options options);
  ~CurlSession();
  CurlSession(CurlSession&&) noexcept;
  CurlSession& operator=(CurlSession&&) noexcept;

  /// New connections judge dates by this time, not by the machine's clock.
  void go_by(UtcTime now) noexcept;
  /// Whether the last call failed because the server's certificate has expired or is not valid yet, and for
  /// no other reason.
  [[nodiscard]] bool failed_by_dates() const noexcept;

  // All calls. Rejections: file-too-large (at the first byte past the limit, whatever Content-Length said),
  // transfer-too-slow. Faults: NotFound (404; for get() and download() 403 too, as repositories without a
  // listing answer), Timeout (no connection, or no word from the server), Network (connection lost, body cut
  // short or not to be unpacked, 5xx), Denied (any other answer but success, with what the server says; a
  // redirect of metadata).

  /// The body may come packed by gzip. The limit is that of the plain bytes, while they are unpacked, and as
  /// much may travel, and no more than that.
  Result<Bytes> get(const std::string& url, std::uint64_t max_bytes);
  Result<Bytes> put(const std::string& url, ByteView body, std::string_view content_type,
                    std::uint64_t max_reply_bytes);
  Result<Bytes> post(const std::string& url, ByteView body, std::string_view content_type,
                     std::uint64_t max_reply_bytes);
  /// Sends the body from `offset` on to `sink`, `max_bytes` of it at most. A server without ranges makes no
  /// difference but time. Follows up to 5 redirects, never from https to http (IMG-16). Fault besides:
  /// Conflict (nothing at `offset`).
  Result<void> download(const std::string& url, std::uint64_t offset, std::uint64_t max_bytes,
                        const Sink& sink);

 private:
  struct State;
  explicit CurlSession(std::unique_ptr<State> state);
  Result<Bytes> send(const char* method, const std::string& url, ByteView body, std::string_view content_type,
                     std::uint64_t max_reply_bytes);
  std::unique_ptr<State> state_;
};

/// `path` below `base`, which is used as given and may or may not end in '/'.
std::string url_below(std::string_view base, std::string_view path);

}  // namespace cotter::client
