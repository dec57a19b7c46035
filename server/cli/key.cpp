// cotter key list|show: the keys of the workspace and of holders.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "common/host/output.h"
#include "common/json/canonical.h"
#include "server/app/list_keys.h"
#include "server/cli/context.h"
#include "server/cli/key_view.h"
#include "server/cli/verbs.h"

namespace cotter::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kShownIdLength = 16;  // of 64: enough to tell keys apart in a table

/// The keys of one folder when it is named, else all that the workspace knows of.
Result<std::vector<keystore::KeyInfo>> keys_within_reach(const Context& context, const fs::path& dir) {
  if (!dir.empty()) return keystore::list_keys(dir);
  return app::list_keys(TRY(open_workspace(context)));
}

Result<void> run_list(const fs::path& dir, const Context& context) {
  const std::vector<keystore::KeyInfo> keys = TRY(keys_within_reach(context, dir));
  if (context.json) {
    json::Array list;
    for (const keystore::KeyInfo& key : keys) list.emplace_back(as_json(key));
    host::print_json(json::Object{{"keys", std::move(list)}});
    return {};
  }
  host::Table table({"NAME", "ROLE", "SCHEME", "KEY ID", "CREATED", "WHERE"});
  for (const keystore::KeyInfo& key : keys) {
    table.add_row({key.name, key.role.empty() ? "-" : key.role,
                   std::string(crypto::name_of(key.key.scheme())), key.id.value().substr(0, kShownIdLength),
                   format_utc(key.created), key.file.string()});
  }
  table.print();
  return {};
}

Result<void> run_show(const std::string& name, const fs::path& dir, const Context& context) {
  const keystore::KeyInfo key = TRY(app::find_key(TRY(keys_within_reach(context, dir)), name));
  if (context.json) {
    host::print_json(whole_json(key));
    return {};
  }
  fmt::print("name     {}\nrole     {}\nscheme   {}\nkey id   {}\ncreated  {}\nfile     {}\npublic   {}\n",
             key.name, key.role.empty() ? "-" : key.role, crypto::name_of(key.key.scheme()), key.id.value(),
             format_utc(key.created), key.file.string(), json::to_text(key.key.encode()));
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
