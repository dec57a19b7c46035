#include "server/repository/root_maker.h"

#include <utility>

#include "common/model/roles.h"
#include "common/model/time_source.h"
#include "common/trust/draft.h"
#include "server/repository/publication_transport.h"
#include "server/repository/publisher.h"
#include "server/repository/reader.h"

namespace cotter::repository {
namespace {

void list_keys(model::Root& root, const RoleName& role, const RoleSigners& keys) {
  model::RoleKeys& listed = root.roles[role];
  listed.threshold = keys.threshold;
  for (const crypto::Signer* signer : keys.signers) {
    const KeyId id = signer->public_key().computed_id();
    listed.keyids.push_back(id);
    root.keys.insert_or_assign(id, signer->public_key());
  }
}

template <class T>
Result<trust::Draft<T>> signed_by(const T& content, const RoleSigners& keys) {
  trust::Draft<T> draft(content);
  for (crypto::Signer* signer : keys.signers) TRY(draft.sign(*signer));
  return draft;
}

Result<Bytes> make_root(const FirstKeys& keys, UtcTime expires) {
  model::Root root;
  root.expires = expires;
  list_keys(root, model::root_role(), keys.root);
  list_keys(root, model::targets_role(), keys.targets);
  list_keys(root, model::snapshot_role(), keys.snapshot);
  list_keys(root, model::timestamp_role(), keys.timestamp);
  if (!keys.time_source.signers.empty()) list_keys(root, model::time_source_role(), keys.time_source);
  const trust::Draft<model::Root> draft = TRY(signed_by(root, keys.root));
  TRY(draft.seal_anchor());
  return draft.wire();
}

}  // namespace

Result<Publication> make_image_repository(const FirstKeys& keys, const FirstLifetimes& lifetimes,
                                          UtcTime now) {
  const Version first(1);
  Publication files;
  Bytes root = TRY(make_root(keys, now + lifetimes.root));
  files.push_back({model::root_role(), first, std::move(root)});

  model::Targets targets;
  targets.expires = now + lifetimes.targets;
  Bytes targets_file = TRY(signed_by(targets, keys.targets)).wire();
  files.push_back({model::targets_role(), first, std::move(targets_file)});

  model::Snapshot snapshot;
  snapshot.expires = now + lifetimes.snapshot;
  snapshot.meta.set(model::targets_role(), meta_of(first, files.back().wire));
  Bytes snapshot_file = TRY(signed_by(snapshot, keys.snapshot)).wire();
  files.push_back({model::snapshot_role(), first, std::move(snapshot_file)});

  model::Timestamp timestamp;
  timestamp.expires = now + lifetimes.timestamp;
  timestamp.snapshot = meta_of(first, files.back().wire);
  Bytes timestamp_file = TRY(signed_by(timestamp, keys.timestamp)).wire();
  files.push_back({model::timestamp_role(), std::nullopt, std::move(timestamp_file)});

  PublicationTransport transport(files, nullptr);
  TRY(read_as_client(transport, now));
  return files;
}

Result<NewFile> make_director_root(const FirstKeys& keys, std::chrono::seconds lifetime, UtcTime now) {
  Bytes root = TRY(make_root(keys, now + lifetime));
  return NewFile{model::root_role(), Version(1), std::move(root)};
}

}  // namespace cotter::repository
