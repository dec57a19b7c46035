#include "server/app/forecast_formats.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace cotter::app {
namespace {

std::string day_of(UtcTime time) { return format_utc(time).substr(0, 10); }

/// What another must not take for its own marks.
std::string escaped(std::string_view text, const std::function<std::string_view(char)>& mark) {
  std::string out;
  for (const char c : text) {
    const std::string_view instead = mark(c);
    if (instead.empty()) {
      out += c;
    } else {
      out += instead;
    }
  }
  return out;
}

// --- iCalendar ---------------------------------------------------------------------------------------------

constexpr std::size_t kLineOctets = 75;  // RFC 5545, 3.1

bool is_inside_character(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

/// One content line: broken where it must be, never within a character.
void add_line(std::string& out, std::string_view line) {
  std::size_t room = kLineOctets;
  while (line.size() > room) {
    std::size_t cut = room;
    while (is_inside_character(line[cut])) --cut;
    out.append(line.substr(0, cut)).append("\r\n ");
    line.remove_prefix(cut);
    room = kLineOctets - 1;  // the blank counts
  }
  out.append(line).append("\r\n");
}

std::string calendar_text(std::string_view text) {
  return escaped(text, [](char c) -> std::string_view {
    switch (c) {
      case '\\':
        return "\\\\";
      case ';':
        return "\\;";
      case ',':
        return "\\,";
      case '\n':
        return "\\n";
      default:
        return static_cast<unsigned char>(c) < 0x20 ? "?" : "";
    }
  });
}

/// "20270131T000000Z"
std::string calendar_time(UtcTime time) {
  std::string text = format_utc(time);
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text;
}

std::string span(std::chrono::seconds length) {
  const auto days = std::chrono::duration_cast<std::chrono::days>(length);
  return days == length ? fmt::format("P{}D", days.count()) : fmt::format("PT{}S", length.count());
}

void add_event(std::string& out, const Ending& ending, UtcTime now, std::chrono::seconds warn,
               std::string_view origin) {
  const Perishable& what = ending.what;
  const auto line = [&](std::string_view name, std::string_view value) {
    add_line(out, fmt::format("{}:{}", name, value));
  };
  std::string id = what.id;
  std::replace(id.begin(), id.end(), '/', '.');
  const std::string summary = calendar_text("ends: " + what.name);
  std::string story =
      what.stops + "\n" + reach_in_words(what.reach) + "\n" + who_acts(what) + ": " + what.command;
  if (ending.with) story = "with " + *ending.with + "\n" + story;
  line("BEGIN", "VEVENT");
  line("UID", fmt::format("{}.{}@cotter", id, origin));
  line("DTSTAMP", calendar_time(now));
  line("DTSTART", calendar_time(ending.stops_at));
  // What has no version was made later than what it follows.
  const auto day_made = std::chrono::duration_cast<std::chrono::days>(what.begins.time_since_epoch()).count();
  line("SEQUENCE", what.version > 0 ? std::to_string(what.version) : std::to_string(day_made));
  line("SUMMARY", summary);
  line("DESCRIPTION", calendar_text(story));
  line("TRANSP", "TRANSPARENT");
  line("BEGIN", "VALARM");
  line("ACTION", "DISPLAY");
  line("TRIGGER", "-" + span(warn));
  line("DESCRIPTION", summary);
  line("END", "VALARM");
  line("END", "VEVENT");
}

// --- SVG ---------------------------------------------------------------------------------------------------

constexpr int kLeft = 340, kAxis = 560, kRight = 240, kRow = 28, kTop = 64, kBottom = 24;
constexpr int kBar = 16;          // its height
constexpr int kFirstMonths = 13;  // with more of them only every third has its name

std::string xml_text(std::string_view text) {
  return escaped(text, [](char c) -> std::string_view {
    switch (c) {
      case '&':
        return "&amp;";
      case '<':
        return "&lt;";
      case '>':
        return "&gt;";
      case '"':
        return "&quot;";
      default:
        return static_cast<unsigned char>(c) < 0x20 ? "?" : "";
    }
  });
}

std::string_view colour_of(Urgency urgency) {
  switch (urgency) {
    case Urgency::RenewsItself:
      return "#8aa4b8";
    case Urgency::Fine:
      return "#4c8f5f";
    case Urgency::HalfUsed:
      return "#a9a13a";
    case Urgency::Due:
      return "#d98a2b";
    case Urgency::Stopped:
    case Urgency::Urgent:
    case Urgency::Late:
    case Urgency::Ended:
      break;
  }
  return "#c0392b";
}

class Timeline {
 public:
  Timeline(UtcTime now, UtcTime until) : now_(now), until_(std::max(until, now + std::chrono::days(1))) {}

  std::string draw(const std::vector<Ending>& endings) {
    const int height = kTop + static_cast<int>(endings.size()) * kRow + kBottom;
    const int width = kLeft + kAxis + kRight;
    out_ = fmt::format(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" "
        "font-family=\"sans-serif\" font-size=\"13\">\n"
        "<title>What ends, from {2} on</title>\n"
        "<rect width=\"{0}\" height=\"{1}\" fill=\"#ffffff\"/>\n",
        width, height, day_of(now_));
    text(12, 22, "start", fmt::format("What ends, from {} on", day_of(now_)));
    draw_months(height - kBottom);
    int y = kTop;
    for (const Ending& ending : endings) {
      draw_row(ending, y);
      y += kRow;
    }
    out_ += "</svg>\n";
    return std::move(out_);
  }

 private:
  [[nodiscard]] int x_of(UtcTime time) const {
    const auto at = std::clamp(time, now_, until_) - now_;
    return kLeft + static_cast<int>(at * kAxis / (until_ - now_));
  }

  void text(int x, int y, std::string_view anchor, std::string_view words) {
    // The white rim keeps the lines of the months out of the letters.
    out_ += fmt::format(
        "<text x=\"{}\" y=\"{}\" text-anchor=\"{}\" fill=\"#222222\" stroke=\"#ffffff\" stroke-width=\"4\" "
        "paint-order=\"stroke\">{}</text>\n",
        x, y, anchor, xml_text(words));
  }

  void draw_months(int bottom) {
    using namespace std::chrono;
    const bool is_long = until_ - now_ > days(31) * kFirstMonths;
    year_month_day day{floor<days>(now_)};
    for (auto month = day.year() / day.month() + months(1); sys_days(month / 1) < until_;
         month += months(1)) {
      if (is_long && (static_cast<unsigned>(month.month()) - 1) % (until_ - now_ > days(1200) ? 12 : 3) != 0)
        continue;
      const int x = x_of(sys_days(month / 1));
      out_ += fmt::format("<line x1=\"{0}\" y1=\"{1}\" x2=\"{0}\" y2=\"{2}\" stroke=\"#dddddd\"/>\n", x,
                          kTop - 10, bottom);
      const std::string name = format_utc(sys_days(month / 1)).substr(2, 5);
      out_ += fmt::format(
          "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\" font-size=\"10\" fill=\"#666666\">{}</text>\n", x,
          kTop - 16, name);
    }
  }

  void draw_row(const Ending& ending, int y) {
    const Perishable& what = ending.what;
    const int x = x_of(ending.stops_at);
    const bool is_beyond = ending.stops_at > until_;
    out_ +=
        fmt::format("<g><title>{}</title>\n",
                    xml_text(fmt::format("{}: {}; {}", what.name, what.stops, reach_in_words(what.reach))));
    text(kLeft - 10, y + kBar - 3, "end", what.name);
    out_ += fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"2\" fill=\"{}\"/>\n", kLeft,
                        y, std::max(x - kLeft, 3), kBar, colour_of(ending.urgency));
    // Its own end, where something else takes it along before.
    if (what.ends > ending.stops_at && !is_beyond) {
      out_ += fmt::format(
          "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"none\" stroke=\"#999999\" "
          "stroke-dasharray=\"3 3\"/>\n",
          x, y, std::max(x_of(what.ends) - x, 1), kBar);
    }
    std::string state(name_of(ending.urgency));
    std::replace(state.begin(), state.end(), '-', ' ');
    const int after = is_beyond ? x : std::max(x, x_of(what.ends));
    text(after + 6, y + kBar - 3, "start",
         fmt::format("{}{}, {}", is_beyond ? "\xE2\x86\x92 " : "", day_of(ending.stops_at), state));
    out_ += "</g>\n";
  }

  UtcTime now_, until_;
  std::string out_;
};

// --- Prometheus --------------------------------------------------------------------------------------------

std::string label_text(std::string_view text) {
  return escaped(text, [](char c) -> std::string_view {
    switch (c) {
      case '\\':
        return "\\\\";
      case '"':
        return "\\\"";
      case '\n':
        return "\\n";
      default:
        return "";
    }
  });
}

std::string labels_of(const Perishable& what) {
  const std::size_t slash = what.id.find('/');
  return fmt::format(R"({{repository="{}",role="{}"}})", label_text(what.id.substr(0, slash)),
                     label_text(what.id.substr(slash + 1)));
}

}  // namespace

