#include "client/fetch/curl_session.h"

#include <curl/curl.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "common/host/gunzip.h"
#include "common/json/object_view.h"
#include "common/json/strict_reader.h"

namespace cotter::client {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxProblemBytes = 64 * 1024;  ///< of an answer that is no success
constexpr std::size_t kMaxShown = 300;               ///< of what a server says, in a message
constexpr long kMaxRedirects = 5;

struct FreeUrl {
  void operator()(CURLU* url) const noexcept { curl_url_cleanup(url); }
};
struct FreeText {
  void operator()(char* text) const noexcept { curl_free(text); }
};
struct FreeHeaders {
  void operator()(curl_slist* headers) const noexcept { curl_slist_free_all(headers); }
};
using Headers = std::unique_ptr<curl_slist, FreeHeaders>;

/// A proxy that the environment names cannot know this machine's own servers.
bool is_on_this_machine(const std::string& url) {
  const std::unique_ptr<CURLU, FreeUrl> parts(curl_url());
  char* host = nullptr;
  if (!parts || curl_url_set(parts.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK ||
      curl_url_get(parts.get(), CURLUPART_HOST, &host, 0) != CURLUE_OK) {
    return false;
  }
  const std::unique_ptr<char, FreeText> owned(host);
  const std::string_view name(host);
  return name == "localhost" || name == "[::1]" || name.starts_with("127.");
}

/// `text` for a message: what a server says must not move a terminal's cursor.
std::string shown(std::string_view text) {
  std::string result(text.substr(0, kMaxShown));
  std::replace_if(
      result.begin(), result.end(), [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; }, '?');
  return result;
}

/// What an answer of RFC 9457 (application/problem+json) says went wrong; empty for any other body.
std::string problem_in(const std::string& body) {
  const auto document = json::read(as_bytes(body));
  const json::Object* problem = document ? document->as_object() : nullptr;
  if (problem == nullptr) return {};
  std::string text;
  for (const char* member : {"rule", "title", "detail"}) {
    const json::Value* value = problem->find(member);
    const json::String* words = value == nullptr ? nullptr : value->as_string();
    if (words == nullptr || words->empty()) continue;
    if (!text.empty()) text += ": ";
    text += words->view();
  }
  return shown(text);
}

/// What a packed body may weigh that is `max_bytes` unpacked: bytes that cannot be packed grow a little. A
/// stream of nothing but empty blocks unpacks to nothing, for ever.
std::uint64_t most_packed(std::uint64_t max_bytes) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  const std::uint64_t more = max_bytes / 1024 + 1024;
  return max_bytes > kMost - more ? kMost : max_bytes + more;
}

/// One request's limits and what has come of it so far; curl calls back into it.
class Transfer {
 public:
  enum class Body : std::uint8_t { Plain, PlainOrGzip };
  Transfer(CURL* easy, const CurlSession::Options& options, std::uint64_t offset, std::uint64_t max_bytes,
           const CurlSession::Sink& sink, Body body = Body::Plain)
      : easy_(easy), options_(&options), to_skip_(offset), max_bytes_(max_bytes), sink_(&sink), body_(body) {}

