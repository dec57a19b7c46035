#include "server/app/release_lines.h"

#include <cstdint>
#include <map>

#include "common/crypto/digest.h"
#include "server/operations/submission.h"
#include "server/repository/bins.h"

namespace cotter::app {

Result<std::string> release_lines(const ReadFile& file, const RoleName& role, Version version,
                                  const model::SuccinctRoles& bins) {
  std::map<RoleName, Bytes> hashes;
  const auto add = [&](const RoleName& each) -> Result<void> {
    if (const auto wire = TRY(file(each, version))) hashes[each] = crypto::sha256(*wire);
    return {};
  };
  TRY(add(role));
  for (std::uint64_t number = 0; number < repository::bin_count(bins); ++number) TRY(add(bins.bin(number)));
  return operations::lines_of(hashes);
}

std::string release_name(const RoleName& role, Version version) {
  return std::to_string(version.value()) + "." + role.value() + std::string(kReleaseEnd);
}

}  // namespace cotter::app
