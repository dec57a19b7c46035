// cotter audit log|prove|export: what was signed, published and decided, and proof of it.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "common/base/printable.h"
#include "common/host/output.h"
#include "common/json/canonical.h"
#include "server/app/audit_export.h"
#include "server/app/audit_prove.h"
#include "server/app/audit_verify.h"
#include "server/cli/context.h"
#include "server/cli/verbs.h"
#include "server/ledger/kinds.h"
#include "server/storage/sqlite/database.h"
#include "server/storage/sqlite/ledger_store.h"

namespace cotter::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kShownEntries = 50;  // unless --limit says otherwise: the newest are asked for most

struct LogOptions {
  std::string kind;
  std::string subject;
  std::string since;
  std::uint64_t limit = kShownEntries;
};

json::Object as_json(std::uint64_t index, const ledger::Entry& entry) {
  json::Object object = entry.details;
  object.set("index", index);
  object.set("kind", entry.kind);
  object.set("time", format_utc(entry.time));
  object.set("who", entry.who);
  object.set("subject", entry.subject);
  return object;
}

/// "targets 3, snapshot 7": of the files that an entry tells of.
std::string files_in_words(const json::Array& files) {
  std::string words;
  for (const json::Value& file : files) {
    const json::Object* object = file.as_object();
    const json::Value* role = object != nullptr ? object->find("role") : nullptr;
    const json::Value* version = object != nullptr ? object->find("version") : nullptr;
    if (role == nullptr || role->as_string() == nullptr || version == nullptr || !version->as_int()) continue;
    words += (words.empty() ? "" : ", ") + std::string(role->as_string()->view()) + " " +
             std::to_string(*version->as_int());
  }
  return words;
}

/// Of each id as much as `cotter key list` shows.
std::string key_ids_in_words(const json::Array& ids) {
  constexpr std::size_t kShownIdLength = 16;
  std::string words;
  for (const json::Value& id : ids) {
    if (id.as_string() == nullptr) continue;
    words += ", key " + std::string(id.as_string()->view().substr(0, kShownIdLength));
  }
  return words;
}

/// What a person wants to see of an entry; all of it is in --json.
std::string in_words(const ledger::Entry& entry) {
  const json::Value* files = entry.details.find("files");
  if (files != nullptr && files->as_array() != nullptr) return files_in_words(*files->as_array());
  std::string words;
  for (const char* member : {"document", "ecu", "image", "version", "rule", "looks_like", "role", "holder",
                             "left", "ended", "reason", "added", "removed", "versions", "from", "until"}) {
    const json::Value* value = entry.details.find(member);
    if (value == nullptr) continue;
    const bool is_text = value->as_string() != nullptr;
    words += (words.empty() ? "" : ", ") + std::string(member) + " " +
             (is_text ? std::string(value->as_string()->view()) : json::to_text(*value));
  }
  const json::Value* keys = entry.details.find("keyids");
  if (keys != nullptr && keys->as_array() != nullptr) words += key_ids_in_words(*keys->as_array());
  return printable(words);
}

Result<void> run_log(const LogOptions& options, const Context& context) {
  storage::LedgerFilter filter{options.kind, options.subject, std::nullopt, options.limit};
  if (!options.since.empty()) filter.since = TRY(parse_utc(options.since));
  host::Db db = TRY(storage::open_database(TRY(open_workspace(context)).db_path()));
  host::Table table({"INDEX", "TIME", "KIND", "SUBJECT", "WHO", "WHAT"});
  json::Array list;
  TRY(storage::LedgerStore(db).each(filter, [&](const storage::LedgerRow& row) -> Result<void> {
    const auto entry = TRY(ledger::Entry::decode(row.body));
    if (context.json) {
      list.emplace_back(as_json(row.index, entry));
    } else {
      table.add_row({std::to_string(row.index), format_utc(entry.time), entry.kind, entry.subject, entry.who,
                     in_words(entry)});
    }
    return {};
  }));
  if (context.json) {
    host::print_json(json::Object{{"entries", std::move(list)}});
  } else if (table.empty()) {
    fmt::print("no entries\n");
  } else {
    table.print();
  }
  return {};
}

Result<void> run_prove(std::uint64_t index, const Context& context) {
  const app::Workspace workspace = TRY(open_workspace(context));
  const ledger::VerifierKey key = TRY(app::needed_ledger_key(workspace));
  host::Db db = TRY(storage::open_database(workspace.db_path()));
  const ledger::Proof proof = TRY(app::prove_entry(db, key, index));
  host::print_json(proof.encode());  // with --json or without: it is a file for programs
  return {};
}

Result<void> run_export(const fs::path& dir, const Context& context) {
  host::Db db = TRY(storage::open_database(TRY(open_workspace(context)).db_path()));
  const app::LedgerExport done = TRY(app::export_ledger(db, dir));
  if (context.json) {
    host::print_json(
        json::Object{{"dir", dir.string()}, {"entries", done.entries}, {"files_written", done.written}});
  } else {
    fmt::print("{} entries in {}, {} new files; keep {} where nobody can change it\n", done.entries,
               dir.string(), done.written, (dir / "checkpoint").string());
  }
  return {};
}

void add_log(CLI::App& audit, Context& context) {
  auto options = std::make_shared<LogOptions>();
  CLI::App* verb = audit.add_subcommand("log", "the entries, the oldest first");
  verb->add_option("--kind", options->kind, "of this kind")
      ->check(CLI::IsMember(std::vector<std::string>(ledger::kKinds.begin(), ledger::kKinds.end())));
  verb->add_option("--subject", options->subject,
                   "about this: a VIN, image, image/targets, the name of a key");
  verb->add_option("--since", options->since, "not older than this: 2027-01-31T00:00:00Z");
  verb->add_option("--limit", options->limit, "the newest so many; 0: all")->capture_default_str();
  verb->callback([options, &context] { context.exit_code = finish(run_log(*options, context)); });
}

}  // namespace

void add_audit(CLI::App& app, Context& context) {
  CLI::App* audit = app.add_subcommand("audit", "the ledger: what was signed, published and decided");
  audit->require_subcommand(1);
  add_log(*audit, context);

  auto index = std::make_shared<std::uint64_t>(0);
  CLI::App* prove =
      audit->add_subcommand("prove", "prove one entry: a document for `cotter audit verify --proof`");
  prove->add_option("INDEX", *index, "the entry's number in the log")->required();
  prove->callback([index, &context] { context.exit_code = finish(run_prove(*index, context)); });

  add_audit_verify(*audit, context);

  auto dir = std::make_shared<fs::path>();
  CLI::App* to_files =
      audit->add_subcommand("export", "write the signed part as static files that others' tools read");
  to_files->add_option("DIR", *dir, "where: a new folder, or one with an earlier export")->required();
  to_files->callback([dir, &context] { context.exit_code = finish(run_export(*dir, context)); });
}

}  // namespace cotter::cli
