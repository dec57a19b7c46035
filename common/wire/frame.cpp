#include "common/wire/frame.h"

#include <algorithm>

namespace cotter::wire {
namespace {

constexpr std::uint8_t kMagic[] = {'C', 't'};

}  // namespace

Result<Header> read_header(ByteView bytes, std::uint32_t max_payload) {
  if (bytes.size() != kHeaderSize) {
    TRY(refuse(RuleId::FrameMalformed, "a header of 8 bytes", std::to_string(bytes.size())));
    return Header{};
  }
  if (bytes[0] != kMagic[0] || bytes[1] != kMagic[1] || bytes[2] != kProtocolVersion) {
    TRY(refuse(RuleId::FrameMalformed, "a frame of protocol version 1", to_hex(bytes.first(3))));
  }
  Header header{bytes[3], 0};
  for (const std::uint8_t byte : bytes.subspan(4)) header.length = (header.length << 8) | byte;
  if (header.length > max_payload) {
    TRY(refuse(RuleId::FrameTooLarge, "at most " + std::to_string(max_payload) + " bytes",
               std::to_string(header.length)));
  }
  return header;
}

Bytes framed(std::uint8_t type, ByteView payload) {
  Bytes frame{kMagic[0], kMagic[1], kProtocolVersion, type};
  frame.reserve(kHeaderSize + payload.size());
  for (int shift = 24; shift >= 0; shift -= 8) {
    frame.push_back(static_cast<std::uint8_t>((payload.size() >> shift) & 0xff));
  }
  frame.insert(frame.end(), payload.begin(), payload.end());
  return frame;
}

void FieldWriter::big_endian(std::uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    bytes_.push_back(static_cast<std::uint8_t>((value >> shift) & 0xff));
  }
}

void FieldWriter::u64(std::uint64_t value) { big_endian(value, 8); }

void FieldWriter::text(std::string_view value) {
  value = value.substr(0, kMaxText);
  big_endian(value.size(), 2);
  const ByteView bytes = as_bytes(value);
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

void FieldWriter::blob(ByteView value) {
  big_endian(value.size(), 4);
  bytes_.insert(bytes_.end(), value.begin(), value.end());
}

Result<ByteView> FieldReader::take(std::uint64_t size) {
  if (size > rest_.size()) {
    TRY(refuse(RuleId::FrameMalformed, std::to_string(size) + " more bytes", std::to_string(rest_.size())));
    size = rest_.size();
  }
  const ByteView taken = rest_.first(static_cast<std::size_t>(size));
  rest_ = rest_.subspan(taken.size());
  return taken;
}

Result<std::uint64_t> FieldReader::big_endian(std::size_t bytes) {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : TRY(take(bytes))) value = (value << 8) | byte;
  return value;
}

Result<std::uint8_t> FieldReader::u8() { return static_cast<std::uint8_t>(TRY(big_endian(1))); }

Result<bool> FieldReader::flag() {
  const std::uint8_t value = TRY(u8());
  if (value > 1) TRY(refuse(RuleId::FrameMalformed, "0 or 1", std::to_string(value)));
  return value == 1;
}

Result<std::uint64_t> FieldReader::u64() { return TRY(big_endian(8)); }

Result<std::string> FieldReader::text() {
  const std::uint64_t size = TRY(big_endian(2));
  if (size > kMaxText) {
    TRY(refuse(RuleId::FrameMalformed, "text of at most " + std::to_string(kMaxText) + " bytes",
               std::to_string(size)));
  }
  return std::string(as_text(TRY(take(size))));
}

Result<Bytes> FieldReader::blob() {
  const ByteView taken = TRY(take(TRY(big_endian(4))));
  return Bytes(taken.begin(), taken.end());
}

Result<void> FieldReader::end() const {
  if (!rest_.empty()) {
    TRY(refuse(RuleId::FrameMalformed, "no bytes after the last field", std::to_string(rest_.size())));
  }
  return {};
}

}  // namespace cotter::wire
