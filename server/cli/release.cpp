// cotter release init-role|grow|end-role|apply|renew: roles whose images lie in hashed bins, and releases of
// many images.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <set>

#include "common/host/output.h"
#include "common/host/system_clock.h"
#include "server/app/apply_release.h"
#include "server/app/end_release_role.h"
#include "server/app/grow_release_role.h"
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

struct GrowOptions {
  std::string role;
  std::uint64_t expected_targets = 0;
  std::optional<std::uint32_t> bit_length;
  bool yes = false;
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
  WorkspaceSigners signers(workspace, context, options.signers, {role});
  const crypto::PublicKey key = TRY(signers.release_key(role));
  app::InitRoleRequest request{{}, {role, options.paths, hardware, bits, key}};
  TRY(repository::check_plan(request.plan));
  const std::vector<ceremony::Signers> holders = TRY(sign_with(options.signing, context, request));
  request.online = [&] { return signers.online(); };
  request.signers = [&] { return signers.release(role); };
  const auto outcome = TRY(app::init_release_role(workspace, request, host::SystemClock().now()));
  if (context.json) {
    host::print_json(as_json(options, outcome));
  } else {
    show(options, outcome);
  }
  return {};
}

std::string_view name_of(app::GrowOutcome::State state) {
  switch (state) {
    case app::GrowOutcome::State::WouldGrow:
      return "would-grow";
    case app::GrowOutcome::State::Awaiting:
      return "awaiting-signatures";
    case app::GrowOutcome::State::Grown:
      return "grown";
    case app::GrowOutcome::State::Unchanged:
      break;
  }
  return "unchanged";
}

json::Object as_json(const GrowOptions& options, const app::GrowOutcome& outcome) {
  json::Object object;
  if (outcome.state == app::GrowOutcome::State::Awaiting) add_outcome(object, outcome.agreement);
  object.set("role", options.role);
  object.set("state", name_of(outcome.state));
  object.set("agreed", outcome.agreed);
  const app::Growth& growth = outcome.growth;
  object.set("bins_before", growth.bins_before);
  object.set("bins", growth.bins);
  object.set("bins_left_behind", growth.left_behind);
  object.set("snapshot_bytes_before", growth.snapshot_before);
  object.set("snapshot_bytes", growth.snapshot);
  object.set("bin_bytes_before", growth.bin_before);
  object.set("bin_bytes", growth.bin);
  if (outcome.state == app::GrowOutcome::State::Grown) object.set("release_version", outcome.release.value());
  return object;
}

void show(const app::Growth& growth) {
  using host::human_bytes;
  fmt::print(
      "bins      {} become {}, for good: they are never joined again\n"
      "files     {} new ones, in one publication\n"
      "a bin     {} on average become {}\n"
      "snapshot  {} become {}; packed {} become {}\n",
      growth.bins_before, growth.bins, growth.bins + 1, human_bytes(growth.bin_before),
      human_bytes(growth.bin), human_bytes(growth.snapshot_before), human_bytes(growth.snapshot),
      human_bytes(growth.packed_before), human_bytes(growth.packed));
  if (growth.left_behind > 0)
    fmt::print("names     {} of old bins stay listed in it, for vehicles refuse one that drops a name\n",
               growth.left_behind);
  fmt::print(
      "vehicles  fetch that snapshot at their next update, the role's file and one new bin for each image,\n"
      "          and that snapshot again after each release\n");
}

