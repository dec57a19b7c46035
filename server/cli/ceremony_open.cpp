// cotter ceremony open root|targets: what the holders of offline keys are to sign.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <functional>
#include <memory>
#include <sstream>
#include <system_error>

#include "common/host/system_clock.h"
#include "common/keystore/key_record.h"
#include "server/app/key_history.h"
#include "server/app/root_ceremony.h"
#include "server/app/targets_ceremony.h"
#include "server/cli/ceremony_view.h"
#include "server/cli/context.h"
#include "server/cli/signers.h"
#include "server/cli/verbs.h"
#include "server/repository/reader.h"

namespace cotter::cli {
namespace {

namespace fs = std::filesystem;

struct ChangeOptions {
  std::vector<std::string> add;
  std::vector<std::string> remove;
  std::vector<std::string> thresholds;
  std::vector<std::string> classes;
};

struct OpenRootOptions {
  std::string repository;
  ChangeOptions change;
  std::string expires;
  bool replace = false;
};

struct OpenTargetsOptions {
  ChangeOptions change;
  SigningOptions signing;
  SignerOption signer;
};

/// "root=FILE", taken apart.
struct OfRole {
  RoleName role;
  std::string value;
};

Result<OfRole> split(const std::string& text, const char* option) {
  const std::size_t equals = text.find('=');
  if (equals != std::string::npos && equals > 0 && equals + 1 < text.size()) {
    return OfRole{RoleName(text.substr(0, equals)), text.substr(equals + 1)};
  }
  return fault(Fault::Kind::Usage, std::string(option) + " '" + text + "' is no ROLE=VALUE",
               "say for example " + std::string(option) + " root=...");
}

Result<std::uint32_t> number_of(const std::string& text, const char* option) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) return number;
  return fault(Fault::Kind::Usage, std::string(option) + " '" + text + "' is no number");
}

/// "require,classical:2,post-quantum:1", or "none".
Result<std::optional<model::ClassThresholds>> classes_in(const std::string& text) {
  if (text == "none") return std::optional<model::ClassThresholds>();
  std::istringstream parts(text);
  std::string part;
  std::getline(parts, part, ',');
  const auto stage = model::stage_named(part);
  const auto wrong = [&] {
    return fault(Fault::Kind::Usage, "--classes '" + text + "' is no STAGE,CLASS:N,...",
                 "STAGE is accept, prefer or require, CLASS classical or post-quantum; say for example "
                 "--classes targets=accept,classical:2,post-quantum:1");
  };
  if (!stage) return wrong();
  model::ClassThresholds classes;
  classes.stage = *stage;
  while (std::getline(parts, part, ',')) {
    const std::size_t colon = part.find(':');
    const auto key_class = crypto::class_named(std::string_view(part).substr(0, colon));
    if (!key_class || colon == std::string::npos) return wrong();
    const std::uint32_t least = TRY(number_of(part.substr(colon + 1), "--classes"));
    if (least == 0) return wrong();
    classes.least[*key_class] = least;
  }
  if (classes.least.empty()) return wrong();
  return std::optional(std::move(classes));
}

/// The key of the role that `text` means: as metadata calls it.
Result<KeyId> listed_key(const model::KeyRing& ring, const model::RoleKeys& role, const app::KeyNames& names,
                         const std::string& text) {
  std::vector<app::SigningKey> known;
  for (const KeyId& id : role.keyids) {
    if (const auto key = ring.find(id); key != ring.end()) known.push_back({key->second.material(), id});
  }
  return TRY(app::find_signing_key(known, names, text)).id;
}

using FindRole = std::function<const model::RoleKeys*(const RoleName&)>;

Result<ceremony::KeyChange> change_of(const ChangeOptions& options, const model::KeyRing& ring,
                                      const FindRole& find, const app::KeyNames& names) {
  ceremony::KeyChange change;
  for (const std::string& text : options.add) {
    const OfRole added = TRY(split(text, "--add-key"));
    const keystore::KeyRecord record = TRY(keystore::read_record(added.value));
    change.add.push_back({added.role, record.info.key, record.info});
  }
  for (const std::string& text : options.remove) {
    const OfRole removed = TRY(split(text, "--remove-key"));
    const model::RoleKeys* role = find(removed.role);
    if (role == nullptr) return fault(Fault::Kind::NotFound, "there is no role " + removed.role.value());
    KeyId id = TRY(listed_key(ring, *role, names, removed.value));
    change.remove.push_back({removed.role, std::move(id)});
  }
  for (const std::string& text : options.thresholds) {
    const OfRole wanted = TRY(split(text, "--threshold"));
    change.thresholds[wanted.role] = TRY(number_of(wanted.value, "--threshold"));
  }
  for (const std::string& text : options.classes) {
    const OfRole wanted = TRY(split(text, "--classes"));
    change.classes[wanted.role] = TRY(classes_in(wanted.value));
  }
  return change;
}

