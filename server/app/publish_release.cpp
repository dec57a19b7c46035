#include "server/app/publish_release.h"

#include <algorithm>
#include <set>
#include <system_error>
#include <utility>

#include "common/model/roles.h"
#include "common/trust/draft.h"
#include "server/ceremony/offline_bundle.h"
#include "server/repository/image_store.h"
#include "server/storage/sqlite/inventory_store.h"

namespace cotter::app {
namespace {

namespace fs = std::filesystem;
using ceremony::OfflineBundle;
using TargetsDraft = trust::Draft<model::Targets>;

/// A targets file that is not published yet: what it says, and the bundle it waits in.
struct Waiting {
  OfflineBundle bundle;
  model::Targets targets;
};

/// The keys that may sign the targets, by the root that is published.
std::vector<std::pair<KeyId, const crypto::PublicKey*>> holders_keys(const model::Root& root) {
  std::vector<std::pair<KeyId, const crypto::PublicKey*>> keys;
  for (const KeyId& id : root.roles.at(model::targets_role()).keyids) {
    if (const auto key = root.keys.find(id); key != root.keys.end()) keys.emplace_back(id, &key->second);
  }
  return keys;
}

/// Of `signatures` those that count toward the threshold: one for each distinct key (FMT-22).
std::vector<crypto::Signature> valid_signatures(const model::Root& root, ByteView canonical,
                                                const std::vector<crypto::Signature>& signatures) {
  std::set<std::string> counted;
  std::vector<crypto::Signature> valid;
  for (const auto& [id, key] : holders_keys(root)) {
    for (const crypto::Signature& signature : signatures) {
      if (signature.keyid != id || !key->verifies(canonical, signature.bytes)) continue;
      if (counted.insert(key->material()).second) valid.push_back(signature);
    }
  }
  return valid;
}

Result<void> remove_file(const fs::path& path) {
  std::error_code error;
  fs::remove(path, error);
  if (error) return fail(host::errno_fault("cannot remove " + path.string(), error.value()));
  return {};
}

Result<void> remove_bundles(const fs::path& pending_dir) {
  for (const fs::path& file :
       TRY(ceremony::bundles_in(pending_dir, Repository::Image, model::targets_role()))) {
    TRY(remove_file(file));
  }
  return {};
}

Result<std::optional<Waiting>> judge_bundle(RepositoryWriter& writer, const fs::path& file) {
  auto bundle = OfflineBundle::read(file);
  if (!bundle) {
    return fault(Fault::Kind::Conflict, file.string() + " is damaged: " + summary(bundle.error()),
                 "remove it to drop the releases in it, or put it back from a copy");
  }
  const Version version = bundle->version;
  if (version <= (*writer.published().targets())->version) return std::optional<Waiting>();
  auto targets = TRY(model::Targets::decode(bundle->signed_part, model::Profile::Vehicle));
  const TargetsDraft draft(targets);
  // A writer that was killed after writing the bundle had not noted it yet: somebody may have signed it
  // since.
  if (TRY(writer.next_targets_version()) <= version) TRY(writer.note_targets(version, draft.canonical()));
  if (!TRY(writer.targets_stand_for(version, draft.canonical()))) return std::optional<Waiting>();
  return std::optional<Waiting>(Waiting{*std::move(bundle), std::move(targets)});
}

/// The bundle that waits. Others are spent: published since, or replaced by one that holds their releases
/// too.
Result<std::optional<Waiting>> find_waiting(RepositoryWriter& writer, const fs::path& pending_dir) {
  auto files = TRY(ceremony::bundles_in(pending_dir, Repository::Image, model::targets_role()));
  std::optional<Waiting> waiting;
  for (const fs::path& file : files) {
    auto judged = TRY(judge_bundle(writer, file));
    if (judged && (!waiting || judged->bundle.version > waiting->bundle.version)) waiting = std::move(judged);
  }
  for (const fs::path& file : files) {
    if (!waiting || file.filename() != waiting->bundle.file_name()) TRY(remove_file(file));
  }
  return waiting;
}

std::string summary_line(const repository::Release& release, const repository::Change& change) {
  std::string hardware;
  for (const HardwareId& id : release.hardware_ids) hardware += (hardware.empty() ? "" : ", ") + id.value();
  return std::string(change.replaced ? "replace " : "add ") + release.name.value() + " by version " +
         release.version + ", release counter " + std::to_string(change.counter.value()) + ", for " +
         hardware + ": " + std::to_string(release.length) + " bytes, sha256 " +
         to_hex(*release.hashes.find(crypto::HashFunction::Sha256));
}

class Publishing {
 public:
  Publishing(const Workspace& workspace, const PublishRequest& request, RepositoryWriter& writer)
      : workspace_(&workspace), request_(&request), writer_(&writer), release_(request.release) {}

  Result<PublishOutcome> run() {
    const repository::IncomingImage image =
        TRY(repository::take_in(writer_->layout(), request_->file, request_->progress));
    release_.length = image.length();
    release_.hashes = image.hashes();
    std::optional<Waiting> waiting = TRY(find_waiting(*writer_, workspace_->pending_dir()));
    const model::Targets& listed = waiting ? waiting->targets : **writer_->published().targets();
    repository::Change change = TRY(repository::with_release(listed, release_));
    // Images before the metadata that list them (FMT-105); stored again, one that the disk damaged is mended.
    TRY(repository::store_image(writer_->layout(), image, release_.name));

    PublishOutcome outcome;
    outcome.length = release_.length;
    outcome.hashes = release_.hashes;
    outcome.counter = change.counter;
    outcome.unknown_hardware = TRY(unknown_hardware());
    if (!change.changed && !waiting) return unchanged(std::move(outcome));
    const bool outlived = waiting && waiting->targets.expires <= writer_->now();
    if (change.changed || outlived) return sign(TRY(next(std::move(change), waiting)), waiting, outcome);
    return sign(*waiting, waiting, outcome);
  }

