#include "common/host/output.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "common/base/error.h"
#include "common/json/canonical.h"

namespace cotter::host {
namespace {

/// Code points, near enough to columns for what we print.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

/// A cell may hold what a vehicle sent: it must not move the cursor.
std::string without_controls(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; },
      '?');
  return text;
}

void append_row(std::string& out, const std::vector<std::string>& cells,
                const std::vector<std::size_t>& widths) {
  for (std::size_t i = 0; i < cells.size(); ++i) {
    out += cells[i];
    if (i + 1 < cells.size()) out.append(widths[i] - width_of(cells[i]) + 2, ' ');
  }
}

constexpr std::chrono::seconds kSilent{2};
constexpr std::chrono::milliseconds kRedraw{100};
constexpr std::uint64_t kBarWidth = 30;

}  // namespace

bool is_terminal(std::FILE* stream) noexcept {
  const char* term = std::getenv("TERM");
  return ::isatty(::fileno(stream)) == 1 && (term == nullptr || std::string_view(term) != "dumb");
}

void print_json(const json::Value& value) { fmt::print("{}\n", json::to_pretty_text(value)); }

void print_json_line(const json::Value& value) {
  fmt::print("{}\n", json::to_text(value));
  std::fflush(stdout);
}

Table::Table(std::vector<std::string> heads) : heads_(std::move(heads)) {}

void Table::add_row(std::vector<std::string> cells) {
  COTTER_ASSERT(cells.size() == heads_.size());
  std::transform(cells.begin(), cells.end(), cells.begin(), without_controls);
  rows_.push_back(std::move(cells));
}

std::string Table::text(bool bold_heads) const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < heads_.size(); ++i) {
    std::size_t width = width_of(heads_[i]);
    for (const auto& row : rows_) width = std::max(width, width_of(row[i]));
    widths.push_back(width);
  }
  std::string out = bold_heads ? "\033[1m" : "";
  append_row(out, heads_, widths);
  out += bold_heads ? "\033[0m\n" : "\n";
  for (const auto& row : rows_) {
    append_row(out, row, widths);
    out += '\n';
  }
  return out;
}

void Table::print(std::FILE* stream) const { fmt::print(stream, "{}", text(is_terminal(stream))); }

std::string human_bytes(std::uint64_t bytes) {
  static constexpr std::array kUnits = {"kB", "MB", "GB", "TB"};
  if (bytes < 1000) return fmt::format("{} B", bytes);
  double amount = static_cast<double>(bytes) / 1000;
  std::size_t unit = 0;
  while (amount >= 999.95 && unit + 1 < kUnits.size()) {
    amount /= 1000;
    ++unit;
  }
  return fmt::format("{:.1f} {}", amount, kUnits[unit]);
}

std::string pace(std::uint64_t done, std::uint64_t total, double seconds, Unit unit) {
  constexpr double kTooSoonToTell = 0.5;
  if (seconds < kTooSoonToTell || done == 0) return {};
  const double rate = static_cast<double>(done) / seconds;
  const double left = done < total ? static_cast<double>(total - done) / rate : 0;
  const auto whole = static_cast<std::uint64_t>(std::lround(left));
  return fmt::format(
      ", {}/s, {}:{:02} left",
      unit == Unit::Bytes ? human_bytes(static_cast<std::uint64_t>(rate)) : fmt::format("{:.1f}", rate),
      whole / 60, whole % 60);
}

void ProgressLine::begin(std::string label, std::uint64_t total, Unit unit, Time now) {
  label_ = std::move(label);
  total_ = total;
  unit_ = unit;
  part_began_ = now;
  last_drawn_.reset();
}

std::optional<std::string> ProgressLine::at(std::uint64_t done, Time now) {
  if (total_ == 0 || now - began_ < kSilent) return std::nullopt;
  if (last_drawn_ && now - *last_drawn_ < kRedraw) return std::nullopt;
  last_drawn_ = now;
  const std::uint64_t filled = std::min(done, total_) * kBarWidth / total_;
  const std::chrono::duration<double> spent = now - part_began_;
  const auto shown = [this](std::uint64_t amount) {
    return unit_ == Unit::Bytes ? human_bytes(amount) : std::to_string(amount);
  };
  return fmt::format("{} [{:<{}}] {} of {}{}", label_, std::string(filled, '#'), kBarWidth, shown(done),
                     shown(total_), pace(done, total_, spent.count(), unit_));
}

Progress::Progress() : is_seen_(is_terminal(stderr)), line_(std::chrono::steady_clock::now()) {}

Progress::Progress(std::string label, std::uint64_t total, Unit unit) : Progress() {
  begin(std::move(label), total, unit);
}

Progress::~Progress() { clear(); }

void Progress::clear() {
  if (!std::exchange(is_drawn_, false)) return;
  fmt::print(stderr, "\r\033[K");
  std::fflush(stderr);
}

void Progress::begin(std::string label, std::uint64_t total, Unit unit) {
  line_.begin(std::move(label), total, unit, std::chrono::steady_clock::now());
}

void Progress::advance_to(std::uint64_t done) {
  if (!is_seen_) return;
  const auto line = line_.at(done, std::chrono::steady_clock::now());
  if (!line) return;
  is_drawn_ = true;
  fmt::print(stderr, "\r\033[K{}", *line);
  std::fflush(stderr);
}

}  // namespace cotter::host
