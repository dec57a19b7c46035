// cotter key generate|list|show: the key files of the workspace and of holders.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <system_error>

#include "common/host/keystore_file.h"
#include "common/host/output.h"
#include "common/host/system_clock.h"
#include "common/json/canonical.h"
#include "server/app/list_keys.h"
#include "server/cli/context.h"
#include "server/cli/verbs.h"
#include "server/keys/holder.h"

namespace cotter::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kShownIdLength = 16;  // of 64: enough to tell keys apart in a table

struct GenerateOptions {
  std::string store = "file";
  fs::path dir;
  std::string name;
  std::string role;
};

json::Object as_json(const host::KeyInfo& key) {
  return json::Object{{"name", key.name},
                      {"role", key.role},
                      {"scheme", crypto::name_of(key.key.scheme())},
                      {"keyid", key.id.value()},
                      {"created", format_utc(key.created)},
                      {"store", "file"},
                      {"file", key.file.string()}};
}

json::Object whole_json(const host::KeyInfo& key) {
  json::Object object = as_json(key);
  object.set("key", key.key.encode());
  return object;
}

/// The keys of one folder when it is named, else all that the workspace knows of.
Result<std::vector<host::KeyInfo>> keys_within_reach(const Context& context, const fs::path& dir) {
  if (!dir.empty()) return host::FileKeystore::list(dir);
  return app::list_keys(TRY(open_workspace(context)));
}

bool is_same_folder(const fs::path& a, const fs::path& b) {
  std::error_code ignored;
  return fs::equivalent(a, b, ignored);
}

/// Which folder, and whose passphrase protects it.
struct Place {
  fs::path dir;
  host::PassphraseSource source;
};

Result<Place> place_for(const GenerateOptions& options, const Context& context) {
  const Result<app::Workspace> workspace = open_workspace(context);
  const bool is_online =
      options.dir.empty() || (workspace && is_same_folder(options.dir, workspace->keys_dir()));
  if (!is_online) return Place{options.dir, holder_source(context, options.dir.filename().string())};
  if (!workspace) return fail(workspace.error());
  if (keys::is_offline_key(options.name)) {
    return fault(Fault::Kind::Denied, "an offline key does not belong into the workspace: " + options.name,
                 "name its holder's folder by --dir");
  }
  return Place{workspace->keys_dir(), workspace_source(context)};
}

Result<host::FileKeystore> open_or_create(const Place& place) {
  std::error_code ignored;
  const bool has_keys =
      fs::is_directory(place.dir, ignored) && !TRY(host::FileKeystore::list(place.dir)).empty();
  if (has_keys) return host::FileKeystore::open(place.dir, TRY(host::read_passphrase(place.source)));
  return host::FileKeystore::create(place.dir, TRY(host::read_new_passphrase(place.source)));
}

Result<void> run_generate(const GenerateOptions& options, const Context& context) {
  host::FileKeystore store = TRY(open_or_create(TRY(place_for(options, context))));
  const host::KeyInfo key = TRY(store.generate(options.name, options.role, host::SystemClock().now()));
  if (context.json) {
    host::print_json(whole_json(key));
  } else {
    fmt::print("{}  key id {}\n{}\n", key.name, key.id.value(), key.file.string());
  }
  return {};
}

Result<void> run_list(const fs::path& dir, const Context& context) {
  const std::vector<host::KeyInfo> keys = TRY(keys_within_reach(context, dir));
  if (context.json) {
    json::Array list;
    for (const host::KeyInfo& key : keys) list.emplace_back(as_json(key));
    host::print_json(json::Object{{"keys", std::move(list)}});
    return {};
  }
  host::Table table({"NAME", "ROLE", "SCHEME", "KEY ID", "CREATED", "WHERE"});
  for (const host::KeyInfo& key : keys) {
    table.add_row({key.name, key.role.empty() ? "-" : key.role,
                   std::string(crypto::name_of(key.key.scheme())), key.id.value().substr(0, kShownIdLength),
                   format_utc(key.created), key.file.string()});
  }
  table.print();
  return {};
}

Result<void> run_show(const std::string& name, const fs::path& dir, const Context& context) {
  const host::KeyInfo key = TRY(app::find_key(TRY(keys_within_reach(context, dir)), name));
  if (context.json) {
    host::print_json(whole_json(key));
    return {};
  }
  fmt::print("name     {}\nrole     {}\nscheme   {}\nkey id   {}\ncreated  {}\nfile     {}\npublic   {}\n",
             key.name, key.role.empty() ? "-" : key.role, crypto::name_of(key.key.scheme()), key.id.value(),
             format_utc(key.created), key.file.string(), json::to_text(key.key.encode()));
  return {};
}

void add_generate(CLI::App& key, Context& context) {
  auto options = std::make_shared<GenerateOptions>();
  CLI::App* verb = key.add_subcommand("generate", "make a key");
  verb->add_option("--store", options->store, "what holds it")
      ->check(CLI::IsMember({"file"}))
      ->capture_default_str();
  verb->add_option("--dir", options->dir, "a holder's folder (default: the workspace's keys)");
  verb->add_option("--name", options->name, "the key's name, which names its file")->required();
  verb->add_option("--role", options->role, "what it is for, as a note: image/brakes");
  verb->callback([options, &context] { context.exit_code = finish(run_generate(*options, context)); });
}

}  // namespace

void add_key(CLI::App& app, Context& context) {
  CLI::App* key = app.add_subcommand("key", "the keys of the workspace and of holders");
  key->require_subcommand(1);
  add_generate(*key, context);

  auto dir = std::make_shared<fs::path>();
  CLI::App* list = key->add_subcommand("list", "which keys there are, without any passphrase");
  list->add_option("--dir", *dir, "only this folder");
  list->callback([dir, &context] { context.exit_code = finish(run_list(*dir, context)); });

  auto name = std::make_shared<std::string>();
  CLI::App* show = key->add_subcommand("show", "one key, with its public half");
  show->add_option("NAME", *name, "its name")->required();
  show->add_option("--dir", *dir, "only this folder");
  show->callback([name, dir, &context] { context.exit_code = finish(run_show(*name, *dir, context)); });
}

}  // namespace cotter::cli
