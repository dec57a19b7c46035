#include "server/app/intake.h"

#include <algorithm>
#include <set>

#include "common/json/canonical.h"
#include "common/json/object_view.h"
#include "common/json/strict_reader.h"
#include "common/model/file_names.h"
#include "common/trust/delegation_order.h"
#include "server/app/bin_intake.h"
#include "server/ceremony/signing.h"
#include "server/operations/papers.h"
#include "server/operations/remarks.h"
#include "server/repository/supplier_role.h"

namespace cotter::app {
namespace {

using operations::FileKind;

class Intake {
 public:
  Intake(const IntakeTerms& terms, const std::vector<IntakeFile>& files)
      : terms_(terms), files_(files), kept_(terms.family) {}

  IntakeVerdict judge() {
    if (find_entries()) check_all();
    verdict_.wrong = wrong_.sentences();
    return std::move(verdict_);
  }

 private:
  void check_all() {
    check_keys();
    if (terms_.supplier->has_bins()) {
      read_bins();
    } else {
      read_metadata();
    }
    if (verdict_.targets) {
      for (const auto& [name, target] : verdict_.targets->targets) check_target(name, target);
      check_total(*verdict_.targets);
      if (terms_.supplier->has_bins() && !verdict_.fresh.empty()) check_room();
      note_fresh();
      note_gone(*verdict_.targets);
    }
    check_images();
    check_papers();
  }

  void wrong(std::string_view sentence) { wrong_.add(sentence); }
  [[nodiscard]] const operations::SupplierPolicy& policy() const { return terms_.supplier->policy; }

  /// One of each delegation on the way; false, and the reason, where one is missing.
  bool find_entries() {
    for (const Passing& passing : terms_.way) {
      const model::DelegatedRole* entry = entry_of(passing);
      if (entry == nullptr) {
        wrong(entries_.empty() ? "the published targets do not delegate to " + passing.role.value() +
                                     ": its holders have not signed that yet, or no longer do"
                               : entries_.back()->name.value() + " does not let " + passing.role.value() +
                                     " sign, by what is published of it");
        return false;
      }
      entries_.push_back(entry);
    }
    entry_ = entries_.back();
    delegator_ = terms_.way.back().delegator;
    if (is_below() && !policy().may_delegate)
      wrong("the policy of " + entries_.front()->name.value() + " no longer allows it to let others sign");
    return true;
  }

  static const model::DelegatedRole* entry_of(const Passing& passing) {
    if (passing.delegator == nullptr || !(*passing.delegator)->delegations) return nullptr;
    for (const model::DelegatedRole& entry : (*passing.delegator)->delegations->roles) {
      if (entry.roleinfo.empty() && entry.name == passing.role) return &entry;
    }
    return nullptr;
  }

  /// Another supplier, and not the targets, lets it sign.
  [[nodiscard]] bool is_below() const { return terms_.way.size() > 1; }

  [[nodiscard]] std::vector<const crypto::PublicKey*> keys() const {
    std::vector<const crypto::PublicKey*> found;
    const model::KeyRing& ring = (*delegator_)->delegations->keys;
    for (const KeyId& id : entry_->keys.keyids) {
      if (const auto key = ring.find(id); key != ring.end()) found.push_back(&key->second);
    }
    return found;
  }

  void check_keys() {
    for (const crypto::PublicKey* key : keys()) {
      if (const auto objection = policy().objection_to(*key))
        wrong("key " + key->computed_id().value() + " " + *objection);
    }
  }

  /// A metadata file, as far as it can be read.
  struct Read {
    std::optional<model::Targets> targets{};
    Bytes canonical{};
    bool is_verified = false;
  };

