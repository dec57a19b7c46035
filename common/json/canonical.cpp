#include "common/json/canonical.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace cotter::json {
namespace {

void put(Bytes& out, std::string_view text) {
  const ByteView bytes = as_bytes(text);
  out.insert(out.end(), bytes.begin(), bytes.end());
}
void put(std::string& out, std::string_view text) { out.append(text); }
template <class Out>
void put(Out& out, char sign) {
  out.push_back(static_cast<typename Out::value_type>(sign));
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
      write_object(*object);
    } else if (const Array* array = value.as_array()) {
      write_array(*array);
    } else if (const String* text = value.as_string()) {
      write_string(*text);
    } else if (const std::optional<std::int64_t> number = value.as_int()) {
      write_integer(*number);
    } else if (const std::optional<bool> truth = value.as_bool()) {
      put(out_, *truth ? "true" : "false");
    } else {
      put(out_, "null");
    }
  }

 private:
  void write_object(const Object& object) {
    put(out_, '{');
    ++depth_;
    bool first = true;
    for (const Member& member : object) {
      separate(first);
      write_string(member.key);
      put(out_, ':');
      if (form_ == Form::Pretty) put(out_, ' ');
      write(member.value);
    }
    close(first, '}');
  }

  void write_array(const Array& array) {
    put(out_, '[');
    ++depth_;
    bool first = true;
    for (const Value& element : array) {
      separate(first);
      write(element);
    }
    close(first, ']');
  }

  void separate(bool& first) {
    if (!first) put(out_, ',');
    first = false;
    break_line();
  }

  void close(bool empty, char bracket) {
    --depth_;
    if (!empty) break_line();
    put(out_, bracket);
  }

  void break_line() {
    if (form_ != Form::Pretty) return;
    put(out_, '\n');
    for (std::size_t i = 0; i < depth_; ++i) put(out_, "  ");
  }

  void write_integer(std::int64_t number) {
    std::array<char, 20> digits{};  // the longest is "-9223372036854775808"
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    put(out_, std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data())));
  }

  void write_string(std::string_view text) {
    put(out_, '"');
    std::size_t run = 0;  // start of what needs no escape and is not written yet
    for (std::size_t i = first_to_look_at(text); i < text.size(); ++i) {
      const auto c = static_cast<unsigned char>(text[i]);
      if (c != '"' && c != '\\' && (c >= 0x20 || form_ == Form::Canonical)) continue;
      put(out_, text.substr(run, i - run));
      write_escape(c);
      run = i + 1;
    }
    put(out_, text.substr(run));
    put(out_, '"');
  }

  /// Canonical form escapes two characters alone, and nearly no string has them.
  [[nodiscard]] std::size_t first_to_look_at(std::string_view text) const {
    if (form_ != Form::Canonical) return 0;
    return std::min({text.find('"'), text.find('\\'), text.size()});
  }

  void write_escape(unsigned char c) {
    static constexpr std::string_view kDigits = "0123456789abcdef";
    switch (c) {
      case '"':
        return put(out_, "\\\"");
      case '\\':
        return put(out_, "\\\\");
      case '\n':
        return put(out_, "\\n");
      case '\r':
        return put(out_, "\\r");
      case '\t':
        return put(out_, "\\t");
      default:
        put(out_, "\\u00");
        put(out_, kDigits.substr(c >> 4U, 1));
        put(out_, kDigits.substr(c & 0x0fU, 1));
    }
  }

  Out& out_;
  Form form_;
  std::size_t depth_ = 0;
};

std::string text_of(const Value& value, Form form) {
  std::string out;
  Writer<std::string>(out, form).write(value);
  return out;
}

}  // namespace

Bytes canonical(const Value& value, std::size_t at_most) {
  Bytes out;
  out.reserve(at_most);
  Writer<Bytes>(out, Form::Canonical).write(value);
  return out;
}

std::string to_text(const Value& value) { return text_of(value, Form::Compact); }

std::string to_pretty_text(const Value& value) { return text_of(value, Form::Pretty) + "\n"; }

}  // namespace cotter::json