std::string who_acts(const Perishable& what) {
  std::string words;
  for (const Quorum& quorum : what.quorums) {
    if (!words.empty()) words += "; and ";
    if (quorum.who.size() > 1) words += fmt::format("{} of ", quorum.needed);
    words += fmt::format("{}", fmt::join(quorum.who, ", "));
  }
  return words;
}

std::string reach_in_words(const storage::FleetCount& reach) {
  if (reach.vehicles == 0) return "no vehicle";
  return fmt::format("{} {} in {} {}", reach.ecus, reach.ecus == 1 ? "ECU" : "ECUs", reach.vehicles,
                     reach.vehicles == 1 ? "vehicle" : "vehicles");
}

std::string as_calendar(const std::vector<Ending>& endings, UtcTime now, std::chrono::seconds warn,
                        std::string_view origin) {
  std::string out;
  for (const char* line : {"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Cotter//cotter key forecast//EN",
                           "CALSCALE:GREGORIAN", "METHOD:PUBLISH"}) {
    add_line(out, line);
  }
  for (const Ending& ending : endings) {
    if (ending.urgency != Urgency::RenewsItself) add_event(out, ending, now, warn, origin);
  }
  add_line(out, "END:VCALENDAR");
  return out;
}

std::string as_timeline(const std::vector<Ending>& endings, UtcTime now, UtcTime until) {
  return Timeline(now, until).draw(endings);
}