  /// As a vehicle would, by the keys and the threshold of the delegation that `delegator` has for `role`;
  /// `called`: the file, in a sentence.
  Read read(const IntakeFile& file, const model::Targets& delegator, const RoleName& role,
            const std::string& called) {
    Read found;
    const auto verified = verified_below(delegator, role, file.paper);
    if (verified) {
      found.targets = **verified;
      found.is_verified = true;
    } else {
      wrong(called + ": " + summary(verified.error()));
    }
    // For what else is wrong with it, or for who publishes it.
    const auto content = json::read(file.paper);
    const auto view = content ? json::ObjectView::of(*content, "file") : fail(content.error());
    const auto signed_part = view ? view->value("signed") : fail(view.error());
    if (!signed_part) return found;
    found.canonical = json::canonical(**signed_part);
    check_key_ids(*view);
    const model::RoleKeys* keys = delegator.delegations->keys_of(role);
    if (found.is_verified && keys != nullptr)
      note_demands(*view, *keys, delegator.delegations->keys, found, file.length);
    if (found.targets) return found;
    auto unsigned_targets = model::Targets::decode(**signed_part, model::Profile::Vehicle);
    if (unsigned_targets) found.targets = *std::move(unsigned_targets);
    return found;
  }

  /// That of the supplier's own role; nullptr where it is not handed in.
  [[nodiscard]] const IntakeFile* own_metadata() const {
    const auto file = std::ranges::find_if(
        files_, [](const IntakeFile& each) { return each.kind == FileKind::Metadata && each.roles.empty(); });
    return file == files_.end() ? nullptr : &*file;
  }

  void read_metadata() {
    const IntakeFile* file = own_metadata();
    for (const IntakeFile& each : files_) {
      if (!each.roles.empty())
        wrong("metadata of " + each.roles.front().value() + ": " + entry_->name.value() +
              " was taken in without hashed bins");
    }
    if (file == nullptr) {
      wrong("there is no metadata");
      return;
    }
    Read next = read(*file, **delegator_, entry_->name, "metadata");
    if (next.is_verified) {
      wrong(judge_rekeyed(*next.targets, terms_.family));
    }
    verdict_.canonical = std::move(next.canonical);
    verdict_.targets = std::move(next.targets);
    if (!verdict_.targets) return;
    check_header(*verdict_.targets, "");
    check_delegations(*verdict_.targets);
  }

  void wrong(const std::vector<std::string>& sentences) {
    for (const std::string& sentence : sentences) wrong(std::string_view(sentence));
  }

  /// A supplier's own file and its bins, of one version, judged as one: what is not handed in stays as it is
  /// published.
  void read_bins() {
    model::Targets own;
    const IntakeFile* file = own_metadata();
    if (file != nullptr) {
      Read next = read(*file, **delegator_, entry_->name, "metadata");
      note_file(entry_->name, next.canonical);
      if (!next.targets) return;
      own = *std::move(next.targets);
      check_header(own, "");
      verdict_.targets = own;
      if (auto note = change_of_bins(entry_->name, terms_.published, own))
        verdict_.notes.push_back(*std::move(note));
    } else if (terms_.published != nullptr) {
      own = *terms_.published;
      if (own.expires <= terms_.now)
        wrong("the metadata of " + entry_->name.value() + " itself, which stay, expired on " +
              format_utc(own.expires) +
              ", and without them vehicles find none of its images: hand them in anew, too");
    } else {
      return wrong("the metadata of " + entry_->name.value() +
                   " itself are missing, which say who signs its bins: hand them in with all bins");
    }
    wrong(judge_own_file(own, *terms_.supplier, *entry_, (*delegator_)->delegations->keys));
    const model::SuccinctRoles* bins = bins_in(own, *terms_.supplier);
    if (bins == nullptr) return;
    for (const IntakeFile& each : files_) {
      if (!each.roles.empty()) read_bin(each, own, *bins);
    }
    for (const RoleName& role : handed_in_) kept_.erase(role);
    wrong(judge_kept_bins(own, handed_in_, kept_));
    verdict_.canonical = to_bytes(operations::lines_of(signed_));
  }

