// What the ledger says of what was refused at the door of the operations API: a token that is no good, what
// its bearer may not do, a list or an upload that is not taken. Whoever stands there may ask without end: of
// each subject and document the first of a day (UTC) is told, so that nobody fills the disk. Never changes
// the answer. As Db: one thread at a time.
#pragma once

#include <chrono>
#include <set>
#include <string>
#include <utility>

#include "common/base/result.h"
#include "common/base/time.h"
#include "common/host/sqlite.h"
#include "server/app/record_refusal.h"

namespace cotter::app {

class DoorRefusals {
 public:
  /// In a transaction of its own; one that cannot be written is tried at the next refusal. Subject and
  /// document of `what` are of those that no caller can make up: a token's name, of its record; a word of
  /// ours.
  void tell(host::Db& db, const std::string& who, const Refused& what, const Error& why, UtcTime now);

 private:
  std::chrono::sys_days day_{};
  std::set<std::pair<std::string, std::string>> told_;  ///< on that day, as far as this process knows
};

}  // namespace cotter::app
