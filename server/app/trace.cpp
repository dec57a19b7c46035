#include "server/app/trace.h"

#include <algorithm>
#include <array>
#include <utility>

#include "common/crypto/digest.h"
#include "common/json/canonical.h"
#include "common/model/file_names.h"
#include "common/model/roles.h"
#include "server/app/release_lines.h"
#include "server/operations/papers.h"

namespace cotter::app {
namespace {

std::string sha256_in(const model::Target& target) {
  const Bytes* sha256 = target.hashes.find(crypto::HashFunction::Sha256);
  return sha256 == nullptr ? std::string() : to_hex(*sha256);
}

class Tracer {
 public:
  Tracer(const TraceQuery& query, const TraceSources& sources) : query_(&query), sources_(&sources) {
    names_ = query.guesses;
    if (query.name) names_.insert(*query.name);
    // As it stands in entries, where the same writer wrote it.
    const std::string quoted = query.name ? json::to_text(json::Value(query.name->value())) : "";
    needle_ = query.name ? quoted.substr(1, quoted.size() - 2) : query.sha256;
  }

  Result<Trace> run() {
    for (const std::string_view kind : kHandlings) {
      TRY(sources_->each(kind, needle_,
                         [&](std::uint64_t, const ledger::Entry& entry) { take_images(entry); }));
    }
    TRY(sources_->each(ledger::kAssignment, needle_, [&](std::uint64_t index, const ledger::Entry& entry) {
      take_assignment(index, entry);
    }));
    const Published published = TRY(published_files(sources_->each));
    for (const PublishedFile& each : published.files)
      TRY(each.is_release ? take_release(each) : take_file(each));
    TRY(attach_signatures());
    TRY(attach_releases());
    TRY(attach_roots(published.roots));
    TRY(attach_handlings());
    return finish();
  }

 private:
  static constexpr std::array<std::string_view, 3> kHandlings = {ledger::kUpload, ledger::kAcceptance,
                                                                 ledger::kRefusal};
  using Key = std::pair<TargetName, std::string>;  ///< name and SHA-256
  using Place = Trace::Release;
  struct Release {
    std::string sha256;  ///< over the lines of all its files
    model::SuccinctRoles bins;
  };

  /// The artifact, where it is one that is asked for.
  Traced* found(const TargetName& name, const std::string& sha256) {
    if (query_->name ? name != *query_->name : sha256 != query_->sha256) return nullptr;
    names_.insert(name);
    const auto [place, is_new] = artifacts_.try_emplace(Key(name, sha256));
    if (is_new) {
      place->second.name = name;
      place->second.sha256 = sha256;
    }
    return &place->second;
  }

  void take_images(const ledger::Entry& entry) {
    const json::Value* images = entry.details.find("images");
    if (images == nullptr || images->as_array() == nullptr) return;
    for (const json::Value& image : *images->as_array()) {
      const json::Object* object = image.as_object();
      if (object == nullptr) continue;
      const Key key(TargetName(text_in(*object, "name")), text_in(*object, "sha256"));
      if (found(key.first, key.second) != nullptr)
        submissions_[text_in(entry.details, "submission")].insert(key);
    }
  }

  void take_assignment(std::uint64_t index, const ledger::Entry& entry) {
    const json::Value* hashes = entry.details.find("hashes");
    if (hashes == nullptr || hashes->as_object() == nullptr) return;
    Traced* artifact =
        found(TargetName(text_in(entry.details, "image")), text_in(*hashes->as_object(), "sha256"));
    if (artifact == nullptr) return;
    artifact->length = number_in(entry.details, "length");
    Assignments& assigned = artifact->assigned;
    ++assigned.times;
    assigned.vehicles.insert(entry.subject);
    assigned.last = step_of(index, entry);
    assigned.last_vehicle = entry.subject;
    if (!assigned.first) assigned.first = assigned.last;
  }

  Result<void> take_file(const PublishedFile& entry) {
    const std::string name = model::metadata_file_name(entry.role, entry.version);
    const auto wire = TRY(sources_->file(entry.role, entry.version));
    if (!hold_against(wire, name, entry.step, entry.sha256)) return {};
    const auto file = read_vouched(*wire);
    if (!file) {
      trace_.problems.push_back(name + " cannot be read: " + summary(file.error()));
      return {};
    }
    delegating_.note(entry, file->targets.delegations);
    Listing listing{entry.step,    entry.root,   entry.root_step, entry.role,
                    entry.version, entry.sha256, file->keyids};
    listing.delegated_by = delegating_.to(entry.role);
    if (query_->name) {
      take(listing, *file, *query_->name);
      return {};
    }
    for (const auto& [target, content] : file->targets.targets) {
      if (sha256_in(content) == query_->sha256) names_.insert(target);
    }
    for (const TargetName& target : names_) take(listing, *file, target);
    return {};
  }

