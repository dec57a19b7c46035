#include "server/cli/release_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "common/host/output.h"
#include "common/host/system_clock.h"

namespace cotter::cli {

using app::ApplyOutcome;
using app::TargetsOutcome;

std::string_view name_of(TargetsOutcome::State state) {
  switch (state) {
    case TargetsOutcome::State::Published:
      return "published";
    case TargetsOutcome::State::Awaiting:
      return "awaiting-signatures";
    case TargetsOutcome::State::Unchanged:
      break;
  }
  return "unchanged";
}

static std::string_view name_of(ApplyOutcome::State state) {
  switch (state) {
    case ApplyOutcome::State::Published:
      return "published";
    case ApplyOutcome::State::WouldPublish:
      return "would-publish";
    case ApplyOutcome::State::Unchanged:
      break;
  }
  return "unchanged";
}

void add_outcome(json::Object& object, const TargetsOutcome& outcome) {
  object.set("state", name_of(outcome.state));
  object.set("targets_version", outcome.versions.targets.value());
  object.set("summary", json::Array(outcome.summary.begin(), outcome.summary.end()));
  if (outcome.state != TargetsOutcome::State::Awaiting) return;
  object.set("bundle", outcome.bundle.string());
  object.set("sha256", outcome.sha256);
  object.set("signatures", std::uint64_t{outcome.signatures});
  object.set("threshold", std::uint64_t{outcome.threshold});
  object.set("lacking", outcome.lacking ? json::Value(*outcome.lacking) : json::Value());
}

void show_awaiting(const TargetsOutcome& outcome) {
  const std::uint32_t more = outcome.threshold - std::min(outcome.signatures, outcome.threshold);
  fmt::print(
      "awaiting signatures {} of {}{}\n"
      "bundle    {}\n"
      "sha256    {}\n"
      "\n"
      "Next: run the same command again with --sign-with HOLDER_DIR, for {} more of the holders,\n"
      "or let them sign copies of the bundle by cotter-sign, and bring those to cotter ceremony close.\n",
      outcome.signatures, outcome.threshold, outcome.lacking ? ", and it takes " + *outcome.lacking : "",
      outcome.bundle.string(), outcome.sha256, std::max<std::uint32_t>(more, 1));
}

void show_versions(const app::PublishedVersions& versions) {
  fmt::print("metadata  targets {}, snapshot {}, timestamp {}\n", versions.targets.value(),
             versions.snapshot.value(), versions.timestamp.value());
}

Result<ApplyOutcome> apply_with_bar(const app::Workspace& workspace, app::ApplyRequest& request) {
  std::optional<host::Progress> bar;
  request.progress = [&](std::uint64_t done, std::uint64_t total) {
    if (!bar) bar.emplace("reading images", total);
    bar->advance_to(done);
  };
  ApplyOutcome outcome = TRY(app::apply_release(workspace, request, host::SystemClock().now()));
  bar.reset();
  for (const HardwareId& id : outcome.unknown_hardware) {
    fmt::print(stderr, "warning: no vehicle of this workspace has an ECU with hardware id {}\n", id.value());
  }
  return outcome;
}

json::Object release_json(const RoleName& role, const ApplyOutcome& outcome) {
  json::Object object{{"role", role.value()},           {"state", name_of(outcome.state)},
                      {"added", outcome.added},         {"replaced", outcome.replaced},
                      {"unchanged", outcome.unchanged}, {"bins", outcome.bins},
                      {"bytes", outcome.bytes}};
  if (outcome.state == ApplyOutcome::State::WouldPublish) return object;
  if (outcome.state == ApplyOutcome::State::Published) object.set("release_version", outcome.release.value());
  object.set("snapshot_version", outcome.versions.snapshot.value());
  object.set("timestamp_version", outcome.versions.timestamp.value());
  return object;
}

void show_release(const RoleName& role, const ApplyOutcome& outcome) {
  const auto state = outcome.state;
  fmt::print("{}: {}: {} added, {} replaced, {} there already; {} read\n", role.value(),
             state == ApplyOutcome::State::Published      ? "published"
             : state == ApplyOutcome::State::WouldPublish ? "would be published"
                                                          : "nothing changes",
             outcome.added, outcome.replaced, outcome.unchanged, host::human_bytes(outcome.bytes));
  if (state != ApplyOutcome::State::Published) return;
  fmt::print("metadata  {} bins of version {}, snapshot {}, timestamp {}\n", outcome.bins,
             outcome.release.value(), outcome.versions.snapshot.value(), outcome.versions.timestamp.value());
}

}  // namespace cotter::cli
