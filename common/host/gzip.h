// gzip (RFC 1952), by libdeflate: metadata packed once, for all who fetch it. Any thread.
#pragma once

#include "common/base/bytes.h"

namespace cotter::host {

/// Packed; the same bytes for the same input, whatever the time (by one libdeflate; another may pack
/// otherwise).
Bytes gzip(ByteView plain);

}  // namespace cotter::host
