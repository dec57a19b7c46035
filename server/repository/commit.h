// The way into a repository's folder: played as a client first, then written so that every instant is old or
// new. Never changes a file that a client may have seen, but for timestamp.json, which goes last (FMT-105,
// IMG-17). One writer at a time: hold Layout::lock().
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/trust/trusted_set.h"
#include "server/repository/batch.h"
#include "server/repository/layout.h"
#include "server/repository/precompressed.h"

namespace cotter::repository {

/// A metadata file to be published.
struct NewFile {
  RoleName role;
  std::optional<Version> version;  ///< in its name; none for the timestamp alone
  Bytes wire;
};
/// What one publication adds, in the order it is written: the timestamp last.
using Publication = std::vector<NewFile>;

/// Plays the folder as it would be with these files, as a client that starts at 1.root.json and has seen what
/// is `published` now. Rejections: those of that client. Faults: NotFound, Denied, Io.
Result<void> rehearse(const Layout& layout, const trust::TrustedSet& published,
                      const Publication& publication, UtcTime now);

/// The same for files of which one is the next root: played by a client fresh from the factory, with nothing
/// but 1.root.json, and by one that has the newest root and has seen what is `published`.
Result<void> rehearse_root(const Layout& layout, const trust::TrustedSet& published,
                           const Publication& publication, UtcTime now);

/// The same for files of which none is a root, without reading from the disk again what is `published`. Takes
/// the snapshot that is published as the client's floor, as it was verified. `ahead`: what may have read
/// the content of the next one.
Result<void> rehearse_next(const trust::TrustedSet& published, const Publication& publication,
                           const trust::ContentSource& ahead, UtcTime now);

/// Writes one file durably: a version's file never over other bytes (Fault: Conflict), and packed beside it
/// where that is worth it; the timestamp by rename. Faults: NoSpace, Denied, Io.
Result<void> write_file(const Layout& layout, const NewFile& file);

/// A publication that is written and durable, with what is in a batch, at the price of one file; but for the
/// timestamp, and under no name yet. Gone with its owner, unless shown.
class Prepared {
 public:
  /// All but the timestamp. The layout and the batch must outlive it. Faults: as write_file().
  static Result<Prepared> write(const Layout& layout, std::span<const NewFile> files, Batch& batch);
  /// Gives all their names, then writes the timestamp. Faults: as write_file().
  Result<void> show(const NewFile& timestamp);

 private:
  Prepared(const Layout& layout, Batch& batch) : layout_(&layout), batch_(&batch) {}
  const Layout* layout_;
  Batch* batch_;
  std::vector<WrittenFile> passing_;
};

/// rehearse(), then write_file() for each in order. On an error the folder is as it was for every client.
Result<void> commit(const Layout& layout, const trust::TrustedSet& published, const Publication& publication,
                    UtcTime now);

/// Removes what lies in the incoming folder, but for what a stopped release remembers: nobody else's, under
/// the lock. Faults: Denied, Io.
Result<void> empty_incoming(const Layout& layout);

/// Removes what a writer left that was killed: temporary files, and metadata, plain or packed, above the
/// versions that the published snapshot lists, which no timestamp ever listed. `published` is what reading
/// the folder under the lock gave. Faults: Denied, Io.
Result<void> clean_up(const Layout& layout, const trust::TrustedSet& published);

}  // namespace cotter::repository
