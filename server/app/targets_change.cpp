#include "server/app/targets_change.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "common/trust/draft.h"
#include "server/app/abilities.h"
#include "server/app/next_targets.h"
#include "server/ceremony/signing.h"
#include "server/repository/reader.h"

namespace cotter::app {
namespace {

namespace fs = std::filesystem;
using ceremony::OfflineBundle;
using TargetsDraft = trust::Draft<model::Targets>;

/// The keys that may sign the targets, by the root that is published.
std::vector<std::pair<KeyId, const crypto::PublicKey*>> holders_keys(const model::Root& root) {
  std::vector<std::pair<KeyId, const crypto::PublicKey*>> keys;
  for (const KeyId& id : root.roles.at(model::targets_role()).keyids) {
    if (const auto key = root.keys.find(id); key != root.keys.end()) keys.emplace_back(id, &key->second);
  }
  return keys;
}

/// Of `signatures` those that count for the targets, by the root that is published.
ceremony::Counted counted(const model::Root& root, ByteView canonical,
                          const std::vector<crypto::Signature>& signatures) {
  return ceremony::count(root.keys, root.roles.at(model::targets_role()), canonical, signatures);
}

Result<void> remove_file(const fs::path& path) {
  std::error_code error;
  fs::remove(path, error);
  if (error) return fail(host::errno_fault("cannot remove " + path.string(), error.value()));
  return {};
}

/// Whether a ceremony for the root of that version is open.
Result<bool> waits_for_root(const fs::path& pending_dir, std::size_t version) {
  OfflineBundle root;
  root.role = model::root_role();
  root.version = Version(version);
  const auto files = TRY(ceremony::bundles_in(pending_dir, Repository::Image, model::root_role()));
  return std::ranges::any_of(files,
                             [&](const fs::path& file) { return file.filename() == root.file_name(); });
}

}  // namespace

void base_on(OfflineBundle& bundle, std::vector<std::string> roots, const model::Root& root,
             const trust::Verified<model::Targets>& published) {
  bundle.roots = std::move(roots);
  bundle.base = std::string(as_text(published.wire()));
  bundle.threshold = root.roles.at(model::targets_role()).threshold;
}

Result<std::optional<TargetsChange::Waiting>> TargetsChange::judge_bundle(RepositoryWriter& writer,
                                                                          const fs::path& file) {
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
  TRY(base_on_published(writer, file, *bundle));
  return std::optional<Waiting>(Waiting{*std::move(bundle), std::move(targets)});
}

/// A root that was published since gives the bundle other signers; its content stays what it is.
Result<void> TargetsChange::base_on_published(RepositoryWriter& writer, const fs::path& file,
                                              OfflineBundle& bundle) {
  const std::vector<std::string> roots =
      TRY(repository::root_files(writer.layout(), (*writer.published().root()).version));
  if (bundle.roots.size() > roots.size() && TRY(waits_for_root(file.parent_path(), roots.size() + 1))) {
    return fault(Fault::Kind::Conflict, file.string() + " waits for a root that is not published yet",
                 "cotter ceremony close publishes that root, and then this");
  }
  const trust::Verified<model::Targets>& published = *writer.published().targets();
  if (bundle.roots == roots && bundle.base == as_text(published.wire())) return {};
  base_on(bundle, roots, *writer.published().root(), published);
  return bundle.write(file.parent_path());
}

/// The bundle that waits. Others are spent: published since, or replaced by one that holds their releases
/// too.
Result<std::optional<TargetsChange::Waiting>> TargetsChange::find_waiting(RepositoryWriter& writer,
                                                                          const fs::path& pending_dir) {
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

Result<TargetsChange> TargetsChange::begin(const Workspace& workspace, RepositoryWriter& writer,
                                           const TargetsSigning& signing) {
  std::optional<Waiting> waiting = TRY(find_waiting(writer, workspace.pending_dir()));
  return TargetsChange(workspace, writer, signing, std::move(waiting));
}

Result<void> TargetsChange::take(const OfflineBundle& copy) {
  if (!waiting_) {
    return fault(Fault::Kind::NotFound, "no change of the targets waits for signatures",
                 "cotter ceremony status shows what does");
  }
  const model::Root& root = *writer_->published().root();
  const TargetsDraft draft(waiting_->targets);
  const auto before = counted(root, draft.canonical(), waiting_->bundle.signatures).valid;
  TRY(ceremony::merge(waiting_->bundle, copy));
  waiting_->bundle.signatures = counted(root, draft.canonical(), waiting_->bundle.signatures).valid;
  for (const crypto::Signature& now : waiting_->bundle.signatures) {
    if (std::ranges::find(before, now.keyid, &crypto::Signature::keyid) != before.end()) continue;
    TRY(writer_->note_signature(waiting_->bundle.version, draft.canonical(), now.keyid));
  }
  return waiting_->bundle.write(workspace_->pending_dir());
}

const model::Targets& TargetsChange::listed() const {
  return waiting_ ? waiting_->targets : **writer_->published().targets();
}

Result<TargetsOutcome> TargetsChange::finish(model::Targets next, const std::optional<std::string>& line) {
  if (!line && !waiting_) return unchanged();
  const bool outlived = waiting_ && waiting_->targets.expires <= writer_->now();
  if (line || outlived) return sign(TRY(draft(std::move(next), line)));
  return sign(*waiting_);
}

TargetsOutcome TargetsChange::unchanged() const {
  const trust::TrustedSet& published = writer_->published();
  TargetsOutcome outcome;
  outcome.versions = {(*published.targets())->version, (*published.snapshot())->version,
                      (*published.timestamp())->version};
  return outcome;
}

/// The next targets file, with the changes of the one that waits.
Result<TargetsChange::Waiting> TargetsChange::draft(model::Targets targets,
                                                    const std::optional<std::string>& line) {
  Waiting next;
  next.targets = std::move(targets);
  next.targets.version = TRY(writer_->next_targets_version());
  next.targets.expires =
      writer_->now() + signing_->targets_lifetime.value_or(workspace_->settings().image.targets);
  next.bundle.repository = Repository::Image;
  next.bundle.role = model::targets_role();
  next.bundle.version = next.targets.version;
  const trust::Verified<model::Root>& root = writer_->published().root();
  base_on(next.bundle, TRY(repository::root_files(writer_->layout(), root->version)), *root,
          *writer_->published().targets());
  if (waiting_) next.bundle.summary = waiting_->bundle.summary;
  if (line) next.bundle.summary.push_back(*line);
  next.bundle.signed_part = next.targets.encode();
  return next;
}

Result<void> TargetsChange::check(const model::Targets& next) const {
  const model::Root& root = *writer_->published().root();
  const model::RoleKeys& keys = root.roles.at(model::targets_role());
  const std::uint64_t bytes = size_when_signed(TargetsDraft(next).canonical().size(), keys, root.keys);
  Demands demands = demands_of_targets(Repository::Image, model::targets_role(), next, bytes);
  demands.front() = demand_of_role(Repository::Image, model::targets_role(), keys, root.keys, bytes);
  TRY(refuse_unverifiable(writer_->db(), demands));
  return check_delegated(writer_->db(), writer_->published(), writer_->layout(), next);
}

Result<TargetsOutcome> TargetsChange::sign(Waiting next) {
  TargetsDraft draft(next.targets);
  const bool is_new = !waiting_ || waiting_->bundle.version != next.bundle.version;
  if (is_new) TRY(check(next.targets));
  // The bundle comes first: a writer killed here must not leave changes that waited in no bundle at all.
  if (is_new && waiting_) TRY(next.bundle.write(workspace_->pending_dir()));
  if (is_new) TRY(writer_->note_targets(next.bundle.version, draft.canonical()));
  for (crypto::Signer* holder : signing_->holders)
    TRY(add_signature(*holder, draft.canonical(), next.bundle));

  const auto [valid, lacking] =
      counted(*writer_->published().root(), draft.canonical(), next.bundle.signatures);
  TargetsOutcome outcome;
  outcome.signatures = static_cast<std::uint32_t>(valid.size());
  outcome.threshold = next.bundle.threshold;
  outcome.summary = next.bundle.summary;
  outcome.lacking = lacking;
  if (outcome.signatures < outcome.threshold || outcome.lacking)
    return wait(next.bundle, is_new && waiting_, outcome);

  for (const crypto::Signature& signature : valid) draft.attach(signature);
  const OnlineSigners online = TRY(signing_->online());
  outcome.versions = TRY(writer_->publish_targets(next.bundle.version, draft.wire(), online));
  outcome.state = TargetsOutcome::State::Published;
  // Published is published: a bundle that cannot be removed now is spent, and the next publication removes
  // it.
  if (waiting_)
    static_cast<void>(
        ceremony::remove_bundles(workspace_->pending_dir(), Repository::Image, model::targets_role()));
  return outcome;
}

Result<void> TargetsChange::add_signature(crypto::Signer& holder, ByteView canonical, OfflineBundle& bundle) {
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
  crypto::Signature signature = TRY(holder.sign(canonical));
  signature.keyid = key->first;  // as this root calls the key
  std::erase_if(bundle.signatures,
                [&](const crypto::Signature& old) { return old.keyid == signature.keyid; });
  bundle.signatures.push_back(std::move(signature));
  return writer_->note_signature(bundle.version, canonical, key->first);
}

Result<TargetsOutcome> TargetsChange::wait(const OfflineBundle& bundle, bool replaces,
                                           TargetsOutcome outcome) {
  TRY(bundle.write(workspace_->pending_dir()));
  if (replaces) TRY(remove_file(workspace_->pending_dir() / waiting_->bundle.file_name()));
  outcome.state = TargetsOutcome::State::Awaiting;
  outcome.versions.targets = bundle.version;
  outcome.bundle = workspace_->pending_dir() / bundle.file_name();
  outcome.sha256 = bundle.sha256();
  return outcome;
}

}  // namespace cotter::app
