// cotter ceremony sign|status|close: the holders' signatures, from a copy of a bundle to publication.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>

#include "common/host/output.h"
#include "common/host/system_clock.h"
#include "common/model/roles.h"
#include "server/app/root_ceremony.h"
#include "server/app/targets_ceremony.h"
#include "server/ceremony/sign_file.h"
#include "server/cli/ceremony_view.h"
#include "server/cli/context.h"
#include "server/cli/signers.h"
#include "server/cli/verbs.h"
#include "server/repository/layout.h"
#include "server/repository/reader.h"

namespace cotter::cli {
namespace {

namespace fs = std::filesystem;
using app::ClosedRoot;
using ceremony::OfflineBundle;

struct SignOptions {
  fs::path bundle;
  std::vector<fs::path> holders;
  std::optional<fs::path> root;
  std::optional<std::string> hash;
};

struct CloseOptions {
  std::vector<fs::path> copies;
  SignerOption signer;
};

Result<void> run_sign(const SignOptions& options, const Context& context) {
  std::optional<ceremony::SignedFile> last;
  std::uint32_t signatures = 0;
  for (const fs::path& holder : options.holders) {
    ceremony::SignWish wish;
    wish.bundle = options.bundle;
    wish.holder = holder;
    wish.unlock = holder_unlock(context, holder.filename().string());
    wish.root = options.root;
    wish.hash = options.hash;
    if (!context.json && !last) wish.told = stdout;
    last = TRY(ceremony::sign_file(wish));
    signatures += last->signatures;
  }
  if (context.json) {
    json::Object object = ceremony_json(last->file, last->bundle, last->standing);
    object.set("signatures_made", std::uint64_t{signatures});
    host::print_json(object);
    return {};
  }
  fmt::print("\n{}: signed\n", last->file.string());
  if (last->standing.complete())
    fmt::print("Complete. Next: cotter ceremony close {}\n", last->file.string());
  return {};
}

/// All that waits in pending/.
Result<std::vector<OfflineBundle>> waiting_in(const app::Workspace& workspace) {
  std::vector<OfflineBundle> bundles;
  for (const auto& [repository, role] :
       {std::pair(Repository::Image, model::root_role()), std::pair(Repository::Director, model::root_role()),
        std::pair(Repository::Image, model::targets_role())}) {
    for (const fs::path& file : TRY(ceremony::bundles_in(workspace.pending_dir(), repository, role))) {
      bundles.push_back(TRY(OfflineBundle::read(file)));
    }
  }
  return bundles;
}

/// The workspace's own measure: what it published first.
Result<ceremony::Standing> standing_of(const app::Workspace& workspace, const OfflineBundle& bundle) {
  const bool is_image = bundle.repository == Repository::Image;
  const repository::Layout layout(is_image ? workspace.repo_dir() : workspace.director_dir());
  return ceremony::look_at(bundle,
                           TRY(ceremony::trusted_root({}, layout.root(Version(1)), bundle.repository)));
}

Result<void> run_status(const std::vector<fs::path>& files, const Context& context) {
  const app::Workspace workspace = TRY(open_workspace(context));
  std::vector<OfflineBundle> bundles;
  bundles.reserve(files.size());
  for (const fs::path& file : files) bundles.push_back(TRY(OfflineBundle::read(file)));
  if (files.empty()) bundles = TRY(waiting_in(workspace));
  json::Array listed;
  for (std::size_t at = 0; at < bundles.size(); ++at) {
    const OfflineBundle& bundle = bundles[at];
    const ceremony::Standing standing = TRY(standing_of(workspace, bundle));
    const fs::path file = files.empty() ? workspace.pending_dir() / bundle.file_name() : files[at];
    if (context.json) {
      listed.emplace_back(ceremony_json(file, bundle, standing));
    } else {
      fmt::print("{}{}\n", at == 0 ? "" : "\n", file.string());
      ceremony::show(bundle, standing, stdout);
      if (standing.complete()) fmt::print("complete: cotter ceremony close {}\n", bundle.file_name());
    }
  }
  if (context.json) host::print_json(json::Object{{"ceremonies", std::move(listed)}});
  if (!context.json && bundles.empty()) fmt::print("no ceremony is open\n");
  return {};
}

/// The root ceremony that these belong to; nothing: they are the targets' alone.
Result<std::optional<Repository>> root_ceremony_of(const std::vector<OfflineBundle>& bundles,
                                                   const app::Workspace& workspace) {
  const auto roots = [&](const OfflineBundle& bundle) { return bundle.role == model::root_role(); };
  const auto root = std::ranges::find_if(bundles, roots);
  if (root != bundles.end()) return std::optional(root->repository);
  // An image list for a root that is not published yet is published with it.
  const auto published = TRY(repository::newest_root(repository::Layout(workspace.repo_dir())));
  const bool is_ahead = std::ranges::any_of(
      bundles, [&](const OfflineBundle& bundle) { return bundle.roots.size() > published->version.value(); });
  return is_ahead ? std::optional(Repository::Image) : std::nullopt;
}

std::string_view name_of(ClosedRoot::State state) {
  switch (state) {
    case ClosedRoot::State::Published:
      return "published";
    case ClosedRoot::State::AwaitingTargets:
      return "awaiting-targets";
    case ClosedRoot::State::AwaitingSignatures:
      break;
  }
  return "awaiting-signatures";
}

void show(const ClosedRoot& closed) {
  const app::OpenCeremony& ceremony = closed.waiting;
  if (closed.state != ClosedRoot::State::Published) {
    if (closed.state == ClosedRoot::State::AwaitingTargets) {
      fmt::print("The root is signed. The image list must be signed anew by the keys that it names:\n\n");
    }
    ceremony::show(ceremony.content, ceremony.standing, stdout);
    return show_next_steps(ceremony.bundle, ceremony.content);
  }
  for (const std::string& line : ceremony.standing.changes) fmt::print("{}\n", line);
  fmt::print(
      "rehearsed as a vehicle fresh from the factory and as a current one\n"
      "published: {} root {}\n",
      name_of(ceremony.content.repository), ceremony.content.version.value());
  if (closed.versions) {
    fmt::print("metadata  targets {}, snapshot {}, timestamp {}\n", closed.versions->targets.value(),
               closed.versions->snapshot.value(), closed.versions->timestamp.value());
    for (const RoleName& role : closed.versions->dropped) {
      fmt::print("the snapshot no longer lists {}, a supplier that was removed\n", role.value());
    }
  }
}

Result<void> close_root(const app::Workspace& workspace, Repository repository,
                        const std::vector<OfflineBundle>& copies, WorkspaceSigners& signers,
                        const Context& context) {
  const ClosedRoot closed = TRY(app::close_root_ceremony(
      workspace, repository, copies, [&] { return signers.all(); }, host::SystemClock().now()));
  if (!context.json) {
    show(closed);
    return {};
  }
  json::Object object = ceremony_json(closed.waiting.bundle, closed.waiting.content, closed.waiting.standing);
  object.set("state", name_of(closed.state));
  if (closed.versions) {
    object.set("targets_version", closed.versions->targets.value());
    object.set("snapshot_version", closed.versions->snapshot.value());
    object.set("timestamp_version", closed.versions->timestamp.value());
    json::Array dropped;
    for (const RoleName& role : closed.versions->dropped) dropped.emplace_back(role.value());
    object.set("dropped", std::move(dropped));
  }
  host::print_json(object);
  return {};
}

Result<void> close_targets(const app::Workspace& workspace, const std::vector<OfflineBundle>& copies,
                           WorkspaceSigners& signers, const Context& context) {
  app::TargetsSigning signing;
  signing.online = [&] { return signers.online(); };
  const auto outcome =
      TRY(app::close_targets_ceremony(workspace, signing, copies, host::SystemClock().now()));
  show_targets(outcome, context.json);
  return {};
}

Result<void> run_close(const CloseOptions& options, const Context& context) {
  const app::Workspace workspace = TRY(open_workspace(context));
  std::vector<OfflineBundle> copies;
  for (const fs::path& file : options.copies) copies.push_back(TRY(OfflineBundle::read(file)));
  WorkspaceSigners signers(workspace, context, options.signer);
  if (const auto repository = TRY(root_ceremony_of(copies, workspace))) {
    return close_root(workspace, *repository, copies, signers, context);
  }
  return close_targets(workspace, copies, signers, context);
}

}  // namespace

void add_ceremony(CLI::App& app, Context& context) {
  CLI::App* verb =
      app.add_subcommand("ceremony", "what offline keys sign: roots, the list of images, delegations");
  verb->require_subcommand(1);
  add_ceremony_open(*verb, context);

  auto sign = std::make_shared<SignOptions>();
  CLI::App* of_sign =
      verb->add_subcommand("sign", "sign a bundle with holders' keys at hand, as cotter-sign does");
  of_sign->add_option("BUNDLE", sign->bundle, "the file that ceremony open wrote, or a copy")->required();
  of_sign->add_option("--sign-with", sign->holders, "a holder's folder; once for each holder")
      ->required()
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  of_sign->add_option("--hash", sign->hash, "the hash as you were told it; else it is asked for");
  of_sign->add_option("--root", sign->root,
                      "a root that you trust (default: the one in the holder's folder)");
  of_sign->callback([sign, &context] { context.exit_code = finish(run_sign(*sign, context)); });

  auto files = std::make_shared<std::vector<fs::path>>();
  CLI::App* status =
      verb->add_subcommand("status", "what waits for signatures, what it changes, who has signed");
  status->add_option("BUNDLE", *files, "bundles elsewhere (default: all in pending/)");
  status->callback([files, &context] { context.exit_code = finish(run_status(*files, context)); });

  auto close = std::make_shared<CloseOptions>();
  CLI::App* of_close = verb->add_subcommand(
      "close", "take in what the holders signed; with enough of them rehearse the result, and publish it");
  of_close->add_option("BUNDLE", close->copies, "the signed copies, or the bundle in pending/ itself")
      ->required();
  add_signer_option(*of_close, close->signer);
  of_close->callback([close, &context] { context.exit_code = finish(run_close(*close, context)); });
}

}  // namespace cotter::cli
