#include "server/app/listed_signers.h"

namespace cotter::app {

Result<OnlineSigners> image_signers(keys::Signers& keys, const model::Root& root) {
  OnlineSigners signers;
  signers.snapshot = TRY(keys.listed(root, Repository::Image, model::snapshot_role()));
  signers.timestamp = TRY(keys.listed(root, Repository::Image, model::timestamp_role()));
  signers.ledger = keys.ledger();
  return signers;
}

Result<DirectorSigners> director_signers(keys::Signers& keys, const model::Root& root) {
  DirectorSigners signers;
  signers.targets = TRY(keys.listed(root, Repository::Director, model::targets_role()));
  signers.snapshot = TRY(keys.listed(root, Repository::Director, model::snapshot_role()));
  signers.timestamp = TRY(keys.listed(root, Repository::Director, model::timestamp_role()));
  signers.ledger = keys.ledger();
  return signers;
}

}  // namespace cotter::app
