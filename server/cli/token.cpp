// cotter token add|list|revoke: who may use the operations API.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <string>

#include "common/host/atomic_file.h"
#include "common/host/output.h"
#include "common/host/system_clock.h"
#include "server/app/tokens.h"
#include "server/cli/context.h"
#include "server/cli/verbs.h"
#include "server/storage/sqlite/database.h"
#include "server/storage/sqlite/token_store.h"

namespace cotter::cli {
namespace {

using operations::TokenRecord;

struct AddOptions {
  std::string name;
  std::string role;
  std::string supplier;
  std::uint32_t days = 365;
  std::filesystem::path out;
};

Result<host::Db> open_db(const Context& context) {
  return storage::open_database(TRY(open_workspace(context)).db_path());
}

json::Object as_json(const TokenRecord& token, UtcTime now) {
  json::Object object{{"name", token.name},
                      {"role", name_of(token.role)},
                      {"added", format_utc(token.added)},
                      {"expires", format_utc(token.expires)},
                      {"good", token.is_good(now)}};
  if (token.supplier) object.set("supplier", *token.supplier);
  if (token.revoked) object.set("revoked", format_utc(*token.revoked));
  return object;
}

std::string state_of(const TokenRecord& token, UtcTime now) {
  if (token.revoked) return "revoked";
  return token.is_good(now) ? "good" : "expired";
}

/// The place is made first: a token that cannot be handed over would be lost.
Result<void> write_token(const std::filesystem::path& out, const crypto::Secret& token) {
  Bytes line(token.view().begin(), token.view().end());
  line.push_back('\n');
  auto written = host::create_atomically(out, line, host::kSecretFile);
  crypto::Secret::taking(line);  // wipes it
  return written;
}

Result<void> run_add(const AddOptions& options, const Context& context) {
  host::Db db = TRY(open_db(context));
  TokenRecord token;
  token.name = options.name;
  token.role = *operations::token_role_named(options.role);
  if (!options.supplier.empty()) token.supplier = options.supplier;
  token.added = host::SystemClock().now();
  token.expires = token.added + std::chrono::days(options.days);
  if (std::error_code ignored; !options.out.empty() && std::filesystem::exists(options.out, ignored)) {
    return fault(Fault::Kind::Conflict, options.out.string() + " is there already", "name a new file");
  }
  const crypto::Secret secret = TRY(app::add_token(db, token));
  if (!options.out.empty()) {
    if (const auto written = write_token(options.out, secret); !written) {
      TRY(app::revoke_token(db, token.name, token.added));
      return fail(written.error());
    }
  }
  const std::string_view text = as_text(secret.view());
  if (context.json) {
    json::Object object = as_json(token, token.added);
    if (options.out.empty()) {
      object.set("token", text);
    } else {
      object.set("file", options.out.string());
    }
    host::print_json(object);
  } else if (options.out.empty()) {
    fmt::print("{}\n", text);
    fmt::print(stderr, "This is shown once: nobody can tell it again. It is good until {}.\n",
               format_utc(token.expires));
  } else {
    fmt::print("token {} written to {}, good until {}\n", token.name, options.out.string(),
               format_utc(token.expires));
  }
  return {};
}

Result<void> run_list(const Context& context) {
  host::Db db = TRY(open_db(context));
  const UtcTime now = host::SystemClock().now();
  const auto tokens = TRY(storage::TokenStore(db).list());
  if (context.json) {
    json::Array list;
    for (const TokenRecord& token : tokens) list.emplace_back(as_json(token, now));
    host::print_json(json::Object{{"tokens", std::move(list)}});
    return {};
  }
  host::Table table({"NAME", "ROLE", "SUPPLIER", "ADDED", "EXPIRES", "STATE"});
  for (const TokenRecord& token : tokens) {
    table.add_row({token.name, std::string(name_of(token.role)), token.supplier.value_or("-"),
                   format_utc(token.added), format_utc(token.expires), state_of(token, now)});
  }
  table.print();
  return {};
}

Result<void> run_revoke(const std::string& name, const Context& context) {
  host::Db db = TRY(open_db(context));
  TRY(app::revoke_token(db, name, host::SystemClock().now()));
  if (context.json) {
    host::print_json(json::Object{{"name", name}, {"revoked", true}});
  } else {
    fmt::print("token {} revoked\n", name);
  }
  return {};
}

}  // namespace

void add_token(CLI::App& app, Context& context) {
  CLI::App* token = app.add_subcommand("token", "who may use the operations API of cotterd");
  token->require_subcommand(1);

  constexpr std::uint32_t kMostDays = 3650;
  auto options = std::make_shared<AddOptions>();
  CLI::App* add = token->add_subcommand("add", "make a token: shown once, or written to a file");
  add->add_option("NAME", options->name, "its bearer, as the ledger will call him")->required();
  add->add_option("--role", options->role,
                  "supplier: hands in; operator: looks at what was handed in, and accepts")
      ->check(CLI::IsMember({"supplier", "operator"}))
      ->required();
  add->add_option("--supplier", options->supplier, "of role supplier: which supplier");
  add->add_option("--days", options->days, "how long it is good")
      ->check(CLI::Range(std::uint32_t{1}, kMostDays))
      ->capture_default_str();
  add->add_option("--out", options->out, "write it to this new file, which nobody else can read")
      ->type_name("FILE");
  add->callback([options, &context] { context.exit_code = finish(run_add(*options, context)); });

  CLI::App* list = token->add_subcommand("list", "all tokens by name, those that are good no more too");
  list->callback([&context] { context.exit_code = finish(run_list(context)); });

  auto name = std::make_shared<std::string>();
  CLI::App* revoke = token->add_subcommand("revoke", "let nobody in by it from now on");
  revoke->add_option("NAME", *name, "whose")->required();
  revoke->callback([name, &context] { context.exit_code = finish(run_revoke(*name, context)); });
}

}  // namespace cotter::cli