  /// The signature curl asks for.
  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self) {
    const ByteView chunk = as_bytes({data, size * count});
    return static_cast<Transfer*>(self)->take(chunk) ? chunk.size() : 0;
  }
  static int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t uploaded) {
    return static_cast<Transfer*>(self)->watch(static_cast<std::uint64_t>(uploaded)) ? 0 : 1;
  }

  [[nodiscard]] long status() const {
    long code = 0;
    curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &code);
    return code;
  }
  [[nodiscard]] bool succeeded() const { return status() >= 200 && status() < 300; }
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }
  /// All has come that will.
  void finish() {
    if (!error_ && succeeded() && is_packed()) stop(as_transit(gunzip_->finish()));
  }
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  bool stop(Result<void> why) {
    if (why) return false;
    error_ = std::move(why).error();
    return true;
  }

  /// False: end the transfer.
  bool take(ByteView chunk) {
    seen_ += chunk.size();
    if (!succeeded()) {
      const std::string_view text = as_text(chunk);
      problem_ += text.substr(0, kMaxProblemBytes - std::min(kMaxProblemBytes, problem_.size()));
      return problem_.size() < kMaxProblemBytes;
    }
    if (is_packed()) return !stop(unpack(chunk));
    if (status() == 206) to_skip_ = 0;
    const std::uint64_t skipped = std::min<std::uint64_t>(to_skip_, chunk.size());
    to_skip_ -= skipped;
    chunk = chunk.subspan(static_cast<std::size_t>(skipped));
    return chunk.empty() || !stop(keep(chunk));
  }

  Result<void> keep(ByteView chunk) {
    if (chunk.size() > max_bytes_ - std::min(max_bytes_, kept_))
      TRY(refuse(RuleId::FileTooLarge, "at most " + std::to_string(max_bytes_) + " bytes", "more"));
    kept_ += chunk.size();
    return (*sink_)(chunk);
  }

  Result<void> unpack(ByteView chunk) {
    if (const std::uint64_t most = most_packed(max_bytes_); seen_ > most)
      TRY(refuse(RuleId::FileTooLarge, "at most " + std::to_string(most) + " bytes, packed", "more"));
    return as_transit(gunzip_->feed(chunk, [this](ByteView piece) { return keep(piece); }));
  }

  /// What is wrong with how the bytes travelled says nothing of the file.
  static Result<void> as_transit(Result<void> unpacked) {
    if (unpacked || !is_fault(unpacked.error(), Fault::Kind::Io)) return unpacked;
    return fault(Fault::Kind::Network, std::get<Fault>(unpacked.error()).detail);
  }

  /// Whether the body comes packed; known once its head is there. Only where we asked for it.
  bool is_packed() {
    curl_header* coding = nullptr;
    if (gunzip_ == nullptr && body_ == Body::PlainOrGzip &&
        curl_easy_header(easy_, "Content-Encoding", 0, CURLH_HEADER, -1, &coding) == CURLHE_OK &&
        std::string_view(coding->value) == "gzip") {
      gunzip_ = std::make_unique<host::Gunzip>();
    }
    return gunzip_ != nullptr;
  }

  /// Called about once a second, busy or idle. False: end the transfer.
  bool watch(std::uint64_t uploaded) {
    const Clock::time_point now = Clock::now();
    if (now - window_began_ < options_->window) return true;
    const std::uint64_t moved = seen_ + uploaded;
    const auto seconds = static_cast<std::uint64_t>(options_->window.count());
    if (moved == 0) {
      error_ = Fault{Fault::Kind::Timeout, "no word within " + std::to_string(seconds) + " s", {}};
      return false;
    }
    const std::uint64_t least = options_->min_bytes_per_second * seconds;
    if (const std::uint64_t since = moved - std::min(moved, moved_before_);
        since < least && stop(refuse(RuleId::TransferTooSlow,
                                     std::to_string(options_->min_bytes_per_second) + " bytes/s or more",
                                     std::to_string(since / std::max<std::uint64_t>(seconds, 1))))) {
      return false;
    }
    window_began_ = now;
    moved_before_ = moved;
    return true;
  }

  CURL* easy_;
  const CurlSession::Options* options_;
  std::uint64_t to_skip_;  ///< of a body that starts at 0 although we asked for less
  std::uint64_t max_bytes_;
  const CurlSession::Sink* sink_;
  Body body_;
  std::unique_ptr<host::Gunzip> gunzip_;
  std::uint64_t kept_ = 0;  ///< unpacked
  std::uint64_t seen_ = 0;  ///< as they came
  std::uint64_t moved_before_ = 0;
  Clock::time_point window_began_ = Clock::now();
  std::optional<Error> error_;
  std::string problem_;
};

Fault::Kind kind_of(CURLcode code) {
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return Fault::Kind::Timeout;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return Fault::Kind::Usage;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_TOO_MANY_REDIRECTS:
      return Fault::Kind::Denied;
    default:
      return Fault::Kind::Network;
  }
}

std::string hint_for(Fault::Kind kind) {
  switch (kind) {
    case Fault::Kind::Usage:
      return "give an address of the form http://HOST/PATH or https://HOST/PATH";
    case Fault::Kind::Denied:
      return "check the certificates and the address";
    case Fault::Kind::NotFound:
      return {};
    default:
      return "check the address and the connection, then try again";
  }
}

