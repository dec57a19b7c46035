#include "server/ceremony/holder.h"

#include <utility>

namespace cotter::ceremony {
namespace {

/// "image-targets" and "image-targets-2", but not "image-targetsmith".
bool belongs_to(std::string_view name, std::string_view prefix) {
  return name.starts_with(prefix) && (name.size() == prefix.size() || name[prefix.size()] == '-');
}

}  // namespace

Result<Signers> open_holder(const std::filesystem::path& dir, keystore::Unlock unlock,
                            std::string_view prefix) {
  auto folder = TRY(keystore::KeyFolder::open(dir, std::move(unlock)));
  Signers signers;
  for (const keystore::KeyInfo& key : folder.keys()) {
    if (belongs_to(key.name, prefix)) signers.push_back(TRY(folder.signer(key.name)));
  }
  if (signers.empty()) {
    return fault(Fault::Kind::NotFound, "no " + std::string(prefix) + " key in " + dir.string(),
                 "name the folder of a holder who has one");
  }
  return signers;
}

bool is_offline_key(std::string_view key_name) noexcept {
  return belongs_to(key_name, "image-root") || belongs_to(key_name, "image-targets") ||
         belongs_to(key_name, "director-root");
}

}  // namespace cotter::ceremony
