#include "server/repository/source.h"

namespace cotter::repository {

Result<Bytes> Source::get(std::string_view path, std::uint64_t max_bytes) {
  Bytes file;
  TRY(stream(path, [&](ByteView piece) -> Result<void> {
    if (piece.size() > max_bytes - file.size()) {
      TRY(refuse(RuleId::FileTooLarge, "at most " + std::to_string(max_bytes) + " bytes", "more"));
      return {};
    }
    file.insert(file.end(), piece.begin(), piece.end());
    return {};
  }));
  return file;
}

}  // namespace cotter::repository
