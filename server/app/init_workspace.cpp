#include "server/app/init_workspace.h"

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <set>
#include <system_error>
#include <utility>

#include "common/host/atomic_file.h"
#include "common/model/roles.h"
#include "common/model/time_source.h"
#include "server/app/record.h"
#include "server/app/record_key.h"
#include "server/app/staged_folder.h"
#include "server/ceremony/sign_file.h"
#include "server/keys/keyring.h"
#include "server/keys/pki.h"
#include "server/repository/root_maker.h"
#include "server/storage/sqlite/database.h"

namespace cotter::app {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kMaxKeys = 16;  // a dozen holders are a crowd; a root must stay small
constexpr const char* kSettingsFile = "cotter.toml";

/// Everything of a workspace but cotter.toml, which makes it one.
constexpr std::array kEntries = {"keys", "pki", "repo", "director", "pending", "cotter.db"};

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(fs::symlink_status(path, ignored));
}

/// Absolute, symbolic links resolved as far as it exists.
fs::path resolved(const fs::path& path) {
  std::error_code error;
  fs::path whole = fs::weakly_canonical(fs::absolute(path, error), error);
  if (!whole.has_filename()) whole = whole.parent_path();  // written with a slash at its end
  return error ? path : whole;
}

bool is_within(const fs::path& inner, const fs::path& outer) {
  const auto [in, out] = std::mismatch(inner.begin(), inner.end(), outer.begin(), outer.end());
  return out == outer.end();
}

Result<void> check_quorum(const KeyPlan& quorum, const std::string& role) {
  if (quorum.threshold >= 1 && quorum.threshold <= quorum.keys && quorum.keys <= kMaxKeys) return {};
  return fault(Fault::Kind::Usage,
               "bad quorum for " + role + ": " + std::to_string(quorum.threshold) + " of " +
                   std::to_string(quorum.keys) + " keys",
               "use 1 to 16 keys and a threshold of 1 to as many");
}

/// What tells two stores apart.
Result<std::string> identity_of(const std::string& store) {
  if (keystore::is_token_store(store)) return keystore::Pkcs11Token::identity_of(store);
  return TRY(keystore::TpmName::parse(store)).tcti;
}

Result<void> check_stores(const InitPlan& plan) {
  if (plan.holder_stores.size() > plan.holders()) {
    return fault(Fault::Kind::Usage, "more stores than holders", "name at most one for each holder");
  }
  std::set<std::string> seen;
  std::vector<std::string> all = plan.holder_stores;
  if (plan.online_store) all.push_back(*plan.online_store);
  for (const std::string& store : all) {
    const std::string identity = TRY(identity_of(store));
    if (seen.insert(identity).second) continue;
    return fault(Fault::Kind::Usage, "one store twice: " + identity,
                 "each holder has a token of their own, and the server another");
  }
  return {};
}

Result<void> check_passphrases(const InitPlan& plan, const NewPassphrases& passphrases) {
  COTTER_ASSERT(passphrases.holders.size() == plan.holders());
  for (const crypto::Secret& holder : passphrases.holders) {
    if (holder.view().empty()) continue;  // a token's
    if (equal_in_constant_time(holder.view(), passphrases.online.view())) {
      return fault(Fault::Kind::Usage, "a holder's passphrase is the workspace's",
                   "choose another: who runs the server must not be able to unlock offline keys");
    }
  }
  return {};
}

/// Makes keys in one place, a folder's files or a token.
using MakeKey = std::function<Result<std::unique_ptr<crypto::Signer>>(const keystore::NewKey&)>;

/// What was made on tokens, and goes again unless all is well: no folder's removal takes it along.
class Undo {
 public:
  Undo() = default;
  ~Undo() {
    for (const auto& step : steps_) step();
  }
  Undo(const Undo&) = delete;
  Undo& operator=(const Undo&) = delete;
  void add(std::function<void()> step) { steps_.push_back(std::move(step)); }
  void keep() { steps_.clear(); }

 private:
  std::vector<std::function<void()>> steps_;
};

