// What all commands do with one repository: pin its root, bring it up to date, fetch one of its targets.
// Never trusts but through the core. One thread.
#pragma once

#include <filesystem>
#include <string>

#include "client/fetch/curl_session.h"
#include "client/store/metadata_folder.h"
#include "client/store/target_folder.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/json/value.h"
#include "common/trust/refresh.h"
#include "common/trust/trusted_set.h"

namespace cotter::tuf {

/// How cotter-tuf reads any repository (checklist section 0).
trust::Policy plain_policy(Repository repository);

/// Reads a root from `file` and makes it the trusted one of `folder`, if its own threshold signed it. No
/// request. Rejections as TrustedSet::anchored_at. Faults: NotFound (no such file), Io, NoSpace, Denied.
Result<void> pin_root(const std::filesystem::path& file, trust::Policy policy, client::MetadataFolder folder);

/// The client workflow once, from the stored root. `where` names the folder in messages. Rejections and
/// Faults as Refresh; Fault NotFound where no root is pinned, Io where the pinned one is of no use.
Result<trust::TrustedSet> bring_up_to_date(trust::Policy policy, UtcTime now, trust::MetadataStore& store,
                                           trust::Transport& transport, const std::filesystem::path& where);

/// A verified target that has no name in its folder yet. `consistent`: the repository puts the hash before
/// the file's name (FMT-101). Rejections: image-*. Faults as CurlSession::download and IncomingTarget.
Result<client::IncomingTarget> fetch_target(client::CurlSession& session, const std::string& base_url,
                                            const client::TargetFolder& folder, const TargetName& name,
                                            const model::Target& target, bool consistent);

/// Role -> trusted version.
json::Object versions_of(const trust::TrustedSet& set);

}  // namespace cotter::tuf
