#include "tests/replay/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "common/host/atomic_file.h"
#include "common/host/output.h"
#include "common/json/canonical.h"
#include "tests/replay/catalogue.h"

namespace cotter::replay {
namespace {

std::string escaped(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

/// What happened, in words: nothing where all was as required.
std::string told(const Verdict& verdict) {
  if (verdict.finding) return fmt::format("{}: {}", name_of(verdict.finding->lapse), verdict.finding->what);
  return verdict.why;
}

std::string story_of(const Verdict& verdict) {
  std::string all;
  for (const StepLine& line : verdict.story) all += line.verb + " " + line.what + "\n";
  return all;
}

std::string test_case(const scenario::Scenario& scenario, const Verdict& verdict) {
  std::string inner;
  const std::string message = escaped(told(verdict));
  if (verdict.outcome == Outcome::Waiting || verdict.outcome == Outcome::NotAsked) {
    inner = fmt::format("<skipped message=\"{}\"/>", message);
  } else if (verdict.outcome == Outcome::Fooled) {
    inner = fmt::format("<failure type=\"{}\" message=\"{}\">{}</failure>", name_of(verdict.finding->lapse),
                        message, escaped(scenario.must + "\n" + story_of(verdict)));
  } else if (verdict.outcome == Outcome::Trouble) {
    inner = fmt::format("<error message=\"{}\">{}</error>", message, escaped(story_of(verdict)));
  }
  return fmt::format("  <testcase classname=\"cotter-replay.{}\" name=\"{}\" time=\"{:.3f}\">{}</testcase>\n",
                     escaped(attack_of(scenario)), escaped(scenario.name),
                     static_cast<double>(verdict.milliseconds) / 1000, inner);
}

void print_not_asked(const Scorecard& card) {
  std::map<std::string, std::size_t> reasons;
  for (const Verdict& verdict : card.verdicts) {
    if (verdict.outcome != Outcome::NotAsked) continue;
    ++reasons[verdict.why.substr(0, verdict.why.find(" ("))];
  }
  for (const auto& [reason, count] : reasons)
    fmt::print("not asked, and not counted: {:4} that {}\n", count, reason);
}

}  // namespace

std::size_t Scorecard::count(Outcome outcome) const {
  return static_cast<std::size_t>(std::ranges::count(verdicts, outcome, &Verdict::outcome));
}

std::string Scorecard::last_line() const {
  const std::size_t required = count(Outcome::AsRequired), fooled = count(Outcome::Fooled);
  const std::size_t waiting = count(Outcome::Waiting);
  return fmt::format("{} scenarios: {} as required, {} fooled, {} waiting", required + fooled + waiting,
                     required, fooled, waiting);
}

json::Object as_json(const Scorecard& card) {
  json::Array all;
  for (std::size_t i = 0; i < card.verdicts.size(); ++i) {
    json::Object entry = describe(card.scenarios[i]);
    for (const json::Member& member : card.verdicts[i].encode()) {
      if (member.key == "why") {
        entry.set("because", member.value);  // "why" is the scenario's
      } else {
        entry.set(member.key, member.value);
      }
    }
    all.emplace_back(std::move(entry));
  }
  return {{"client", card.client},
          {"protocol", name_of(card.protocol)},
          {"at", format_utc(card.at)},
          {"scenarios", std::move(all)},
          {"as_required", std::uint64_t{card.count(Outcome::AsRequired)}},
          {"fooled", std::uint64_t{card.count(Outcome::Fooled)}},
          {"waiting", std::uint64_t{card.count(Outcome::Waiting)}},
          {"not_asked", std::uint64_t{card.count(Outcome::NotAsked)}},
          {"trouble", std::uint64_t{card.count(Outcome::Trouble)}}};
}

std::string as_junit(const Scorecard& card) {
  std::int64_t milliseconds = 0;
  std::string cases;
  for (std::size_t i = 0; i < card.verdicts.size(); ++i) {
    milliseconds += card.verdicts[i].milliseconds;
    cases += test_case(card.scenarios[i], card.verdicts[i]);
  }
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<testsuite name=\"cotter-replay {} against {}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" "
      "skipped=\"{}\" "
      "time=\"{:.3f}\" timestamp=\"{}\">\n{}</testsuite>\n",
      name_of(card.protocol), escaped(card.client), card.verdicts.size(), card.count(Outcome::Fooled),
      card.count(Outcome::Trouble), card.count(Outcome::Waiting) + card.count(Outcome::NotAsked),
      static_cast<double>(milliseconds) / 1000, format_utc(card.at).substr(0, 19), cases);
}

void print(const Scorecard& card) {
  host::Table table({"scenario", "attack", "outcome", "what happened"});
  for (std::size_t i = 0; i < card.verdicts.size(); ++i) {
    const Verdict& verdict = card.verdicts[i];
    if (verdict.outcome == Outcome::NotAsked) continue;
    const std::string outcome =
        verdict.outcome == Outcome::Fooled ? "FOOLED" : std::string(name_of(verdict.outcome));
    table.add_row({verdict.scenario, attack_of(card.scenarios[i]), outcome, told(verdict)});
  }
  if (!table.empty()) table.print();
  print_not_asked(card);
  if (const auto trouble = card.count(Outcome::Trouble); trouble > 0) {
    fmt::print("could not be played: {:4}, which says nothing about the client\n", trouble);
  }
  fmt::print("{}\n", card.last_line());
  std::fflush(stdout);
}

Result<void> check_report_name(const std::filesystem::path& file) {
  if (file.extension() == ".json" || file.extension() == ".xml") return {};
  return fault(Fault::Kind::Usage, "'" + file.string() + "' is no report that can be written",
               "end its name in .xml for JUnit, or in .json");
}

Result<void> write_report(const Scorecard& card, const std::filesystem::path& file) {
  TRY(check_report_name(file));
  const std::string text =
      file.extension() == ".xml" ? as_junit(card) : json::to_pretty_text(as_json(card)) + "\n";
  return host::write_atomically(file, as_bytes(text));
}

}  // namespace cotter::replay
