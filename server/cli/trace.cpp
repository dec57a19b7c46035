// cotter trace: an artifact's life, each step with the entry of the ledger that proves it.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <map>
#include <memory>

#include "common/base/printable.h"
#include "common/host/output.h"
#include "server/app/audit_verify.h"
#include "server/app/key_history.h"
#include "server/app/trace_workspace.h"
#include "server/cli/context.h"
#include "server/cli/proofs_view.h"
#include "server/cli/requirement_view.h"
#include "server/cli/verbs.h"
#include "server/storage/sqlite/database.h"

namespace cotter::cli {
namespace {

namespace fs = std::filesystem;
using app::Listing;
using app::Step;
using LiveListings = std::map<TargetName, std::optional<app::LiveListing>>;

struct TraceOptions {
  std::string what;
  fs::path proofs;
};

struct Told {
  app::Trace trace;
  app::KeyNames names;
  LiveListings live;
  std::vector<std::string> notes;
  std::optional<app::ProofFolder> proofs;
};

app::SigningKey key_of(const KeyId& id, const app::KeyNames& names) {
  for (const app::SigningKey& key : names.all()) {
    if (key.id == id) return key;
  }
  return {{}, id};
}

json::Array keys_json(const std::vector<KeyId>& ids, const app::KeyNames& names) {
  json::Array keys;
  for (const KeyId& id : ids) keys.emplace_back(key_json(key_of(id, names), names));
  return keys;
}

json::Object step_json(const Step& step) {
  return {{"entry", step.index}, {"kind", step.kind}, {"time", format_utc(step.time)}, {"who", step.who}};
}

json::Value step_json(const std::optional<Step>& step) {
  return step ? json::Value(step_json(*step)) : json::Value();
}

json::Object listing_json(const Listing& listing, const app::KeyNames& names) {
  json::Array hardware, signatures, delegated_by;
  for (const app::DelegatingFile& each : listing.delegated_by) {
    delegated_by.emplace_back(json::Object{{"role", each.role.value()},
                                           {"version", each.version.value()},
                                           {"publication", step_json(each.publication)}});
  }
  for (const HardwareId& id : listing.hardware_ids) hardware.emplace_back(id.value());
  for (const app::SignedStep& each : listing.signatures) {
    json::Object step = step_json(each.step);
    step.set("keys", keys_json(each.keyids, names));
    signatures.emplace_back(std::move(step));
  }
  json::Object object{{"publication", step_json(listing.publication)},
                      {"root_version", listing.root.value()},
                      {"root_publication", step_json(listing.root_publication)},
                      {"role", listing.role.value()},
                      {"version", listing.version.value()},
                      {"file_sha256", listing.file_sha256},
                      {"keys", keys_json(listing.keyids, names)},
                      {"signatures", std::move(signatures)},
                      {"delegated_by", std::move(delegated_by)},
                      {"hardware_ids", std::move(hardware)}};
  if (listing.counter) object.set("release_counter", listing.counter->value());
  if (listing.release_role) {
    object.set("release_role", listing.release_role->value());
    object.set("release", step_json(listing.release));
  }
  return object;
}

json::Value live_json(const app::Traced& artifact, const LiveListings& live) {
  const auto found = live.find(artifact.name);
  if (found == live.end() || !found->second || found->second->sha256 != artifact.sha256) return nullptr;
  json::Array way;
  for (const RoleName& role : found->second->way) way.emplace_back(role.value());
  return json::Object{{"roles", std::move(way)}};
}

json::Value ended_json(const std::optional<Listing>& ended) {
  if (!ended) return nullptr;
  return json::Object{{"publication", step_json(ended->publication)}, {"version", ended->version.value()}};
}

json::Array papers_json(const app::Traced& artifact) {
  json::Array papers;
  for (const app::TracedPaper& each : artifact.papers) {
    papers.emplace_back(json::Object{{"kind", name_of(each.kind)},
                                     {"sha256", each.sha256},
                                     {"entries", json::Array(each.entries.begin(), each.entries.end())},
                                     {"kept", each.is_kept}});
  }
  return papers;
}

json::Object artifact_json(const app::Traced& artifact, const Told& told) {
  json::Array handed_in, published;
  for (const app::Handling& each : artifact.handed_in) {
    json::Object step = step_json(each.step);
    step.set("supplier", each.supplier);
    step.set("submission", each.submission);
    if (!each.reason.empty()) step.set("reason", each.reason);
    handed_in.emplace_back(std::move(step));
  }
  for (const app::Span& span : artifact.published) {
    published.emplace_back(json::Object{{"first", listing_json(span.first, told.names)},
                                        {"last", listing_json(span.last, told.names)},
                                        {"versions", span.versions},
                                        {"ended", ended_json(span.ended)}});
  }
  const app::Assignments& assigned = artifact.assigned;
  return {{"name", artifact.name.value()},
          {"sha256", artifact.sha256},
          {"length", artifact.length},
          {"handed_in", std::move(handed_in)},
          {"papers", papers_json(artifact)},
          {"published", std::move(published)},
          {"live", live_json(artifact, told.live)},
          {"assigned", json::Object{{"times", assigned.times},
                                    {"vehicles", std::uint64_t{assigned.vehicles.size()}},
                                    {"first", step_json(assigned.first)},
                                    {"last", step_json(assigned.last)},
                                    {"last_vehicle", assigned.last_vehicle}}}};
}

json::Object as_json(const TraceOptions& options, const Told& told) {
  json::Array artifacts;
  for (const app::Traced& each : told.trace.artifacts) artifacts.emplace_back(artifact_json(each, told));
  return {{"artifacts", std::move(artifacts)},
          {"problems", json::Array(told.trace.problems.begin(), told.trace.problems.end())},
          {"unread", json::Array(told.trace.unread.begin(), told.trace.unread.end())},
          {"notes", json::Array(told.notes.begin(), told.notes.end())},
          {"proofs", told.proofs ? json::Value(proofs_json(*told.proofs, options.proofs)) : nullptr}};
}

void add_row(host::Table& table, const Step& step, const std::string& what) {
  table.add_row({std::to_string(step.index), format_utc(step.time), step.who, what});
}

std::string labels(const std::vector<KeyId>& ids, const app::KeyNames& names) {
  std::string text;
  for (const KeyId& id : ids) text += (text.empty() ? "" : " + ") + names.label(key_of(id, names));
  return text;
}

/// ", delegated by targets 3 > fw 1"
std::string delegated_by(const Listing& listing) {
  std::string text;
  for (const app::DelegatingFile& each : listing.delegated_by)
    text += fmt::format("{}{} {}", text.empty() ? ", delegated by " : " > ", each.role.value(),
                        each.version.value());
  return text;
}

void add_listing(host::Table& table, const Listing& listing, const char* how, const app::KeyNames& names) {
  for (const app::SignedStep& each : listing.signatures) {
    add_row(table, each.step,
            fmt::format("{} {} {}{}", each.keyids.empty() ? "drafted as" : "signed as", listing.role.value(),
                        listing.version.value(),
                        each.keyids.empty() ? "" : " with " + labels(each.keyids, names)));
  }
  if (listing.release) {
    add_row(table, *listing.release,
            fmt::format("release {} of {} begun", listing.version.value(), listing.release_role->value()));
  }
  add_row(table, listing.publication,
          fmt::format("{} {} {} under root {}{}{}, with {}", how, listing.role.value(),
                      listing.version.value(), listing.root.value(), delegated_by(listing),
                      listing.counter ? fmt::format(", release counter {}", listing.counter->value()) : "",
                      labels(listing.keyids, names)));
}

void show_artifact(const app::Traced& artifact, const Told& told) {
  fmt::print("{}\nsha256    {}{}\n", artifact.name.value(), artifact.sha256,
             artifact.length == 0 ? "" : fmt::format(", {} bytes", artifact.length));
  host::Table table({"ENTRY", "TIME", "WHO", "WHAT"});
  for (const app::Handling& each : artifact.handed_in) {
    add_row(table, each.step,
            fmt::format("{} from {}: submission {}{}", each.step.kind, each.supplier, each.submission,
                        each.reason.empty() ? "" : ": " + printable(each.reason)));
  }
  for (const app::Span& span : artifact.published) {
    add_listing(table, span.first, "published in", told.names);
    if (span.versions > 1) add_listing(table, span.last, "and last in", told.names);
    if (span.ended) {
      add_row(table, span.ended->publication,
              fmt::format("{} {} lists it no more", span.first.role.value(), span.ended->version.value()));
    }
  }
  const app::Assignments& assigned = artifact.assigned;
  if (assigned.first && assigned.first->index != assigned.last->index)
    add_row(table, *assigned.first, "first assigned");
  if (assigned.last) add_row(table, *assigned.last, "assigned, last to " + assigned.last_vehicle);
  table.print();
  for (const app::TracedPaper& paper : artifact.papers) {
    fmt::print("paper     {} {}, by entries {}{}\n", name_of(paper.kind), paper.sha256,
               fmt::join(paper.entries, ", "), paper.is_kept ? "" : "; not kept");
  }
  const std::size_t vehicles = assigned.vehicles.size();
  fmt::print("assigned  to {}\n", vehicles == 0   ? "no vehicle"
                                  : vehicles == 1 ? "1 vehicle"
                                                  : fmt::format("{} vehicles", vehicles));
  const json::Value live = live_json(artifact, told.live);
  if (live.is_null()) {
    fmt::print("today     nobody lists it\n\n");
    return;
  }
  std::string way;
  for (const RoleName& role : told.live.at(artifact.name)->way)
    way += (way.empty() ? "" : " > ") + role.value();
  fmt::print("today     listed by {}\n\n", way);
}

void show(const TraceOptions& options, const Told& told) {
  for (const app::Traced& each : told.trace.artifacts) show_artifact(each, told);
  for (const std::string& problem : told.trace.problems) fmt::print("problem   {}\n", problem);
  for (const std::string& file : told.trace.unread)
    fmt::print("unread    {} is gone: what it listed is not known\n", file);
  for (const std::string& note : told.notes) fmt::print("note      {}\n", note);
  if (!told.proofs) {
    fmt::print(
        "`--proofs DIR` writes what proves each entry; `cotter audit verify` checks the whole ledger\n");
    return;
  }
  fmt::print(
      "{} proofs and {} files that they vouch for in {}; each proof holds for `cotter audit verify --proof "
      "FILE --vkey KEY`\n",
      told.proofs->entries.proven.size(), told.proofs->files.size(), options.proofs.string());
  show_unsigned(told.proofs->entries);
}

/// Whether what was found is what the ledger says.
Result<bool> run_trace(const TraceOptions& options, const Context& context) {
  const app::Workspace workspace = TRY(open_workspace(context));
  app::TraceQuery query = TRY(app::trace_query(options.what));
  host::Db db = TRY(storage::open_database(workspace.db_path()));
  Told told;
  told.trace = TRY(app::trace_in(workspace, db, std::move(query)));
  told.names = TRY(app::all_key_names(workspace));
  for (const app::Traced& artifact : told.trace.artifacts) {
    if (told.live.contains(artifact.name)) continue;
    auto live = app::live_listing(workspace, artifact.name);
    if (!live) told.notes.push_back("what is published today cannot be told: " + summary(live.error()));
    told.live.emplace(artifact.name, live ? *std::move(live) : std::nullopt);
  }
  if (!options.proofs.empty()) {
    const ledger::VerifierKey key = TRY(app::needed_ledger_key(workspace));
    told.proofs = TRY(app::write_proofs(workspace, db, key, told.trace, options.proofs));
  }
  if (context.json) {
    host::print_json(as_json(options, told));
  } else {
    show(options, told);
  }
  return told.trace.problems.empty();
}

int finish_trace(const Result<bool>& holds) {
  if (!holds) return finish(holds);
  return static_cast<int>(*holds ? host::Exit::Done : host::Exit::Refused);
}

}  // namespace

void add_trace(CLI::App& app, Context& context) {
  auto options = std::make_shared<TraceOptions>();
  CLI::App* verb = app.add_subcommand("trace",
                                      "an artifact's life by the ledger: handed in, signed, published, "
                                      "assigned; exit 3 when a published file "
                                      "is not what the ledger says, 4 when nobody ever heard of it");
  verb->add_option("WHAT", options->what, "the image's name, or its SHA-256: all names of that content")
      ->required();
  verb->add_option(
      "--proofs", options->proofs,
      "write a proof of each entry into this folder, and the published files and papers that they vouch for");
  verb->callback([options, &context] { context.exit_code = finish_trace(run_trace(*options, context)); });
}

}  // namespace cotter::cli
