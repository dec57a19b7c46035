#include "tests/sim/https_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <memory>

#include "common/base/error.h"

namespace cotter::sim {
namespace {

constexpr long kPatience = 30;  // seconds

struct Sink {
  HttpsReply* reply;
  const HttpsAsk* ask;
};

std::size_t take_body(char* data, std::size_t, std::size_t size, void* sink) {
  auto& [reply, ask] = *static_cast<Sink*>(sink);
  reply->body.append(data, size);
  return !ask->go_on || ask->go_on(reply->body.size()) ? size : 0;
}

std::size_t take_header(char* data, std::size_t, std::size_t size, void* sink) {
  std::string line(data, size);
  line.erase(line.find_last_not_of("\r\n") + 1);
  const auto colon = line.find(": ");
  if (colon == std::string::npos) return size;
  std::string name = line.substr(0, colon);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
  static_cast<Sink*>(sink)->reply->headers[name] = line.substr(colon + 2);
  return size;
}

void set_identity(CURL* curl, const HttpsAsk& what) {
  if (what.ca.empty()) {
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
  } else {
    curl_easy_setopt(curl, CURLOPT_CAINFO, what.ca.c_str());
  }
  if (what.certificate.empty()) return;
  curl_easy_setopt(curl, CURLOPT_SSLCERT, what.certificate.c_str());
  curl_easy_setopt(curl, CURLOPT_SSLKEY, what.key.c_str());
}

}  // namespace

HttpsReply ask(const HttpsAsk& what) {
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> owned(curl_easy_init(), &curl_easy_cleanup);
  COTTER_ASSERT(owned != nullptr);
  CURL* curl = owned.get();
  HttpsReply reply;
  Sink sink{&reply, &what};
  std::array<char, CURL_ERROR_SIZE> words{};
  curl_slist* headers = nullptr;
  for (const std::string& header : what.headers) headers = curl_slist_append(headers, header.c_str());
  curl_easy_setopt(curl, CURLOPT_URL, what.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, kPatience);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &sink);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &sink);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, words.data());
  if (what.method == "HEAD") curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  if (what.body) {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(what.body->size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, what.body->data());
  }
  if (what.method != "HEAD") curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, what.method.c_str());
  set_identity(curl, what);
  const CURLcode code = curl_easy_perform(curl);
  curl_slist_free_all(headers);
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply.status);
  if (code != CURLE_OK) reply.failure = words[0] != '\0' ? words.data() : curl_easy_strerror(code);
  return reply;
}

}  // namespace cotter::sim
