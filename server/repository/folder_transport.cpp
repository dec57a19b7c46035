#include "server/repository/folder_transport.h"

#include <algorithm>

#include "server/repository/file_reader.h"

namespace cotter::repository {
namespace {

bool stays_below(const std::filesystem::path& path) {
  return path.is_relative() && std::find(path.begin(), path.end(), "..") == path.end();
}

}  // namespace

Result<void> FolderTransport::stream(std::string_view path, const Sink& sink) {
  if (!stays_below(path)) {
    return fault(Fault::Kind::NotFound, std::string(path) + " is no file of a repository");
  }
  FileReader file = TRY(FileReader::open(dir_ / path));
  for (ByteView piece = TRY(file.next()); !piece.empty(); piece = TRY(file.next())) TRY(sink(piece));
  return {};
}

}  // namespace cotter::repository