  void read_bin(const IntakeFile& file, const model::Targets& own, const model::SuccinctRoles& bins) {
    const std::string first = file.roles.front().value();
    for (const RoleName& role : file.roles) {
      if (!bins.has(role)) return wrong(role.value() + " is no bin of " + entry_->name.value());
      if (!handed_in_.insert(role).second) return wrong(role.value() + " is handed in twice");
      note_replaced(role);
    }
    const Read next = read(file, own, file.roles.front(), first);
    for (const RoleName& role : file.roles) note_file(role, next.canonical);
    if (!next.targets) return;
    check_header(*next.targets, first + ": ");
    wrong(judge_bin(file.roles, *next.targets, bins));
    if (!verdict_.targets) {
      verdict_.targets.emplace();
      verdict_.targets->version = next.targets->version;
      verdict_.targets->expires = next.targets->expires;
    }
    if (verdict_.targets->version != next.targets->version)
      wrong(first + " has version " + std::to_string(next.targets->version.value()) +
            ", and what came with it " + std::to_string(verdict_.targets->version.value()) +
            ": one submission, one version");
    verdict_.targets->targets.insert(next.targets->targets.begin(), next.targets->targets.end());
  }

  void note_file(const RoleName& role, ByteView canonical) { signed_[role] = crypto::sha256(canonical); }

  /// What the bin lists now.
  void note_replaced(const RoleName& bin) {
    const auto now = terms_.family.find(bin);
    if (now != terms_.family.end())
      replaced_.targets.insert((*now->second)->targets.begin(), (*now->second)->targets.end());
  }

  /// Bins are the supplier's, as one: the largest counts.
  void note_demands(const json::ObjectView& file, const model::RoleKeys& keys, const model::KeyRing& ring,
                    const Read& found, std::uint64_t bytes) {
    std::optional<std::vector<HardwareId>> whom;
    for (const model::DelegatedRole* entry : entries_) {
      if (!entry->any_hardware) whom = entry->hardware_ids;  // those of one below are among those above
    }
    const RoleName& role = entry_->name;
    Demands demands = demands_of_targets(Repository::Image, role, *found.targets, bytes, whom);
    demands.front() = demand_of_signatures(Repository::Image, role, bytes,
                                           signers_of(file, keys, ring, found.canonical), keys, ring, whom);
    for (Demand& demand : demands) {
      const auto same = std::ranges::find_if(verdict_.demands, [&](const Demand& other) {
        return other.role == demand.role && other.threshold == demand.threshold &&
               other.schemes == demand.schemes;
      });
      if (same == verdict_.demands.end()) {
        verdict_.demands.push_back(std::move(demand));
      } else {
        same->bytes = std::max(same->bytes, demand.bytes);
      }
    }
  }

  /// Of its signatures those that are good.
  static std::vector<KeyId> signers_of(const json::ObjectView& file, const model::RoleKeys& keys,
                                       const model::KeyRing& ring, ByteView canonical) {
    std::vector<crypto::Signature> signatures;
    const auto listed = file.array("signatures");
    for (std::size_t at = 0; listed && at < (*listed)->size(); ++at) {
      const auto each = json::ObjectView::of((**listed)[at], "signatures[]");
      const auto id = each ? each->string("keyid") : fail(each.error());
      auto bytes = each ? each->hex("sig") : fail(each.error());
      if (id && bytes) signatures.push_back({KeyId(*id), *std::move(bytes)});
    }
    const auto counted = ceremony::count(ring, keys, canonical, signatures);
    std::vector<KeyId> signers;
    for (const crypto::Signature& signature : counted.valid) signers.push_back(signature.keyid);
    return signers;
  }

  /// The ledger names them when it is published, those of keys that nobody knows too.
  void check_key_ids(const json::ObjectView& file) {
    const auto signatures = file.array("signatures");
    if (!signatures) return;  // said already
    for (const json::Value& each : **signatures) {
      const json::Object* signature = each.as_object();
      const json::Value* id = signature == nullptr ? nullptr : signature->find("keyid");
      const json::String* text = id == nullptr ? nullptr : id->as_string();
      if (text != nullptr && !model::is_identifier(*text))
        wrong("a signature's key id is '" + shown(*text) +
              "': 1 to 128 printable ASCII characters without blanks, quotes and slashes are taken");
    }
  }

