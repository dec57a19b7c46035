#include "server/app/release_lines.h"

#include <cstdint>
#include <map>

#include "common/crypto/digest.h"
#include "server/repository/bins.h"

namespace cotter::app {

Result<std::string> release_lines(const ReadFile& file, const RoleName& role, Version version,
                                  const model::SuccinctRoles& bins) {
  std::map<RoleName, std::string> hashes;
  const auto add = [&](const RoleName& each) -> Result<void> {
    if (const auto wire = TRY(file(each, version))) hashes[each] = to_hex(crypto::sha256(*wire));
    return {};
  };
  TRY(add(role));
  for (std::uint64_t number = 0; number < repository::bin_count(bins); ++number) TRY(add(bins.bin(number)));
  std::string lines;
  for (const auto& [name, sha256] : hashes) lines += name.value() + " " + sha256 + "\n";
  return lines;
}

}  // namespace cotter::app