  Result<void> take_release(const PublishedFile& entry) {
    if (const auto own = TRY(sources_->file(entry.role, entry.version))) {
      const auto file = read_vouched(*own);
      if (file) delegating_.note(entry, file->targets.delegations);
      if (file && file->targets.delegations && file->targets.delegations->succinct)
        shapes_.insert_or_assign(entry.role, *file->targets.delegations->succinct);
    }
    const auto shape = shapes_.find(entry.role);
    if (shape == shapes_.end()) {
      trace_.unread.push_back("the bins of " + entry.role.value());
      return {};
    }
    releases_.insert_or_assign(Place(entry.role, entry.version), Release{entry.sha256, shape->second});
    for (const TargetName& target : names_) {
      const RoleName bin = shape->second.bin_of(target);
      const auto wire = TRY(sources_->file(bin, entry.version));
      if (!wire) continue;  // this release did not touch it
      const auto file = read_vouched(*wire);
      if (!file) {
        trace_.problems.push_back(model::metadata_file_name(bin, entry.version) +
                                  " cannot be read: " + summary(file.error()));
        continue;
      }
      Listing listing{entry.step,  entry.root,    entry.root_step,
                      bin,         entry.version, to_hex(crypto::sha256(*wire)),
                      file->keyids};
      listing.release_role = entry.role;
      listing.delegated_by = delegating_.to(bin);
      take(listing, *file, target);
    }
    return {};
  }

  /// The file lists the name, or lists it no more.
  void take(Listing listing, const VouchedTargets& file, const TargetName& name) {
    signed_sha256_[Place(listing.role, listing.version)] = file.signed_sha256;
    const auto listed = file.targets.targets.find(name);
    const bool is_listed = listed != file.targets.targets.end();
    const std::string sha256 = is_listed ? sha256_in(listed->second) : std::string();
    auto& open = open_[std::pair(name, lister(listing))];
    if (open && (!is_listed || *open != sha256)) {
      if (const auto artifact = artifacts_.find(Key(name, *open)); artifact != artifacts_.end())
        last_of(artifact->second, lister(listing))->ended = listing;
      open.reset();
    }
    if (!is_listed) return;
    Traced* artifact = found(name, sha256);
    if (artifact == nullptr) return;
    artifact->length = listed->second.length;
    if (const auto match = listed->second.must_match(crypto::Profile::Vehicle); match && *match) {
      listing.counter = (*match)->release_counter;
      listing.hardware_ids = (*match)->hardware_ids;
    }
    if (open) {
      Span* span = last_of(*artifact, lister(listing));
      ++span->versions;
      span->last = std::move(listing);
      return;
    }
    open = sha256;
    artifact->published.push_back({listing, listing});
  }

  /// Of a release role all bins are one: when it grows, the same listing goes on in another.
  static const RoleName& lister(const Listing& listing) {
    return listing.release_role ? *listing.release_role : listing.role;
  }

  static Span* last_of(Traced& artifact, const RoleName& role) {
    const auto span = std::find_if(artifact.published.rbegin(), artifact.published.rend(),
                                   [&](const Span& each) { return lister(each.first) == role; });
    COTTER_ASSERT(span != artifact.published.rend());
    return &*span;
  }

  template <class Do>
  void each_listing(Do action) {
    for (auto& [key, artifact] : artifacts_) {
      for (Span& span : artifact.published) {
        action(span.first);
        action(span.last);
        if (span.ended) action(*span.ended);
      }
    }
  }

  Result<void> attach_signatures() {
    std::multimap<std::string, SignedStep> by_content;
    for (const std::string_view kind : {ledger::kDraft, ledger::kSignature}) {
      TRY(sources_->each(kind, "signed_sha256", [&](std::uint64_t index, const ledger::Entry& entry) {
        by_content.emplace(text_in(entry.details, "signed_sha256"),
                           SignedStep{step_of(index, entry), key_ids_in(entry.details)});
      }));
    }
    each_listing([&](Listing& listing) {
      const auto [begin, end] = by_content.equal_range(signed_sha256_[Place(listing.role, listing.version)]);
      for (auto step = begin; step != end; ++step) listing.signatures.push_back(step->second);
    });
    return {};
  }

