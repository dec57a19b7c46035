#include "server/http/conditional.h"

#include <array>

namespace cotter::http {
namespace {

std::string_view value(const Response& response, const char* name) {
  const auto found = response.headers.find(name);
  return found == response.headers.end() ? std::string_view() : std::string_view(found->second);
}

/// Weak comparison: "W/" before a tag makes no difference here.
bool lists(std::string_view tags, std::string_view tag) {
  return tags == "*" || (!tag.empty() && tags.find(tag) != std::string_view::npos);
}

}  // namespace

std::string http_date(std::time_t time) {
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  std::array<char, 40> text{};
  std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return text.data();
}

const std::string* header(const Request& request, const char* name) {
  const auto found = request.headers.find(name);
  return found == request.headers.end() ? nullptr : &found->second;
}

bool is_known(const Request& request, const Response& response) {
  if (const std::string* tags = header(request, "if-none-match"))
    return lists(*tags, value(response, "ETag"));
  const std::string* date = header(request, "if-modified-since");
  return date != nullptr && !date->empty() && *date == value(response, "Last-Modified");
}

bool may_continue(const Request& request, const Response& response) {
  const std::string* condition = header(request, "if-range");
  return condition == nullptr || *condition == value(response, "ETag") ||
         *condition == value(response, "Last-Modified");
}

}  // namespace cotter::http
