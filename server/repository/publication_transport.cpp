#include "server/repository/publication_transport.h"

#include "common/model/file_names.h"

namespace cotter::repository {

Result<Bytes> PublicationTransport::get(std::string_view path, std::uint64_t max_bytes) {
  for (const NewFile& file : *publication_) {
    if (model::metadata_file_name(file.role, file.version) != path) continue;
    if (file.wire.size() > max_bytes) {
      TRY(refuse(RuleId::FileTooLarge, "at most " + std::to_string(max_bytes) + " bytes",
                 std::to_string(file.wire.size())));
    }
    return file.wire;
  }
  if (below_ == nullptr) return fault(Fault::Kind::NotFound, std::string(path) + " is not there");
  return below_->get(path, max_bytes);
}

}  // namespace cotter::repository
