#include "server/repository/recording_transport.h"

#include "common/host/atomic_file.h"
#include "server/repository/batch.h"

namespace cotter::repository {

Result<Bytes> RecordingTransport::get(std::string_view path, std::uint64_t max_bytes) {
  Bytes bytes = TRY(below_->get(path, max_bytes));
  TRY(make_dirs((dir_ / path).parent_path()));
  TRY(host::write_atomically(dir_ / path, bytes));
  files_.emplace(path);
  return bytes;
}

}  // namespace cotter::repository