 private:
  Result<std::vector<HardwareId>> unknown_hardware() {
    storage::InventoryStore inventory(writer_->db());
    std::vector<HardwareId> unknown;
    for (const HardwareId& id : release_.hardware_ids) {
      if (!TRY(inventory.has_hardware(id))) unknown.push_back(id);
    }
    return unknown;
  }

  PublishOutcome unchanged(PublishOutcome outcome) const {
    const trust::TrustedSet& published = writer_->published();
    outcome.state = PublishOutcome::State::Unchanged;
    outcome.versions = {(*published.targets())->version, (*published.snapshot())->version,
                        (*published.timestamp())->version};
    return outcome;
  }

  /// The next targets file, with the releases of the one that waits.
  Result<Waiting> next(repository::Change change, const std::optional<Waiting>& waiting) {
    Waiting next;
    next.targets = std::move(change.targets);
    next.targets.version = TRY(writer_->next_targets_version());
    next.targets.expires =
        writer_->now() + request_->targets_lifetime.value_or(workspace_->settings().image.targets);
    next.bundle.repository = Repository::Image;
    next.bundle.role = model::targets_role();
    next.bundle.version = next.targets.version;
    next.bundle.threshold = (*writer_->published().root()).roles.at(model::targets_role()).threshold;
    if (waiting) next.bundle.summary = waiting->bundle.summary;
    if (change.changed) next.bundle.summary.push_back(summary_line(release_, change));
    next.bundle.signed_part = next.targets.encode();
    return next;
  }

  Result<PublishOutcome> sign(Waiting next, const std::optional<Waiting>& before, PublishOutcome outcome) {
    TargetsDraft draft(next.targets);
    const bool is_new = !before || before->bundle.version != next.bundle.version;
    // The bundle comes first: a writer killed here must not leave releases that waited in no bundle at all.
    if (is_new && before) TRY(next.bundle.write(workspace_->pending_dir()));
    if (is_new) TRY(writer_->note_targets(next.bundle.version, draft.canonical()));
    for (crypto::Signer* holder : request_->holders) TRY(add_signature(*holder, draft, next.bundle));

    const auto valid =
        valid_signatures(*writer_->published().root(), draft.canonical(), next.bundle.signatures);
    outcome.signatures = static_cast<std::uint32_t>(valid.size());
    outcome.threshold = next.bundle.threshold;
    outcome.summary = next.bundle.summary;
    if (outcome.signatures < outcome.threshold)
      return wait(next.bundle, is_new ? before : std::nullopt, outcome);

    for (const crypto::Signature& signature : valid) draft.attach(signature);
    const OnlineSigners online = TRY(request_->online());
    outcome.versions = TRY(writer_->publish_targets(next.bundle.version, draft.wire(), online));
    outcome.state = PublishOutcome::State::Published;
    // Published is published: a bundle that cannot be removed now is spent, and the next publication removes
    // it.
    if (before) static_cast<void>(remove_bundles(workspace_->pending_dir()));
    return outcome;
  }

  Result<void> add_signature(crypto::Signer& holder, const TargetsDraft& draft, OfflineBundle& bundle) const {
    const auto keys = holders_keys(*writer_->published().root());
    const auto key = std::find_if(keys.begin(), keys.end(), [&](const auto& candidate) {
      return candidate.second->material() == holder.public_key().material();
    });
    if (key == keys.end()) {
      return fault(Fault::Kind::Denied,
                   "key " + holder.public_key().computed_id().value() +
                       " is not one that the root trusts with the image repository's targets",
                   "is this a holder of another workspace?");
    }
    crypto::Signature signature = TRY(holder.sign(draft.canonical()));
    signature.keyid = key->first;  // as this root calls the key
    std::erase_if(bundle.signatures,
                  [&](const crypto::Signature& old) { return old.keyid == signature.keyid; });
    bundle.signatures.push_back(std::move(signature));
    return writer_->note_signature(bundle.version, draft.canonical(), key->first);
  }

  Result<PublishOutcome> wait(const OfflineBundle& bundle, const std::optional<Waiting>& replaced,
                              PublishOutcome outcome) const {
    TRY(bundle.write(workspace_->pending_dir()));
    if (replaced) TRY(remove_file(workspace_->pending_dir() / replaced->bundle.file_name()));
    outcome.state = PublishOutcome::State::Awaiting;
    outcome.versions.targets = bundle.version;
    outcome.bundle = workspace_->pending_dir() / bundle.file_name();
    outcome.sha256 = bundle.sha256();
    return outcome;
  }

  const Workspace* workspace_;
  const PublishRequest* request_;
  RepositoryWriter* writer_;
  repository::Release release_;
};

}  // namespace

Result<PublishOutcome> publish_release(const Workspace& workspace, const PublishRequest& request,
                                       UtcTime now) {
  TRY(repository::check_release(request.release));
  RepositoryWriter writer = TRY(RepositoryWriter::open(workspace, now));
  return Publishing(workspace, request, writer).run();
}

}  // namespace cotter::app
