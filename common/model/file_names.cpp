#include "common/model/file_names.h"

#include <algorithm>

#include "common/base/limits.h"
#include "common/model/roles.h"

namespace cotter::model {
namespace {

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// RFC 3986 2.3
bool is_unreserved(char c) { return is_letter_or_digit(c) || c == '-' || c == '.' || c == '_' || c == '~'; }

bool is_dots_alone(std::string_view name) {
  return !name.empty() && name.find_first_not_of('.') == std::string_view::npos;
}

bool is_safe_segment(std::string_view segment) {
  if (segment.empty() || segment == "." || segment == "..") return false;
  return std::all_of(segment.begin(), segment.end(), [](char c) {
    return is_letter_or_digit(c) || c == '.' || c == '_' || c == '+' || c == '-';
  });
}

}  // namespace

std::string percent_encoded_segment(std::string_view name) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  const bool encode_dots = is_dots_alone(name);
  std::string result;
  result.reserve(name.size());
  for (const char c : name) {
    if (is_unreserved(c) && !(encode_dots && c == '.')) {
      result += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    result += '%';
    result += kHex[byte >> 4U];
    result += kHex[byte & 0xFU];
  }
  return result;
}

std::string metadata_file_name(const RoleName& role, std::optional<Version> version) {
  std::string name = percent_encoded_segment(role.value()) + ".json";
  return version ? std::to_string(version->value()) + "." + name : name;
}

std::string target_url_path(const TargetName& name, std::string_view digest_hex) {
  std::string path;
  std::string_view rest = name.value();
  for (auto slash = rest.find('/'); slash != std::string_view::npos; slash = rest.find('/')) {
    path += percent_encoded_segment(rest.substr(0, slash)) + "/";
    rest.remove_prefix(slash + 1);
  }
  if (!digest_hex.empty()) path.append(digest_hex) += '.';
  return path + percent_encoded_segment(rest);
}

bool is_safe_target_name(std::string_view name) noexcept {
  if (name.size() > kMaxTargetName) return false;
  for (auto slash = name.find('/'); slash != std::string_view::npos; slash = name.find('/')) {
    if (!is_safe_segment(name.substr(0, slash))) return false;
    name.remove_prefix(slash + 1);
  }
  return is_safe_segment(name);
}

bool is_releasable_role_name(std::string_view name) noexcept {
  if (name.empty() || name.size() > kMaxReleasedRoleName || is_top_level(name)) return false;
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return is_letter_or_digit(c) || c == '.' || c == '_' || c == '-'; });
}

bool is_identifier(std::string_view name) noexcept {
  if (name.empty() || name.size() > kMaxIdentifier || is_dots_alone(name)) return false;
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return c > ' ' && c <= '~' && c != '"' && c != '\\' && c != '/'; });
}

}  // namespace cotter::model
