#include "server/http/static_files.h"

#include <sys/stat.h>

#include <array>
#include <charconv>
#include <ctime>

#include "common/model/file_names.h"
#include "server/http/problem.h"

namespace cotter::http {
namespace {

namespace fs = std::filesystem;

std::string http_date(std::time_t time) {
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  std::array<char, 40> text{};
  std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return text.data();
}

/// A rename gives a new inode, so the tag changes even within the clock's grain.
std::string tag_of(const struct stat& facts) {
  return '"' + std::to_string(facts.st_ino) + '-' + std::to_string(facts.st_size) + '-' +
         std::to_string(facts.st_mtim.tv_sec) + '.' + std::to_string(facts.st_mtim.tv_nsec) + '"';
}

const std::string* header(const Request& request, const char* name) {
  const auto found = request.headers.find(name);
  return found == request.headers.end() ? nullptr : &found->second;
}

bool names_tag(std::string_view list, std::string_view tag) {
  return list == "*" || list.find(tag) != std::string_view::npos;
}

struct Range {
  std::uint64_t first = 0;
  std::uint64_t last = 0;  ///< inclusive
};
enum class RangeKind : std::uint8_t { None, One, Unsatisfiable };

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// One range (RFC 9110 14.1.2). Several, or what is no range, are ignored, as a server may.
RangeKind parse_range(std::string_view text, std::uint64_t size, Range& range) {
  static constexpr std::string_view kUnit = "bytes=";
  if (!text.starts_with(kUnit)) return RangeKind::None;
  text.remove_prefix(kUnit.size());
  const auto dash = text.find('-');
  if (dash == std::string_view::npos || text.find(',') != std::string_view::npos) return RangeKind::None;
  const auto first = number(text.substr(0, dash));
  const auto last = number(text.substr(dash + 1));
  if (first) {
    if (!last && dash + 1 != text.size()) return RangeKind::None;
    if (last && *last < *first) return RangeKind::None;
    if (*first >= size) return RangeKind::Unsatisfiable;
    range = {*first, last ? std::min(*last, size - 1) : size - 1};
    return RangeKind::One;
  }
  if (dash != 0 || !last) return RangeKind::None;
  if (*last == 0 || size == 0) return RangeKind::Unsatisfiable;
  range = {size - std::min(*last, size), size - 1};
  return RangeKind::One;
}

Response not_found() { return problem(404, "not found", "there is no such file in this repository"); }

}  // namespace

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const auto byte = from_hex(text.substr(i + 1, 2));
    if (!byte || byte->size() != 1) return std::nullopt;
    out += static_cast<char>(byte->front());
    i += 2;
  }
  return out;
}

Response StaticFiles::serve(const Request& request, std::string_view path) const {
  // The names we publish hold to FMT-52, so a path that does not is nobody's file, and no decoded ".." gets
  // further than this.
  const auto name = percent_decoded(path);
  if (!name || !model::is_safe_target_name(*name)) return not_found();
  const fs::path file = folder_ / *name;
  struct stat facts {};
  if (::stat(file.c_str(), &facts) != 0 || !S_ISREG(facts.st_mode)) return not_found();

  const auto size = static_cast<std::uint64_t>(facts.st_size);
  const std::string tag = tag_of(facts);
  Response response;
  response.headers["ETag"] = tag;
  response.headers["Last-Modified"] = http_date(facts.st_mtim.tv_sec);
  response.headers["Accept-Ranges"] = "bytes";
  response.headers["Content-Type"] =
      name->ends_with(".json") ? "application/json" : "application/octet-stream";
  response.headers["Cache-Control"] =
      *name == "timestamp.json" ? "no-cache" : "public, max-age=31536000, immutable";
  if (const auto* tags = header(request, "if-none-match"); tags != nullptr && names_tag(*tags, tag)) {
    response.status = 304;
    return response;
  }
  Range range{0, size == 0 ? 0 : size - 1};
  const std::string* wanted = request.method == Method::Get ? header(request, "range") : nullptr;
  const std::string* if_range = header(request, "if-range");
  if (if_range != nullptr && *if_range != tag && *if_range != response.headers["Last-Modified"])
    wanted = nullptr;
  const RangeKind kind = wanted == nullptr ? RangeKind::None : parse_range(*wanted, size, range);
  if (kind == RangeKind::Unsatisfiable) {
    Response refused =
        problem(416, "range not satisfiable", "the file has " + std::to_string(size) + " bytes");
    refused.headers["Content-Range"] = "bytes */" + std::to_string(size);
    return refused;
  }
  if (kind == RangeKind::One) {
    response.status = 206;
    response.headers["Content-Range"] = "bytes " + std::to_string(range.first) + "-" +
                                        std::to_string(range.last) + "/" + std::to_string(size);
  }
  response.file = FilePart{file, range.first, size == 0 ? 0 : range.last - range.first + 1};
  return response;
}

}  // namespace cotter::http
