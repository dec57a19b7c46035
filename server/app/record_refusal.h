// What the ledger says of what somebody at the workspace was refused: an assignment, a publication, the end
// of a ceremony. Vehicles' manifests and suppliers' submissions are refused, and recorded, where they come
// in. Never changes the answer: a refusal whose entry cannot be written is still one. One thread.
#pragma once

#include <string>

#include "common/base/result.h"
#include "common/base/time.h"
#include "common/host/sqlite.h"
#include "common/json/value.h"
#include "server/app/workspace.h"

namespace cotter::app {

struct Refused {
  std::string subject;     ///< a VIN, "image/targets", "director/root"
  std::string document;    ///< "assignment", "publication", "ceremony"
  json::Object details{};  ///< of what was wanted
};

/// Of a Rejection, and of a Fault that is a judgement (Denied, Conflict), the first of a row: whoever asks
/// the same again and again fills no disk. What the world failed at is no refusal. In a transaction of its
/// own.
void record_refusal(host::Db& db, const Refused& what, const Error& why, UtcTime now);

/// The same, opening the workspace's database for it: of who has closed it, or holds it no more.
void record_refusal(const Workspace& workspace, const Refused& what, const Error& why, UtcTime now);

}  // namespace cotter::app
