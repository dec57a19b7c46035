#include "server/cli/api_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "common/json/object_view.h"
#include "common/json/strict_reader.h"

namespace cotter::cli {
namespace {

constexpr long kConnectSeconds = 10;
constexpr long kMostSeconds = 600;  // a submission of gigabytes is hashed before it is judged
constexpr std::size_t kMostBody = 4 * 1024 * 1024;

struct Cleanup {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

std::size_t take_body(char* data, std::size_t, std::size_t size, void* user) {
  Bytes& body = static_cast<ApiReply*>(user)->body;
  if (body.size() + size > kMostBody) return 0;
  body.insert(body.end(), data, data + size);
  return size;
}

std::size_t take_header(char* data, std::size_t, std::size_t size, void* user) {
  const std::string_view line(data, size);
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return size;
  std::string name(line.substr(0, colon));
  for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && std::isspace(static_cast<unsigned char>(value.front())) != 0)
    value.remove_prefix(1);
  while (!value.empty() && std::isspace(static_cast<unsigned char>(value.back())) != 0)
    value.remove_suffix(1);
  static_cast<ApiReply*>(user)->headers[std::move(name)] = std::string(value);
  return size;
}

Error network_error(CURLcode code, const std::string& server, const char* reason) {
  const std::string what =
      "cannot ask " + server + ": " + (*reason != '\0' ? reason : curl_easy_strerror(code));
  if (code == CURLE_OPERATION_TIMEDOUT) return Fault{Fault::Kind::Timeout, what, {}};
  if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
    return Fault{Fault::Kind::Denied, what, "name the server's CA by --ca"};
  return Fault{Fault::Kind::Network, what, "is the server up?"};
}

}  // namespace

struct ApiClient::Connection {
  std::unique_ptr<CURL, Cleanup> handle;
  std::array<char, CURL_ERROR_SIZE> reason{};
};

ApiClient::ApiClient(std::string server, std::unique_ptr<Connection> connection)
    : server_(std::move(server)), connection_(std::move(connection)) {}
ApiClient::~ApiClient() = default;
ApiClient::ApiClient(ApiClient&&) noexcept = default;
ApiClient& ApiClient::operator=(ApiClient&&) noexcept = default;

Result<ApiClient> ApiClient::create(std::string_view server, const repository::TlsFiles& tls,
                                    const crypto::Secret& token) {
  std::string base(server);
  while (base.ends_with('/')) base.pop_back();
  if (!base.starts_with("https://"))
    return fault(Fault::Kind::Usage, "'" + base + "' is no https URL", "a token is shown over https alone");
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  auto connection = std::make_unique<Connection>();
  connection->handle.reset(initialised == CURLE_OK ? curl_easy_init() : nullptr);
  CURL* handle = connection->handle.get();
  if (handle == nullptr) return fault(Fault::Kind::Io, "libcurl does not start");
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "https");
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  curl_easy_setopt(handle, CURLOPT_TIMEOUT, kMostSeconds);
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, connection->reason.data());
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &take_body);
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, &take_header);
  if (tls.ca) curl_easy_setopt(handle, CURLOPT_CAINFO, tls.ca->c_str());
  const std::string text(as_text(token.view()));
  curl_easy_setopt(handle, CURLOPT_XOAUTH2_BEARER, text.c_str());
  curl_easy_setopt(handle, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
  return ApiClient(std::move(base), std::move(connection));
}

Result<ApiReply> ApiClient::ask(const std::string& method, std::string_view path, ByteView body,
                                const std::vector<std::string>& headers) {
  CURL* handle = connection_->handle.get();
  const std::string url = server_ + std::string(path);
  std::unique_ptr<curl_slist, Cleanup> list;
  for (const std::string& header : headers) {
    curl_slist* longer = curl_slist_append(list.get(), header.c_str());
    if (longer == nullptr) return fault(Fault::Kind::Io, "out of memory");
    static_cast<void>(list.release());
    list.reset(longer);
  }
  ApiReply reply;
  connection_->reason.front() = '\0';
  curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &reply);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, &reply);
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, list.get());
  curl_easy_setopt(handle, CURLOPT_NOBODY, method == "HEAD" ? 1L : 0L);
  if (method != "HEAD" && method != "GET") {
    curl_easy_setopt(handle, CURLOPT_POST, 1L);
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS,
                     body.empty() ? "" : reinterpret_cast<const char*>(body.data()));
  } else if (method == "GET") {
    curl_easy_setopt(handle, CURLOPT_HTTPGET, 1L);
  }
  curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, method == "HEAD" ? nullptr : method.c_str());
  const CURLcode code = curl_easy_perform(handle);
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, nullptr);
  if (code == CURLE_WRITE_ERROR) return fault(Fault::Kind::Io, "the answer of " + server_ + " is too long");
  if (code != CURLE_OK) return fail(network_error(code, server_, connection_->reason.data()));
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &reply.status);
  return reply;
}

Error error_of(const ApiReply& reply) {
  std::string detail = "HTTP status " + std::to_string(reply.status);
  const auto body = json::read(reply.body);
  const json::Object* object = body ? body->as_object() : nullptr;
  const json::Value* said = object == nullptr ? nullptr : object->find("detail");
  if (said != nullptr && said->as_string() != nullptr) detail = std::string(said->as_string()->view());
  Fault::Kind kind = Fault::Kind::Network;
  if (reply.status == 401 || reply.status == 403 || reply.status == 422) kind = Fault::Kind::Denied;
  if (reply.status == 404) kind = Fault::Kind::NotFound;
  if (reply.status == 409) kind = Fault::Kind::Conflict;
  return Fault{kind, "the server says: " + detail, {}};
}

}  // namespace cotter::cli