std::string as_metrics(const std::vector<Ending>& endings, UtcTime now) {
  std::string out;
  const auto family = [&](std::string_view name, std::string_view help,
                          const std::function<std::int64_t(const Ending&)>& value) {
    out += fmt::format("# HELP {0} {1}\n# TYPE {0} gauge\n", name, help);
    for (const Ending& ending : endings) {
      out += fmt::format("{}{} {}\n", name, labels_of(ending.what), value(ending));
    }
  };
  family("cotter_expiry_timestamp_seconds", "When it stops: its own end, or that of what it hangs on.",
         [](const Ending& ending) { return ending.stops_at.time_since_epoch().count(); });
  family("cotter_expiry_due", "1 where somebody must act now, or cotterd is late.",
         [](const Ending& ending) { return ending.is_due() ? 1 : 0; });
  family("cotter_expiry_life_used_percent", "How much of its own life is over.",
         [](const Ending& ending) { return ending.life_used; });
  family("cotter_expiry_vehicles", "Vehicles that stop with it.",
         [](const Ending& ending) { return static_cast<std::int64_t>(ending.what.reach.vehicles); });
  out += fmt::format(
      "# HELP cotter_forecast_timestamp_seconds When this was found out.\n"
      "# TYPE cotter_forecast_timestamp_seconds gauge\ncotter_forecast_timestamp_seconds {}\n",
      now.time_since_epoch().count());
  return out;
}

}  // namespace cotter::app
