#include "server/http/content_coding.h"

#include <algorithm>
#include <cctype>
#include <optional>

#include "server/http/conditional.h"

namespace cotter::http {
namespace {

std::string_view trimmed(std::string_view text) {
  static constexpr std::string_view kBlanks = " \t";
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

bool is_same(std::string_view text, std::string_view lower) {
  return std::ranges::equal(text, lower, [](unsigned char a, char b) { return std::tolower(a) == b; });
}

/// Splits at `mark`: what stands before it; `rest` is what stands behind.
std::string_view next_part(std::string_view& rest, char mark) {
  const auto at = rest.find(mark);
  const std::string_view part = rest.substr(0, at);
  rest = at == std::string_view::npos ? std::string_view() : rest.substr(at + 1);
  return trimmed(part);
}

/// Of "q=0.5": whether it is more than 0. What is no weight weighs nothing: plain bytes never hurt.
bool is_wanted(std::string_view parameters) {
  while (!parameters.empty()) {
    std::string_view value = next_part(parameters, ';');
    if (!is_same(next_part(value, '='), "q")) continue;
    value = trimmed(value);
    const bool is_weight = value.find_first_not_of("0123456789.") == std::string_view::npos;
    return is_weight && value.find_first_of("123456789") != std::string_view::npos;
  }
  return true;
}

}  // namespace

bool admits_gzip(const Request& request) {
  const std::string* codings = header(request, "accept-encoding");
  if (codings == nullptr) return false;
  std::optional<bool> by_name;
  bool by_any = false;
  for (std::string_view rest = *codings; !rest.empty();) {
    std::string_view parameters = next_part(rest, ',');
    const std::string_view coding = next_part(parameters, ';');
    if (is_same(coding, "gzip") || is_same(coding, "x-gzip")) by_name = is_wanted(parameters);
    if (coding == "*") by_any = is_wanted(parameters);
  }
  return by_name.value_or(by_any);
}

bool may_be_packed(std::string_view file_name) {
  return file_name.find('/') == std::string_view::npos && file_name.ends_with(".json") &&
         file_name != "timestamp.json";
}

}  // namespace cotter::http
