#include "tests/replay/verdict.h"

#include <array>

#include "common/json/object_view.h"

namespace cotter::replay {
namespace {

constexpr std::array kOutcomes = {"as-required", "fooled", "waiting", "not-asked", "trouble"};
constexpr std::array kLapses = {"installed", "trusted", "accepted", "asked", "wrote",
                                "unnamed",   "held",    "crashed",  "kept"};

template <class Enum, std::size_t N>
Enum named(const std::array<const char*, N>& names, const std::string& name) {
  std::size_t i = 0;
  while (i + 1 < N && name != names.at(i)) ++i;
  return static_cast<Enum>(i);
}

}  // namespace

std::string_view name_of(Outcome outcome) noexcept { return kOutcomes.at(static_cast<std::size_t>(outcome)); }
std::string_view name_of(Lapse lapse) noexcept { return kLapses.at(static_cast<std::size_t>(lapse)); }

json::Object Verdict::encode() const {
  json::Array steps;
  for (const StepLine& line : story)
    steps.emplace_back(json::Object{{"verb", line.verb}, {"what", line.what}});
  json::Object all{{"name", scenario},
                   {"outcome", name_of(outcome)},
                   {"milliseconds", milliseconds},
                   {"story", std::move(steps)}};
  if (finding) {
    all.set("lapse", name_of(finding->lapse));
    all.set("what", finding->what);
  }
  if (!why.empty()) all.set("why", why);
  return all;
}

Result<Verdict> Verdict::decode(const json::Value& value) {
  const auto view = TRY(json::ObjectView::of(value, "verdict"));
  Verdict verdict;
  verdict.scenario = TRY(view.string("name"));
  verdict.outcome = named<Outcome>(kOutcomes, TRY(view.string("outcome")));
  verdict.milliseconds = static_cast<std::int64_t>(TRY(view.integer("milliseconds")));
  if (view.find("why") != nullptr) verdict.why = TRY(view.string("why"));
  if (view.find("lapse") != nullptr) {
    const auto lapse = named<Lapse>(kLapses, TRY(view.string("lapse")));
    std::string what = TRY(view.string("what"));
    verdict.finding = Finding{lapse, std::move(what)};
  }
  for (const json::Value& step : *TRY(view.array("story"))) {
    const auto line = TRY(json::ObjectView::of(step, "story"));
    std::string verb = TRY(line.string("verb"));
    std::string what = TRY(line.string("what"));
    verdict.story.push_back({std::move(verb), std::move(what)});
  }
  return verdict;
}

}  // namespace cotter::replay
