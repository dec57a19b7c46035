#include "common/trust/content_ahead.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "common/json/strict_reader.h"

namespace cotter::trust {

// Behind a backslash the first quote would be a part of another key (`"x\"signed":`); any other one opens
// this key, in whatever is JSON.
std::optional<std::size_t> content_begin(ByteView file) {
  constexpr std::string_view kKey = "\"signed\":";
  const std::size_t at = as_text(file).find(kKey);
  if (at == std::string_view::npos || at == 0 || file[at - 1] == '\\') return std::nullopt;
  return at + kKey.size();
}

std::optional<ContentAhead> ContentAhead::read(ByteView text) {
  // In brackets, for in a file it is one level down: no depth may pass here that is refused there.
  std::string document;
  document.reserve(text.size() + 2);
  document.append("[").append(as_text(text)).append("]");
  auto read = json::read_and_look(std::move(document));
  json::Array* const one = read ? read->value.as_array() : nullptr;
  if (one == nullptr || one->size() != 1) return std::nullopt;
  return ContentAhead(Bytes(text.begin(), text.end()), std::move(one->front()), read->is_canonical);
}

std::optional<ContentAhead> ContentAhead::read_in(ByteView file) {
  const auto at = content_begin(file);
  if (!at || *at >= file.size()) return std::nullopt;
  return read(file.subspan(*at, file.size() - *at - 1));
}

std::optional<std::size_t> ContentAhead::place_in(ByteView file) const {
  const auto at = content_begin(file);
  if (!at || file.size() != *at + text_.size() + 1 || file.back() != '}') return std::nullopt;
  if (file.size() > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;  // no JSON to our reader
  return std::ranges::equal(file.subspan(*at, text_.size()), text_) ? at : std::nullopt;
}

}  // namespace cotter::trust
