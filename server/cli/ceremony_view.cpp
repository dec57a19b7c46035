#include "server/cli/ceremony_view.h"

#include <fmt/format.h>

#include <utility>

#include "common/host/output.h"
#include "server/ceremony/sign_file.h"
#include "server/cli/release_view.h"

namespace cotter::cli {
namespace {

json::Array ids(const std::vector<KeyId>& all) {
  json::Array array;
  for (const KeyId& id : all) array.emplace_back(id.value());
  return array;
}

}  // namespace

json::Object ceremony_json(const std::filesystem::path& file, const ceremony::OfflineBundle& bundle,
                           const ceremony::Standing& standing) {
  json::Array quorums;
  for (const ceremony::Quorum& quorum : standing.quorums) {
    quorums.emplace_back(
        json::Object{{"of", quorum.of},
                     {"threshold", std::uint64_t{quorum.threshold}},
                     {"may_sign", ids(quorum.may)},
                     {"signed_by", ids(quorum.signed_by)},
                     {"lacking", quorum.lacking ? json::Value(*quorum.lacking) : json::Value()}});
  }
  return {{"bundle", file.string()},
          {"repository", name_of(bundle.repository)},
          {"role", bundle.role.value()},
          {"version", bundle.version.value()},
          {"sha256", bundle.sha256()},
          {"hash", bundle.read_aloud()},
          {"changes", json::Array(standing.changes.begin(), standing.changes.end())},
          {"quorums", std::move(quorums)},
          {"complete", standing.complete()}};
}

static json::Object targets_json(const app::TargetsOutcome& outcome) {
  json::Object object;
  add_outcome(object, outcome);
  if (outcome.state != app::TargetsOutcome::State::Awaiting) {
    object.set("snapshot_version", outcome.versions.snapshot.value());
    object.set("timestamp_version", outcome.versions.timestamp.value());
  }
  return object;
}

void show_targets(const app::TargetsOutcome& outcome, bool json) {
  if (json) return host::print_json(targets_json(outcome));
  for (const std::string& line : outcome.summary) fmt::print("{}\n", line);
  if (outcome.state == app::TargetsOutcome::State::Awaiting) return show_awaiting(outcome);
  const bool is_new = outcome.state == app::TargetsOutcome::State::Published;
  fmt::print("{}\n", is_new ? "published" : "nothing waits, nothing changed");
  show_versions(outcome.versions);
}

void show_next_steps(const std::filesystem::path& file, const ceremony::OfflineBundle& bundle) {
  fmt::print(
      "\nbundle  {0}\n"
      "Next: take a copy to each holder, and read the hash to them by another way. They sign it by\n"
      "  cotter-sign {1} --keys HOLDER_DIR\n"
      "and the copies come back to\n"
      "  cotter ceremony close {1} ...\n",
      file.string(), bundle.file_name());
}

void show_opened(const app::OpenCeremony& opened, bool json) {
  if (json) return host::print_json(ceremony_json(opened.bundle, opened.content, opened.standing));
  ceremony::show(opened.content, opened.standing, stdout);
  show_next_steps(opened.bundle, opened.content);
}

}  // namespace cotter::cli
