// cotter key list|show: the keys of the workspace and of holders, what depends on them, and what proves it.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>

#include "common/host/output.h"
#include "common/json/canonical.h"
#include "server/app/key_inventory.h"
#include "server/app/list_keys.h"
#include "server/cli/context.h"
#include "server/cli/given_time.h"
#include "server/cli/key_view.h"
#include "server/cli/proofs_view.h"
#include "server/cli/verbs.h"

namespace cotter::cli {
namespace {

namespace fs = std::filesystem;
using app::KeyEntry;

struct Keys {
  std::vector<KeyEntry> entries;
  bool metadata_known = false;  ///< without it a key is not dead, but unknown
};

/// The keys of one folder when it is named, else all that the workspace knows of. Without a workspace nothing
/// is known of what depends on them.
Result<Keys> find_keys(const Context& context, const fs::path& dir) {
  const Result<app::Workspace> workspace = open_workspace(context);
  if (dir.empty()) {
    const app::Workspace found = TRY(workspace);
    const app::KeyBook book = TRY(app::KeyBook::read(found));
    const std::vector<keystore::KeyInfo> within_reach = TRY(app::list_keys(found));
    Keys keys{app::key_inventory(within_reach, book), true};
    std::vector<KeyEntry> tls = TRY(app::tls_keys(found));
    std::move(tls.begin(), tls.end(), std::back_inserter(keys.entries));
    return keys;
  }
  app::KeyBook book;
  if (workspace) book = TRY(app::KeyBook::read(*workspace));
  Keys keys;
  keys.metadata_known = workspace.has_value();
  for (const keystore::KeyInfo& key : TRY(keystore::list_keys(dir))) {
    KeyEntry entry = app::key_entry(key, book);
    if (!book.names.of(entry.key)) entry.custodian = fs::absolute(dir).lexically_normal().filename().string();
    keys.entries.push_back(std::move(entry));
  }
  return keys;
}

bool is_dead(const KeyEntry& entry, bool metadata_known) {
  return metadata_known && entry.uses.empty() && !entry.signs_ledger;
}

std::string day_of(const std::optional<UtcTime>& time) {
  return time ? format_utc(*time).substr(0, 10) : "-";
}

/// Where it is, in a word: the whole URI is for `show`.
std::string short_store(const KeyEntry& entry) {
  if (!entry.info) return "away";
  const std::string& store = entry.info->store;
  return store.substr(0, store.find(':'));
}

/// "p-256" for "ecdsa-sha2-nistp256": a column has ten places.
std::string short_scheme(const std::string& scheme) {
  if (scheme.starts_with("ecdsa-sha2-nistp")) return "p-" + scheme.substr(16);
  if (scheme.starts_with("rsassa-")) return "rsa";
  return scheme;
}

std::string words(const app::KeyUse& use) {
  return fmt::format("{}, {} of {}", use.role, use.threshold, use.keys);
}

std::string dependents(const KeyEntry& entry, bool metadata_known) {
  if (entry.signs_ledger) return "the ledger";
  if (entry.uses.empty()) return metadata_known ? "nothing" : "-";
  const std::string first = words(entry.uses.front());
  return entry.uses.size() == 1 ? first : fmt::format("{} +{}", first, entry.uses.size() - 1);
}

json::Value as_json(const std::optional<UtcTime>& time) {
  return time ? json::Value(format_utc(*time)) : json::Value();
}

json::Object as_json(const KeyEntry& entry, bool metadata_known) {
  json::Object object;
  if (entry.info) {
    object = whole_json(*entry.info);
  } else {
    object = {{"name", entry.name},
              {"role", nullptr},
              {"scheme", entry.scheme},
              {"keyid", entry.key.id.value()},
              {"created", as_json(entry.created)},
              {"store", entry.store.empty() ? json::Value() : json::Value(entry.store)},
              {"file", nullptr},
              {"key", entry.public_half ? entry.public_half->encode() : json::Value()}};
  }
  json::Array uses;
  for (const app::KeyUse& use : entry.uses) {
    uses.emplace_back(json::Object{{"role", use.role},
                                   {"threshold", std::uint64_t{use.threshold}},
                                   {"keys", std::uint64_t{use.keys}},
                                   {"expires", as_json(use.expires)}});
  }
  object.set("custodian", entry.custodian);
  object.set("within_reach", entry.info.has_value());
  object.set("used", as_json(entry.used));
  object.set("expires", as_json(entry.expires));
  object.set("depends", std::move(uses));
  object.set("signs_ledger", entry.signs_ledger);
  object.set("dead", metadata_known ? json::Value(is_dead(entry, metadata_known)) : json::Value());
  return object;
}

void show_list(const Keys& keys) {
  host::Table table({"NAME", "HOLDER", "STORE", "SCHEME", "CREATED", "USED", "ENDS", "DEPENDS ON IT"});
  std::size_t dead = 0;
  for (const KeyEntry& entry : keys.entries) {
    table.add_row({entry.name, entry.custodian, short_store(entry), short_scheme(entry.scheme),
                   day_of(entry.created), day_of(entry.used), day_of(entry.expires),
                   dependents(entry, keys.metadata_known)});
    if (is_dead(entry, keys.metadata_known)) ++dead;
  }
  table.print();
  if (dead > 0) {
    fmt::print("\n{} {} for nothing: no root and no delegation lists {}\n", dead,
               dead == 1 ? "key is" : "keys are", dead == 1 ? "it" : "them");
  }
}

void show_one(const KeyEntry& entry, bool metadata_known) {
  const auto line = [](const char* name, const std::string& value) { fmt::print("{:<11}{}\n", name, value); };
  const auto time = [](const std::optional<UtcTime>& at) { return at ? format_utc(*at) : "-"; };
  line("name", entry.name);
  line("holder", entry.custodian);
  if (entry.info) line("role", entry.info->role.empty() ? "-" : entry.info->role);
  line("scheme", entry.scheme);
  line("key id", entry.key.id.value());
  line("created", time(entry.created));
  line("used", time(entry.used));
  line("ends", time(entry.expires));
  const std::string store = entry.store.empty() ? "" : " (" + entry.store + ")";
  line("store", entry.info ? entry.store : "away: its folder is out of reach" + store);
  if (entry.info) line("file", entry.info->file.string());
  if (entry.public_half) line("public", json::to_text(entry.public_half->encode()));
  if (entry.uses.empty()) line("depends", dependents(entry, metadata_known));
  for (const app::KeyUse& use : entry.uses) {
    line("depends", words(use) + (use.expires ? ", until " + format_utc(*use.expires) : ""));
  }
}

struct ListOptions {
  fs::path dir;
  fs::path proofs;  ///< empty: none
};

Result<void> run_list(const ListOptions& options, const Context& context) {
  const Keys keys = TRY(find_keys(context, options.dir));
  const UtcTime now = TRY(given_time_or_now({}));
  const std::optional<KeyProofs> proofs = TRY(prove_keys(options.proofs, now, context));
  if (!context.json) {
    show_list(keys);
    if (proofs) show_key_proofs(*proofs, options.proofs);
    return {};
  }
  json::Array list;
  for (const KeyEntry& entry : keys.entries) list.emplace_back(as_json(entry, keys.metadata_known));
  json::Object answer{{"keys", std::move(list)}};
  if (proofs) answer.set("proofs", key_proofs_json(*proofs, options.proofs));
  host::print_json(answer);
  return {};
}

Result<void> run_show(const std::string& name, const fs::path& dir, const Context& context) {
  const Keys keys = TRY(find_keys(context, dir));
  const auto entry = std::find_if(keys.entries.begin(), keys.entries.end(),
                                  [&](const KeyEntry& each) { return each.name == name; });
  if (entry == keys.entries.end()) {
    return fault(Fault::Kind::NotFound, "no key named \"" + name + "\"",
                 "cotter key list shows those that there are");
  }
  if (context.json) {
    host::print_json(as_json(*entry, keys.metadata_known));
  } else {
    show_one(*entry, keys.metadata_known);
  }
  return {};
}

}  // namespace

void add_key(CLI::App& app, Context& context) {
  CLI::App* key = app.add_subcommand("key", "the keys of the workspace and of holders");
  key->require_subcommand(1);
  add_key_generate(*key, context);
  add_key_import(*key, context);
  add_key_move(*key, context);
  add_key_rotate(*key, context);
  add_blast_radius(*key, context);
  add_forecast(*key, context);

  auto options = std::make_shared<ListOptions>();
  CLI::App* list = key->add_subcommand(
      "list", "which keys there are, who holds them and what depends on them; asks for no passphrase");
  CLI::Option* only = list->add_option("--dir", options->dir, "only this folder");
  list->add_option("--proofs", options->proofs,
                   "write into this folder what proves whose keys metadata lists, what became of them, and "
                   "what of the metadata ends when: for `cotter audit verify --proofs`")
      ->excludes(only);
  list->callback([options, &context] { context.exit_code = finish(run_list(*options, context)); });

  auto dir = std::make_shared<fs::path>();
  auto name = std::make_shared<std::string>();
  CLI::App* show = key->add_subcommand("show", "one key, with its public half");
  show->add_option("NAME", *name, "its name")->required();
  show->add_option("--dir", *dir, "only this folder");
  show->callback([name, dir, &context] { context.exit_code = finish(run_show(*name, *dir, context)); });
}

}  // namespace cotter::cli
