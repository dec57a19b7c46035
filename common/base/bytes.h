// Raw bytes, their views and their text forms (hex, base64).
// Never interprets what the bytes mean. Free of state: every function is safe on any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cotter {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

/// The same bytes, seen as text. No copy; the view lives as long as `bytes` does.
std::string_view as_text(ByteView bytes) noexcept;
/// The same characters, seen as bytes. No copy; the view lives as long as `text` does.
ByteView as_bytes(std::string_view text) noexcept;
Bytes to_bytes(std::string_view text);

/// Lower-case hex, two characters a byte.
std::string to_hex(ByteView bytes);
/// Bytes of an even-length hex string in either case; nothing for any other input.
std::optional<Bytes> from_hex(std::string_view hex);

/// Standard base64 with padding (RFC 4648 section 4).
std::string to_base64(ByteView bytes);
std::optional<Bytes> from_base64(std::string_view text);

/// Equality in time that depends on the lengths only.
bool equal_in_constant_time(ByteView a, ByteView b) noexcept;

}  // namespace cotter
