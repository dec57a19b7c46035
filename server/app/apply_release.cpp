#include "server/app/apply_release.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "common/host/on_threads.h"
#include "common/trust/delegation_order.h"
#include "server/app/abilities.h"
#include "server/app/init_release_role.h"
#include "server/app/read_images.h"
#include "server/app/record_refusal.h"
#include "server/repository/bins.h"
#include "server/repository/image_store.h"
#include "server/repository/reader.h"
#include "server/repository/taken_images.h"
#include "server/storage/sqlite/counter_store.h"
#include "server/storage/sqlite/inventory_store.h"

namespace cotter::app {
namespace {

/// The highest release counters there are, and what a manifest without them gets. Each hardware is looked up
/// once.
class Counters {
 public:
  explicit Counters(RepositoryWriter& writer) : writer_(&writer), store_(writer.db()) {}

  Result<std::optional<repository::Reached>> highest(const std::vector<HardwareId>& hardware_ids) {
    std::optional<repository::Reached> highest;
    for (const HardwareId& id : hardware_ids) {
      const auto& reached = TRY(of(id));
      if (reached && (!highest || highest->counter < reached->counter)) highest = reached;
    }
    return highest;
  }

 private:
  Result<std::optional<repository::Reached>> of(const HardwareId& id) {
    if (const auto known = known_.find(id); known != known_.end()) return known->second;
    auto reached = TRY(repository::highest_counter(**writer_->published().targets(), {id}));
    const auto in_bins = TRY(store_.highest(id));
    if (in_bins && (!reached || reached->counter < *in_bins))
      reached = repository::Reached{*in_bins, id, "an earlier release"};
    return known_.emplace(id, std::move(reached)).first->second;
  }

  RepositoryWriter* writer_;
  storage::CounterStore store_;
  std::map<HardwareId, std::optional<repository::Reached>> known_;
};

/// What changes in one bin.
struct BinChange {
  RoleName bin;
  std::vector<std::size_t> artifacts;      ///< that change
  std::optional<model::Targets> listed{};  ///< as published; kept for some, so as not to read them twice
};
constexpr std::size_t kKeptBins = 16;

constexpr std::size_t kBinsAtOnce = 32;  // in memory: 2 MB, decoded some ten times that

/// A key that many threads sign with: what holds it may be one device.
class OneAtATime final : public crypto::Signer {
 public:
  explicit OneAtATime(crypto::Signer& key) : key_(&key) {}
  [[nodiscard]] const crypto::PublicKey& public_key() const noexcept override { return key_->public_key(); }
  Result<crypto::Signature> sign(ByteView message) override {
    const std::lock_guard lock(mutex_);
    return key_->sign(message);
  }

 private:
  crypto::Signer* key_;
  std::mutex mutex_;
};

/// A role of the manifest, and what changes in it.
struct Part {
  ReleaseRole role;
  RoleOutcome* outcome = nullptr;
  std::map<RoleName, std::vector<std::size_t>> by_bin{};  ///< its artifacts
  std::vector<BinChange> changes{};
};

class Applying {
 public:
  Applying(const ApplyRequest& request, const AskForSigners& signers, RepositoryWriter& writer)
      : request_(&request),
        signers_(&signers),
        writer_(&writer),
        artifacts_(request.manifest.artifacts),
        counters_(writer) {}

  Result<ApplyOutcome> run() {
    auto done = release();
    if (!done && is_fault(done.error(), Fault::Kind::NoSpace) && taken_) taken_->forget();
    return done;
  }

 private:
  Result<ApplyOutcome> release() {
    TRY(open_roles());
    TRY(may_list());
    std::vector<SourceFile> files = source_files(artifacts_);
    TRY(take_in(files));
    if (request_->dry_run) {
      TRY(plan());
      if (outcome_.bins > 0) outcome_.state = ApplyOutcome::State::WouldPublish;
      return finished();
    }
    TRY(store_and_publish(files));
    taken_->forget();
    return finished();
  }

