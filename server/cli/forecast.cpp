// cotter key forecast: what ends when, what stops with it, and who must act before.
#include "server/app/forecast.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "common/crypto/digest.h"
#include "common/host/atomic_file.h"
#include "common/host/output.h"
#include "server/app/forecast_formats.h"
#include "server/app/perishables.h"
#include "server/cli/context.h"
#include "server/cli/given_time.h"
#include "server/cli/proofs_view.h"
#include "server/cli/verbs.h"
#include "server/repository/folder_transport.h"
#include "server/repository/reader.h"

namespace cotter::cli {
namespace {

namespace fs = std::filesystem;
using app::Ending;
using app::Urgency;

constexpr std::chrono::days kShownAhead{400};  // in a picture without --until: a year, and what comes after
constexpr std::size_t kOriginLength = 16;

struct ForecastOptions {
  std::string at, until, warn = "30d";
  fs::path svg, ics, proofs;
  bool prometheus = false;
};

struct Outlook {
  UtcTime now{};
  std::optional<UtcTime> until;
  std::chrono::seconds warn{};
  std::vector<Ending> endings;
  [[nodiscard]] bool is_due() const {
    return std::any_of(endings.begin(), endings.end(), [](const Ending& ending) { return ending.is_due(); });
  }
};

std::string day_of(UtcTime time) { return format_utc(time).substr(0, 10); }

/// "in 15 days", "8 days ago".
std::string from_now(UtcTime time, UtcTime now) {
  const bool is_past = time <= now;
  const std::chrono::seconds apart = is_past ? now - time : time - now;
  const auto days = std::chrono::duration_cast<std::chrono::days>(apart).count();
  const auto hours = std::chrono::duration_cast<std::chrono::hours>(apart).count();
  const std::string length = days >= 2 ? fmt::format("{} days", days) : fmt::format("{} hours", hours);
  return is_past ? length + " ago" : "in " + length;
}

std::string state_of(const Ending& ending) {
  switch (ending.urgency) {
    case Urgency::RenewsItself:
      return "renews itself";
    case Urgency::Late:
      return "renewal is late";
    case Urgency::Ended:
    case Urgency::Stopped:
      return std::string(name_of(ending.urgency));
    default:
      return fmt::format("{}, {} % used", name_of(ending.urgency), ending.life_used);
  }
}

json::Array as_json(const std::vector<std::string>& lines) { return json::Array(lines.begin(), lines.end()); }

json::Object as_json(const Ending& ending) {
  const app::Perishable& what = ending.what;
  const app::Quorum all = app::together(what.quorums);
  json::Array quorums;
  for (const app::Quorum& quorum : what.quorums) {
    quorums.emplace_back(
        json::Object{{"needed", std::uint64_t{quorum.needed}}, {"who", as_json(quorum.who)}});
  }
  return {{"id", what.id},
          {"name", what.name},
          {"version", what.version == 0 ? json::Value() : json::Value(what.version)},
          {"begins", format_utc(what.begins)},
          {"expires", format_utc(what.ends)},
          {"stops_at", format_utc(ending.stops_at)},
          {"stops_with", ending.with ? json::Value(*ending.with) : json::Value()},
          {"takes_along", as_json(ending.takes_along)},
          {"hangs_on", as_json(what.hangs_on)},
          {"life_used_percent", std::uint64_t{ending.life_used}},
          {"renewed_by", what.renewal == app::Renewal::Server ? "server" : "people"},
          {"renewed_from",
           what.renewal == app::Renewal::Server ? json::Value(format_utc(what.renewed_from)) : json::Value()},
          {"state", name_of(ending.urgency)},
          {"due", ending.is_due()},
          {"stops", what.stops},
          {"vehicles", what.reach.vehicles},
          {"ecus", what.reach.ecus},
          {"needed", std::uint64_t{all.needed}},
          {"who", as_json(all.who)},
          {"quorums", std::move(quorums)},
          {"keys", as_json(what.keys)},
          {"command", what.command}};
}

json::Object as_json(const Outlook& outlook) {
  json::Array events;
  for (const Ending& ending : outlook.endings) events.emplace_back(as_json(ending));
  return {{"at", format_utc(outlook.now)},
          {"until", outlook.until ? json::Value(format_utc(*outlook.until)) : json::Value()},
          {"warn_seconds", std::int64_t{outlook.warn.count()}},
          {"due", outlook.is_due()},
          {"events", std::move(events)}};
}

std::string joined(const std::vector<std::string>& ids) {
  std::string text;
  for (const std::string& id : ids) text += (text.empty() ? "" : ", ") + id;
  return text;
}

void show_due(const Ending& ending, UtcTime now) {
  const app::Perishable& what = ending.what;
  const bool is_past = ending.stops_at <= now;
  fmt::print("\n{}: {} {} on {}, {}\n", name_of(ending.urgency), what.id, is_past ? "ended" : "ends",
             day_of(ending.stops_at), from_now(ending.stops_at, now));
  fmt::print("  then     {}: {}\n", what.stops, app::reach_in_words(what.reach));
  if (ending.with && what.ends > ending.stops_at) {
    fmt::print("  although it is good until {} itself: it hangs on {}\n", day_of(what.ends), *ending.with);
  }
  if (!ending.takes_along.empty()) fmt::print("  with it  {}\n", joined(ending.takes_along));
  if (!what.keys.empty()) fmt::print("  keys     {}\n", joined(what.keys));
  fmt::print("  who      {}\n  command  {}\n", app::who_acts(what), what.command);
}

void show(const Outlook& outlook) {
  host::Table table({"DAY", "WHAT", "STATE", "STOPS", "WITH"});
  for (const Ending& ending : outlook.endings) {
    const bool is_taken = ending.with && ending.urgency != Urgency::RenewsItself;
    table.add_row({day_of(ending.stops_at), ending.what.name, state_of(ending),
                   app::reach_in_words(ending.what.reach), is_taken ? *ending.with : "-"});
  }
  if (!table.empty()) table.print();
  bool asks_holders = false;
  for (const Ending& ending : outlook.endings) {
    if (!ending.is_due()) continue;
    show_due(ending, outlook.now);
    asks_holders = asks_holders || ending.what.command.starts_with("cotter ceremony open");
  }
  if (asks_holders) {
    fmt::print(
        "\nA ceremony is signed by cotter ceremony sign or, apart from the network, by cotter-sign, and "
        "ends by cotter ceremony close.\n");
  }
  fmt::print("\n{}\n", outlook.is_due() ? "something is due" : "nothing is due");
}

/// The same for every forecast of one workspace, whatever folder it lies in.
Result<std::string> origin_of(const app::Workspace& workspace) {
  repository::FolderTransport folder(workspace.repo_dir());
  const Bytes root = TRY(repository::first_root(folder));
  return to_hex(crypto::sha256(root)).substr(0, kOriginLength);
}

Result<Outlook> look_ahead(const app::Workspace& workspace, const ForecastOptions& options) {
  Outlook outlook;
  outlook.now = TRY(given_time_or_now(options.at));
  outlook.warn = TRY(given_span(options.warn));
  if (!options.until.empty()) outlook.until = TRY(given_time(options.until));
  const app::KeyBook book = TRY(app::KeyBook::read(workspace));
  const auto all = TRY(app::perishables_of(workspace, book, outlook.now));
  for (Ending& ending : app::forecast(all, outlook.now, outlook.warn)) {
    if (!outlook.until || ending.stops_at <= *outlook.until) outlook.endings.push_back(std::move(ending));
  }
  return outlook;
}

Result<void> write_files(const app::Workspace& workspace, const ForecastOptions& options,
                         const Outlook& outlook) {
  if (!options.svg.empty()) {
    const UtcTime until = outlook.until.value_or(outlook.now + kShownAhead);
    TRY(host::write_atomically(options.svg, as_bytes(app::as_timeline(outlook.endings, outlook.now, until))));
  }
  if (!options.ics.empty()) {
    const std::string origin = TRY(origin_of(workspace));
    TRY(host::write_atomically(
        options.ics, as_bytes(app::as_calendar(outlook.endings, outlook.now, outlook.warn, origin))));
  }
  return {};
}

Result<bool> run_forecast(const ForecastOptions& options, const Context& context) {
  const app::Workspace workspace = TRY(open_workspace(context));
  const Outlook outlook = TRY(look_ahead(workspace, options));
  TRY(write_files(workspace, options, outlook));
  const auto proofs = TRY(prove_keys(options.proofs, outlook.now, context));
  if (options.prometheus) {
    fmt::print("{}", app::as_metrics(outlook.endings, outlook.now));
  } else if (context.json) {
    json::Object answer = as_json(outlook);
    if (proofs) answer.set("proofs", key_proofs_json(*proofs, options.proofs));
    host::print_json(answer);
  } else {
    show(outlook);
    if (proofs) show_key_proofs(*proofs, options.proofs);
  }
  return outlook.is_due();
}

}  // namespace

void add_forecast(CLI::App& key, Context& context) {
  auto options = std::make_shared<ForecastOptions>();
  CLI::App* verb = key.add_subcommand(
      "forecast", "what ends when, what stops with it and who must act; exit 3 when something is due");
  verb->add_option("--until", options->until, "only what stops by this day: 2027-01-31");
  verb->add_option("--warn", options->warn, "how long ahead it is due: 30d, 12h")->capture_default_str();
  verb->add_option("--at", options->at, "as it will be at this time, if nobody does anything before");
  verb->add_option("--svg", options->svg, "draw a timeline into this file, too");
  verb->add_option("--ics", options->ics, "write a calendar into this file, too, with an alarm --warn ahead");
  verb->add_option(
      "--proofs", options->proofs,
      "write into this folder what proves it, as far as metadata tells it (each role's end, keys "
      "and threshold; no certificate, ceremony or vehicle): for `cotter audit verify --proofs`");
  verb->add_flag("--prometheus", options->prometheus,
                 "print figures instead, for the textfile collector of node_exporter");
  verb->callback([options, &context] {
    const Result<bool> due = run_forecast(*options, context);
    context.exit_code = !due ? finish(due) : static_cast<int>(*due ? host::Exit::Refused : host::Exit::Done);
  });
}

}  // namespace cotter::cli
