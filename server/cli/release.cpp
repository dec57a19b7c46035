// cotter release init-role|end-role|apply|renew: roles whose images lie in hashed bins, and releases of many
// images.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>

#include "common/host/output.h"
#include "common/host/system_clock.h"
#include "server/app/apply_release.h"
#include "server/app/end_release_role.h"
#include "server/app/init_release_role.h"
#include "server/cli/ceremony_view.h"
#include "server/cli/context.h"
#include "server/cli/release_view.h"
#include "server/cli/signers.h"
#include "server/cli/verbs.h"

namespace cotter::cli {
namespace {

namespace fs = std::filesystem;

struct InitRoleOptions {
  std::string name;
  std::vector<std::string> paths;
  std::vector<std::string> hardware_ids;
  std::uint64_t expected_targets = 0;
  std::optional<std::uint32_t> bit_length;
  SigningOptions signing;
  ReleaseSignerOptions signers;
};

struct ApplyOptions {
  fs::path manifest;
  bool dry_run = false;
  ReleaseSignerOptions signers;
};

struct RenewOptions {
  std::string role;
  std::string least = "90d";
  ReleaseSignerOptions signers;
};

struct EndRoleOptions {
  std::string role;
  SigningOptions signing;
  SignerOption signer;
};

json::Object as_json(const InitRoleOptions& options, const app::InitRoleOutcome& outcome) {
  json::Object object{{"role", options.name}, {"bins", outcome.bins}};
  add_outcome(object, outcome);
  return object;
}

void show(const InitRoleOptions& options, const app::InitRoleOutcome& outcome) {
  for (const std::string& line : outcome.summary) fmt::print("{}\n", line);
  fmt::print("bins      {}{}\n", outcome.bins, outcome.bins_are_new ? ", written" : ", there already");
  if (outcome.state == app::TargetsOutcome::State::Awaiting) {
    show_awaiting(outcome);
    return;
  }
  const bool is_new = outcome.state == app::TargetsOutcome::State::Published;
  fmt::print("{}: {}\n", options.name, is_new ? "delegated to" : "delegated to already, nothing changed");
  show_versions(outcome.versions);
}

Result<void> run_init_role(const InitRoleOptions& options, const Context& context) {
  const app::Workspace workspace = TRY(open_workspace(context));
  const RoleName role(options.name);
  std::vector<HardwareId> hardware;
  for (const std::string& id : options.hardware_ids) hardware.emplace_back(id);
  const auto bits = options.bit_length.value_or(repository::bits_for(options.expected_targets));
  WorkspaceSigners signers(workspace, context, options.signers, role);
  const crypto::PublicKey key = TRY(signers.release_key());
  app::InitRoleRequest request{{}, {role, options.paths, hardware, bits, key}};
  TRY(repository::check_plan(request.plan));
  const std::vector<ceremony::Signers> holders = TRY(sign_with(options.signing, context, request));
  request.online = [&] { return signers.online(); };
  request.signers = [&] { return signers.release(); };
  const auto outcome = TRY(app::init_release_role(workspace, request, host::SystemClock().now()));
  if (context.json) {
    host::print_json(as_json(options, outcome));
  } else {
    show(options, outcome);
  }
  return {};
}

Result<void> run_apply(const ApplyOptions& options, const Context& context) {
  const app::Workspace workspace = TRY(open_workspace(context));
  app::ApplyRequest request;
  request.manifest = TRY(app::ReleaseManifest::read(options.manifest));
  request.dry_run = options.dry_run;
  WorkspaceSigners signers(workspace, context, options.signers, request.manifest.role);
  request.signers = [&] { return signers.release(); };
  const app::ApplyOutcome outcome = TRY(apply_with_bar(workspace, request));
  if (context.json) {
    host::print_json(release_json(request.manifest.role, outcome));
  } else {
    show_release(request.manifest.role, outcome);
  }
  return {};
}

Result<void> run_renew(const RenewOptions& options, const Context& context) {
  const app::Workspace workspace = TRY(open_workspace(context));
  const RoleName role(options.role);
  const auto least = TRY(lifetime_of(options.least));
  WorkspaceSigners signers(workspace, context, options.signers, role);
  const auto outcome = TRY(app::renew_release_role(
      workspace, role, least.value_or(std::chrono::seconds{0}), [&] { return signers.release(); },
      host::SystemClock().now()));
  if (context.json) {
    host::print_json(json::Object{{"role", options.role}, {"renewed", outcome.renewed}});
  } else {
    fmt::print("{}: {} bins renewed\n", options.role, outcome.renewed);
  }
  return {};
}

Result<void> run_end_role(const EndRoleOptions& options, const Context& context) {
  const app::Workspace workspace = TRY(open_workspace(context));
  app::EndRoleRequest request;
  request.name = RoleName(options.role);
  const std::vector<ceremony::Signers> holders = TRY(sign_with(options.signing, context, request));
  WorkspaceSigners signers(workspace, context, options.signer);
  request.online = [&] { return signers.online(); };
  show_targets(TRY(app::end_release_role(workspace, request, host::SystemClock().now())), context.json);
  return {};
}

void add_init_role(CLI::App& release, Context& context) {
  auto options = std::make_shared<InitRoleOptions>();
  CLI::App* verb = release.add_subcommand(
      "init-role", "make a role whose images lie in hashed bins; its key is the one made for image/NAME");
  verb->add_option("NAME", options->name, "the role's name")->required();
  verb->add_option("--paths", options->paths,
                   "which names it may list: 'brakes/*/*'; a star stays within slashes; may be repeated")
      ->required()
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  verb->add_option("--hardware-id", options->hardware_ids,
                   "for which ECUs alone; may be repeated (default: any)")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  CLI::Option* expected =
      verb->add_option("--expected-targets", options->expected_targets,
                       "how many images it will list in the end: decides the number of bins, for good");
  verb->add_option("--bit-length", options->bit_length,
                   "instead: 2 to this power is the number of bins, 1 to 14; 13 for a million images")
      ->excludes(expected);
  add_signing_options(*verb, options->signing);
  add_signer_options(*verb, options->signers);
  verb->callback([options, verb, expected, &context] {
    if (expected->count() == 0 && !options->bit_length)
      throw CLI::RequiredError("--expected-targets or --bit-length");
    static_cast<void>(verb);
    context.exit_code = finish(run_init_role(*options, context));
  });
}

void add_end_role(CLI::App& release, Context& context) {
  auto options = std::make_shared<EndRoleOptions>();
  CLI::App* verb = release.add_subcommand(
      "end-role", "end a role that init-role made: its key is worth nothing then, its paths are free");
  verb->add_option("ROLE", options->role, "the role's name")->required();
  add_signing_options(*verb, options->signing);
  add_signer_option(*verb, options->signer);
  verb->callback([options, &context] { context.exit_code = finish(run_end_role(*options, context)); });
}

}  // namespace

void add_release(CLI::App& app, Context& context) {
  CLI::App* release = app.add_subcommand("release", "release many images at once");
  release->require_subcommand(1);
  add_init_role(*release, context);
  add_end_role(*release, context);

  auto apply = std::make_shared<ApplyOptions>();
  CLI::App* verb =
      release->add_subcommand("apply", "publish all images of a manifest, together or not at all");
  verb->add_option("MANIFEST", apply->manifest,
                   "TOML: role = NAME, and an [[artifact]] for each image with file, name, hardware_ids, "
                   "version and, if wanted, release_counter")
      ->required();
  verb->add_flag("--dry-run", apply->dry_run, "check everything, keep and sign nothing");
  add_signer_options(*verb, apply->signers);
  verb->callback([apply, &context] { context.exit_code = finish(run_apply(*apply, context)); });

  auto renew = std::make_shared<RenewOptions>();
  verb = release->add_subcommand("renew", "sign bins anew before they expire, as they stand");
  verb->add_option("ROLE", renew->role, "whose bins")->required();
  verb->add_option("--least", renew->least, "those with less life left: 90d, 12h")->capture_default_str();
  add_signer_options(*verb, renew->signers);
  verb->callback([renew, &context] { context.exit_code = finish(run_renew(*renew, context)); });
}

}  // namespace cotter::cli