/// What `status` means for a request that was answered, but not with success.
Error refusal(const std::string& what, const Transfer& transfer, bool is_read) {
  const long status = transfer.status();
  Fault::Kind kind = Fault::Kind::Denied;
  if (status == 404 || (is_read && status == 403)) kind = Fault::Kind::NotFound;
  if (status == 416) kind = Fault::Kind::Conflict;
  if (status >= 500 || status == 429) kind = Fault::Kind::Network;  // for now: not for this request alone
  std::string detail = what + ": the server answers " + std::to_string(status);
  if (status >= 300 && status < 400) detail += ", a redirect, and those are followed for images only";
  const std::string problem = problem_in(transfer.problem());
  if (!problem.empty()) detail += ": " + problem;
  return Fault{kind, std::move(detail), hint_for(kind)};
}

bool start_libcurl() {
  static const bool started = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  return started;
}

}  // namespace

struct CurlSession::State {
  Options options;
  CURL* easy = nullptr;
  std::array<char, CURL_ERROR_SIZE> message{};
  std::optional<UtcTime> now;  ///< to judge dates by; nothing: the machine's clock
  bool failed_by_dates = false;

  State(Options chosen, CURL* handle) : options(std::move(chosen)), easy(handle) {}
  ~State() { curl_easy_cleanup(easy); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  /// Everything but the kind of request; what an earlier request had set is gone.
  void prepare(const std::string& url) {
    curl_easy_reset(easy);
    message.front() = '\0';
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, message.data());
    curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);  // a base address is used as given
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "cotter");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, static_cast<long>(options.connect_timeout.count()));
    if (is_on_this_machine(url)) curl_easy_setopt(easy, CURLOPT_PROXY, "");
    if (options.tls) {
      curl_easy_setopt(easy, CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
      curl_easy_setopt(easy, CURLOPT_CAINFO, options.tls->ca.c_str());
      curl_easy_setopt(easy, CURLOPT_SSLCERT, options.tls->certificate.c_str());
      curl_easy_setopt(easy, CURLOPT_SSLKEY, options.tls->key.c_str());
      curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, &State::on_tls);
      curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, this);
    }
  }

  /// The signature curl asks for. Chain and name are judged as ever.
  static CURLcode on_tls(CURL* /*easy*/, void* context, void* self) {
    X509_VERIFY_PARAM* rules = SSL_CTX_get0_param(static_cast<SSL_CTX*>(context));
    const State& state = *static_cast<State*>(self);
    if (state.options.dates == Dates::Ignored) {
      X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_NO_CHECK_TIME);
    } else if (state.now) {
      X509_VERIFY_PARAM_set_time(rules, state.now->time_since_epoch().count());
    }
    return CURLE_OK;
  }

  [[nodiscard]] bool are_dates_to_blame(CURLcode code) const {
    long verified = X509_V_OK;
    curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &verified);
    return code == CURLE_PEER_FAILED_VERIFICATION &&
           (verified == X509_V_ERR_CERT_NOT_YET_VALID || verified == X509_V_ERR_CERT_HAS_EXPIRED);
  }

  Result<void> perform(const std::string& what, Transfer& transfer, bool is_read) {
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Transfer::on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, &Transfer::on_progress);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, &transfer);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    const CURLcode code = curl_easy_perform(easy);
    failed_by_dates = are_dates_to_blame(code);
    if (code == CURLE_OK) transfer.finish();
    if (transfer.error()) {
      Error error = *transfer.error();
      if (is_fault(error, Fault::Kind::Timeout) || is_fault(error, Fault::Kind::Network)) {
        Fault& fault = std::get<Fault>(error);
        fault.detail = what + ": " + fault.detail;
        fault.hint = hint_for(fault.kind);
      }
      return fail(std::move(error));
    }
    // The body of a refusal may be cut short, by us or on the way: its status stands all the same.
    if (transfer.status() >= 300) return fail(refusal(what, transfer, is_read));
    if (code == CURLE_OK) return {};
    const Fault::Kind kind = kind_of(code);
    const char* why = message.front() == '\0' ? curl_easy_strerror(code) : message.data();
    return fault(kind, what + ": " + shown(why), hint_for(kind));
  }
};

