#include "server/app/root_ceremony.h"

#include <algorithm>
#include <set>
#include <utility>

#include "common/json/canonical.h"
#include "common/json/object_view.h"
#include "common/json/strict_reader.h"
#include "common/model/roles.h"
#include "common/trust/draft.h"
#include "server/app/abilities.h"
#include "server/app/director_roots.h"
#include "server/app/key_changes.h"
#include "server/app/listed_signers.h"
#include "server/app/record.h"
#include "server/app/record_key.h"
#include "server/app/record_refusal.h"
#include "server/app/rehearse_director.h"
#include "server/app/targets_change.h"
#include "server/repository/reader.h"

namespace cotter::app {
namespace {

namespace fs = std::filesystem;
using ceremony::OfflineBundle;
using trust::Authority;
using trust::Verified;

constexpr std::size_t kMostLinesInLedger = 200;

/// The roots that are published, whichever repository's.
struct Roots {
  std::vector<std::string> files;
  Verified<model::Root> newest;
};

Result<Roots> roots_of(const Workspace& workspace, Repository repository, const RepositoryWriter& writer) {
  if (repository == Repository::Image) {
    const Verified<model::Root>& newest = writer.published().root();
    std::vector<std::string> files = TRY(repository::root_files(writer.layout(), newest->version));
    return Roots{std::move(files), newest};
  }
  const auto roots = TRY(DirectorRoots::read(workspace.director_dir()));
  std::vector<std::string> files;
  for (const Bytes& file : roots.files()) files.emplace_back(as_text(file));
  return Roots{std::move(files), roots.newest()};
}

std::string root_of(Repository repository) { return std::string(name_of(repository)) + "/root"; }

std::string subject_of(const OfflineBundle& bundle) {
  return std::string(name_of(bundle.repository)) + "/" + bundle.role.value();
}

json::Object details_of(const OfflineBundle& bundle) {
  return {{"version", bundle.version.value()}, {"signed_sha256", bundle.sha256()}};
}

ledger::Entry entry_of(const RepositoryWriter& writer, std::string_view kind, const OfflineBundle& bundle,
                       json::Object details) {
  return {std::string(kind), writer.now(), acting_account(), subject_of(bundle), std::move(details)};
}

Result<void> note(RepositoryWriter& writer, std::string_view kind, const OfflineBundle& bundle,
                  json::Object details) {
  auto transaction = TRY(host::Transaction::begin(writer.db()));
  TRY(record(writer.db(), entry_of(writer, kind, bundle, std::move(details))));
  return transaction.commit();
}

json::Array lines_of(const std::vector<std::string>& lines) {
  json::Array shown;
  for (std::size_t at = 0; at < lines.size() && at < kMostLinesInLedger; ++at) shown.emplace_back(lines[at]);
  return shown;
}

Result<std::optional<OfflineBundle>> find_open(const fs::path& pending, Repository repository) {
  std::optional<OfflineBundle> found;
  for (const fs::path& file : TRY(ceremony::bundles_in(pending, repository, model::root_role()))) {
    OfflineBundle bundle = TRY(OfflineBundle::read(file));
    if (!found || bundle.version > found->version) found = std::move(bundle);
  }
  return found;
}

Result<OpenCeremony> as_open(const Workspace& workspace, OfflineBundle bundle) {
  ceremony::Standing standing = TRY(ceremony::look_at(bundle, as_bytes(bundle.roots.front())));
  return OpenCeremony{workspace.pending_dir() / bundle.file_name(), std::move(bundle), std::move(standing)};
}

Error nothing_open(Repository repository) {
  return Fault{Fault::Kind::NotFound,
               "no ceremony for the root of the " + std::string(name_of(repository)) + " repository is open",
               "cotter ceremony open root begins one"};
}

/// One ceremony on its way to its end.
class Closing {
 public:
  /// `is_out`: vehicles have the root already, for somebody was killed before the timestamp.
  Closing(const Workspace& workspace, RepositoryWriter& writer, OfflineBundle bundle, bool is_out)
      : workspace_(&workspace), writer_(&writer), bundle_(std::move(bundle)), is_out_(is_out) {}

  Result<void> take(const std::vector<OfflineBundle>& copies) {
    TRY(ceremony::keep_what_counts(bundle_, as_bytes(bundle_.roots.front())));
    std::set<KeyId> known;
    for (const crypto::Signature& signature : bundle_.signatures) known.insert(signature.keyid);
    for (const OfflineBundle& copy : copies) {
      if (copy.role == model::targets_role()) {
        targets_copies_.push_back(copy);
      } else {
        TRY(ceremony::merge(bundle_, copy));
      }
    }
    standing_ = TRY(ceremony::keep_what_counts(bundle_, as_bytes(bundle_.roots.front())));
    json::Array fresh;
    for (const crypto::Signature& signature : bundle_.signatures) {
      if (!known.contains(signature.keyid)) fresh.emplace_back(signature.keyid.value());
    }
    if (fresh.empty()) return {};
    TRY(bundle_.write(workspace_->pending_dir()));
    json::Object details = details_of(bundle_);
    details.set("keyids", std::move(fresh));
    return note(*writer_, ledger::kSignature, bundle_, std::move(details));
  }