void show(const GrowOptions& options, const app::GrowOutcome& outcome) {
  using State = app::GrowOutcome::State;
  if (outcome.state == State::Unchanged) {
    fmt::print("{}: {} bins already, nothing changed\n", options.role, outcome.growth.bins);
    return;
  }
  show(outcome.growth);
  if (outcome.state == State::WouldGrow) {
    fmt::print("\nNothing is changed yet. Next: the same command with --yes, {}.\n",
               outcome.agreed ? "which splits the bins: the holders of targets have agreed"
                              : "which puts it before the holders of targets; once they have signed, again");
  } else if (outcome.state == State::Awaiting) {
    for (const std::string& line : outcome.agreement.summary) fmt::print("{}\n", line);
    show_awaiting(outcome.agreement);
    fmt::print("Once they have signed: the same command again, which then splits the bins.\n");
  } else {
    fmt::print("{}: grown to {} bins of version {}\n", options.role, outcome.growth.bins,
               outcome.release.value());
    show_versions(outcome.versions);
  }
}

Result<void> run_grow(const GrowOptions& options, const Context& context) {
  const app::Workspace workspace = TRY(open_workspace(context));
  app::GrowRequest request;
  request.role = RoleName(options.role);
  request.bit_length = options.bit_length.value_or(repository::bits_for(options.expected_targets));
  request.confirmed = options.yes;
  WorkspaceSigners signers(workspace, context, options.signers, {request.role});
  const std::vector<ceremony::Signers> holders = TRY(sign_with(options.signing, context, request));
  request.online = [&] { return signers.online(); };
  request.signers = [&] { return signers.release(request.role); };
  const auto outcome = TRY(app::grow_release_role(workspace, request, host::SystemClock().now()));
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
  const std::set<RoleName> roles = request.manifest.roles();
  WorkspaceSigners signers(workspace, context, options.signers,
                           std::vector<RoleName>(roles.begin(), roles.end()));
  request.signers = [&](const RoleName& role) { return signers.release(role); };
  const app::ApplyOutcome outcome = TRY(apply_with_bar(workspace, request));
  if (context.json) {
    host::print_json(release_json(outcome));
  } else {
    show_release(outcome);
  }
  return {};
}

Result<void> run_renew(const RenewOptions& options, const Context& context) {
  const app::Workspace workspace = TRY(open_workspace(context));
  const RoleName role(options.role);
  const auto least = TRY(lifetime_of(options.least));
  WorkspaceSigners signers(workspace, context, options.signers, {role});
  const auto outcome = TRY(app::renew_release_role(
      workspace, role, least.value_or(std::chrono::seconds{0}), [&] { return signers.release(role); },
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
                       "how many images it will list in the end: decides the number of bins");
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

void add_grow(CLI::App& release, Context& context) {
  auto options = std::make_shared<GrowOptions>();
  CLI::App* verb = release.add_subcommand(
      "grow", "split a role's bins into more, once the holders of targets agree; shows what it costs first");
  verb->add_option("ROLE", options->role, "whose bins")->required();
  CLI::Option* expected =
      verb->add_option("--expected-targets", options->expected_targets,
                       "how many images it will list in the end: decides the number of bins");
  verb->add_option("--bit-length", options->bit_length,
                   "instead: 2 to this power is the number of bins, more than there are, up to 14")
      ->excludes(expected);
  verb->add_flag("--yes", options->yes, "do it: without, it only says what would change");
  add_signing_options(*verb, options->signing);
  add_signer_options(*verb, options->signers);
  verb->callback([options, expected, &context] {
    if (expected->count() == 0 && !options->bit_length)
      throw CLI::RequiredError("--expected-targets or --bit-length");
    context.exit_code = finish(run_grow(*options, context));
  });
}

}  // namespace

void add_release(CLI::App& app, Context& context) {
  CLI::App* release = app.add_subcommand("release", "release many images at once");
  release->require_subcommand(1);
  add_init_role(*release, context);
  add_end_role(*release, context);
  add_grow(*release, context);

  auto apply = std::make_shared<ApplyOptions>();
  CLI::App* verb = release->add_subcommand(
      "apply", "publish all images of a manifest, together or not at all; stopped, the same again goes on");
  verb->add_option("MANIFEST", apply->manifest,
                   "TOML: role = NAME, and an [[artifact]] for each image with file, name, hardware_ids, "
                   "version and, if wanted, release_counter, and role where it is another")
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
