#include "server/app/release_role.h"

#include <algorithm>
#include <utility>

#include "common/crypto/digest.h"
#include "common/trust/draft.h"
#include "server/repository/bins.h"
#include "server/repository/folder_transport.h"
#include "server/repository/reader.h"
#include "server/storage/sqlite/supplier_store.h"

namespace cotter::app {

Result<SignedFiles::Written> SignedFiles::write(ByteView wire) {
  Written written;
  written.file = TRY(repository::WrittenFile::write(batch_, wire));
  written.sha256 = crypto::sha256(wire);
  written.bytes = wire.size();
  return written;
}

void SignedFiles::add(const std::vector<RoleName>& roles, Written file) {
  DelegatedFiles& of = files_.back();
  file.file.add_to(batch_, *layout_, roles, of.version);
  for (const RoleName& role : roles) of.files.emplace(role, file.sha256);
  of.most_bytes = std::max(of.most_bytes, file.bytes);
  if (std::ranges::find(roles, of.of) != roles.end()) of.own_bytes = file.bytes;
  passing_.push_back(std::move(file.file));
}

Result<trust::Verified<model::Targets>> signed_for(const trust::Verified<model::Targets>& delegator,
                                                   const RoleName& role, const model::Targets& next,
                                                   crypto::Signer& signer) {
  const auto authority = TRY(trust::Authority::of_delegation(delegator, role));
  trust::Draft<model::Targets> draft(next);
  TRY(draft.sign(signer));
  return located(draft.seal(authority), Repository::Image, role.value());
}

Result<ReleaseRole> ReleaseRole::open(RepositoryWriter& writer, const RoleName& name) {
  if (TRY(storage::SupplierStore(writer.db()).find(name)))
    return fault(Fault::Kind::Conflict, name.value() + " is a supplier's role, whose bins it signs itself",
                 "what it hands in is published by cotter supplier accept");
  ReleaseRole role(writer.layout(), writer.published(), name);
  role.entry_ = TRY(repository::find_delegation(**role.set_.targets(), name));
  repository::FolderTransport folder(role.layout_.dir());
  TRY(repository::load_delegated(role.set_, folder, name, model::targets_role()));
  role.file_ = &**role.set_.targets(name, model::targets_role());
  role.bins_ = TRY(repository::find_bins(*role.file_, name));
  return role;
}

Result<model::Targets> ReleaseRole::read(const RoleName& bin) const {
  trust::TrustedSet set = set_;  // a bin that was read is not kept
  repository::FolderTransport folder(layout_.dir());
  TRY(repository::load_delegated(set, folder, bin, name_));
  return **set.targets(bin, name_);
}

Result<void> ReleaseRole::check_key(const crypto::PublicKey& key) const {
  const auto& ids = bins_->keys.keyids;
  if (std::find(ids.begin(), ids.end(), key.computed_id()) != ids.end()) return {};
  return fault(Fault::Kind::Denied,
               "key " + key.computed_id().value() + " is not the one that signs the bins of " + name_.value(),
               "cotter key list shows the keys of this workspace");
}

Result<Bytes> ReleaseRole::sign(const RoleName& bin, const model::Targets& next,
                                crypto::Signer& signer) const {
  const auto* delegator = bin == name_ ? set_.targets() : set_.targets(name_, model::targets_role());
  const auto sealed = TRY(signed_for(*delegator, bin, next, signer));
  return Bytes(sealed.wire().begin(), sealed.wire().end());
}

}  // namespace cotter::app