  Result<ClosedRoot> run(const std::function<Result<keys::Signers*>()>& online) {
    const Roots roots = TRY(roots_of(*workspace_, bundle_.repository, *writer_));
    if (TRY(is_published(roots))) return done(ClosedRoot());  // somebody was killed right after it
    if (bundle_.roots != roots.files) {
      return fault(Fault::Kind::Conflict,
                   bundle_.file_name() + " follows root " + std::to_string(bundle_.roots.size()) +
                       ", and root " + std::to_string(roots.files.size()) + " is published",
                   "open the ceremony anew: cotter ceremony open root --replace");
    }
    if (!standing_.complete()) return waiting(ClosedRoot::State::AwaitingSignatures, bundle_);
    const Verified<model::Root> next = TRY(sealed(roots.newest));
    if (!is_out_) TRY(check_fleet(*roots.newest, next));  // else a refusal would protect nobody
    return bundle_.repository == Repository::Image ? publish_image(next, online)
                                                   : publish_director(roots, next, online);
  }

 private:
  Result<ClosedRoot> waiting(ClosedRoot::State state, OfflineBundle bundle) const {
    ClosedRoot closed;
    closed.state = state;
    closed.waiting = TRY(as_open(*workspace_, std::move(bundle)));
    return closed;
  }

  [[nodiscard]] Result<bool> is_published(const Roots& roots) const {
    if (roots.files.size() <= bundle_.roots.size()) return false;
    const json::Value file = TRY(json::read(as_bytes(roots.files[bundle_.roots.size()])));
    const json::Value* content = TRY(TRY(json::ObjectView::of(file, "root")).value("signed"));
    return *content == bundle_.signed_part;
  }

  [[nodiscard]] Result<Verified<model::Root>> sealed(const Verified<model::Root>& before) const {
    trust::Draft<model::Root> draft(TRY(model::Root::decode(bundle_.signed_part, model::Profile::Vehicle)));
    for (const crypto::Signature& signature : bundle_.signatures) draft.attach(signature);
    return draft.seal_successor(before);
  }

  /// Asked when it was opened, by its keys and by what was noted then; now by the signatures that it has, of
  /// which vehicles need those of the old root too.
  [[nodiscard]] Result<void> check_fleet(const model::Root& before, const Verified<model::Root>& next) {
    std::vector<KeyId> signers;
    for (const crypto::Signature& signature : bundle_.signatures) signers.push_back(signature.keyid);
    const auto signed_for = [&](const model::Root& root, std::uint64_t bytes) {
      return demand_of_signatures(bundle_.repository, model::root_role(), bytes, signers,
                                  root.roles.at(model::root_role()), root.keys);
    };
    Demands demands = demands_of_root(bundle_.repository, *next, 0);
    std::erase_if(demands, [](const Demand& each) { return each.role == model::root_role(); });
    demands.push_back(signed_for(*next, next.wire().size()));
    TRY(refuse_unverifiable(writer_->db(), demands));
    // Whoever can verify nothing that the old keys sign is not helped by keeping them.
    const auto of_old_keys = demand_of_role(bundle_.repository, model::root_role(),
                                            before.roles.at(model::root_role()), before.keys, 0);
    if (!refuse_unverifiable(writer_->db(), {of_old_keys})) return {};
    return refuse_unverifiable(writer_->db(), {signed_for(before, 0)});
  }

  Result<ClosedRoot> publish_image(const Verified<model::Root>& next,
                                   const std::function<Result<keys::Signers*>()>& online) {
    std::optional<repository::NewFile> anew;
    if (!TRY(targets_serve(next))) {
      OfflineBundle resigned = TRY(targets_for(next));
      const auto standing = TRY(ceremony::keep_what_counts(resigned, as_bytes(resigned.roots.front())));
      if (!standing.complete()) return waiting(ClosedRoot::State::AwaitingTargets, std::move(resigned));
      trust::Draft<model::Targets> draft(
          TRY(model::Targets::decode(resigned.signed_part, model::Profile::Vehicle)));
      for (const crypto::Signature& signature : resigned.signatures) draft.attach(signature);
      anew = repository::NewFile{model::targets_role(), resigned.version, draft.wire()};
    }
    keys::Signers* signers = TRY(online());
    const OnlineSigners image = TRY(image_signers(*signers, *next));
    ClosedRoot closed;
    closed.versions = TRY(writer_->publish_root(next, std::move(anew), transcript(), image, is_out_));
    return done(std::move(closed));
  }