  ApplyOutcome finished() {
    for (Artifact& artifact : artifacts_) outcome_.hashes.push_back(std::move(artifact.release.hashes));
    return std::move(outcome_);
  }

  Result<void> open_roles() {
    for (const RoleName& name : request_->manifest.roles()) {
      ReleaseRole role = TRY(ReleaseRole::open(*writer_, name));
      parts_.emplace(name, Part{std::move(role), &outcome_.roles[name]});
    }
    return {};
  }
  Part& part_of(const Artifact& artifact) { return parts_.at(request_->manifest.role_of(artifact)); }

  /// Path, hardware, and nobody else's name.
  Result<void> may_list() {
    std::vector<Result<void>> may(artifacts_.size());
    host::on_threads(artifacts_.size(), [&](std::size_t i, std::size_t) {
      may[i] = may_list(part_of(artifacts_[i]).role, artifacts_[i].release);
    });
    Findings findings;
    for (std::size_t i = 0; i < may.size(); ++i)
      if (!may[i]) findings.add(artifacts_[i].where, may[i].error());
    return findings.verdict();
  }

  Result<void> may_list(const ReleaseRole& role, const repository::Release& release) const {
    TRY(repository::check_release(release));
    const model::DelegatedRole& entry = role.entry();
    const std::string whose = "role " + role.name().value() + " may not list " + release.name.value();
    if (!entry.covers(release.name))
      return fault(Fault::Kind::Denied, whose + ": it is none of its paths", "vehicles would not find it");
    for (const HardwareId& id : release.hardware_ids) {
      if (entry.is_for(id)) continue;
      return fault(Fault::Kind::Denied, whose + " for hardware id " + id.value(),
                   "vehicles would not find it");
    }
    const auto other = TRY(
        repository::lister_before(writer_->published(), writer_->layout().dir(), release.name, role.name()));
    if (!other) return {};
    return fault(Fault::Kind::Denied,
                 release.name.value() + " is listed by role " + other->value() + " already",
                 "one name, one role: choose another name, or publish it there");
  }

  Result<void> take_in(std::vector<SourceFile>& files) {
    if (!request_->dry_run)
      taken_ = TRY(repository::TakenImages::open(writer_->layout(), request_->remember_every));
    outcome_.bytes =
        TRY(read_images(taken_.get(), files, artifacts_, [this](std::uint64_t done, std::uint64_t total) {
          if (request_->progress) request_->progress(ApplyPhase::Reading, done, total);
        }));
    host::on_threads(files.size(), [&](std::size_t at, std::size_t) {
      for (const std::size_t i : files[at].artifacts) {
        artifacts_[i].release.length = files[at].image->length();
        artifacts_[i].release.hashes = files[at].image->hashes();
      }
    });
    return {};
  }

  /// Which artifacts change which bins, and with what counters. Nothing is written here.
  Result<void> plan() {
    for (std::size_t i = 0; i < artifacts_.size(); ++i) {
      Part& part = part_of(artifacts_[i]);
      part.by_bin[part.role.bins().bin_of(artifacts_[i].release.name)].push_back(i);
    }
    outcome_.counters.resize(artifacts_.size());
    Findings findings;
    for (auto& [name, part] : parts_) {
      TRY(plan(part, findings));
      outcome_.added += part.outcome->added;
      outcome_.replaced += part.outcome->replaced;
      outcome_.unchanged += part.outcome->unchanged;
    }
    TRY(findings.verdict());
    return find_unknown_hardware();
  }

  Result<void> plan(Part& part, Findings& findings) {
    for (const auto& [bin, in_it] : part.by_bin) {
      model::Targets listed = TRY(part.role.read(bin));
      BinChange change{bin, {}};
      for (const std::size_t i : in_it) {
        const auto changed = judge(part, listed, i);
        if (!changed) findings.add(artifacts_[i].where, changed.error());
        if (changed && *changed) change.artifacts.push_back(i);
      }
      if (change.artifacts.empty()) continue;
      if (outcome_.bins++ < kKeptBins) change.listed = std::move(listed);
      part.changes.push_back(std::move(change));
    }
    part.outcome->bins = part.changes.size();
    return {};
  }