  /// `called`: which file, where there are several.
  void check_header(const model::Targets& targets, const std::string& called) {
    Version published = terms_.published == nullptr ? Version(0) : terms_.published->version;
    if (terms_.supplier->has_bins()) {
      for (const auto& [bin, file] : terms_.family) published = std::max(published, (*file)->version);
    }
    const Version least(std::max(published, terms_.spent).value() + 1);
    const std::string number = std::to_string(least.value());
    const std::string remedy = terms_.spent > published
                                   ? "; one above what is published was spent in vain: cotter submit "
                                     "--metadata-version " +
                                         number
                                   : std::string();
    if (targets.version < least)
      wrong(called + "version " + std::to_string(targets.version.value()) +
            " is not above what there is: expected " + number + " or later" + remedy);
    if (targets.version.value() > least.value() + kMaxLeap)
      wrong(called + "version " + std::to_string(targets.version.value()) + " leaps: expected " + number);
    if (targets.expires <= terms_.now) wrong(called + "it expired on " + format_utc(targets.expires));
    if (targets.expires > terms_.now + policy().expiry_ceiling)
      wrong(called + "it lives until " + format_utc(targets.expires) + ", and may at most until " +
            format_utc(terms_.now + policy().expiry_ceiling));
  }

  void check_delegations(const model::Targets& targets) {
    verdict_.notes = repository::delegation_changes(entry_->name, terms_.published, targets);
    if (!targets.delegations || targets.delegations->empty()) return;
    if (is_below())
      return wrong("it lets others sign, which " + entry_->name.value() +
                   " may not: " + entries_.front()->name.value() + " alone does");
    for (const std::string& sentence :
         judge_delegations(*entry_, policy(), terms_.neighbours, *targets.delegations))
      wrong(sentence);
  }

  void check_target(const TargetName& name, const model::Target& target) {
    const model::Target* before = published(name);
    const bool is_fresh = before == nullptr || before->encode() != target.encode();
    if (is_fresh) verdict_.fresh.push_back(name);
    for (const model::DelegatedRole* entry : entries_) {
      if (!trust::applies(*entry, name, std::nullopt))
        wrong(name.value() + " is no name that " + entry->name.value() + " may list");
    }
    for (std::size_t above = 0; above < terms_.way.size(); ++above) {
      if ((*terms_.way[above].delegator)->targets.contains(name))
        wrong(name.value() + " is listed by " +
              (above == 0 ? "the targets themselves" : entries_[above - 1]->name.value() + " itself"));
    }
    const auto match = target.must_match(model::Profile::Vehicle);
    if (!match || !*match) {
      wrong(name.value() + (match ? std::string(" has no custom.mustMatch") : ": " + summary(match.error())));
    } else {
      check_hardware(name, **match, is_fresh);
    }
    if (is_fresh) check_bytes(name, target);
  }

  /// What is published of what was handed in: of bins, those that are replaced.
  [[nodiscard]] const model::Targets* base() const {
    return terms_.supplier->has_bins() ? &replaced_ : terms_.published;
  }

  [[nodiscard]] const model::Target* published(const TargetName& name) const {
    if (base() == nullptr) return nullptr;
    const auto found = base()->targets.find(name);
    return found == base()->targets.end() ? nullptr : &found->second;
  }

  void check_hardware(const TargetName& name, const model::MustMatch& match, bool is_fresh) {
    if (match.hardware_ids.empty()) wrong(name.value() + " is for no hardware");
    for (const HardwareId& id : match.hardware_ids) {
      for (const model::DelegatedRole* entry : entries_) {
        if (!entry->is_for(id))
          wrong(name.value() + " is for " + id.value() + ", which " + entry->name.value() +
                " makes nothing for");
      }
      const auto highest = terms_.counters.find(id);
      if (is_fresh && highest != terms_.counters.end() && match.release_counter < highest->second)
        wrong(name.value() + " has release counter " + std::to_string(match.release_counter.value()) +
              ", and " + id.value() + " has " + std::to_string(highest->second.value()) +
              " already: a rollback; cotter submit --release-counter says which one it is to have");
      if (is_fresh) check_leap(name, id, match.release_counter);
    }
    if (match.release_counter.value() < policy().version_floor)
      wrong(name.value() + " has release counter " + std::to_string(match.release_counter.value()) +
            ", below the floor of " + std::to_string(policy().version_floor));
  }