Result<MakeKey> in_files(const fs::path& dir, const crypto::Secret& passphrase, keystore::KdfCost kdf) {
  auto store =
      std::make_shared<keystore::FileKeystore>(TRY(keystore::FileKeystore::create(dir, passphrase, kdf)));
  return MakeKey([store](const keystore::NewKey& key) -> Result<std::unique_ptr<crypto::Signer>> {
    TRY(store->generate(key.name, key.role, key.created, key.scheme.value_or(crypto::Scheme::Ed25519)));
    return store->signer(key.name);
  });
}

Result<MakeKey> in_tpm(const fs::path& dir, const std::string& store, const keystore::AskPin& pin) {
  auto keys = std::make_shared<keystore::TpmKeys>(TRY(keystore::TpmKeys::open(dir, store, pin)));
  return MakeKey([keys](const keystore::NewKey& key) -> Result<std::unique_ptr<crypto::Signer>> {
    return keys->signer(TRY(keys->generate(key)));
  });
}

Result<MakeKey> on_token(const fs::path& dir, const std::string& uri, const keystore::AskPin& pin,
                         Undo& undo) {
  auto keys = std::make_shared<keystore::TokenKeys>(TRY(keystore::TokenKeys::open(dir, uri, pin)));
  return MakeKey([keys, &undo](const keystore::NewKey& key) -> Result<std::unique_ptr<crypto::Signer>> {
    const keystore::KeyInfo made = TRY(keys->generate(key));
    undo.add([keys, made] { static_cast<void>(keys->destroy(made)); });
    return keys->signer(made);
  });
}

/// `store`: nothing for files under `passphrase`.
Result<MakeKey> in_store(const InitPlan& plan, const std::optional<std::string>& store, const fs::path& dir,
                         const crypto::Secret& passphrase, Undo& undo) {
  if (!store) return in_files(dir, passphrase, plan.kdf);
  if (keystore::is_tpm_store(*store)) return in_tpm(dir, *store, plan.pin);
  return on_token(dir, *store, plan.pin, undo);
}

std::optional<std::string> store_of_holder(const InitPlan& plan, std::uint32_t number) {
  if (number > plan.holder_stores.size()) return std::nullopt;
  return plan.holder_stores[number - 1];
}

/// The signers of one role, kept while the first files are signed.
struct RoleKeys {
  std::vector<std::unique_ptr<crypto::Signer>> owned;
  std::uint32_t threshold = 1;

  Result<void> add(const MakeKey& make, Repository repository, const RoleName& role, std::string_view suffix,
                   UtcTime now) {
    const std::string name = keys::key_name(repository, role) + std::string(suffix);
    owned.push_back(TRY(make({name, std::string(name_of(repository)) + "/" + role.value(), {}, now})));
    return {};
  }
  [[nodiscard]] repository::RoleSigners signers() const {
    repository::RoleSigners all{{}, threshold};
    for (const auto& signer : owned) all.signers.push_back(signer.get());
    return all;
  }
};

struct RepositoryKeys {
  RoleKeys root, targets, snapshot, timestamp, time_source;
  [[nodiscard]] repository::FirstKeys first() const {
    return {root.signers(), targets.signers(), snapshot.signers(), timestamp.signers(),
            time_source.signers()};
  }
};

struct AllKeys {
  RepositoryKeys image, director;
  std::unique_ptr<crypto::Signer> ledger;
  Undo undo;  ///< gone before the signers, which share its tokens
};

Result<void> make_online_keys(const InitPlan& plan, const fs::path& dir, const crypto::Secret& passphrase,
                              AllKeys& all, UtcTime now) {
  const MakeKey store = TRY(in_store(plan, plan.online_store, dir, passphrase, all.undo));
  // A signed note wants ed25519, which a TPM does not make.
  const bool in_a_tpm = plan.online_store && keystore::is_tpm_store(*plan.online_store);
  const MakeKey for_ledger = in_a_tpm ? TRY(in_files(dir, passphrase, plan.kdf)) : store;
  all.ledger = TRY(for_ledger({keys::kLedgerKeyName, "ledger", crypto::Scheme::Ed25519, now}));
  TRY(all.image.snapshot.add(store, Repository::Image, model::snapshot_role(), "", now));
  TRY(all.image.timestamp.add(store, Repository::Image, model::timestamp_role(), "", now));
  TRY(all.director.targets.add(store, Repository::Director, model::targets_role(), "", now));
  TRY(all.director.snapshot.add(store, Repository::Director, model::snapshot_role(), "", now));
  TRY(all.director.timestamp.add(store, Repository::Director, model::timestamp_role(), "", now));
  return all.director.time_source.add(store, Repository::Director, model::time_source_role(), "", now);
}