  /// Whether it changes, with the counter that it is listed under or will be.
  Result<bool> judge(const Part& part, const model::Targets& listed, std::size_t i) {
    const repository::Release& release = artifacts_[i].release;
    const auto highest = TRY(counters_.highest(release.hardware_ids));
    const auto change = TRY(repository::judge_release(listed, release, highest));
    outcome_.counters[i] = change.counter;
    if (!change.changed) {
      ++part.outcome->unchanged;
      return false;
    }
    ++(change.replaced ? part.outcome->replaced : part.outcome->added);
    for (const HardwareId& id : release.hardware_ids) {
      ReleaseCounter& noted = noted_[id];
      noted = std::max(noted, change.counter);
    }
    return true;
  }

  Result<void> find_unknown_hardware() {
    storage::InventoryStore inventory(writer_->db());
    std::set<HardwareId> all;
    for (const Artifact& artifact : artifacts_)
      all.insert(artifact.release.hardware_ids.begin(), artifact.release.hardware_ids.end());
    for (const HardwareId& id : all) {
      if (!TRY(inventory.has_hardware(id))) outcome_.unknown_hardware.push_back(id);
    }
    return {};
  }

  /// Images before the metadata that list them (FMT-105); also those that do not change: one that the disk
  /// damaged is mended. What they change is found out, and signed, while the disk works on them.
  Result<void> store_and_publish(std::vector<SourceFile>& files) {
    repository::Batch batch(writer_->layout());
    std::vector<repository::Batch::Naming> namings(files.size());
    host::on_threads(files.size(), [&](std::size_t i, std::size_t) {
      std::vector<TargetName> names;
      for (const std::size_t artifact : files[i].artifacts)
        names.push_back(artifacts_[artifact].release.name);
      namings[i] = repository::naming_of(writer_->layout(), *files[i].image, names);
    });
    for (repository::Batch::Naming& naming : namings) batch.add(std::move(naming));
    auto durable = std::async(std::launch::async, [&batch] { return batch.make_durable(); });
    TRY(plan());  // first: of what is refused no image is stored
    auto stored = std::async(std::launch::async, [&]() -> Result<void> {
      TRY(durable.get());
      TRY(batch.give_names());
      for (SourceFile& file : files) file.image->keep();  // or its going would look for each once more
      return {};
    });
    if (outcome_.bins > 0) {
      auto done = publish(stored);
      // Foremost, as while reading: a full disk is in everybody's way.
      if (!done && stored.valid()) TRY(stored.get());
      return done;
    }
    note_unchanged();
    return stored.get();
  }

  void note_unchanged() {
    const trust::TrustedSet& published = writer_->published();
    outcome_.versions = {(*published.targets())->version, (*published.snapshot())->version,
                         (*published.timestamp())->version};
  }

  /// Once the images are stored.
  Result<void> publish(std::future<Result<void>>& stored) {
    std::vector<Part*> touched;
    std::vector<ReleaseSigners> signers;
    std::vector<RoleRelease> told;
    std::vector<std::vector<RoleName>> bins;
    for (auto& [name, part] : parts_) {
      if (part.changes.empty()) continue;
      signers.push_back(TRY((*signers_)(name)));
      TRY(part.role.check_key(signers.back().role->public_key()));
      touched.push_back(&part);
      told.push_back({name, ledger_details(part)});
      bins.emplace_back();
      for (const BinChange& change : part.changes) bins.back().push_back(change.bin);
    }
    const ReleaseNumbers numbers = TRY(writer_->begin_release(std::move(told), noted_));
    auto snapshot = writer_->begin_snapshot(numbers, bins);
    SignedFiles files(writer_->layout());
    for (std::size_t i = 0; i < touched.size(); ++i) {
      touched[i]->outcome->release = numbers.releases[i];
      TRY(sign(*touched[i], *signers[i].role, files));
    }
    TRY(stored.get());
    outcome_.versions = TRY(writer_->publish_release(numbers, files.files(), files.batch(),
                                                     signers.front().online, std::move(snapshot)));
    outcome_.state = ApplyOutcome::State::Published;
    return {};
  }

