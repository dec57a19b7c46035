#include "common/json/canonical.h"

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <utility>

#include "common/base/error.h"

namespace cotter::json {
namespace {

// What takes the text, bit by bit. Those for canonical text take some of it again, from byte to byte.

class Text {
 public:
  void put(std::string_view text) { text_.append(text); }
  void put(char sign) { text_.push_back(sign); }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

class Length {
 public:
  void put(std::string_view text) { size_ += text.size(); }
  void put(char /*sign*/) { ++size_; }
  void again(std::size_t from, std::size_t to) { size_ += to - from; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  std::size_t size_ = 0;
};

/// Where there is room for all of it.
class Filled {
 public:
  explicit Filled(Bytes& out) : begin_(reinterpret_cast<char*>(out.data())), at_(begin_) {}
  void put(std::string_view text) {
    std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }
  void put(char sign) { *at_++ = sign; }
  void again(std::size_t from, std::size_t to) { put(std::string_view(begin_ + from, to - from)); }
  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(at_ - begin_); }

 private:
  char* begin_;
  char* at_;
};

/// Another text, as far as it is the same.
class Compared {
 public:
  explicit Compared(std::string_view other)
      : begin_(other.data()), at_(begin_), end_(begin_ + other.size()) {}
  void put(std::string_view text) {
    if (static_cast<std::size_t>(end_ - at_) >= text.size() &&
        std::memcmp(at_, text.data(), text.size()) == 0) {
      at_ += text.size();
    } else {
      differs();
    }
  }
  void put(char sign) {
    if (at_ != end_ && *at_ == sign) {
      ++at_;
    } else {
      differs();
    }
  }
  void again(std::size_t from, std::size_t to) { put(std::string_view(begin_ + from, to - from)); }
  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(at_ - begin_); }
  [[nodiscard]] bool is_same() const { return !differs_; }

 private:
  void differs() {
    differs_ = true;
    end_ = at_;  // no more is compared
  }
  const char* begin_;
  const char* at_;
  const char* end_;
  bool differs_ = false;
};

/// Whether any of the eight is that one: only then its difference borrows out of a byte without its top bit.
bool has_byte(std::uint64_t eight, char wanted) noexcept {
  constexpr std::uint64_t kOnes = 0x0101010101010101U, kTops = 0x8080808080808080U;
  const std::uint64_t different = eight ^ (kOnes * static_cast<unsigned char>(wanted));
  return ((different - kOnes) & ~different & kTops) != 0;
}

/// The three forms differ in what a string escapes and in the white space between tokens, and in nothing
/// else.
enum class Form : std::uint8_t { Canonical, Compact, Pretty };

/// Recursive: a Value that was read is at most kMaxDepth deep.
template <class Out>
class Writer {
 public:
  Writer(Out& out, Form form) : out_(out), form_(form) {}

  void write(const Value& value) {
    if (const Object* object = value.as_object()) {
      write_once(value, *object);
    } else if (const Array* array = value.as_array()) {
      write_array(*array);
    } else if (const String* text = value.as_string()) {
      write_string(*text);
    } else if (const std::optional<std::int64_t> number = value.as_int()) {
      write_integer(*number);
    } else if (const std::optional<bool> truth = value.as_bool()) {
      out_.put(*truth ? "true" : "false");
    } else {
      out_.put("null");
    }
  }

 private:
  /// Neighbours that share a block, as a reader leaves them, have one text.
  void write_once(const Value& value, const Object& object) {
    if constexpr (requires { out_.again(0, 0); }) {
      if (last_ != nullptr && value.is_one_with(*last_)) return out_.again(last_from_, last_to_);
      const std::size_t from = out_.size();
      write_object(object);
      last_ = &value, last_from_ = from, last_to_ = out_.size();
    } else {
      write_object(object);
    }
  }

  void write_object(const Object& object) {
    out_.put('{');
    ++depth_;
    bool first = true;
    for (const Member& member : object) {
      separate(first);
      write_string(member.key);
      out_.put(':');
      if (form_ == Form::Pretty) out_.put(' ');
      write(member.value);
    }
    close(first, '}');
  }

  void write_array(const Array& array) {
    out_.put('[');
    ++depth_;
    bool first = true;
    for (const Value& element : array) {
      separate(first);
      write(element);
    }
    close(first, ']');
  }

  void separate(bool& first) {
    if (!first) out_.put(',');
    first = false;
    break_line();
  }

  void close(bool empty, char bracket) {
    --depth_;
    if (!empty) break_line();
    out_.put(bracket);
  }

  void break_line() {
    if (form_ != Form::Pretty) return;
    out_.put('\n');
    for (std::size_t i = 0; i < depth_; ++i) out_.put("  ");
  }

  void write_integer(std::int64_t number) {
    std::array<char, 20> digits{};  // the longest is "-9223372036854775808"
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    out_.put(std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data())));
  }

  void write_string(std::string_view text) {
    out_.put('"');
    std::size_t run = 0;  // start of what needs no escape and is not written yet
    for (std::size_t i = first_escaped(text); i < text.size(); ++i) {
      const auto c = static_cast<unsigned char>(text[i]);
      if (c != '"' && c != '\\' && (c >= 0x20 || form_ == Form::Canonical)) continue;
      out_.put(text.substr(run, i - run));
      write_escape(c);
      run = i + 1;
    }
    out_.put(text.substr(run));
    out_.put('"');
  }

  /// Or one before: the others need not be looked at. Canonical form escapes two characters alone, and nearly
  /// no string has them.
  [[nodiscard]] std::size_t first_escaped(std::string_view text) const {
    if (form_ != Form::Canonical) return 0;
    std::size_t at = 0;
    for (std::uint64_t eight = 0; at + sizeof eight <= text.size(); at += sizeof eight) {
      std::memcpy(&eight, text.data() + at, sizeof eight);
      if (has_byte(eight, '"') || has_byte(eight, '\\')) return at;
    }
    return at;
  }

  void write_escape(unsigned char c) {
    static constexpr std::string_view kDigits = "0123456789abcdef";
    switch (c) {
      case '"':
        return out_.put("\\\"");
      case '\\':
        return out_.put("\\\\");
      case '\n':
        return out_.put("\\n");
      case '\r':
        return out_.put("\\r");
      case '\t':
        return out_.put("\\t");
      default:
        out_.put("\\u00");
        out_.put(kDigits.substr(c >> 4U, 1));
        out_.put(kDigits.substr(c & 0x0fU, 1));
    }
  }

  Out& out_;
  Form form_;
  std::size_t depth_ = 0;
  const Value* last_ = nullptr;  ///< object that was written, and where
  std::size_t last_from_ = 0, last_to_ = 0;
};

std::string text_of(const Value& value, Form form) {
  Text text;
  Writer(text, form).write(value);
  return text.take();
}

}  // namespace

Bytes canonical(const Value& value) {
  Length length;
  Writer(length, Form::Canonical).write(value);
  Bytes out(length.size());
  Filled filled(out);
  Writer(filled, Form::Canonical).write(value);
  COTTER_ASSERT(filled.size() == out.size());
  return out;
}

std::optional<std::size_t> canonical_length_in(const Value& value, std::string_view text) {
  Compared compared(text);
  Writer(compared, Form::Canonical).write(value);
  if (!compared.is_same()) return std::nullopt;
  return compared.size();
}

std::string to_text(const Value& value) { return text_of(value, Form::Compact); }

std::string to_pretty_text(const Value& value) { return text_of(value, Form::Pretty) + "\n"; }

}  // namespace cotter::json