  /// Whether the image list that is published is signed by keys that the next root lists, and lives.
  [[nodiscard]] Result<bool> targets_serve(const Verified<model::Root>& next) const {
    const Verified<model::Targets>& published = *writer_->published().targets();
    if (published->expires <= writer_->now()) return false;
    auto file = TRY(trust::Unverified<model::Targets>::parse(
        Bytes(published.wire().begin(), published.wire().end()), model::Profile::Vehicle));
    return std::move(file).verify(Authority::of_root(next, model::targets_role())).has_value();
  }

  /// The image list as it is, one version higher, for the keys that the next root lists: made once, and found
  /// again.
  Result<OfflineBundle> targets_for(const Verified<model::Root>& next) {
    model::Targets listed = **writer_->published().targets();
    std::vector<std::string> roots = bundle_.roots;
    roots.emplace_back(as_text(next.wire()));
    for (const fs::path& file :
         TRY(ceremony::bundles_in(workspace_->pending_dir(), Repository::Image, model::targets_role()))) {
      OfflineBundle bundle = TRY(OfflineBundle::read(file));
      if (bundle.version <= (*writer_->published().targets())->version) continue;
      auto content = TRY(model::Targets::decode(bundle.signed_part, model::Profile::Vehicle));
      if (content.expires <= writer_->now()) {
        listed = std::move(content);
        continue;
      }
      // What waited for the old keys waits for the new ones: its content is the same.
      base_on(bundle, roots, *next, *writer_->published().targets());
      for (const OfflineBundle& copy : targets_copies_) TRY(ceremony::merge(bundle, copy));
      TRY(bundle.write(workspace_->pending_dir()));
      return bundle;
    }
    model::Targets targets = std::move(listed);
    targets.version = TRY(writer_->next_targets_version());
    targets.expires = writer_->now() + workspace_->settings().image.targets;
    OfflineBundle bundle;
    bundle.repository = Repository::Image;
    bundle.role = model::targets_role();
    bundle.version = targets.version;
    bundle.summary = {"the same images, for the keys that root " + std::to_string(next->version.value()) +
                      " lists"};
    base_on(bundle, std::move(roots), *next, *writer_->published().targets());
    bundle.signed_part = targets.encode();
    TRY(writer_->note_targets(bundle.version, trust::Draft<model::Targets>(targets).canonical()));
    TRY(bundle.write(workspace_->pending_dir()));
    return bundle;
  }

  Result<ClosedRoot> publish_director(const Roots& before, const Verified<model::Root>& next,
                                      const std::function<Result<keys::Signers*>()>& online) {
    const auto roots = TRY(DirectorRoots::read(workspace_->director_dir())).followed_by(next);
    TRY(rehearse_root_chain(roots, writer_->now()));
    keys::Signers* signers = TRY(online());
    TRY(rehearse_sets(writer_->db(), roots, *signers, workspace_->settings().director, writer_->now()));
    TRY(note_publication(*before.newest, next, signers->ledger()));
    const ByteView wire = next.wire();
    TRY(repository::write_file(repository::Layout(workspace_->director_dir()),
                               {model::root_role(), next->version, Bytes(wire.begin(), wire.end())}));
    return done(ClosedRoot());
  }

  Result<void> note_publication(const model::Root& before, const Verified<model::Root>& root,
                                ledger::LogSigner* ledger_key) {
    json::Array files;
    files.emplace_back(TRY(signed_file_details(model::root_role(), root->version, root.wire())));
    const auto changes = TRY(key_changes(writer_->db(), {Repository::Director, root->version},
                                         keys_listed_by(before), keys_listed_by(*root), writer_->now()));
    auto transaction = TRY(host::Transaction::begin(writer_->db()));
    TRY(record(writer_->db(), transcript()));
    for (const ledger::Entry& change : changes) TRY(record(writer_->db(), change));
    TRY(record(writer_->db(),
               {std::string(ledger::kPublication), writer_->now(), acting_account(),
                std::string(name_of(Repository::Director)), json::Object{{"files", std::move(files)}}}));
    TRY(transaction.commit());
    return sign_ledger(writer_->db(), ledger_key, writer_->now());
  }

  /// What was signed, in words, and by whom. It goes into the ledger with the publication: a ceremony that
  /// was refused was not closed.
  [[nodiscard]] ledger::Entry transcript() const {
    json::Object details = details_of(bundle_);
    details.set("read_aloud", bundle_.read_aloud());
    details.set("changes", lines_of(standing_.changes));
    json::Array keyids;
    for (const crypto::Signature& signature : bundle_.signatures)
      keyids.emplace_back(signature.keyid.value());
    details.set("keyids", std::move(keyids));
    return entry_of(*writer_, ledger::kCeremony, bundle_, std::move(details));
  }