  /// No vehicle goes below a counter that it has once had: one at the end of the numbers would shut out every
  /// later image, of whoever makes them (fast-forward).
  void check_leap(const TargetName& name, const HardwareId& id, ReleaseCounter counter) {
    const auto highest = terms_.counters.find(id);
    const std::uint64_t there = highest == terms_.counters.end() ? 0 : highest->second.value();
    const std::uint64_t base = std::max(there, policy().version_floor);
    if (counter.value() <= base || counter.value() - base <= policy().counter_leap) return;
    wrong(name.value() + " has release counter " + std::to_string(counter.value()) +
          ", which leaps: " + id.value() + " has " + std::to_string(there) + ", and at most " +
          std::to_string(base + policy().counter_leap) +
          " is taken, for no later image may have less; cotter supplier add --counter-leap or "
          "--version-floor changes that");
  }

  void check_bytes(const TargetName& name, const model::Target& target) {
    const Bytes* sha256 = target.hashes.find(crypto::HashFunction::Sha256);
    if (sha256 == nullptr) {
      wrong(name.value() + " is listed without its SHA-256");
      return;
    }
    const auto file = std::ranges::find_if(files_, [&](const IntakeFile& each) {
      return each.kind == FileKind::Image && *each.hashes.find(crypto::HashFunction::Sha256) == *sha256;
    });
    if (file == files_.end()) {
      wrong(name.value() + " was not sent: there is no file with SHA-256 " + to_hex(*sha256));
      return;
    }
    if (file->length != target.length)
      wrong(name.value() + " is listed with " + std::to_string(target.length) + " bytes, and has " +
            std::to_string(file->length));
    if (!target.hashes.agrees_with(file->hashes) || target.hashes.contradicts(file->hashes))
      wrong(name.value() + " is listed with another hash than it has");
    check_file_names(name, file->hashes);
  }

  /// No disk would take it, and whoever accepts it could never publish it.
  void check_file_names(const TargetName& name, const crypto::Hashes& hashes) {
    for (const auto& [function, digest] : hashes.all()) {
      const std::string path = model::target_url_path(name, to_hex(digest));
      const std::size_t length = path.size() - (path.rfind('/') + 1);
      if (length > kMaxFileName)
        return wrong("the last part of " + name.value() + " is too long: with the image's hash before it, " +
                     std::to_string(length) + " characters, and a file's name has at most " +
                     std::to_string(kMaxFileName));
    }
  }

  /// A supplier and those below it share one quota.
  void check_total(const model::Targets& targets) {
    std::vector<const model::Targets*> files{&targets};
    for (const auto& [role, file] : kept_) {
      const bool goes = !terms_.supplier->has_bins() && !is_below() &&
                        (!targets.delegations || targets.delegations->keys_of(role) == nullptr);
      if (!goes) files.push_back(&**file);
    }
    std::uint64_t left = policy().quota_bytes;
    for (const model::Targets* file : files) {
      for (const auto& [name, target] : file->targets) {
        if (target.length > left)
          return wrong("all images together are more than the quota of " +
                       std::to_string(policy().quota_bytes) + " bytes");
        left -= target.length;
      }
    }
  }

  /// When everything is signed anew, for its time or its keys have come, one submission has to hold it.
  void check_room() {
    std::uint64_t bytes = 0;
    for (const IntakeFile& file : files_) {
      if (!file.roles.empty()) bytes += file.length;
    }
    for (const auto& [bin, file] : kept_) {
      if (!(*file)->targets.empty()) bytes += file->wire().size();  // the others are one small file
    }
    if (bytes <= terms_.most_bins_bytes) return;
    wrong("all bins of " + entry_->name.value() + " together would have " + std::to_string(bytes) +
          " bytes, and at most " + std::to_string(terms_.most_bins_bytes) +
          " can be renewed in one submission: leave out images, or ask for a second role with paths of its "
          "own");
  }

  void note_fresh() {
    for (const TargetName& name : verdict_.fresh) {
      const Bytes* sha256 = verdict_.targets->targets.at(name).hashes.find(crypto::HashFunction::Sha256);
      if (sha256 != nullptr) fresh_.emplace(*sha256, name.value());
    }
  }

  void note_gone(const model::Targets& targets) {
    if (base() == nullptr) return;
    operations::Remarks gone;
    for (const auto& [name, target] : base()->targets) {
      if (targets.targets.contains(name)) continue;
      gone.add("it no longer lists " + name.value());
      verdict_.unlisted.emplace(name, target);
    }
    verdict_.gone = gone.sentences();
  }

