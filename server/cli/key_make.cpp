// cotter key generate|import: a key into a file, onto a token, or from where it is already.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <system_error>

#include "common/host/atomic_file.h"
#include "common/host/output.h"
#include "common/host/system_clock.h"
#include "common/keystore/file_keystore.h"
#include "common/keystore/key_folder.h"
#include "common/keystore/openssl_key.h"
#include "server/app/record_key.h"
#include "server/ceremony/holder.h"
#include "server/cli/context.h"
#include "server/cli/key_view.h"
#include "server/cli/verbs.h"
#include "server/keys/keyring.h"

namespace cotter::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMaxPem = 64 * 1024;

struct MakeOptions {
  std::string store = std::string(keystore::kFileStore);
  fs::path dir;
  std::string name;
  std::string role;
  std::string scheme;
  fs::path pem;                       ///< of import
  std::optional<int> pem_passphrase;  ///< of import
};

bool is_same_folder(const fs::path& a, const fs::path& b) {
  std::error_code ignored;
  return fs::equivalent(a, b, ignored);
}

/// Which folder, and whose passphrase protects it.
struct Place {
  fs::path dir;
  host::PassphraseSource source;
  std::optional<app::Workspace> workspace{};  ///< whose ledger tells of its keys
  bool is_online = false;                     ///< it is the workspace's own
};

Result<Place> place_for(const MakeOptions& options, const Context& context) {
  const Result<app::Workspace> workspace = open_workspace(context);
  const bool is_online =
      options.dir.empty() || (workspace && is_same_folder(options.dir, workspace->keys_dir()));
  if (!is_online) {
    Place place{options.dir, holder_source(context, options.dir.filename().string())};
    if (workspace) place.workspace = *workspace;
    // A holder on another machine has none: the ledger hears of the key when it is put forward for a role.
    if (workspace || is_fault(workspace.error(), Fault::Kind::NotFound)) return place;
  }
  if (!workspace) return fail(workspace.error());
  if (ceremony::is_offline_key(options.name)) {
    return fault(Fault::Kind::Denied, "an offline key does not belong into the workspace: " + options.name,
                 "name its holder's folder by --dir");
  }
  return Place{workspace->keys_dir(), workspace_source(context), *workspace, true};
}

/// The folder's passphrase exists already, or is chosen now.
Result<keystore::FileKeystore> open_or_create(const Place& place) {
  if (TRY(keystore::has_sealed_keys(place.dir))) {
    return keystore::FileKeystore::open(place.dir, TRY(host::read_passphrase(place.source)));
  }
  return keystore::FileKeystore::create(place.dir, TRY(host::read_new_passphrase(place.source)));
}

Result<std::optional<crypto::Scheme>> wished(const std::string& scheme) {
  if (scheme.empty()) return std::optional<crypto::Scheme>();
  return std::optional<crypto::Scheme>(TRY(keystore::signing_scheme(scheme)));
}

/// `kind`: what the ledger calls it.
Result<keystore::NewKey> new_key(const MakeOptions& options, const Place& place, std::string_view kind) {
  TRY(keystore::check_names(options.name, options.role));
  const std::optional<crypto::Scheme> scheme = TRY(wished(options.scheme));
  keystore::NewKey key{options.name, options.role, scheme, host::SystemClock().now()};
  if (place.workspace) key.before = app::recorded_as(kind, *place.workspace);
  return key;
}

/// A URI may carry a PIN where it should not: nothing here repeats it.
tl::unexpected<Error> unknown_store() {
  return fault(Fault::Kind::Usage, "no such store",
               "use file, tpm, or the URI of a token: 'pkcs11:token=LABEL'");
}

struct Made {
  keystore::KeyInfo info;
  std::unique_ptr<crypto::Signer> signer;
};

Result<Made> made_with(const keystore::KeyInfo& info, Result<std::unique_ptr<crypto::Signer>> signer) {
  std::unique_ptr<crypto::Signer> opened = TRY(std::move(signer));
  return Made{info, std::move(opened)};
}

Result<Made> generate(const MakeOptions& options, const Place& place, const Context& context) {
  const keystore::NewKey key = TRY(new_key(options, place, ledger::kKeyGenerated));
  if (keystore::is_token_store(options.store)) {
    auto on_token = TRY(keystore::TokenKeys::open(place.dir, options.store, ask_pin(context)));
    const keystore::KeyInfo made = TRY(on_token.generate(key));
    return Made{made, on_token.signer(made)};
  }
  if (keystore::is_tpm_store(options.store)) {
    auto in_tpm = TRY(keystore::TpmKeys::open(place.dir, options.store, ask_pin(context)));
    const keystore::KeyInfo made = TRY(in_tpm.generate(key));
    return made_with(made, in_tpm.signer(made));
  }
  if (options.store != keystore::kFileStore) return unknown_store();
  auto store = TRY(open_or_create(place));
  const crypto::Scheme scheme = key.scheme.value_or(crypto::Scheme::Ed25519);
  const keystore::KeyInfo made = TRY(store.generate(key.name, key.role, key.created, scheme, key.before));
  return made_with(made, store.signer(key.name));
}