  /// A bin is proved by the lines of all files of its release, over which the publication has a hash.
  Result<void> attach_releases() {
    std::map<Place, Step> told;
    TRY(sources_->each(ledger::kRelease, {}, [&](std::uint64_t index, const ledger::Entry& entry) {
      const std::size_t slash = entry.subject.find('/');
      if (slash == std::string::npos) return;
      told.insert_or_assign(
          Place(RoleName(entry.subject.substr(slash + 1)), Version(number_in(entry.details, "version"))),
          step_of(index, entry));
    }));
    std::set<Place> places;
    each_listing([&](Listing& listing) {
      for (const DelegatingFile& file : listing.delegated_by) {
        if (releases_.contains(Place(file.role, file.version))) places.emplace(file.role, file.version);
      }
      if (!listing.release_role) return;
      const Place place(*listing.release_role, listing.version);
      places.insert(place);
      if (const auto release = told.find(place); release != told.end()) listing.release = release->second;
    });
    for (const Place& place : places) trace_.release_lines[place] = TRY(lines_of(place));
    return {};
  }

  /// All from the first on: each vouches for the next.
  Result<void> attach_roots(const std::map<Version, PublishedRoot>& roots) {
    Version newest(0);
    each_listing([&](const Listing& listing) { newest = std::max(newest, listing.root); });
    for (const auto& [version, root] : roots) {
      if (version > newest) break;
      trace_.roots.emplace(version, root);
      const auto wire = TRY(sources_->file(model::root_role(), version));
      hold_against(wire, model::metadata_file_name(model::root_role(), version), root.step, root.sha256);
    }
    return {};
  }

  /// The bytes, where they have the hash that the entry has; else what is wrong is noted.
  bool hold_against(const std::optional<Bytes>& bytes, const std::string& name, const Step& step,
                    const std::string& sha256) {
    if (!bytes) {
      trace_.unread.push_back(name);
    } else if (to_hex(crypto::sha256(*bytes)) == sha256) {
      return true;
    } else {
      trace_.problems.push_back(name + " is not what entry " + std::to_string(step.index) + " says it was");
    }
    return false;
  }

  Result<std::string> lines_of(const Place& place) {
    const auto& [sha256_of_all, shape] = releases_.at(place);
    std::string lines = TRY(release_lines(sources_->file, place.first, place.second, shape));
    if (to_hex(crypto::sha256(as_bytes(lines))) != sha256_of_all) {
      trace_.problems.push_back("version " + std::to_string(place.second.value()) + " of the bins of " +
                                place.first.value() + " is not what the ledger says was published");
    }
    return lines;
  }

  /// All that was said of a submission that names the artifact, or that brought the file that lists it first:
  /// of very many images an entry names some.
  Result<void> attach_handlings() {
    std::map<std::string, std::set<Key>> by_file;
    for (const auto& [key, artifact] : artifacts_) {
      for (const Span& span : artifact.published) by_file[handed_in_as(span.first)].insert(key);
    }
    Result<void> read;
    for (const std::string_view kind : kHandlings) {
      TRY(sources_->each(kind, "submission", [&](std::uint64_t index, const ledger::Entry& entry) {
        const std::string submission = text_in(entry.details, "submission");
        std::set<Key> keys;
        if (const auto named = submissions_.find(submission); named != submissions_.end())
          keys = named->second;
        if (const auto brought = by_file.find(text_in(entry.details, "sha256")); brought != by_file.end())
          keys.insert(brought->second.begin(), brought->second.end());
        const Handling handling{step_of(index, entry), entry.subject, submission, reason_in(entry.details)};
        for (const Key& key : keys) artifacts_.at(key).handed_in.push_back(handling);
        if (!keys.empty() && read) read = attach_papers(handling.step, entry.details, keys);
      }));
      TRY(std::exchange(read, {}));
    }
    for (auto& [key, artifact] : artifacts_) {
      std::ranges::sort(artifact.handed_in, {}, [](const Handling& each) { return each.step.index; });
    }
    return {};
  }

