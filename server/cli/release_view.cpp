#include "server/cli/release_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

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
  host::Progress bar;
  std::optional<app::ApplyPhase> phase;
  request.progress = [&](app::ApplyPhase now, std::uint64_t done, std::uint64_t total) {
    if (phase != now) {
      phase = now;
      const bool reads = now == app::ApplyPhase::Reading;
      bar.begin(reads ? "reading images" : "signing bins", total,
                reads ? host::Unit::Bytes : host::Unit::Pieces);
    }
    bar.advance_to(done);
  };
  // Somebody may be asked for a passphrase, on a line of his own.
  request.signers = [&bar, ask = std::move(request.signers)](const RoleName& role) {
    bar.clear();
    return ask(role);
  };
  ApplyOutcome outcome = TRY(app::apply_release(workspace, request, host::SystemClock().now()));
  bar.clear();
  for (const HardwareId& id : outcome.unknown_hardware) {
    fmt::print(stderr, "warning: no vehicle of this workspace has an ECU with hardware id {}\n", id.value());
  }
  return outcome;
}

static void add_role(json::Object& object, const RoleName& role, const app::RoleOutcome& outcome) {
  object.set("role", role.value());
  if (outcome.release > Version(0)) object.set("release_version", outcome.release.value());
}

json::Object release_json(const ApplyOutcome& outcome) {
  json::Object object{
      {"state", name_of(outcome.state)}, {"added", outcome.added}, {"replaced", outcome.replaced},
      {"unchanged", outcome.unchanged},  {"bins", outcome.bins},   {"bytes", outcome.bytes}};
  if (outcome.roles.size() == 1) {
    add_role(object, outcome.roles.begin()->first, outcome.roles.begin()->second);
  } else {
    json::Array roles;
    for (const auto& [name, role] : outcome.roles) {
      json::Object each{{"added", role.added},
                        {"replaced", role.replaced},
                        {"unchanged", role.unchanged},
                        {"bins", role.bins}};
      add_role(each, name, role);
      roles.emplace_back(std::move(each));
    }
    object.set("roles", std::move(roles));
  }
  if (outcome.state == ApplyOutcome::State::WouldPublish) return object;
  object.set("snapshot_version", outcome.versions.snapshot.value());
  object.set("timestamp_version", outcome.versions.timestamp.value());
  return object;
}

void show_release(const ApplyOutcome& outcome) {
  const bool is_published = outcome.state == ApplyOutcome::State::Published;
  const bool is_alone = outcome.roles.size() == 1;
  const std::string read = host::human_bytes(outcome.bytes) + " read";
  std::string bins;
  for (const auto& [name, role] : outcome.roles) {
    fmt::print("{}: {}: {} added, {} replaced, {} there already{}\n", name.value(),
               role.bins == 0 ? "nothing changes"
               : is_published ? "published"
                              : "would be published",
               role.added, role.replaced, role.unchanged, is_alone ? "; " + read : "");
    if (role.bins == 0) continue;
    bins += fmt::format("{} bins of {}version {}, ", role.bins, is_alone ? "" : name.value() + " ",
                        role.release.value());
  }
  if (!is_alone) fmt::print("{}\n", read);
  if (!is_published) return;
  fmt::print("metadata  {}snapshot {}, timestamp {}\n", bins, outcome.versions.snapshot.value(),
             outcome.versions.timestamp.value());
}

}  // namespace cotter::cli
