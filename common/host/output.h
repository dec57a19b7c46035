// What programs show on a terminal or in a pipe: JSON, tables, progress.
// Never colours or moves the cursor when no terminal looks; never prints a secret. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/json/value.h"

namespace cotter::host {

/// Whether a person looks at it, and TERM is not "dumb".
bool is_terminal(std::FILE* stream) noexcept;

/// One JSON document, indented, and a newline, on stdout.
void print_json(const json::Value& value);
/// One JSON document on one line, flushed: for programs that go on running.
void print_json_line(const json::Value& value);

/// Columns aligned by their widest cell, heads bold on a terminal only. Cells are UTF-8; control bytes are
/// shown as `?`.
class Table {
 public:
  explicit Table(std::vector<std::string> heads);
  /// As many cells as heads.
  void add_row(std::vector<std::string> cells);
  [[nodiscard]] bool empty() const noexcept { return rows_.empty(); }
  [[nodiscard]] std::string text(bool bold_heads = false) const;
  void print(std::FILE* stream = stdout) const;

 private:
  std::vector<std::string> heads_;
  std::vector<std::vector<std::string>> rows_;
};

/// "4.0 MB", "517 B".
std::string human_bytes(std::uint64_t bytes);

/// What is counted, and shown as.
enum class Unit : std::uint8_t { Bytes, Pieces };

/// ", 12.0 MB/s, 1:05 left", of pieces ", 12.0/s, 1:05 left": how fast it went so far, and minutes and
/// seconds at that pace; empty while it is too soon to tell.
std::string pace(std::uint64_t done, std::uint64_t total, double seconds, Unit unit = Unit::Bytes);

/// A bar as text, for work of one part or of several in a row. Has no clock and no terminal: it is told the
/// time.
class ProgressLine {
 public:
  using Time = std::chrono::steady_clock::time_point;
  explicit ProgressLine(Time began) : began_(began) {}
  /// The next part; how fast it goes is its own matter.
  void begin(std::string label, std::uint64_t total, Unit unit, Time now);
  /// The line, where it is time to draw it: not in the first two seconds of the work, then ten times a second
  /// at most; nothing of a part that is empty.
  std::optional<std::string> at(std::uint64_t done, Time now);

 private:
  std::string label_;
  std::uint64_t total_ = 0;
  Unit unit_ = Unit::Bytes;
  Time began_, part_began_{};
  std::optional<Time> last_drawn_{};
};

/// A bar on stderr for work of more than two seconds; nothing at all unless stderr is a terminal.
class Progress {
 public:
  Progress();  ///< of nothing yet: begin()
  Progress(std::string label, std::uint64_t total, Unit unit = Unit::Bytes);
  ~Progress();  ///< clears the line
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  /// The next part of the work, on the same line.
  void begin(std::string label, std::uint64_t total, Unit unit);
  void advance_to(std::uint64_t done);
  /// Takes the line away until it is drawn next, for others to write.
  void clear();

 private:
  bool is_seen_;
  bool is_drawn_ = false;
  ProgressLine line_;
};

}  // namespace cotter::host
