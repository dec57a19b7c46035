// Rows of a CSV file (RFC 4180), each with the line that it begins on. Never guesses where a field ends: what
// is no CSV ends the reading. Memory: one row. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <istream>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"

namespace cotter::inventory {

class CsvRows {
 public:
  static constexpr std::size_t kMaxRowBytes = std::size_t{64} * 1024;

  /// `in` must outlive it. A byte order mark at its beginning is passed over.
  explicit CsvRows(std::istream& in);

  struct Row {
    std::uint64_t line = 0;  ///< from 1
    std::vector<std::string> fields;
  };
  /// The next row; empty lines are none. Nothing at the end. Faults: Usage (a quote where none may be, one
  /// that is never closed, a row above kMaxRowBytes: on which line), Io.
  Result<std::optional<Row>> next();
  [[nodiscard]] std::uint64_t bytes_read() const noexcept { return read_; }

 private:
  int take();
  Result<bool> read_field(Row& row);
  Result<std::string> read_quoted(std::uint64_t began);
  [[nodiscard]] Fault wrong(std::uint64_t line, const std::string& what) const;

  std::istream* in_;
  std::uint64_t line_ = 1;
  std::uint64_t read_ = 0;
  std::size_t row_bytes_ = 0;
};

}  // namespace cotter::inventory
