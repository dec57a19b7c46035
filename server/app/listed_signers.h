// Of the online keys those that a root lists: what signs for a repository while that root is its newest.
// Never falls back to a key that vehicles would refuse. As keys::Signers.
#pragma once

#include "common/base/result.h"
#include "common/model/roles.h"
#include "server/app/repository_writer.h"
#include "server/app/sign_metadata.h"
#include "server/keys/signers.h"

namespace cotter::app {

/// Of an image repository; and of the ledger. Faults: those of keys::Signers::listed().
Result<OnlineSigners> image_signers(keys::Signers& keys, const model::Root& root);
/// Of a director, likewise.
Result<DirectorSigners> director_signers(keys::Signers& keys, const model::Root& root);

}  // namespace cotter::app
