#include "server/app/list_keys.h"

#include <algorithm>
#include <string>
#include <system_error>

namespace cotter::app {
namespace {

namespace fs = std::filesystem;

/// The folders in `offline_dir`, in order; none when it was taken away, as it should be.
std::vector<fs::path> holder_folders(const fs::path& offline_dir) {
  std::error_code ignored;
  std::vector<fs::path> folders;
  for (fs::directory_iterator entry(offline_dir, ignored), end; !ignored && entry != end;
       entry.increment(ignored)) {
    if (entry->is_directory(ignored) && entry->path().filename().string().front() != '.') {
      folders.push_back(entry->path());
    }
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

}  // namespace

Result<std::vector<keystore::KeyInfo>> list_keys(const Workspace& workspace) {
  auto own = keystore::list_keys(workspace.keys_dir());
  const bool is_elsewhere =
      workspace.settings().signer && !own && is_fault(own.error(), Fault::Kind::NotFound);
  std::vector<keystore::KeyInfo> keys;
  if (!is_elsewhere) keys = TRY(std::move(own));  // else the signing process has them
  if (!workspace.settings().offline_dir) return keys;
  for (const fs::path& folder : holder_folders(*workspace.settings().offline_dir)) {
    const std::vector<keystore::KeyInfo> held = TRY(keystore::list_keys(folder));
    keys.insert(keys.end(), held.begin(), held.end());
  }
  return keys;
}

Result<keystore::KeyInfo> find_key(const std::vector<keystore::KeyInfo>& keys, std::string_view name) {
  const auto found =
      std::find_if(keys.begin(), keys.end(), [&](const keystore::KeyInfo& key) { return key.name == name; });
  if (found != keys.end()) return *found;
  return fault(Fault::Kind::NotFound, "no key named \"" + std::string(name) + "\"",
               "cotter key list shows those within reach");
}

}  // namespace cotter::app
