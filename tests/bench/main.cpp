// cotter-bench: the figures, each beside its own baseline, as tables or as one JSON object.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <utility>
#include <vector>

#include "common/host/output.h"
#include "common/host/process.h"
#include "tests/bench/benches.h"

namespace {

using namespace cotter;
using Bench = Result<bench::Figures> (*)(const bench::Places&);

const std::vector<std::pair<std::string, Bench>> kBenches = {
    {"ecu", bench::bench_ecu}, {"client", bench::bench_client}, {"core", bench::bench_core}};

Result<void> run_benches(const std::string& only, bool as_json, const bench::Places& places) {
  json::Object all;
  for (const auto& [name, run] : kBenches) {
    if (!only.empty() && only != name) continue;
    const bench::Figures figures = TRY(run(places));
    if (as_json) {
      all.set(name, bench::as_json(figures));
    } else {
      bench::print_table(name, figures);
      fmt::print("\n");
      std::fflush(stdout);
    }
  }
  if (as_json) host::print_json(all);
  return {};
}

/// By itself: it takes minutes, and whole machines are compared by its line. Fault: Denied (a goal is
/// missed).
Result<void> run_sign(std::size_t most, bool as_json, const bench::Places& places) {
  const bench::SignFigures figures = TRY(bench::bench_sign(places, most));
  if (as_json) {
    fmt::print("{}\n", figures.json_line());
  } else {
    bench::print_table("sign", figures.rows());
  }
  const std::vector<std::string> missed = bench::missed(figures.rows());
  if (missed.empty()) return {};
  return fault(
      Fault::Kind::Denied, fmt::format("a goal is missed: {}", fmt::join(missed, "; ")),
      "nothing else may run meanwhile: take it again on a machine at rest, then docs/performance.md");
}

Result<void> print_inner(const std::vector<std::string>& words) {
  fmt::print("{}\n", TRY(bench::run_inner(words)));
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  std::string only;
  std::vector<std::string> inner;
  bool as_json = false;
  CLI::App app("The figures of docs/performance.md, taken here and now.", "cotter-bench");
  std::vector<std::string> names;
  names.reserve(std::size(kBenches));
  for (const auto& [name, run] : kBenches) names.push_back(name);
  names.emplace_back("sign");
  std::size_t most = 1'000'000;
  app.add_option("--images", most, "of sign: in the largest repository")->check(CLI::Range(1'000, 1'000'000));
  app.add_option("NAME", only, "only this one; sign runs only where it is named")
      ->check(CLI::IsMember(names));
  app.add_flag("--json", as_json, "one JSON object on stdout");
  app.add_option("--inner", inner, "the part of a bench that needs a process of its own")->group("");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& stop) {
    return app.exit(stop) == 0 ? 0 : static_cast<int>(host::Exit::Usage);
  }
  if (!inner.empty()) return host::finish(print_inner(inner));
  const auto self = std::filesystem::read_symlink("/proc/self/exe");
  const bench::Places places{self, self.parent_path(), COTTER_ECU_PROGRAM};
  return host::finish(only == "sign" ? run_sign(most, as_json, places) : run_benches(only, as_json, places));
}
