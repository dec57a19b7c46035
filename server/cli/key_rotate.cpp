// cotter key rotate|revoke: opens the ceremony in which a key gives way to another, or goes.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>

#include "common/host/system_clock.h"
#include "common/keystore/key_record.h"
#include "server/app/key_history.h"
#include "server/app/root_ceremony.h"
#include "server/app/targets_ceremony.h"
#include "server/cli/ceremony_view.h"
#include "server/cli/context.h"
#include "server/cli/verbs.h"
#include "server/repository/layout.h"
#include "server/repository/reader.h"

namespace cotter::cli {
namespace {

namespace fs = std::filesystem;
using trust::Verified;

struct RotateOptions {
  std::string key;
  std::optional<fs::path> successor;  ///< none: it goes without one
  bool replace = false;
};

/// Where keys are listed that a ceremony can change.
struct Published {
  Verified<model::Root> image;
  Verified<model::Root> director;
  model::Delegations delegations;
};

Result<Published> read_published(const app::Workspace& workspace) {
  auto image = TRY(repository::newest_root(repository::Layout(workspace.repo_dir())));
  auto director = TRY(repository::newest_root(repository::Layout(workspace.director_dir())));
  const auto set = TRY(repository::read_as_client(workspace.repo_dir(), repository::kBeforeAnyExpiry));
  const model::Targets& targets = **set.targets();
  return Published{std::move(image), std::move(director), targets.delegations.value_or(model::Delegations())};
}

void add_keys(const model::KeyRing& ring, std::vector<app::SigningKey>& all) {
  for (const auto& [id, key] : ring) {
    const app::SigningKey each{key.material(), id};
    const auto known = std::ranges::find(all, each.material, &app::SigningKey::material);
    if (known == all.end()) all.push_back(each);
  }
}

/// Out of `role`, and the successor in; nothing where the role does not list the key.
Result<void> change(ceremony::KeyChange& all, const model::KeyRing& ring, const RoleName& role,
                    const model::RoleKeys& keys, const std::string& material, const RotateOptions& options) {
  for (const KeyId& id : keys.keyids) {
    const auto key = ring.find(id);
    if (key == ring.end() || key->second.material() != material) continue;
    all.remove.push_back({role, id});
    if (!options.successor) continue;
    const keystore::KeyRecord record = TRY(keystore::read_record(*options.successor));
    all.add.push_back({role, record.info.key, record.info});
  }
  return {};
}

Result<ceremony::KeyChange> change_of(const model::Root& root, const std::string& material,
                                      const RotateOptions& options) {
  ceremony::KeyChange all;
  for (const auto& [role, keys] : root.roles) TRY(change(all, root.keys, role, keys, material, options));
  return all;
}

Result<ceremony::KeyChange> change_of(const model::Delegations& delegations, const std::string& material,
                                      const RotateOptions& options) {
  ceremony::KeyChange all;
  for (const model::DelegatedRole& role : delegations.roles) {
    TRY(change(all, delegations.keys, role.name, role.keys, material, options));
  }
  return all;
}

Result<void> run(const RotateOptions& options, const Context& context) {
  const app::Workspace workspace = TRY(open_workspace(context));
  const Published published = TRY(read_published(workspace));
  std::vector<app::SigningKey> known;
  add_keys(published.image->keys, known);
  add_keys(published.director->keys, known);
  add_keys(published.delegations.keys, known);
  const app::SigningKey key =
      TRY(app::find_signing_key(known, TRY(app::all_key_names(workspace)), options.key));
  const UtcTime now = host::SystemClock().now();
  bool is_listed = false;
  for (const auto& [repository, root] : {std::pair(Repository::Image, &published.image),
                                         std::pair(Repository::Director, &published.director)}) {
    app::RootWish wish;
    wish.repository = repository;
    wish.replaces = options.replace;
    wish.change = TRY(change_of(**root, key.material, options));
    if (wish.change.empty()) continue;
    is_listed = true;
    show_opened(TRY(app::open_root_ceremony(workspace, wish, now)), context.json);
  }
  const ceremony::KeyChange delegated = TRY(change_of(published.delegations, key.material, options));
  if (delegated.empty() && !is_listed) {
    return fault(Fault::Kind::NotFound,
                 "no root and no delegation of the targets lists key " + key.id.value(),
                 "the ledger's key cannot change; a supplier's roles below its own are the supplier's");
  }
  if (!delegated.empty()) {
    show_targets(TRY(app::open_targets_ceremony(workspace, {}, delegated, now)), context.json);
  }
  return {};
}

}  // namespace

void add_key_rotate(CLI::App& key, Context& context) {
  auto rotate = std::make_shared<RotateOptions>();
  auto successor = std::make_shared<fs::path>();
  CLI::App* of_rotate = key.add_subcommand(
      "rotate", "open the ceremony in which one key takes another's place, in every role that lists it");
  of_rotate->add_option("KEY", rotate->key, "its name, its id, or at least eight of the id's first digits")
      ->required();
  of_rotate
      ->add_option("--to", *successor,
                   "the key that takes its place: a key file of cotter key generate, named after it "
                   "(image-snapshot, then image-snapshot-2), of which the public half is read")
      ->required();
  of_rotate->add_flag("--replace", rotate->replace, "give up a ceremony for this root that is open");
  of_rotate->callback([rotate, successor, &context] {
    rotate->successor = *successor;
    context.exit_code = finish(run(*rotate, context));
  });

  auto revoke = std::make_shared<RotateOptions>();
  CLI::App* of_revoke = key.add_subcommand(
      "revoke", "open the ceremony in which a key goes, lost or stolen; refused where too few would be left");
  of_revoke->add_option("KEY", revoke->key, "its name, its id, or at least eight of the id's first digits")
      ->required();
  of_revoke->add_flag("--replace", revoke->replace, "give up a ceremony for this root that is open");
  of_revoke->callback([revoke, &context] { context.exit_code = finish(run(*revoke, context)); });
}

}  // namespace cotter::cli
