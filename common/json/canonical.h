// Canonical JSON (OLPC) of a Value: the bytes that are signed and that key ids are hashed from. And plain
// JSON to serve. Never to be parsed again: canonical strings escape only `"` and `\`, so a PEM's newlines
// stand raw in it (FMT-25). Pure: safe on any thread.
#pragma once

#include <string>

#include "common/base/bytes.h"
#include "common/json/value.h"

namespace cotter::json {

/// FMT-25. Total: every Value has a canonical form.
Bytes canonical(const Value& value);
/// Valid JSON text (RFC 8259), compact, members in canonical order.
std::string to_text(const Value& value);
/// The same, indented by two spaces, for people.
std::string to_pretty_text(const Value& value);

}  // namespace cotter::json
