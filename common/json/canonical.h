// Canonical JSON (OLPC) of a Value: the bytes that are signed and that key ids hash. And plain JSON to serve.
// Never parse canonical bytes again: a PEM's newlines stand raw in them, so they are not always JSON
// (FMT-25). Pure: safe on any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/bytes.h"
#include "common/json/value.h"

namespace cotter::json {

/// FMT-25. Total: every Value has a canonical form.
Bytes canonical(const Value& value);
/// Where the canonical form is what `text` begins with: its length. Else nothing.
std::optional<std::size_t> canonical_length_in(const Value& value, std::string_view text);
/// Valid JSON text (RFC 8259), compact, members in canonical order.
std::string to_text(const Value& value);
/// The same, indented by two spaces, for people.
std::string to_pretty_text(const Value& value);

}  // namespace cotter::json