  void check_images() {
    for (const IntakeFile& file : files_) {
      const Bytes& sha256 = *file.hashes.find(crypto::HashFunction::Sha256);
      if (file.kind == FileKind::Image && !fresh_.contains(sha256))
        wrong("the file with SHA-256 " + to_hex(sha256) + " is listed under no new name");
    }
  }

  void check_papers() {
    std::set<Bytes> in_sboms, in_provenance;
    for (const IntakeFile& file : files_) {
      if (file.kind == FileKind::Sbom) read_sbom(file, in_sboms);
      if (file.kind == FileKind::Provenance) read_provenance(file, in_provenance);
    }
    for (const auto& [sha256, name] : fresh_) {
      if (policy().needs_sbom && !in_sboms.contains(sha256))
        wrong("no SBOM names " + name + " by its SHA-256");
      if (policy().needs_provenance && !in_provenance.contains(sha256))
        wrong("no good statement of provenance is about " + name);
    }
  }

  void read_sbom(const IntakeFile& file, std::set<Bytes>& named) {
    const auto sbom = operations::Sbom::decode(file.paper);
    if (!sbom) {
      wrong("SBOM: " + summary(sbom.error()));
    } else if (names_none(sbom->files)) {
      wrong("an SBOM names none of the images that are new");
    } else {
      note_paper(file, sbom->files);
      named.insert(sbom->files.begin(), sbom->files.end());
    }
  }

  void read_provenance(const IntakeFile& file, std::set<Bytes>& named) {
    const auto provenance = operations::Provenance::decode(file.paper);
    if (!provenance) {
      wrong("provenance: " + summary(provenance.error()));
    } else if (!provenance->is_signed_by(keys())) {
      wrong("a statement of provenance is signed by none of the supplier's keys");
    } else if (names_none(provenance->subjects)) {
      wrong("a statement of provenance is about none of the images that are new");
    } else {
      note_paper(file, provenance->subjects);
      named.insert(provenance->subjects.begin(), provenance->subjects.end());
    }
  }

  [[nodiscard]] bool names_none(const std::set<Bytes>& named) const {
    return std::ranges::none_of(fresh_, [&](const auto& each) { return named.contains(each.first); });
  }

  void note_paper(const IntakeFile& file, const std::set<Bytes>& named) {
    const auto is_named = [&](const TargetName& name) {
      const Bytes* sha256 = verdict_.targets->targets.at(name).hashes.find(crypto::HashFunction::Sha256);
      return sha256 != nullptr && named.contains(*sha256);
    };
    const auto first = std::ranges::find_if(verdict_.fresh, is_named);
    COTTER_ASSERT(first != verdict_.fresh.end());  // it names one
    verdict_.papers.push_back({file.kind, *file.hashes.find(crypto::HashFunction::Sha256), *first});
  }

  /// Versions are few; one at the end of the numbers would leave none for the next (fast-forward).
  static constexpr std::uint64_t kMaxLeap = 1000;
  static constexpr std::size_t kMaxFileName = 255;  // NAME_MAX of all Linux file systems

  const IntakeTerms& terms_;
  const std::vector<IntakeFile>& files_;
  std::vector<const model::DelegatedRole*> entries_;  ///< one for each step of the way
  const model::DelegatedRole* entry_ = nullptr;       ///< the last of them
  const trust::Verified<model::Targets>* delegator_ = nullptr;
  PublishedFiles kept_;               ///< of the family those that stay: of bins not what is handed in
  std::set<RoleName> handed_in_;      ///< bins
  model::Targets replaced_;           ///< all that those bins list as they are published
  std::map<RoleName, Bytes> signed_;  ///< with bins, of each file the SHA-256 of what its signatures are over
  std::map<Bytes, std::string> fresh_;  ///< SHA-256 of the fresh images as they are listed, with their names
  operations::Remarks wrong_;
  IntakeVerdict verdict_;
};

}  // namespace

IntakeVerdict judge_submission(const IntakeTerms& terms, const std::vector<IntakeFile>& files) {
  return Intake(terms, files).judge();
}

}  // namespace cotter::app