Result<void> run_open_root(const OpenRootOptions& options, const Context& context) {
  const app::Workspace workspace = TRY(open_workspace(context));
  app::RootWish wish;
  wish.repository =
      options.repository == name_of(Repository::Image) ? Repository::Image : Repository::Director;
  wish.lifetime = TRY(lifetime_of(options.expires));
  wish.replaces = options.replace;
  const bool is_image = wish.repository == Repository::Image;
  const auto root = TRY(repository::newest_root(
      repository::Layout(is_image ? workspace.repo_dir() : workspace.director_dir())));
  const auto find = [&](const RoleName& name) -> const model::RoleKeys* {
    const auto role = root->roles.find(name);
    return role == root->roles.end() ? nullptr : &role->second;
  };
  wish.change = TRY(change_of(options.change, root->keys, find, TRY(app::all_key_names(workspace))));
  const auto opened = TRY(app::open_root_ceremony(workspace, wish, host::SystemClock().now()));
  show_opened(opened, context.json);
  return {};
}

Result<void> run_open_targets(const OpenTargetsOptions& options, const Context& context) {
  const app::Workspace workspace = TRY(open_workspace(context));
  const auto published = TRY(repository::read_as_client(workspace.repo_dir(), repository::kBeforeAnyExpiry));
  const model::Delegations none;
  const model::Targets& targets = **published.targets();
  const model::Delegations& delegations = targets.delegations ? *targets.delegations : none;
  const auto change = TRY(change_of(
      options.change, delegations.keys, [&](const RoleName& name) { return delegations.keys_of(name); },
      TRY(app::all_key_names(workspace))));
  app::TargetsSigning signing;
  const std::vector<ceremony::Signers> holders = TRY(sign_with(options.signing, context, signing));
  WorkspaceSigners signers(workspace, context, options.signer);
  signing.online = [&] { return signers.online(); };
  const auto outcome = TRY(app::open_targets_ceremony(workspace, signing, change, host::SystemClock().now()));
  show_targets(outcome, context.json);
  return {};
}

void add_change_options(CLI::App& verb, ChangeOptions& options, const char* roles) {
  const auto list = [&](const char* name, std::vector<std::string>& into, const std::string& text) {
    verb.add_option(name, into, text)->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  };
  const std::string of = std::string("; ROLE is ") + roles;
  list("--add-key", options.add,
       "ROLE=FILE: a key file of cotter key generate, of which its public half is read" + of);
  list("--remove-key", options.remove,
       "ROLE=KEY: its name, its id, or at least eight of the id's first digits");
  list("--threshold", options.thresholds, "ROLE=N: how many of its keys must sign from now on");
  list(
      "--classes", options.classes,
      "ROLE=STAGE,CLASS:N,...: how many keys of each class must sign beside that, classical or post-quantum; "
      "STAGE says who asks for it: accept (nobody yet), prefer (signers and publishers) or require "
      "(vehicles too); ROLE=none: no longer");
}

}  // namespace

void add_ceremony_open(CLI::App& ceremony, Context& context) {
  CLI::App* open = ceremony.add_subcommand("open", "write down what the holders of offline keys are to sign");
  open->require_subcommand(1);
  auto root = std::make_shared<OpenRootOptions>();
  CLI::App* of_root = open->add_subcommand(
      "root", "the next root: renewed as it is, or with keys in and out and other thresholds");
  of_root->add_option("--repository", root->repository, "image or director")
      ->required()
      ->check(CLI::IsMember({"image", "director"}));
  add_change_options(*of_root, root->change, "root, targets, snapshot or timestamp");
  of_root->add_option("--expires", root->expires, "how long it lives: 365d, 12h (default: cotter.toml's)");
  of_root->add_flag("--replace", root->replace, "give up a ceremony for this root that is open");
  of_root->callback([root, &context] { context.exit_code = finish(run_open_root(*root, context)); });

  auto targets = std::make_shared<OpenTargetsOptions>();
  CLI::App* of_targets = open->add_subcommand(
      "targets",
      "the image repository's list of images: renewed as it is, or with other keys for its delegations");
  add_change_options(*of_targets, targets->change, "a delegation");
  add_signing_options(*of_targets, targets->signing);
  add_signer_option(*of_targets, targets->signer);
  of_targets->callback(
      [targets, &context] { context.exit_code = finish(run_open_targets(*targets, context)); });
}

}  // namespace cotter::cli
