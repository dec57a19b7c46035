// What a file has under "signed", read before the file itself is there, or while its bytes are judged: for a
// publisher, whose snapshot is large and known before it is signed. Never changes a verdict: it counts only
// for a file that has these very bytes there. A plain value; safe to move across threads.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <utility>

#include "common/base/bytes.h"
#include "common/json/value.h"

namespace cotter::trust {

/// Where the content of a file begins: behind its key. Nothing where that key is not found as we write it.
std::optional<std::size_t> content_begin(ByteView file);

class ContentAhead {
 public:
  /// `text` as it will stand in a file. Nothing where it is not one JSON value: the file itself, read later,
  /// says why.
  static std::optional<ContentAhead> read(ByteView text);
  /// The same of the last member of a file's envelope.
  static std::optional<ContentAhead> read_in(ByteView file);
  /// Where it begins in `file`, if it is what `file` ends with but for the envelope's brace.
  [[nodiscard]] std::optional<std::size_t> place_in(ByteView file) const;
  [[nodiscard]] std::size_t length() const noexcept { return text_.size(); }
  /// The text is the value's canonical form (FMT-25). Not said of all that are.
  [[nodiscard]] bool is_canonical() const noexcept { return is_canonical_; }
  json::Value take() && { return std::move(value_); }

 private:
  ContentAhead(Bytes text, json::Value value, bool is_canonical)
      : text_(std::move(text)), value_(std::move(value)), is_canonical_(is_canonical) {}
  Bytes text_;
  json::Value value_;
  bool is_canonical_;
};

/// Asked at most once, when the file's bytes were judged; nothing where there is none.
using ContentSource = std::function<std::optional<ContentAhead>()>;

}  // namespace cotter::trust