Result<CurlSession> CurlSession::create(Options options) {
  if (options.tls) {
    for (const auto* file : {&options.tls->ca, &options.tls->certificate, &options.tls->key}) {
      std::error_code failed;
      if (!std::filesystem::exists(*file, failed)) {
        return fault(Fault::Kind::Usage, "no such file: " + file->string(),
                     "name the PEM files of the CA, the client certificate and its key");
      }
    }
  }
  CURL* easy = start_libcurl() ? curl_easy_init() : nullptr;
  if (easy == nullptr) return fault(Fault::Kind::Io, "libcurl does not start");
  auto state = std::make_unique<State>(std::move(options), easy);
  if (curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, &State::on_tls) != CURLE_OK) {
    return fault(Fault::Kind::Io, "this libcurl has no OpenSSL", "install libcurl4, not its GnuTLS flavour");
  }
  return CurlSession(std::move(state));
}

CurlSession::CurlSession(std::unique_ptr<State> state) : state_(std::move(state)) {}
CurlSession::~CurlSession() = default;
CurlSession::CurlSession(CurlSession&&) noexcept = default;
CurlSession& CurlSession::operator=(CurlSession&&) noexcept = default;

void CurlSession::go_by(UtcTime now) noexcept { state_->now = now; }
bool CurlSession::failed_by_dates() const noexcept { return state_->failed_by_dates; }

Result<Bytes> CurlSession::get(const std::string& url, std::uint64_t max_bytes) {
  Bytes body;
  const Sink keep = [&](ByteView chunk) -> Result<void> {
    body.insert(body.end(), chunk.begin(), chunk.end());
    return {};
  };
  Transfer transfer(state_->easy, state_->options, 0, max_bytes, keep, Transfer::Body::PlainOrGzip);
  state_->prepare(url);
  // We unpack, not libcurl: it counts too late, and takes a stream that was cut short for a whole one.
  const Headers headers(curl_slist_append(nullptr, "Accept-Encoding: gzip"));
  curl_easy_setopt(state_->easy, CURLOPT_HTTPHEADER, headers.get());
  TRY(state_->perform("GET " + url, transfer, true));
  return body;
}

Result<Bytes> CurlSession::send(const char* method, const std::string& url, ByteView body,
                                std::string_view content_type, std::uint64_t max_reply_bytes) {
  Bytes reply;
  const Sink keep = [&](ByteView chunk) -> Result<void> {
    reply.insert(reply.end(), chunk.begin(), chunk.end());
    return {};
  };
  Transfer transfer(state_->easy, state_->options, 0, max_reply_bytes, keep);
  state_->prepare(url);
  const std::string type = "Content-Type: " + std::string(content_type);
  Headers headers(curl_slist_append(nullptr, type.c_str()));
  curl_slist_append(headers.get(), "Expect:");  // no round trip to ask whether the body is welcome
  curl_easy_setopt(state_->easy, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(state_->easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  curl_easy_setopt(state_->easy, CURLOPT_POSTFIELDS, as_text(body).data());
  curl_easy_setopt(state_->easy, CURLOPT_CUSTOMREQUEST, method);
  TRY(state_->perform(std::string(method) + " " + url, transfer, false));
  return reply;
}

Result<Bytes> CurlSession::put(const std::string& url, ByteView body, std::string_view content_type,
                               std::uint64_t max_reply_bytes) {
  return send("PUT", url, body, content_type, max_reply_bytes);
}

Result<Bytes> CurlSession::post(const std::string& url, ByteView body, std::string_view content_type,
                                std::uint64_t max_reply_bytes) {
  return send("POST", url, body, content_type, max_reply_bytes);
}

Result<void> CurlSession::download(const std::string& url, std::uint64_t offset, std::uint64_t max_bytes,
                                   const Sink& sink) {
  Transfer transfer(state_->easy, state_->options, offset, max_bytes, sink);
  state_->prepare(url);
  curl_easy_setopt(state_->easy, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(state_->easy, CURLOPT_MAXREDIRS, kMaxRedirects);
  curl_easy_setopt(state_->easy, CURLOPT_REDIR_PROTOCOLS_STR,
                   url.starts_with("https:") ? "https" : "http,https");
  const std::string range = std::to_string(offset) + "-";
  if (offset > 0) curl_easy_setopt(state_->easy, CURLOPT_RANGE, range.c_str());
  return state_->perform("GET " + url, transfer, true);
}

std::string url_below(std::string_view base, std::string_view path) {
  std::string url(base);
  if (!url.ends_with('/')) url += '/';
  return url.append(path);
}

}  // namespace cotter::client
