// Canonical JSON (OLPC) of a Value: the bytes that are signed and that key ids hash. And plain JSON to serve.
// Never parse canonical bytes again: a PEM's newlines stand raw in them, so they are not always JSON
// (FMT-25). Pure: safe on any thread.
#pragma once

#include <cstddef>
#include <string>

#include "common/base/bytes.h"
#include "common/json/value.h"

namespace cotter::json {

/// FMT-25. Total: every Value has a canonical form.
/// `at_most`: how long it can become, where that is known.
Bytes canonical(const Value& value, std::size_t at_most = 0);
/// Valid JSON text (RFC 8259), compact, members in canonical order.
std::string to_text(const Value& value);
/// The same, indented by two spaces, for people.
std::string to_pretty_text(const Value& value);

}  // namespace cotter::json
