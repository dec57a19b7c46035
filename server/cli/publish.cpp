// cotter publish FILE: one image into the image repository, signed on the spot or left waiting for its
// holders.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <system_error>

#include "common/host/output.h"
#include "common/host/system_clock.h"
#include "server/app/publish_release.h"
#include "server/cli/context.h"
#include "server/cli/release_view.h"
#include "server/cli/signers.h"
#include "server/cli/verbs.h"

namespace cotter::cli {
namespace {

namespace fs = std::filesystem;
using app::PublishOutcome;

struct PublishOptions {
  fs::path file;
  std::string name;
  std::vector<std::string> hardware_ids;
  std::string version;
  std::optional<std::uint64_t> release_counter;
  std::string role;
  SigningOptions signing;
  ReleaseSignerOptions signers;
};

app::PublishRequest request_of(const PublishOptions& options) {
  app::PublishRequest request;
  request.file = options.file;
  request.release.name = TargetName(options.name);
  for (const std::string& id : options.hardware_ids) request.release.hardware_ids.emplace_back(id);
  request.release.version = options.version;
  if (options.release_counter) request.release.counter = ReleaseCounter(*options.release_counter);
  return request;
}

json::Object as_json(const PublishOptions& options, const PublishOutcome& outcome) {
  json::Array unknown;
  for (const HardwareId& id : outcome.unknown_hardware) unknown.emplace_back(id.value());
  json::Object object{{"name", options.name},
                      {"length", outcome.length},
                      {"hashes", outcome.hashes.encode()},
                      {"release_counter", outcome.counter.value()},
                      {"unknown_hardware_ids", std::move(unknown)}};
  add_outcome(object, outcome);
  if (outcome.state != PublishOutcome::State::Awaiting) {
    object.set("snapshot_version", outcome.versions.snapshot.value());
    object.set("timestamp_version", outcome.versions.timestamp.value());
  }
  return object;
}

void show(const PublishOptions& options, const PublishOutcome& outcome) {
  for (const std::string& line : outcome.summary) fmt::print("{}\n", line);
  if (outcome.state == PublishOutcome::State::Awaiting) {
    show_awaiting(outcome);
    return;
  }
  const bool is_new = outcome.state == PublishOutcome::State::Published;
  fmt::print("{}: {}, release counter {}, {}\n", options.name,
             is_new ? "published" : "published already, nothing changed", outcome.counter.value(),
             host::human_bytes(outcome.length));
  show_versions(outcome.versions);
}

/// Into a bin of a release role: a release of one.
Result<void> run_publish_to_role(const PublishOptions& options, const app::Workspace& workspace,
                                 const Context& context) {
  if (!options.signing.holders.empty() || !options.signing.expires.empty())
    return fault(Fault::Kind::Usage, "--sign-with and --expires are for the holders' list of images",
                 "leave them out: the key of role " + options.role + " signs");
  app::ApplyRequest request;
  request.manifest.role = RoleName(options.role);
  request.manifest.artifacts.push_back({options.file, request_of(options).release, {}});
  TRY(repository::check_release(request.manifest.artifacts.front().release));
  WorkspaceSigners signers(workspace, context, options.signers, {request.manifest.role});
  request.signers = [&](const RoleName& role) { return signers.release(role); };
  const app::ApplyOutcome outcome = TRY(apply_with_bar(workspace, request));
  if (context.json) {
    json::Object object = release_json(outcome);
    object.set("name", options.name);
    object.set("release_counter", outcome.counters.front().value());
    object.set("hashes", outcome.hashes.front().encode());
    host::print_json(object);
  } else {
    fmt::print("{}: release counter {}\n", options.name, outcome.counters.front().value());
    show_release(outcome);
  }
  return {};
}

Result<void> run_publish(const PublishOptions& options, const Context& context) {
  const app::Workspace workspace = TRY(open_workspace(context));
  if (!options.role.empty()) return run_publish_to_role(options, workspace, context);
  app::PublishRequest request = request_of(options);
  TRY(repository::check_release(request.release));  // before anybody is asked for a passphrase
  const std::vector<ceremony::Signers> holders = TRY(sign_with(options.signing, context, request));
  WorkspaceSigners signers(workspace, context, options.signers.signer);
  request.online = [&] { return signers.online(); };

  std::error_code unknown_size;
  const auto size = fs::file_size(options.file, unknown_size);
  std::optional<PublishOutcome> outcome;
  {
    host::Progress bar("reading " + options.file.filename().string(), unknown_size ? 0 : size);
    request.progress = [&](std::uint64_t done) { bar.advance_to(done); };
    outcome = TRY(app::publish_release(workspace, request, host::SystemClock().now()));
  }
  for (const HardwareId& id : outcome->unknown_hardware) {
    fmt::print(stderr, "warning: no vehicle of this workspace has an ECU with hardware id {}\n", id.value());
  }
  if (context.json) {
    host::print_json(as_json(options, *outcome));
  } else {
    show(options, *outcome);
  }
  return {};
}

}  // namespace

void add_publish(CLI::App& app, Context& context) {
  auto options = std::make_shared<PublishOptions>();
  CLI::App* verb = app.add_subcommand("publish", "publish an image in the image repository");
  verb->add_option("FILE", options->file, "the image")->required();
  verb->add_option("--name", options->name, "its name there: TEAM/ECU/FILE.ext")->required();
  verb->add_option("--hardware-id", options->hardware_ids, "which ECUs it is for; may be repeated")
      ->required()
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  verb->add_option("--version", options->version, "as people call it: 3.1.0")->required();
  verb->add_option("--release-counter", options->release_counter,
                   "never lower than the highest of its hardware ids (default: that plus one)");
  verb->add_option("--role", options->role,
                   "list it in a bin of this release role, which signs by itself (default: the targets)");
  add_signing_options(*verb, options->signing);
  add_signer_options(*verb, options->signers);
  verb->callback([options, &context] { context.exit_code = finish(run_publish(*options, context)); });
}

}  // namespace cotter::cli
