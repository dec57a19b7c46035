// The five commands of cotter-tuf, each a whole run.
// Never leaves behind what did not verify: what did, before a later step failed, stays. One thread.
#pragma once

#include "client/tuf/arguments.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/disk/disk.h"
#include "common/json/value.h"

namespace cotter::tuf {

/// What came of a command, for people with scripts: repository -> role -> trusted version, and "targets", the
/// files that are there.
using Report = json::Object;

/// Makes the file the trusted root, if its own threshold signed it. No request, and no look at the clock.
Result<Report> init(disk::Disk& disk, const Arguments& arguments);
/// The TUF client workflow once (TUF 5.1-5.6); `now` holds for all of it.
Result<Report> refresh(disk::Disk& disk, const Arguments& arguments, UtcTime now);
/// Refreshes, then searches, fetches, verifies and stores each target in turn (TUF 5.6.7, 5.7).
Result<Report> download(disk::Disk& disk, const Arguments& arguments, UtcTime now);

/// init() for both repositories; neither is pinned unless both roots are good.
Result<Report> uptane_init(disk::Disk& disk, const Arguments& arguments);
/// Full verification for a primary with one ECU (Uptane 5.4.4.2), and the images that it allows. Nothing new
/// shows in the target folder unless all of them verified. The director's new targets are not stored before
/// that: the release counters of the last ones that came true stay the floor (INS-2).
Result<Report> uptane_update(disk::Disk& disk, const Arguments& arguments, UtcTime now);

}  // namespace cotter::tuf