Result<void> make_holder(const InitPlan& plan, std::uint32_t number, const fs::path& dir,
                         const crypto::Secret& passphrase, AllKeys& all, UtcTime now) {
  const MakeKey store = TRY(in_store(plan, store_of_holder(plan, number), dir, passphrase, all.undo));
  const std::string suffix = "-" + std::to_string(number);
  if (number <= plan.root.keys) {
    TRY(all.image.root.add(store, Repository::Image, model::root_role(), suffix, now));
    TRY(all.director.root.add(store, Repository::Director, model::root_role(), suffix, now));
  }
  if (number <= plan.targets.keys) {
    TRY(all.image.targets.add(store, Repository::Image, model::targets_role(), suffix, now));
  }
  return {};
}

repository::FirstLifetimes first_lifetimes(const Lifetimes& lifetimes) {
  return {lifetimes.root, lifetimes.targets, lifetimes.snapshot, lifetimes.timestamp};
}

/// The first files of both repositories.
struct FirstFiles {
  repository::Publication image;
  repository::NewFile director_root;
};

Result<FirstFiles> make_repositories(const fs::path& staging, const AllKeys& all, const Settings& settings,
                                     UtcTime now) {
  FirstFiles files;
  TRY(host::make_dir(staging / "repo"));
  const repository::Layout image(staging / "repo");
  files.image =
      TRY(repository::make_image_repository(all.image.first(), first_lifetimes(settings.image), now));
  for (const repository::NewFile& file : files.image) TRY(repository::write_file(image, file));
  TRY(host::make_dir(staging / "director"));
  files.director_root =
      TRY(repository::make_director_root(all.director.first(), settings.director.root, now));
  TRY(repository::write_file(repository::Layout(staging / "director"), files.director_root));
  return files;
}

/// What a holder measures by whatever he is asked to sign.
Result<void> trust_roots(const fs::path& holder, const FirstFiles& files) {
  const auto is_root = [](const repository::NewFile& file) { return file.role == model::root_role(); };
  const auto image = std::ranges::find_if(files.image, is_root);
  COTTER_ASSERT(image != files.image.end());
  TRY(host::create_atomically(holder / ceremony::trusted_root_name(Repository::Image), image->wire));
  return host::create_atomically(holder / ceremony::trusted_root_name(Repository::Director),
                                 files.director_root.wire);
}

/// The keys in one folder, by their clear halves.
Result<void> record_keys(host::Db& db, const fs::path& dir, const std::string& holder, UtcTime now) {
  for (const keystore::KeyInfo& key : TRY(keystore::list_keys(dir))) {
    TRY(record_key(db, ledger::kKeyGenerated, key, holder, now));
  }
  return {};
}

Result<void> record_files(host::Db& db, Repository repository, const repository::Publication& files,
                          UtcTime now) {
  json::Array details;
  for (const repository::NewFile& file : files) {
    details.emplace_back(TRY(signed_file_details(file.role, file.version.value_or(Version(1)), file.wire)));
  }
  return record(db, {std::string(ledger::kPublication), now, acting_account(),
                     std::string(name_of(repository)), json::Object{{"files", std::move(details)}}});
}

/// The ledger begins with the keys and with what they signed first.
Result<void> begin_ledger(const InitPlan& plan, const fs::path& staging, const fs::path& offline,
                          const FirstFiles& files, crypto::Signer& ledger_key, UtcTime now) {
  host::Db db = TRY(storage::open_database(staging / "cotter.db"));
  auto transaction = TRY(host::Transaction::begin(db));
  TRY(record_keys(db, staging / "keys", "workspace", now));
  for (std::uint32_t number = 1; number <= plan.holders(); ++number) {
    TRY(record_keys(db, offline / holder_name(number), holder_name(number), now));
  }
  TRY(record_files(db, Repository::Image, files.image, now));
  TRY(record_files(db, Repository::Director, {files.director_root}, now));
  TRY(transaction.commit());
  keys::FileLogSigner signer(staging / "keys", ledger_key);
  return sign_ledger(db, &signer, now);
}

