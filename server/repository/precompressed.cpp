#include "server/repository/precompressed.h"

#include <algorithm>

#include "common/host/gunzip.h"
#include "common/host/gzip.h"

namespace cotter::repository {

std::optional<Bytes> packed(ByteView wire) {
  if (wire.size() < kPackedFrom) return std::nullopt;
  return host::gzip(wire);
}

Result<void> check_packed(Source& source, const std::string& path, ByteView plain) {
  const std::string name = path + std::string(kPackedEnd);
  const auto differs = [&] {
    return fault(Fault::Kind::Io, name + " does not unpack to " + path,
                 "remove it: clients then take the plain file");
  };
  host::Gunzip gunzip;
  ByteView rest = plain;
  const host::Gunzip::Sink compare = [&](ByteView piece) -> Result<void> {
    if (piece.size() > rest.size() || !std::ranges::equal(piece, rest.first(piece.size()))) return differs();
    rest = rest.subspan(piece.size());
    return {};
  };
  bool damaged = false;
  auto read = source.stream(name, [&](ByteView piece) -> Result<void> {
    auto fed = gunzip.feed(piece, compare);
    damaged = !fed;
    return fed;
  });
  if (!read && (is_fault(read.error(), Fault::Kind::NotFound) || is_fault(read.error(), Fault::Kind::Denied)))
    return {};
  if (damaged || (read && (!gunzip.finish() || !rest.empty()))) return differs();
  return read;
}

Result<WrittenFile> WrittenFile::write(Batch& batch, ByteView wire) {
  WrittenFile written;
  written.plain_ = TRY(batch.write(wire));
  if (const auto bytes = packed(wire)) written.packed_ = TRY(batch.write(*bytes));
  return written;
}

void WrittenFile::add_to(Batch& batch, const Layout& layout, const std::vector<RoleName>& roles,
                         Version version) const {
  Batch::Naming plain{plain_.path().native(), {}, true, false};
  for (const RoleName& role : roles) plain.names.push_back(layout.metadata(role, version).native());
  batch.add(std::move(plain));
  if (!packed_) return;
  // The plain file says what it must be, so another one is damage, or of another packer.
  Batch::Naming packed{packed_->path().native(), {}, true, true};
  for (const RoleName& role : roles) packed.names.push_back(layout.packed_metadata(role, version).native());
  batch.add(std::move(packed));
}

}  // namespace cotter::repository