  /// Which of the entry's papers are about which of these: a kept one says so itself. Of one that is not kept
  /// the entry has the first name.
  Result<void> attach_papers(const Step& step, const json::Object& details, const std::set<Key>& keys) {
    for (const ListedPaper& paper : TRY(listed_papers(details, sources_->paper))) {
      const auto bytes = TRY(sources_->paper(paper.sha256));
      const bool must_be_kept = step.kind == ledger::kAcceptance;
      const bool is_good =
          (bytes || must_be_kept) && hold_against(bytes, "papers/" + paper.sha256, step, paper.sha256);
      if (bytes && !is_good) continue;
      const auto named = bytes ? operations::named_in(paper.kind, *bytes) : std::set<Bytes>();
      for (const Key& key : keys) {
        const bool is_about = bytes ? named && named->contains(from_hex(key.second).value_or(Bytes()))
                                    : paper.name == key.first.value();
        if (is_about) note_paper(artifacts_.at(key), paper, step, bytes.has_value());
        if (is_about && paper.name.empty()) trace_.lists.insert(text_in(details, "files_sha256"));
      }
    }
    return {};
  }

  /// What entries on a submission call its metadata: the file's SHA-256; with bins that over the lines of all
  /// its files, as its publication has it.
  [[nodiscard]] std::string handed_in_as(const Listing& listing) const {
    if (!listing.release_role) return listing.file_sha256;
    return releases_.at(Place(*listing.release_role, listing.version)).sha256;
  }

  static void note_paper(Traced& artifact, const ListedPaper& paper, const Step& step, bool is_kept) {
    auto known = std::ranges::find(artifact.papers, paper.sha256, &TracedPaper::sha256);
    if (known == artifact.papers.end())
      known = artifact.papers.insert(known, TracedPaper{paper.kind, paper.sha256});
    known->entries.insert(step.index);
    known->is_kept |= is_kept;
  }

  static std::string reason_in(const json::Object& details) {
    const json::Value* wrong = details.find("wrong");
    std::string reason = text_in(details, "reason");
    if (wrong == nullptr || wrong->as_array() == nullptr) return reason;
    for (const json::Value& each : *wrong->as_array()) {
      if (each.as_string() != nullptr)
        reason += (reason.empty() ? "" : "; ") + std::string(*each.as_string());
    }
    return reason;
  }

  Trace finish() {
    for (auto& [key, artifact] : artifacts_) trace_.artifacts.push_back(std::move(artifact));
    std::ranges::stable_sort(trace_.artifacts, [](const Traced& a, const Traced& b) {
      const auto since = [](const Traced& each) {
        return each.published.empty() ? 0 : each.published.front().first.publication.index;
      };
      return a.name != b.name ? a.name < b.name : since(a) < since(b);
    });
    return std::move(trace_);
  }

  const TraceQuery* query_;
  const TraceSources* sources_;
  std::string needle_;
  std::set<TargetName> names_;
  std::map<Key, Traced> artifacts_;
  std::map<std::string, std::set<Key>> submissions_;
  DelegatingFiles delegating_;
  std::map<RoleName, model::SuccinctRoles> shapes_;  ///< as of the release that is read
  std::map<Place, Release> releases_;
  std::map<Place, std::string> signed_sha256_;
  std::map<std::pair<TargetName, RoleName>, std::optional<std::string>> open_;
  Trace trace_;
};

}  // namespace

Result<Trace> trace(const TraceQuery& query, const TraceSources& sources) {
  return Tracer(query, sources).run();
}

std::vector<const Listing*> Span::all() const {
  std::vector<const Listing*> all{&first, &last};
  if (ended) all.push_back(&*ended);
  return all;
}

std::set<std::uint64_t> cited(const Trace& trace) {
  std::set<std::uint64_t> all;
  const auto add = [&](const std::optional<Step>& step) {
    if (step) all.insert(step->index);
  };
  for (const Traced& artifact : trace.artifacts) {
    for (const Handling& each : artifact.handed_in) add(each.step);
    for (const Span& span : artifact.published) {
      for (const Listing* listing : span.all()) {
        add(listing->publication);
        add(listing->root_publication);
        add(listing->release);
        for (const DelegatingFile& each : listing->delegated_by) add(each.publication);
        for (const SignedStep& each : listing->signatures) add(each.step);
      }
    }
    add(artifact.assigned.first);
    add(artifact.assigned.last);
  }
  for (const auto& [version, root] : trace.roots) add(root.step);
  return all;
}

}  // namespace cotter::app
