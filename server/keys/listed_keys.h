// Whether the keys that sign for us are those that the published roots trust: asked before vehicles find out.
// Never signs. Pure.
#pragma once

#include "common/base/result.h"
#include "common/crypto/signer.h"
#include "common/model/roles.h"

namespace cotter::keys {

/// Fault: Denied (the root does not list this key for `role`).
Result<void> expect_listed(const model::Root& root, Repository repository, const RoleName& role,
                           const crypto::Signer& signer);

}  // namespace cotter::keys
