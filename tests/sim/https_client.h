// One HTTPS request and all that came back, by libcurl: what the tests of the server's program look at.
// Never retries, never follows a redirect. One thread.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cotter::sim {

struct HttpsAsk {
  std::string url;
  std::string method = "GET";
  std::vector<std::string> headers{};  ///< "Range: bytes=0-3"
  std::optional<std::string> body{};
  std::filesystem::path ca{};           ///< empty: the server is not judged
  std::filesystem::path certificate{};  ///< empty: none is shown
  std::filesystem::path key{};
  /// Called with how many bytes came so far; false ends the transfer.
  std::function<bool(std::size_t)> go_on{};
};

struct HttpsReply {
  long status = 0;                             ///< 0: no answer, and `failure` says why
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;
  std::string failure;
};

HttpsReply ask(const HttpsAsk& what);

}  // namespace cotter::sim
