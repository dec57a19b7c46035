#include "server/http/static_files.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>

#include "common/model/file_names.h"
#include "server/http/conditional.h"
#include "server/http/content_coding.h"
#include "server/http/problem.h"
#include "server/repository/layout.h"

namespace cotter::http {
namespace {

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

Response unreadable(const Error& error) {
  if (is_fault(error, Fault::Kind::NotFound)) return not_found();
  spdlog::error("{}", summary(error));
  return problem(error);
}

/// Begins with a dot at the top or at the end: .incoming/ and files that are being written. No published
/// file's path does.
bool is_unfinished(std::string_view name) {
  return name.front() == '.' || name[name.rfind('/') + 1] == '.';  // npos + 1 is 0
}

Response unsatisfiable(std::uint64_t size) {
  Response response =
      problem(416, "range not satisfiable", "the file has " + std::to_string(size) + " bytes");
  response.headers["Content-Range"] = "bytes */" + std::to_string(size);
  return response;
}

Response describe(const OpenFile& file, std::string_view name) {
  Response response;
  response.headers["ETag"] = file.tag();
  response.headers["Last-Modified"] = http_date(file.modified());
  response.headers["Accept-Ranges"] = "bytes";
  response.headers["Content-Type"] =
      name.ends_with(".json") ? "application/json" : "application/octet-stream";
  response.headers["Cache-Control"] =
      name == "timestamp.json" ? "no-cache" : "public, max-age=31536000, immutable";
  return response;
}

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
  if (!name || !model::is_safe_target_name(*name) || is_unfinished(*name)) return not_found();
  auto file = OpenFile::open_below(folder_, *name);
  if (!file) return unreadable(file.error());

  const bool packable = may_be_packed(*name);
  const bool in_pieces = request.method == Method::Get && header(request, "range") != nullptr;
  bool packed = false;
  if (packable && !in_pieces && admits_gzip(request)) {
    if (auto beside = OpenFile::open_below(folder_, *name + std::string(repository::kPackedEnd))) {
      file = std::move(beside);
      packed = true;
    }
  }
  Response response = describe(*file, *name);
  if (packable) response.headers["Vary"] = "Accept-Encoding";
  if (packed) response.headers["Content-Encoding"] = "gzip";
  if (is_known(request, response)) {
    response.status = 304;
    return response;
  }
  const std::uint64_t size = file->size();
  Range range{0, size == 0 ? 0 : size - 1};
  const std::string* wanted = request.method == Method::Get ? header(request, "range") : nullptr;
  const bool in_part = wanted != nullptr && may_continue(request, response);
  const RangeKind kind = in_part ? parse_range(*wanted, size, range) : RangeKind::None;
  if (kind == RangeKind::Unsatisfiable) return unsatisfiable(size);
  if (kind == RangeKind::One) {
    response.status = 206;
    response.headers["Content-Range"] = "bytes " + std::to_string(range.first) + "-" +
                                        std::to_string(range.last) + "/" + std::to_string(size);
  }
  response.file = FilePart{*std::move(file), range.first, size == 0 ? 0 : range.last - range.first + 1};
  return response;
}

}  // namespace cotter::http