/// Sees that all names are free. What a killed init had moved goes, only where its staging folder says that
/// there was one.
Result<void> make_way(const StagedFolder& folder) {
  for (const char* name : kEntries) {
    const fs::path path = folder.dir() / name;
    if (!is_there(path)) continue;
    if (!folder.was_interrupted()) {
      return fault(Fault::Kind::Conflict, path.string() + " is there already",
                   "choose a new or an empty folder for the workspace");
    }
    std::error_code error;
    fs::remove_all(path, error);
    if (error) return fail(host::errno_fault("cannot remove " + path.string(), error.value()));
  }
  return {};
}

/// Moves all into place, what makes it a workspace last.
Result<void> place_all(const InitPlan& plan, StagedFolder& workspace, StagedFolder& offline) {
  for (const char* name : kEntries) TRY(workspace.place(name));
  for (std::uint32_t number = 1; number <= plan.holders(); ++number) TRY(offline.place(holder_name(number)));
  TRY(workspace.place(kSettingsFile));
  offline.keep();
  workspace.keep();
  return {};
}

}  // namespace

std::string holder_name(std::uint32_t number) { return "holder-" + std::to_string(number); }

Result<void> check_plan(const InitPlan& plan) {
  TRY(check_quorum(plan.root, "root"));
  TRY(check_quorum(plan.targets, "targets"));
  TRY(check_stores(plan));
  const fs::path dir = resolved(plan.dir);
  const fs::path offline_dir = resolved(plan.offline_dir);
  if (is_within(offline_dir, dir) || is_within(dir, offline_dir)) {
    return fault(Fault::Kind::Usage, "the workspace and the offline keys are in one folder",
                 "give --offline-dir a folder elsewhere, best on a medium that can be taken away");
  }
  if (is_there(dir / kSettingsFile)) {
    return fault(Fault::Kind::Conflict, dir.string() + " is a workspace already",
                 "choose another folder; an existing workspace is never overwritten");
  }
  for (std::uint32_t number = 1; number <= plan.holders(); ++number) {
    const fs::path holder = offline_dir / holder_name(number);
    if (is_there(holder)) {
      return fault(Fault::Kind::Conflict, holder.string() + " is there already",
                   "offline keys are never overwritten: choose another --offline-dir, or move it away if an "
                   "interrupted init left it");
    }
  }
  return {};
}

Result<Workspace> init_workspace(const InitPlan& plan, const NewPassphrases& passphrases, UtcTime now) {
  TRY(check_plan(plan));
  TRY(check_passphrases(plan, passphrases));
  StagedFolder workspace = TRY(StagedFolder::in(plan.dir, host::kPublicDir));
  StagedFolder offline = TRY(StagedFolder::in(plan.offline_dir, host::kSecretDir));
  TRY(make_way(workspace));
  const fs::path& staging = workspace.staging();

  AllKeys all;
  all.image.root.threshold = all.director.root.threshold = plan.root.threshold;
  all.image.targets.threshold = plan.targets.threshold;
  TRY(make_online_keys(plan, staging / "keys", passphrases.online, all, now));
  for (std::uint32_t number = 1; number <= plan.holders(); ++number) {
    TRY(make_holder(plan, number, offline.staging() / holder_name(number), passphrases.holders[number - 1],
                    all, now));
  }
  Settings settings;
  settings.offline_dir = resolved(plan.offline_dir);
  const FirstFiles files = TRY(make_repositories(staging, all, settings, now));
  for (std::uint32_t number = 1; number <= plan.holders(); ++number) {
    TRY(trust_roots(offline.staging() / holder_name(number), files));
  }
  TRY(keys::create_pki(staging / "pki", passphrases.online, plan.server_names, now));
  TRY(host::make_dir(staging / "pending", host::kSecretDir));
  TRY(begin_ledger(plan, staging, offline.staging(), files, *all.ledger, now));
  TRY(host::create_atomically(staging / kSettingsFile, as_bytes(cotter_toml_text(settings))));
  TRY(place_all(plan, workspace, offline));
  all.undo.keep();
  return Workspace::open(plan.dir);
}

}  // namespace cotter::app