  /// All of the role's bins that change.
  Result<void> sign(Part& part, crypto::Signer& signer, SignedFiles& files) {
    files.begin(part.role.name(), part.outcome->release);
    OneAtATime key(signer);
    for (std::size_t from = 0; from < part.changes.size(); from += kBinsAtOnce) {
      const std::size_t count = std::min(kBinsAtOnce, part.changes.size() - from);
      std::vector<std::optional<Result<SignedFiles::Written>>> written(count);
      host::on_threads(count, [&](std::size_t i, std::size_t thread) {
        const auto wire = next_bin(part, part.changes[from + i], key);
        written[i].emplace(wire ? files.write(*wire) : fail(wire.error()));
        ++signed_;
        if (thread == 0) tell_signed();
      });
      tell_signed();
      for (std::size_t i = 0; i < count; ++i)
        files.add({part.changes[from + i].bin}, TRY(*std::move(written[i])));
    }
    const model::DelegatedRole& entry = part.role.entry();
    const auto hardware = entry.any_hardware ? std::nullopt : std::optional(entry.hardware_ids);
    const std::uint64_t most_bytes = files.files().back().most_bytes;
    return refuse_unverifiable(writer_->db(),
                               {{Repository::Image, part.role.name(), most_bytes, 0, {}, hardware}});
  }

  void tell_signed() const {
    if (request_->progress) request_->progress(ApplyPhase::Signing, signed_, outcome_.bins);
  }

  /// The bin's next file. Safe on many threads, each with another change.
  Result<Bytes> next_bin(const Part& part, BinChange& change, crypto::Signer& key) const {
    model::Targets next = change.listed ? *std::move(change.listed) : TRY(part.role.read(change.bin));
    change.listed.reset();
    next.version = part.outcome->release;
    next.expires = writer_->now() + kBinLifetime;
    for (const std::size_t i : change.artifacts) {
      next.targets.insert_or_assign(artifacts_[i].release.name,
                                    repository::target_of(artifacts_[i].release, outcome_.counters[i]));
    }
    return part.role.sign(change.bin, next, key);
  }

  /// A line for each image that changes, by name, and all of them told by a hash (decision 0017).
  json::Object ledger_details(const Part& part) const {
    std::vector<std::size_t> changed;
    for (const BinChange& change : part.changes)
      changed.insert(changed.end(), change.artifacts.begin(), change.artifacts.end());
    std::ranges::sort(changed, {},
                      [&](std::size_t i) -> const TargetName& { return artifacts_[i].release.name; });
    crypto::Hasher all(crypto::HashFunction::Sha256);
    std::string line;
    for (const std::size_t i : changed) {
      const repository::Release& release = artifacts_[i].release;
      line = release.name.value() + " " + to_hex(*release.hashes.find(crypto::HashFunction::Sha256)) + " " +
             std::to_string(outcome_.counters[i].value()) + "\n";
      all.update(as_bytes(line));
    }
    return {{"added", part.outcome->added},
            {"replaced", part.outcome->replaced},
            {"listed_sha256", to_hex(all.finish())}};
  }

