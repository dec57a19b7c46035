// cotter audit verify: is the ledger what it was when it was signed; does a proof hold, or a folder of them.
#include "server/app/audit_verify.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "common/base/printable.h"
#include "common/host/atomic_file.h"
#include "common/host/output.h"
#include "common/json/strict_reader.h"
#include "server/app/proven_keys.h"
#include "server/app/published_files.h"
#include "server/cli/context.h"
#include "server/cli/verbs.h"
#include "server/ledger/proof.h"
#include "server/storage/sqlite/database.h"

namespace cotter::cli {
namespace {

namespace fs = std::filesystem;
using app::LedgerHealth;
using Key = std::optional<ledger::VerifierKey>;

struct VerifyOptions {
  std::vector<fs::path> against;
  fs::path proof;
  fs::path proofs;
  std::string vkey;
};

json::Object as_json(const LedgerHealth& health, const Key& key) {
  json::Object object{{"healthy", health.healthy()},
                      {"entries", health.size},
                      {"root", to_base64(health.root)},
                      {"signed_entries", nullptr},
                      {"vkey", nullptr},
                      {"problems", json::Array(health.problems.begin(), health.problems.end())}};
  if (health.signed_head) object.set("signed_entries", health.signed_head->size);
  if (key) object.set("vkey", key->text());
  return object;
}

void show(const LedgerHealth& health, const Key& key) {
  fmt::print("entries   {}\nroot      {}\n", health.size, to_base64(health.root));
  if (key) fmt::print("key       {}\n", key->text());
  if (health.signed_head) {
    fmt::print("signed    the first {} of them\n", health.signed_head->size);
  } else if (!key) {
    fmt::print("signed    not at all: this workspace has no key named ledger, so nobody vouches for it\n");
  }
  for (const std::string& problem : health.problems) fmt::print("problem   {}\n", problem);
  if (health.healthy()) return fmt::print("the ledger holds\n");
  fmt::print(
      "the ledger does not hold, and is not signed any more while it does not go on from what was signed;\n"
      "keep cotter.db as it is, and compare it with a backup: schemas/ledger.md says what to do then\n");
}

/// The key that the caller trusts; else the workspace's, which tells forgers of the database from the holder
/// of the key, but not who could exchange both.
Result<Key> key_of(const VerifyOptions& options, const app::Workspace& workspace) {
  if (options.vkey.empty()) return app::ledger_key(workspace);
  return Key(TRY(ledger::VerifierKey::parse(options.vkey)));
}

Result<bool> run_verify(const VerifyOptions& options, const Context& context) {
  const app::Workspace workspace = TRY(open_workspace(context));
  const Key key = TRY(key_of(options, workspace));
  std::vector<std::string> against;
  for (const fs::path& file : options.against) {
    against.emplace_back(as_text(TRY(host::read_file(file, ledger::kMaxNoteBytes))));
  }
  // Who brings a key of his own has reasons not to ask the workspace what it signed.
  std::optional<ledger::SignedHead> last;
  if (options.vkey.empty()) last = TRY(app::last_signed(workspace));
  host::Db db = TRY(storage::open_database(workspace.db_path()));
  const LedgerHealth health = TRY(app::verify_ledger(db, key, against, last));
  if (context.json) {
    host::print_json(as_json(health, key));
  } else {
    show(health, key);
  }
  return health.healthy();
}

/// Needs no workspace: who was handed a proof may have nothing else.
Result<bool> run_verify_proof(const VerifyOptions& options, const Context& context) {
  const auto key = TRY(ledger::VerifierKey::parse(options.vkey));
  const Bytes document = TRY(host::read_file(options.proof, ledger::kMaxProofBytes));
  const ledger::Proof proof = TRY(ledger::Proof::decode(document));
  const ledger::Checkpoint checkpoint = TRY(proof.verify(key));
  const Bytes body = TRY(proof.entry.encode());
  if (context.json) {
    json::Value entry = TRY(json::read(body));
    host::print_json(json::Object{{"healthy", true},
                                  {"index", proof.index},
                                  {"entry", std::move(entry)},
                                  {"log", checkpoint.origin},
                                  {"signed_entries", checkpoint.size}});
  } else {
    fmt::print("{}\nis entry {} of the {} that {} signed\n", as_text(body), proof.index, checkpoint.size,
               checkpoint.origin);
  }
  return true;
}

const json::Array& array_in(const json::Value& value, const char* member) {
  static const json::Array none{};
  const json::Object* object = value.as_object();
  const json::Value* found = object == nullptr ? nullptr : object->find(member);
  return found == nullptr || found->as_array() == nullptr ? none : *found->as_array();
}

std::string text_of(const json::Value& value, const char* member) {
  return value.as_object() == nullptr ? std::string() : app::text_in(*value.as_object(), member);
}

/// "image-root-1            image/root: key-generated (entry 4)"
void show_key(const json::Value& key) {
  std::string roles, events, name = text_of(key, "keyid").substr(0, 16);
  for (const json::Value& role : array_in(key, "roles"))
    roles += (roles.empty() ? "" : ", ") + text_of(role, "role");
  for (const json::Value& event : array_in(key, "events")) {
    if (events.empty()) name = text_of(event, "name");
    events += fmt::format("{}{} (entry {})", events.empty() ? "" : ", ", text_of(event, "kind"),
                          app::number_in(*event.as_object(), "entry"));
  }
  fmt::print("{:<24}{}: {}\n", printable(name), roles.empty() ? "no role" : roles, printable(events));
}

/// "image/root              2 of 3 keys, until 2027-11-26T…", and what it stops with where that ends before.
void show_end(const json::Value& role) {
  const std::string stops_at = text_of(role, "stops_at"), with = text_of(role, "stops_with");
  std::string until;
  if (!stops_at.empty()) until = ", until " + stops_at;
  if (!with.empty()) until += " with " + with;
  const json::Object& line = *role.as_object();
  const bool is_bins = *line.find("bins") == json::Value(true);
  fmt::print("{:<24}{} of {} keys{}{}\n", printable(text_of(role, "role")), app::number_in(line, "threshold"),
             array_in(role, "keyids").size(), is_bins ? ", of its bins" : "", until);
}

/// Needs no workspace either.
Result<bool> run_verify_proofs(const VerifyOptions& options, const Context& context) {
  const auto key = TRY(ledger::VerifierKey::parse(options.vkey));
  const app::ProvenKeys proven = TRY(app::read_proven_keys(options.proofs, key));
  if (context.json) {
    host::print_json(json::Object{{"healthy", proven.healthy()},
                                  {"list", proven.list},
                                  {"forecast", proven.forecast},
                                  {"log", key.name()},
                                  {"signed_entries", proven.signed_entries},
                                  {"problems", json::Array(proven.problems.begin(), proven.problems.end())}});
    return proven.healthy();
  }
  for (const json::Value& each : array_in(proven.list, "keys")) show_key(each);
  if (proven.healthy()) fmt::print("\nif nobody signs anything after {}:\n", text_of(proven.forecast, "at"));
  for (const json::Value& each : array_in(proven.forecast, "roles")) show_end(each);
  for (const std::string& problem : proven.problems) fmt::print("problem   {}\n", printable(problem));
  if (proven.healthy()) {
    fmt::print(
        "\nthe list of keys holds: it is in the {} entries that {} signed, and the metadata lists no other;\n"
        "and so does the forecast, of what is in metadata\n",
        proven.signed_entries, key.name());
  } else {
    fmt::print("the list of keys and the forecast do not hold: ask for it anew\n");
  }
  return proven.healthy();
}

int finish_verify(const Result<bool>& healthy) {
  if (!healthy) return finish(healthy);
  return static_cast<int>(*healthy ? host::Exit::Done : host::Exit::Refused);
}

}  // namespace

void add_audit_verify(CLI::App& audit, Context& context) {
  auto options = std::make_shared<VerifyOptions>();
  CLI::App* verb = audit.add_subcommand(
      "verify", "recompute the log and compare it with what was signed; exit 3 when it does not hold");
  CLI::Option* against = verb->add_option("--against", options->against,
                                          "a checkpoint kept elsewhere, with which the log must agree")
                             ->expected(1)
                             ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  CLI::Option* vkey = verb->add_option("--vkey", options->vkey,
                                       "trust this key of the log, not the workspace's: NAME+HASH+KEY");
  CLI::Option* proof =
      verb->add_option("--proof", options->proof, "check this proof alone; needs no workspace")
          ->needs(vkey)
          ->excludes(against);
  verb->add_option(
          "--proofs", options->proofs,
          "check a folder of `cotter key list --proofs` or `cotter key forecast --proofs` alone; needs no "
          "workspace")
      ->needs(vkey)
      ->excludes(against)
      ->excludes(proof);
  verb->callback([options, &context] {
    context.exit_code = finish_verify(!options->proofs.empty()  ? run_verify_proofs(*options, context)
                                      : !options->proof.empty() ? run_verify_proof(*options, context)
                                                                : run_verify(*options, context));
  });
}

}  // namespace cotter::cli