  /// Published is published: a bundle that cannot be removed now is refused later, for its root is spent.
  Result<ClosedRoot> done(ClosedRoot closed) const {
    closed.state = ClosedRoot::State::Published;
    closed.waiting = OpenCeremony{{}, bundle_, standing_};
    static_cast<void>(
        ceremony::remove_bundles(workspace_->pending_dir(), bundle_.repository, model::root_role()));
    if (closed.versions && closed.versions->targets != (*writer_->published().targets())->version) {
      static_cast<void>(
          ceremony::remove_bundles(workspace_->pending_dir(), Repository::Image, model::targets_role()));
    }
    return closed;
  }

  const Workspace* workspace_;
  RepositoryWriter* writer_;
  OfflineBundle bundle_;
  bool is_out_;
  ceremony::Standing standing_;
  std::vector<OfflineBundle> targets_copies_;
};

Result<OpenCeremony> try_to_open(const Workspace& workspace, const RootWish& wish, UtcTime now) {
  RepositoryWriter writer = TRY(RepositoryWriter::open(workspace, now));
  const Roots roots = TRY(roots_of(workspace, wish.repository, writer));
  const auto open = TRY(find_open(workspace.pending_dir(), wish.repository));
  if (open && open->version > roots.newest->version && !wish.replaces) {
    return fault(Fault::Kind::Conflict,
                 (workspace.pending_dir() / open->file_name()).string() + " is open already",
                 "close it, or give --replace: what its holders signed is worth nothing then");
  }
  const Lifetimes& lifetimes =
      wish.repository == Repository::Image ? workspace.settings().image : workspace.settings().director;
  const UtcTime expires = now + wish.lifetime.value_or(lifetimes.root);
  const model::Root next = TRY(ceremony::next_root(*roots.newest, wish.change, expires));
  OfflineBundle bundle;
  bundle.signed_part = next.encode();
  const std::uint64_t bytes = size_when_signed(json::canonical(bundle.signed_part).size(),
                                               next.roles.at(model::root_role()), next.keys);
  TRY(refuse_unverifiable(writer.db(), demands_of_root(wish.repository, next, bytes)));
  bundle.repository = wish.repository;
  bundle.role = model::root_role();
  bundle.version = next.version;
  bundle.threshold = roots.newest->roles.at(model::root_role()).threshold;
  bundle.roots = roots.files;
  OpenCeremony opened = TRY(as_open(workspace, std::move(bundle)));
  opened.content.summary = opened.standing.changes;
  json::Object details = details_of(opened.content);
  details.set("changes", lines_of(opened.standing.changes));
  auto transaction = TRY(host::Transaction::begin(writer.db()));
  TRY(record_proposed(writer.db(), workspace, wish.repository, wish.change, now));
  TRY(record(writer.db(), entry_of(writer, ledger::kDraft, opened.content, std::move(details))));
  TRY(transaction.commit());
  TRY(opened.content.write(workspace.pending_dir()));
  return opened;
}

Result<ClosedRoot> try_to_close(const Workspace& workspace, Repository repository,
                                const std::vector<OfflineBundle>& copies,
                                const std::function<Result<keys::Signers*>()>& online, UtcTime now) {
  const auto open = TRY(find_open(workspace.pending_dir(), repository));
  if (!open) return fail(nothing_open(repository));
  auto opened = RepositoryWriter::open(workspace, now);
  // Who was killed between a root and the timestamp that its keys sign left a repository that nobody can
  // read.
  const bool is_cut_off =
      !opened && repository == Repository::Image && std::holds_alternative<Rejection>(opened.error());
  if (is_cut_off) opened = RepositoryWriter::open_before(workspace, now, open->version);
  RepositoryWriter writer = TRY(std::move(opened));
  auto bundle = TRY(find_open(workspace.pending_dir(), repository));  // another may have closed it meanwhile
  if (!bundle) return fail(nothing_open(repository));
  Closing closing(workspace, writer, *std::move(bundle), is_cut_off);
  TRY(closing.take(copies));
  return closing.run(online);
}

}  // namespace

Result<OpenCeremony> open_root_ceremony(const Workspace& workspace, const RootWish& wish, UtcTime now) {
  return try_and_tell(workspace, {root_of(wish.repository), "opening"}, now,
                      [&](AskedKeys&) { return try_to_open(workspace, wish, now); });
}

Result<ClosedRoot> close_root_ceremony(const Workspace& workspace, Repository repository,
                                       const std::vector<OfflineBundle>& copies,
                                       const std::function<Result<keys::Signers*>()>& online, UtcTime now) {
  return try_and_tell(workspace, {root_of(repository), "ceremony"}, now, [&](AskedKeys& keys) {
    return try_to_close(workspace, repository, copies, keys.noting(online), now);
  });
}

}  // namespace cotter::app
