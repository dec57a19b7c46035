#include "server/repository/snapshot_ahead.h"

#include <utility>

#include "common/json/object_view.h"
#include "common/json/strict_reader.h"
#include "common/model/file_names.h"
#include "server/repository/folder_transport.h"
#include "server/repository/reader.h"

namespace cotter::repository {
namespace {

Result<Version> snapshot_in(ByteView timestamp, model::Profile profile) {
  const json::Value document = TRY(json::read(timestamp));
  const auto file = TRY(json::ObjectView::of(document, "envelope"));
  const json::Value* const part = TRY(file.value("signed"));
  return TRY(model::Timestamp::decode(*part, profile)).snapshot.version;
}

}  // namespace

SnapshotAhead::SnapshotAhead(const std::filesystem::path& repo_dir)
    : reading_([this, repo_dir] { read(repo_dir); }) {}

/// What goes wrong here goes wrong again, and is told, where the file is asked for.
void SnapshotAhead::read(const std::filesystem::path& repo_dir) {
  const trust::Policy policy = image_policy();
  FolderTransport folder(repo_dir);
  const auto timestamp = folder.get(model::metadata_file_name(model::timestamp_role(), std::nullopt),
                                    policy.limits.timestamp_bytes);
  if (!timestamp) return;
  const auto version = snapshot_in(*timestamp, policy.profile);
  if (!version) return;
  // What the timestamp lists of it is looked at where the file is wanted.
  const auto file =
      folder.get(model::metadata_file_name(model::snapshot_role(), *version), policy.limits.listed_bytes);
  if (file) content_ = trust::ContentAhead::read_in(*file);
}

std::optional<trust::ContentAhead> SnapshotAhead::take() {
  if (reading_.joinable()) reading_.join();
  return std::exchange(content_, std::nullopt);
}

}  // namespace cotter::repository
