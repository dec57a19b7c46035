// What suppliers that were removed leave in the image repository (IMG-13): files, which go once nothing leads
// to them, and names in the snapshot, which outlive the files until its keys and the timestamp's are
// replaced. Never takes what a delegation leads to. One thread, under the writer's lock.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <vector>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/host/sqlite.h"
#include "common/model/roles.h"
#include "common/trust/trusted_set.h"
#include "server/repository/layout.h"

namespace cotter::app {

/// By name, every content that it has or had.
using ListedImages = std::map<TargetName, std::vector<crypto::Hashes>>;

/// What all files of these roles list that lie in the repository, of whatever version; one that cannot be
/// read lists nothing. Faults: Denied, Io.
Result<ListedImages> images_listed(const repository::Layout& layout, const std::vector<RoleName>& roles);

/// Without those that `other` lists too.
void leave_out(ListedImages& images, const model::Targets& other);

/// The roles, bins too, of suppliers that were removed, and whom no file of `published` lets sign. Where it
/// cannot be told, for a file on the way does not verify, they are not among these. Faults: Busy, Io.
Result<std::set<RoleName>> suppliers_let_go(host::Db& db, const trust::TrustedSet& published,
                                            const repository::Layout& layout);

/// Of each of those: removes the images that nobody else lists, then moves the metadata to `kept_dir`, where
/// the trace of an image finds them. Killed in between, the next call goes on. Faults: Busy, NoSpace, Denied,
/// Io.
Result<void> clear_let_go(host::Db& db, const trust::TrustedSet& published, const repository::Layout& layout,
                          const std::filesystem::path& kept_dir);

}  // namespace cotter::app
