// Metadata packed once, when it is written, for all clients that accept it packed: "7.snapshot.json.gz"
// beside "7.snapshot.json". It says nothing that the plain file does not: a client gets either, and lengths,
// hashes and signatures are those of the plain one. One thread, but for what says otherwise.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "server/repository/batch.h"
#include "server/repository/layout.h"
#include "server/repository/source.h"

namespace cotter::repository {

/// Smaller files gain less than the headers of an answer weigh.
inline constexpr std::size_t kPackedFrom = 1024;

/// The packed file, where one is worth it. Only for files that have a version in their name and thus never
/// change: of two files under one name, the timestamp's, a client could get the new one and then the old.
std::optional<Bytes> packed(ByteView wire);

/// Whether what lies packed beside the file at `path` unpacks to it, if anything does. Faults: Io (it does
/// not; it is damaged), Network, Timeout.
Result<void> check_packed(Source& source, const std::string& path, ByteView plain);

/// A metadata file in the incoming folder, and its packed form.
class WrittenFile {
 public:
  /// Not durable yet. Safe on many threads at once. Faults: NoSpace, Denied, Io.
  static Result<WrittenFile> write(Batch& batch, ByteView wire);
  /// It is to be the file of these roles, of this version. The plain name comes first: a packed file without
  /// it is nobody's.
  void add_to(Batch& batch, const Layout& layout, const std::vector<RoleName>& roles, Version version) const;

 private:
  PassingFile plain_;
  std::optional<PassingFile> packed_;
};

}  // namespace cotter::repository
