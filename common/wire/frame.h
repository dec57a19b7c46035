// Frames of the protocol between primary and secondary: a fixed header, then the payload's fields.
// Never touches a socket and never reads past a frame's own bytes. Pure: safe on any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace cotter::wire {

inline constexpr std::size_t kHeaderSize = 8;
inline constexpr std::uint8_t kProtocolVersion = 1;
/// The most image bytes in one message: a small ECU holds one of them at a time.
inline constexpr std::uint32_t kMaxChunk = 64 * 1024;
/// Room for the fields beside a chunk or a file.
inline constexpr std::uint32_t kFieldRoom = 4 * 1024;
/// What either side reads where nothing larger was asked for.
inline constexpr std::uint32_t kMaxPayload = kMaxChunk + kFieldRoom;
/// The longest name or text in a message.
inline constexpr std::size_t kMaxText = 1024;

struct Header {
  std::uint8_t type = 0;
  std::uint32_t length = 0;  ///< of the payload, in bytes
};

/// Reads the eight bytes before a payload. Rejections: frame-malformed (too short, other magic or version),
/// frame-too-large (more than `max_payload`): read no further, the stream is of no use after either.
Result<Header> read_header(ByteView bytes, std::uint32_t max_payload);
/// Header and payload, ready to send.
Bytes framed(std::uint8_t type, ByteView payload);

/// Appends fields to a payload: integers big-endian, text and blobs after their length.
class FieldWriter {
 public:
  void u8(std::uint8_t value) { bytes_.push_back(value); }
  void flag(bool value) { u8(value ? 1 : 0); }
  void u64(std::uint64_t value);
  void text(std::string_view value);  ///< cut at kMaxText
  void blob(ByteView value);
  [[nodiscard]] ByteView bytes() const noexcept { return bytes_; }

 private:
  void big_endian(std::uint64_t value, int bytes);
  Bytes bytes_;
};

/// Takes fields from a payload. Every Rejection is frame-malformed.
class FieldReader {
 public:
  explicit FieldReader(ByteView payload) : rest_(payload) {}
  Result<std::uint8_t> u8();
  Result<bool> flag();  ///< 0 or 1
  Result<std::uint64_t> u64();
  Result<std::string> text();
  Result<Bytes> blob();
  [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }
  /// Nothing may be left: one message has one spelling.
  Result<void> end() const;

 private:
  Result<std::uint64_t> big_endian(std::size_t bytes);
  Result<ByteView> take(std::uint64_t size);
  ByteView rest_;
};

}  // namespace cotter::wire
