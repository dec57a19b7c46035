// The one way from untrusted bytes to a json::Value.
// Never accepts bytes that two readers could read in two ways.
// Pure: safe on any thread.
#pragma once

#include <cstddef>
#include <string>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/json/value.h"

namespace cotter::json {

inline constexpr std::size_t kMaxDepth = 32;  // FMT-12

/// Reads one JSON document (FMT-12): valid UTF-8, no BOM, no lone surrogates, no duplicate keys, depth <= 32,
/// integers in 0..2^53-1 written without sign, fraction or exponent, nothing but white space after the end.
/// Linear in the input's size, in time and memory; recursion-free while reading. Rejections: json-malformed,
/// json-duplicate-key, json-too-deep, json-number-not-integer.
Result<Value> read(ByteView bytes);
/// The same of a text that is used up by it, with a look at whether it was in canonical form (FMT-25): never
/// said of one that was not, but not of all that were.
struct Reading {
  Value value;
  bool is_canonical = false;
};
Result<Reading> read_and_look(std::string text);
/// The same for papers that others make and nobody signs as canonical JSON (SBOMs, statements): a number of
/// any other kind, which RFC 8259 allows, comes as the text that it was written as.
Result<Value> read_foreign(ByteView bytes);

}  // namespace cotter::json