Result<keystore::OpensslKey> read_pem(const MakeOptions& options) {
  Bytes text = TRY(host::read_file(options.pem, kMaxPem));
  const crypto::Secret pem = crypto::Secret::taking(text);
  std::optional<crypto::Secret> passphrase;
  const bool encrypted = as_text(pem.view()).find("ENCRYPTED") != std::string_view::npos;
  if (encrypted) {
    passphrase =
        TRY(host::read_passphrase({options.pem_passphrase, "", "Passphrase of " + options.pem.string()}));
  }
  return keystore::read_private_pem(as_text(pem.view()), passphrase ? &*passphrase : nullptr);
}

Result<Made> import(const MakeOptions& options, const Place& place, const Context& context) {
  const keystore::NewKey key = TRY(new_key(options, place, ledger::kKeyImported));
  if (keystore::is_token_store(options.store)) {
    if (!options.pem.empty()) {
      return fault(Fault::Kind::Usage, "a private key that was in a file is not put onto a token",
                   "make one on the token by cotter key generate, and rotate to it");
    }
    auto on_token = TRY(keystore::TokenKeys::open(place.dir, options.store, ask_pin(context)));
    const keystore::KeyInfo there = TRY(on_token.adopt(options.store, key));
    return Made{there, on_token.signer(there)};
  }
  if (options.store != keystore::kFileStore) return unknown_store();
  if (options.pem.empty())
    return fault(Fault::Kind::Usage, "no file to import from", "name a private key in PEM");
  const keystore::OpensslKey taken = TRY(read_pem(options));
  auto store = TRY(open_or_create(place));
  const keystore::KeyInfo made = TRY(store.add(key.name, key.role, key.created, *taken, key.before));
  return made_with(made, store.signer(key.name));
}

using Making = Result<Made> (*)(const MakeOptions&, const Place&, const Context&);

Result<void> run(Making make, const MakeOptions& options, const Context& context) {
  const Place place = TRY(place_for(options, context));
  const Made made = TRY(make(options, place, context));
  const keystore::KeyInfo& key = made.info;
  if (place.is_online && key.name == keys::kLedgerKeyName)
    TRY(app::sign_with_new_key(*place.workspace, *made.signer, key.created));
  if (context.json) {
    host::print_json(whole_json(key));
  } else {
    fmt::print("{}  {}  key id {}\n{}\n", key.name, crypto::name_of(key.key.scheme()), key.id.value(),
               key.file.string());
  }
  return {};
}

void add_common(CLI::App& verb, MakeOptions& options) {
  verb.add_option("--store", options.store,
                  "what holds the private half: file, tpm (or tpm:TCTI, as tss2 spells it), or a token as a "
                  "PKCS #11 URI: 'pkcs11:token=LABEL', best with "
                  "?pin-source=file:/PATH for a service; a PIN itself never stands in it")
      ->capture_default_str();
  verb.add_option("--dir", options.dir, "a holder's folder (default: the workspace's keys)");
  verb.add_option("--name", options.name, "the key's name, which names its file")->required();
  verb.add_option("--role", options.role, "what it is for, as a note: image/brakes");
}

}  // namespace

void add_key_generate(CLI::App& key, Context& context) {
  auto options = std::make_shared<MakeOptions>();
  CLI::App* verb = key.add_subcommand("generate", "make a key");
  add_common(*verb, *options);
  verb->add_option("--scheme", options->scheme,
                   "ed25519, ecdsa-sha2-nistp256 or rsassa-pss-sha256 (default: the first of these that the "
                   "store can); in a "
                   "file also ml-dsa-44, -65 or -87, or slh-dsa-sha2-128s, with OpenSSL 3.5 or later");
  verb->callback([options, &context] { context.exit_code = finish(run(&generate, *options, context)); });
}

void add_key_import(CLI::App& key, Context& context) {
  auto options = std::make_shared<MakeOptions>();
  CLI::App* verb = key.add_subcommand(
      "import",
      "take in a key that exists: a private key in PEM, or one that is on a token (--store with object=)");
  add_common(*verb, *options);
  verb->add_option("PEM", options->pem, "the private key; remove it afterwards");
  verb->add_option("--pem-passphrase-fd", options->pem_passphrase,
                   "read the passphrase of PEM from this file descriptor, not a prompt");
  verb->callback([options, &context] { context.exit_code = finish(run(&import, *options, context)); });
}

}  // namespace cotter::cli
