#include "server/app/director_roots.h"

#include "common/base/limits.h"
#include "common/host/atomic_file.h"
#include "common/model/file_names.h"

namespace cotter::app {
namespace {

using trust::Unverified;

Result<Bytes> read_root(const std::filesystem::path& dir, Version version) {
  return host::read_file(dir / model::metadata_file_name(model::root_role(), version), Limits{}.root_bytes);
}

Result<Unverified<model::Root>> parse(const Bytes& file) {
  return Unverified<model::Root>::parse(file, model::Profile::Vehicle);
}

}  // namespace

Result<DirectorRoots> DirectorRoots::read(const std::filesystem::path& director_dir) {
  Bytes file = TRY(read_root(director_dir, Version(1)));
  auto first = TRY(located(TRY(parse(file)).verify_anchor(), Repository::Director, "root"));
  DirectorRoots roots(director_dir, std::move(first));
  roots.files_.push_back(std::move(file));
  TRY(roots.read_on());
  return roots;
}

Result<void> DirectorRoots::read_on() {
  for (;;) {
    auto file = read_root(dir_, Version(files_.size() + 1));
    if (!file && is_fault(file.error(), Fault::Kind::NotFound)) return {};
    Bytes bytes = TRY(std::move(file));
    newest_ = TRY(located(TRY(parse(bytes)).verify_successor(newest_), Repository::Director, "root"));
    files_.push_back(std::move(bytes));
  }
}

DirectorRoots DirectorRoots::followed_by(const trust::Verified<model::Root>& next) const {
  DirectorRoots roots = *this;
  roots.newest_ = next;
  roots.files_.emplace_back(next.wire().begin(), next.wire().end());
  return roots;
}

std::optional<Bytes> DirectorRoots::file(Version version) const {
  if (version.value() == 0 || version.value() > files_.size()) return std::nullopt;
  return files_[version.value() - 1];
}

}  // namespace cotter::app
