// cotter publish FILE: one image into the image repository, signed on the spot or left waiting for its
// holders.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <memory>
#include <optional>
#include <system_error>

#include "common/host/output.h"
#include "common/host/system_clock.h"
#include "common/model/roles.h"
#include "server/app/publish_release.h"
#include "server/ceremony/holder.h"
#include "server/cli/context.h"
#include "server/cli/verbs.h"
#include "server/keys/keyring.h"
#include "server/signing/remote_signer.h"

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
  std::vector<fs::path> holders;
  std::string expires;
  std::optional<fs::path> signer;
};

/// "90d", "12h": how long from now.
Result<std::optional<std::chrono::seconds>> lifetime_of(const std::string& text) {
  if (text.empty()) return std::optional<std::chrono::seconds>();
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  constexpr std::int64_t kMostDays = 3650;
  if (error == std::errc() && number > 0 && number <= kMostDays * 24) {
    if (unit == "h") return std::optional<std::chrono::seconds>(std::chrono::hours(number));
    if (unit == "d" && number <= kMostDays)
      return std::optional<std::chrono::seconds>(std::chrono::days(number));
  }
  return fault(Fault::Kind::Usage, "--expires '" + text + "' is no time from now",
               "say 90d or 12h; at most 3650d");
}

app::PublishRequest request_of(const PublishOptions& options) {
  app::PublishRequest request;
  request.file = options.file;
  request.release.name = TargetName(options.name);
  for (const std::string& id : options.hardware_ids) request.release.hardware_ids.emplace_back(id);
  request.release.version = options.version;
  if (options.release_counter) request.release.counter = ReleaseCounter(*options.release_counter);
  return request;
}

/// The image targets keys of each holder, unlocked.
Result<std::vector<ceremony::Signers>> open_holders(const std::vector<fs::path>& dirs,
                                                    const Context& context) {
  std::vector<ceremony::Signers> holders;
  holders.reserve(dirs.size());
  for (const fs::path& dir : dirs) {
    holders.push_back(TRY(ceremony::open_holder(dir, holder_unlock(context, dir.filename().string()),
                                                keys::key_name(Repository::Image, model::targets_role()))));
  }
  return holders;
}

/// In the signing process, where there is one; else in keys/.
Result<std::unique_ptr<keys::Signers>> open_online(const std::optional<fs::path>& signer,
                                                   const app::Workspace& workspace, const Context& context) {
  if (signer) return TRY(signing::RemoteSigners::open(*signer));
  return keys::open_signers(workspace.keys_dir(), workspace_unlock(context));
}

Result<app::OnlineSigners> online_signers(keys::Signers& keys) {
  crypto::Signer* snapshot = TRY(keys.signer(Repository::Image, model::snapshot_role()));
  crypto::Signer* timestamp = TRY(keys.signer(Repository::Image, model::timestamp_role()));
  return app::OnlineSigners{snapshot, timestamp, keys.ledger()};
}

std::string_view name_of(PublishOutcome::State state) {
  switch (state) {
    case PublishOutcome::State::Published:
      return "published";
    case PublishOutcome::State::Awaiting:
      return "awaiting-signatures";
    case PublishOutcome::State::Unchanged:
      break;
  }
  return "unchanged";
}

json::Object as_json(const PublishOptions& options, const PublishOutcome& outcome) {
  json::Array unknown;
  for (const HardwareId& id : outcome.unknown_hardware) unknown.emplace_back(id.value());
  json::Object object{{"name", options.name},
                      {"state", name_of(outcome.state)},
                      {"length", outcome.length},
                      {"hashes", outcome.hashes.encode()},
                      {"release_counter", outcome.counter.value()},
                      {"unknown_hardware_ids", std::move(unknown)},
                      {"targets_version", outcome.versions.targets.value()},
                      {"summary", json::Array(outcome.summary.begin(), outcome.summary.end())}};
  if (outcome.state == PublishOutcome::State::Awaiting) {
    object.set("bundle", outcome.bundle.string());
    object.set("sha256", outcome.sha256);
    object.set("signatures", std::uint64_t{outcome.signatures});
    object.set("threshold", std::uint64_t{outcome.threshold});
  } else {
    object.set("snapshot_version", outcome.versions.snapshot.value());
    object.set("timestamp_version", outcome.versions.timestamp.value());
  }
  return object;
}

void show(const PublishOptions& options, const PublishOutcome& outcome) {
  for (const std::string& line : outcome.summary) fmt::print("{}\n", line);
  if (outcome.state == PublishOutcome::State::Awaiting) {
    fmt::print(
        "awaiting signatures {} of {}\n"
        "bundle    {}\n"
        "sha256    {}\n"
        "\n"
        "Next: run the same command again with --sign-with HOLDER_DIR, for {} more of the holders.\n",
        outcome.signatures, outcome.threshold, outcome.bundle.string(), outcome.sha256,
        outcome.threshold - outcome.signatures);
    return;
  }
  const bool is_new = outcome.state == PublishOutcome::State::Published;
  fmt::print("{}: {}, release counter {}, {}\n", options.name,
             is_new ? "published" : "published already, nothing changed", outcome.counter.value(),
             host::human_bytes(outcome.length));
  fmt::print("metadata  targets {}, snapshot {}, timestamp {}\n", outcome.versions.targets.value(),
             outcome.versions.snapshot.value(), outcome.versions.timestamp.value());
}

Result<void> run_publish(const PublishOptions& options, const Context& context) {
  const app::Workspace workspace = TRY(open_workspace(context));
  app::PublishRequest request = request_of(options);
  TRY(repository::check_release(request.release));  // before anybody is asked for a passphrase
  request.targets_lifetime = TRY(lifetime_of(options.expires));

  const std::vector<ceremony::Signers> holders = TRY(open_holders(options.holders, context));
  for (const ceremony::Signers& holder : holders) {
    for (const auto& signer : holder) request.holders.push_back(signer.get());
  }
  std::unique_ptr<keys::Signers> keys;
  request.online = [&]() -> Result<app::OnlineSigners> {
    keys =
        TRY(open_online(options.signer ? options.signer : workspace.settings().signer, workspace, context));
    return online_signers(*keys);
  };

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
  verb->add_option(
          "--sign-with", options->holders,
          "a holder's folder: sign on the spot; once for each holder, else the release waits in pending/")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  verb->add_option("--expires", options->expires, "how long the signed list of images lives: 90d, 12h");
  verb->add_option("--signer", options->signer,
                   "the signing process's socket (default: cotter.toml's; without one, keys/)");
  verb->callback([options, &context] { context.exit_code = finish(run_publish(*options, context)); });
}

}  // namespace cotter::cli