  const ApplyRequest* request_;
  const AskForSigners* signers_;
  RepositoryWriter* writer_;
  std::vector<Artifact> artifacts_;
  std::unique_ptr<repository::TakenImages> taken_;  ///< outlives the images
  Counters counters_;
  std::map<RoleName, Part> parts_;
  std::atomic<std::uint64_t> signed_{0};  ///< bins
  ReleaseCounters noted_;
  ApplyOutcome outcome_;
};

/// A manifest may be large: it is not copied for the sake of its signers.
Result<ApplyOutcome> try_to_apply(const Workspace& workspace, const ApplyRequest& request,
                                  const AskForSigners& signers, UtcTime now) {
  RepositoryWriter writer = TRY(RepositoryWriter::open(workspace, now));
  return Applying(request, signers, writer).run();
}

Result<RenewOutcome> try_to_renew(const Workspace& workspace, const RoleName& name,
                                  std::chrono::seconds least,
                                  const std::function<Result<ReleaseSigners>()>& signers, UtcTime now) {
  RepositoryWriter writer = TRY(RepositoryWriter::open(workspace, now));
  const ReleaseRole role = TRY(ReleaseRole::open(writer, name));
  std::vector<RoleName> due, empty;
  for (std::uint64_t number = 0; number < repository::bin_count(role.bins()); ++number) {
    const RoleName bin = role.bins().bin(number);
    const model::Targets listed = TRY(role.read(bin));
    if (listed.expires < now + least) (listed.targets.empty() ? empty : due).push_back(bin);
  }
  // Last: under the version of an empty bin a signing process signs no other.
  due.insert(due.end(), empty.begin(), empty.end());
  const bool own_file_is_due = role.file().expires < now + least;
  RenewOutcome outcome;
  outcome.renewed = due.size();
  if (due.empty() && !own_file_is_due) return outcome;
  const ReleaseSigners keys = TRY(signers());
  TRY(role.check_key(keys.role->public_key()));
  const ReleaseNumbers numbers =
      TRY(writer.begin_release({{name, json::Object{{"renewed", std::uint64_t{due.size()}}}}}, {}));
  SignedFiles files(writer.layout(), name, numbers.releases.front());
  const auto renewed = [&](model::Targets next) {
    next.version = numbers.releases.front();
    next.expires = now + kBinLifetime;
    return next;
  };
  if (own_file_is_due)
    files.add({name}, TRY(files.write(TRY(role.sign(name, renewed(role.file()), *keys.role)))));
  for (const RoleName& bin : due)
    files.add({bin}, TRY(files.write(TRY(role.sign(bin, renewed(TRY(role.read(bin))), *keys.role)))));
  outcome.versions = TRY(writer.publish_release(numbers, files.files(), files.batch(), keys.online));
  outcome.release = numbers.releases.front();
  return outcome;
}

Refused release_of(const RoleName& role, std::string document, json::Object wanted = {}) {
  return {"image/" + role.value(), std::move(document), std::move(wanted)};
}

}  // namespace

Result<ApplyOutcome> apply_release(const Workspace& workspace, const ApplyRequest& request, UtcTime now) {
  if (request.dry_run) return try_to_apply(workspace, request, request.signers, now);  // wants nothing yet
  json::Array roles;
  for (const RoleName& role : request.manifest.roles()) roles.emplace_back(role.value());
  json::Object wanted{{"artifacts", std::uint64_t{request.manifest.artifacts.size()}}};
  if (roles.size() > 1) wanted.set("roles", std::move(roles));
  const RoleName first = *request.manifest.roles().begin();
  return try_and_tell(workspace, release_of(first, "release", std::move(wanted)), now, [&](AskedKeys& keys) {
    return try_to_apply(workspace, request, keys.noting(request.signers), now);
  });
}

Result<RenewOutcome> renew_release_role(const Workspace& workspace, const RoleName& name,
                                        std::chrono::seconds least,
                                        const std::function<Result<ReleaseSigners>()>& signers, UtcTime now) {
  return try_and_tell(workspace, release_of(name, "renewal"), now, [&](AskedKeys& keys) {
    return try_to_renew(workspace, name, least, keys.noting(signers), now);
  });
}

}  // namespace cotter::app
