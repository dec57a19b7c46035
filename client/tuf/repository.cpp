#include "client/tuf/repository.h"

#include <limits>
#include <utility>

#include "common/host/atomic_file.h"
#include "common/model/file_names.h"
#include "common/trust/image_check.h"

namespace cotter::tuf {
namespace {

/// The digest in a target's file name: there is a copy for each listed function, and any of them will do.
std::string digest_in_name(const crypto::Hashes& hashes) {
  const Bytes* digest = hashes.find(crypto::HashFunction::Sha256);
  if (digest == nullptr) digest = hashes.find(crypto::HashFunction::Sha512);
  return digest == nullptr ? std::string() : to_hex(*digest);
}

}  // namespace

trust::Policy plain_policy(Repository repository) {
  trust::Policy policy;
  policy.repository = repository;
  policy.profile = trust::Profile::Tuf;
  policy.limits = Limits::for_any_tuf_repository();
  return policy;
}

Result<void> pin_root(const std::filesystem::path& file, trust::Policy policy,
                      client::MetadataFolder folder) {
  const Bytes root = TRY(host::read_file(file, policy.limits.root_bytes));
  // The time is not asked for: a root that has expired may lead to newer ones.
  TRY(trust::TrustedSet::anchored_at(root, UtcTime(), std::move(policy)));
  return folder.pin(root);
}

Result<trust::TrustedSet> bring_up_to_date(trust::Policy policy, UtcTime now, trust::MetadataStore& store,
                                           trust::Transport& transport, const std::filesystem::path& where) {
  std::optional<Bytes> root = TRY(store.load(policy.repository, model::root_role()));
  if (!root) {
    return fault(Fault::Kind::NotFound, "no trusted root in " + where.string(),
                 "give it one first, from a source that you trust: init ROOT_FILE, or uptane-init");
  }
  auto anchored = trust::TrustedSet::anchored_at(std::move(*root), now, std::move(policy));
  if (!anchored) {
    return fault(Fault::Kind::Io,
                 "the trusted root in " + where.string() + " is of no use: " + summary(anchored.error()),
                 "it was damaged on this disk: give it a root again, from a source that you trust");
  }
  trust::Refresh refresh(std::move(*anchored));
  TRY(drive(refresh, store, transport));
  return std::move(refresh).take();
}

Result<client::IncomingTarget> fetch_target(client::CurlSession& session, const std::string& base_url,
                                            const client::TargetFolder& folder, const TargetName& name,
                                            const model::Target& target, bool consistent) {
  const std::string digest = consistent ? digest_in_name(target.hashes) : std::string();
  const std::string url = client::url_below(base_url, model::target_url_path(name, digest));
  client::IncomingTarget incoming = TRY(folder.receive(name));
  trust::ImageCheck check(target);
  const auto receive = [&]() -> Result<void> {
    TRY(session.download(url, 0, std::numeric_limits<std::uint64_t>::max(),
                         [&](ByteView chunk) -> Result<void> {
                           TRY(check.write(chunk));  // first: what is too long must not be kept
                           return incoming.write(chunk);
                         }));
    return check.finish();
  };
  TRY(located(receive(), Repository::Image, "target " + name.value()));
  return incoming;
}

json::Object versions_of(const trust::TrustedSet& set) {
  json::Object versions{{"root", set.root()->version.value()}};
  if (const auto* file = set.timestamp()) versions.set("timestamp", (*file)->version.value());
  if (const auto* file = set.snapshot()) versions.set("snapshot", (*file)->version.value());
  if (const auto* file = set.targets()) versions.set("targets", (*file)->version.value());
  return versions;
}

}  // namespace cotter::tuf
