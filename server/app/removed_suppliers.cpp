#include "server/app/removed_suppliers.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <system_error>

#include "common/base/limits.h"
#include "common/host/atomic_file.h"
#include "common/model/file_names.h"
#include "server/app/published_files.h"
#include "server/app/supplier_family.h"
#include "server/repository/folder_transport.h"
#include "server/repository/reader.h"
#include "server/storage/sqlite/supplier_store.h"

namespace cotter::app {
namespace {

namespace fs = std::filesystem;
using repository::Layout;

using Versions = std::map<RoleName, std::vector<Version>>;

/// In order, of the files of each of these roles that lie there: the folder is looked through once.
Result<Versions> versions_of(const Layout& layout, const std::vector<RoleName>& roles) {
  Versions versions;
  std::map<std::string, RoleName> endings;  // "acme-0.json": a number and a point come before it
  for (const RoleName& role : roles) endings.emplace(model::metadata_file_name(role, std::nullopt), role);
  std::error_code error;
  for (fs::directory_iterator entry(layout.dir(), error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    std::uint64_t number = 0;
    std::from_chars(name.data(), name.data() + name.size(), number);
    const auto role = endings.find(name.substr(name.find('.') + 1));
    if (role != endings.end() && name == model::metadata_file_name(role->second, Version(number)))
      versions[role->second].emplace_back(number);
  }
  if (error) return fail(host::errno_fault("cannot look into " + layout.dir().string(), error.value()));
  for (auto& [role, list] : versions) std::ranges::sort(list);
  return versions;
}

Result<Bytes> file_of(const Layout& layout, const RoleName& role, Version version) {
  return host::read_file(layout.metadata(role, version), Limits::for_image_repository().listed_bytes);
}

Result<void> remove_file(const fs::path& path) {
  std::error_code error;
  fs::remove(path, error);
  if (error) return fail(host::errno_fault("cannot remove " + path.string(), error.value()));
  return {};
}

bool lets_sign(const model::Targets& file, const RoleName& role) {
  return file.delegations && file.delegations->keys_of(role) != nullptr;
}

/// Of who lists the name now; none: nobody. Faults: it cannot be told.
Result<std::optional<crypto::Hashes>> listed_now(const trust::TrustedSet& published, const Layout& layout,
                                                 const TargetName& name) {
  const auto found = repository::find_target(published, layout.dir(), name);
  if (found) return std::optional(found->target.hashes);
  const Rejection* none = rejection_in(found.error());
  if (none != nullptr && none->rule == RuleId::TargetNotFound) return std::optional<crypto::Hashes>();
  return fail(found.error());
}

/// What files list: one that cannot be read lists nothing.
void add_images(const Layout& layout, const RoleName& role, const std::vector<Version>& versions,
                ListedImages& images) {
  for (const Version version : versions) {
    const auto wire = file_of(layout, role, version);
    const auto file = wire ? read_vouched(*wire) : fail(wire.error());
    if (!file) continue;
    for (const auto& [name, target] : file->targets.targets) {
      auto& contents = images[name];
      if (std::ranges::find(contents, target.hashes) == contents.end()) contents.push_back(target.hashes);
    }
  }
}

Result<void> remove_images(const trust::TrustedSet& published, const Layout& layout, const RoleName& role,
                           const std::vector<Version>& versions) {
  ListedImages images;
  add_images(layout, role, versions, images);
  for (const auto& [name, contents] : images) {
    const auto listed = TRY(listed_now(published, layout, name));
    for (const crypto::Hashes& hashes : contents) {
      if (listed && listed->agrees_with(hashes)) continue;
      for (const auto& [function, digest] : hashes.all())
        TRY(remove_file(layout.image(name, to_hex(digest))));
    }
  }
  return {};
}

/// The newest last: as long as it lies there, there is more to do.
Result<void> put_aside(const Layout& layout, const RoleName& role, const std::vector<Version>& versions,
                       const Layout& kept) {
  TRY(host::ensure_dir(kept.dir()));
  for (const Version version : versions) {
    TRY(host::write_atomically(kept.metadata(role, version), TRY(file_of(layout, role, version))));
    TRY(remove_file(layout.packed_metadata(role, version)));
    TRY(remove_file(layout.metadata(role, version)));
  }
  return {};
}

}  // namespace

Result<ListedImages> images_listed(const Layout& layout, const std::vector<RoleName>& roles) {
  ListedImages images;
  for (const auto& [role, versions] : TRY(versions_of(layout, roles)))
    add_images(layout, role, versions, images);
  return images;
}

void leave_out(ListedImages& images, const model::Targets& other) {
  for (const auto& listed : other.targets) {
    const auto there = images.find(listed.first);
    if (there == images.end()) continue;
    std::erase_if(there->second,
                  [&](const crypto::Hashes& hashes) { return listed.second.hashes.agrees_with(hashes); });
  }
}

Result<std::set<RoleName>> suppliers_let_go(host::Db& db, const trust::TrustedSet& published,
                                            const Layout& layout) {
  std::set<RoleName> gone;
  repository::FolderTransport transport(layout.dir());
  for (const operations::Supplier& supplier : TRY(storage::SupplierStore(db).list())) {
    if (!supplier.removed) continue;
    const RoleName& top = supplier.below ? *supplier.below : supplier.name;
    bool is_let_go = !lets_sign(**published.targets(), top);
    if (!is_let_go && supplier.below) {
      const SupplierFamily family(published, transport, top);
      const auto* above = family.file_of(top);
      is_let_go = above != nullptr && !lets_sign(**above, supplier.name);
    }
    if (!is_let_go) continue;
    for (const RoleName& role : supplier.roles()) gone.insert(role);
  }
  return gone;
}

Result<void> clear_let_go(host::Db& db, const trust::TrustedSet& published, const Layout& layout,
                          const fs::path& kept_dir) {
  std::vector<RoleName> left;
  for (const RoleName& role : TRY(suppliers_let_go(db, published, layout))) {
    const auto listed = published.listed(role);
    std::error_code ignored;
    if (listed && fs::exists(layout.metadata(role, listed->version), ignored)) left.push_back(role);
  }
  if (left.empty()) return {};
  for (const auto& [role, versions] : TRY(versions_of(layout, left))) {
    TRY(remove_images(published, layout, role, versions));
    TRY(put_aside(layout, role, versions, Layout(kept_dir)));
  }
  return {};
}

}  // namespace cotter::app
