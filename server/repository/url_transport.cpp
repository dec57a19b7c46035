#include "server/repository/url_transport.h"

#include <curl/curl.h>

#include <array>
#include <utility>

namespace cotter::repository {
namespace {

constexpr long kConnectSeconds = 10;
constexpr long kSilentSeconds = 30;

struct Cleanup {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};

/// One answer on its way to the sink.
struct Answer {
  const Sink* sink;
  CURL* handle;
  Result<void> taken{};
};

std::size_t take_piece(char* data, std::size_t, std::size_t size, void* user) {
  Answer& answer = *static_cast<Answer*>(user);
  long status = 0;
  curl_easy_getinfo(answer.handle, CURLINFO_RESPONSE_CODE, &status);
  if (status != 200) return size;  // an error's page is none of the file's bytes
  answer.taken = (*answer.sink)(as_bytes({data, size}));
  return answer.taken ? size : 0;
}

Error error_of(CURLcode code, const std::string& url, const char* reason) {
  const std::string what =
      "cannot read " + url + ": " + (*reason != '\0' ? reason : curl_easy_strerror(code));
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return Fault{Fault::Kind::Timeout, what, {}};
    case CURLE_PEER_FAILED_VERIFICATION:
      return Fault{Fault::Kind::Denied, what, "name the server's CA by --ca"};
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
      return Fault{Fault::Kind::Denied, what, "check the files of --ca, --certificate and --key"};
    default:
      return Fault{Fault::Kind::Network, what, "is the server up, and does it ask for a client certificate?"};
  }
}

Result<void> judge(long status, const std::string& url) {
  if (status == 200) return {};
  const std::string what = "cannot read " + url + ": HTTP status " + std::to_string(status);
  if (status == 404 || status == 410) return fault(Fault::Kind::NotFound, what);
  if (status == 401 || status == 403) {
    return fault(Fault::Kind::Denied, what, "give a client certificate: --certificate, --key");
  }
  return fault(Fault::Kind::Network, what);
}

}  // namespace

struct UrlTransport::Connection {
  std::unique_ptr<CURL, Cleanup> handle;
  std::array<char, CURL_ERROR_SIZE> reason{};
};

UrlTransport::UrlTransport(std::string base_url, std::unique_ptr<Connection> connection)
    : base_url_(std::move(base_url)), connection_(std::move(connection)) {}
UrlTransport::~UrlTransport() = default;
UrlTransport::UrlTransport(UrlTransport&&) noexcept = default;
UrlTransport& UrlTransport::operator=(UrlTransport&&) noexcept = default;

Result<UrlTransport> UrlTransport::create(std::string_view base_url, const TlsFiles& tls) {
  std::string base(base_url);
  if (!base.starts_with("https://") && !base.starts_with("http://")) {
    return fault(Fault::Kind::Usage, "'" + base + "' is no http or https URL");
  }
  if (!base.ends_with('/')) base += '/';
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  auto connection = std::make_unique<Connection>();
  connection->handle.reset(initialised == CURLE_OK ? curl_easy_init() : nullptr);
  CURL* handle = connection->handle.get();
  if (handle == nullptr) return fault(Fault::Kind::Io, "libcurl does not start");
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, kSilentSeconds);
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, connection->reason.data());
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &take_piece);
  if (tls.ca) curl_easy_setopt(handle, CURLOPT_CAINFO, tls.ca->c_str());
  if (tls.certificate) curl_easy_setopt(handle, CURLOPT_SSLCERT, tls.certificate->c_str());
  if (tls.key) curl_easy_setopt(handle, CURLOPT_SSLKEY, tls.key->c_str());
  return UrlTransport(std::move(base), std::move(connection));
}

Result<void> UrlTransport::show_token(const crypto::Secret& token) {
  if (!base_url_.starts_with("https://"))
    return fault(Fault::Kind::Usage, "a token is shown over https alone", "name an https URL");
  CURL* handle = connection_->handle.get();
  const std::string text(as_text(token.view()));
  curl_easy_setopt(handle, CURLOPT_XOAUTH2_BEARER, text.c_str());
  curl_easy_setopt(handle, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
  return {};
}

Result<void> UrlTransport::stream(std::string_view path, const Sink& sink) {
  const std::string url = base_url_ + std::string(path);
  CURL* handle = connection_->handle.get();
  Answer answer{&sink, handle};
  connection_->reason.front() = '\0';
  curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &answer);
  const CURLcode code = curl_easy_perform(handle);
  TRY(std::move(answer.taken));
  if (code != CURLE_OK) return fail(error_of(code, url, connection_->reason.data()));
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  return judge(status, url);
}

}  // namespace cotter::repository
