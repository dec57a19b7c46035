// From the canonical bytes that somebody wants signed back to the JSON that they say.
// Never gives a value whose canonical form is not exactly these bytes: what is judged is what is signed.
// Pure: safe on any thread.
#pragma once

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/json/value.h"

namespace cotter::signing {

/// Canonical form (FMT-25) is JSON but for control characters, which stand raw in its strings. Rejections:
/// those of json::read(); json-malformed for every other spelling of the same value.
Result<json::Value> read_canonical(ByteView canonical);

}  // namespace cotter::signing
