#include "server/inventory/csv_rows.h"

#include <string_view>
#include <utility>

namespace cotter::inventory {
namespace {

constexpr int kEnd = std::char_traits<char>::eof();

}  // namespace

CsvRows::CsvRows(std::istream& in) : in_(&in) {
  constexpr std::string_view kMark = "\xef\xbb\xbf";
  std::string begins(kMark.size(), '\0');
  in_->read(begins.data(), static_cast<std::streamsize>(begins.size()));
  if (in_->gcount() == static_cast<std::streamsize>(kMark.size()) && begins == kMark) {
    read_ = kMark.size();
    return;
  }
  in_->clear();
  in_->seekg(0);
}

Fault CsvRows::wrong(std::uint64_t line, const std::string& what) const {
  return {
      Fault::Kind::Usage, "line " + std::to_string(line) + " is no CSV: " + what,
      "fields are parted by commas; one with a comma, a quote or a line's end in it stands in double quotes"};
}

int CsvRows::take() {
  const int c = in_->get();
  if (c == kEnd) return c;
  ++read_;
  ++row_bytes_;
  if (c == '\n') ++line_;
  return c;
}

Result<std::optional<CsvRows::Row>> CsvRows::next() {
  for (;;) {
    Row row;
    row.line = line_;
    row_bytes_ = 0;
    bool more = true;
    while (more) more = TRY(read_field(row));
    if (in_->bad()) return fault(Fault::Kind::Io, "cannot read on after line " + std::to_string(line_));
    const bool is_empty = row.fields.size() == 1 && row.fields.front().empty();
    if (!is_empty) return std::optional(std::move(row));
    if (in_->eof()) return std::optional<Row>();
  }
}

/// Whether another field of the row follows.
Result<bool> CsvRows::read_field(Row& row) {
  std::string field;
  bool is_quoted = false;
  for (;;) {
    if (row_bytes_ > kMaxRowBytes) return fail(wrong(row.line, "a row of more than 64 KiB"));
    const int c = take();
    if (c == '\r' && in_->peek() == '\n') continue;
    if (c == ',' || c == '\n' || c == kEnd) {
      row.fields.push_back(std::move(field));
      return c == ',';
    }
    if (is_quoted) return fail(wrong(line_, "something follows a closing quote"));
    if (c == '"' && !field.empty())
      return fail(wrong(line_, "a quote within a field that has none before it"));
    if (c == '"') {
      field = TRY(read_quoted(line_));
      is_quoted = true;
    } else {
      field.push_back(static_cast<char>(c));
    }
  }
}

/// Behind its opening quote.
Result<std::string> CsvRows::read_quoted(std::uint64_t began) {
  std::string field;
  for (;;) {
    if (row_bytes_ > kMaxRowBytes)
      return fail(wrong(began, "a row of more than 64 KiB: is a quote left open?"));
    const int c = take();
    if (c == kEnd) return fail(wrong(began, "a quote is never closed"));
    if (c == '"' && in_->peek() != '"') return field;
    if (c == '"') take();
    field.push_back(static_cast<char>(c));
  }
}

}  // namespace cotter::inventory
