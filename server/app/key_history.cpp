#include "server/app/key_history.h"

#include <algorithm>
#include <system_error>
#include <tuple>
#include <utility>

#include "common/crypto/public_key.h"
#include "common/json/object_view.h"
#include "server/app/published_files.h"
#include "server/ledger/entry.h"
#include "server/storage/sqlite/database.h"
#include "server/storage/sqlite/ledger_store.h"

namespace cotter::app {
namespace {

using json::ObjectView;
using storage::LedgerFilter;
using storage::LedgerRow;

constexpr std::uint64_t kNewestSignatures = 1000;  // of a director, which signs for every vehicle every day

class Reader {
 public:
  explicit Reader(host::Db& db) : store_(db) {}

  Result<KeyHistory> made_alone() {
    TRY(take_keys());
    return std::move(history_);
  }

  Result<FileTimes> published_alone() {
    TRY(each(kind(ledger::kPublication), &Reader::take_publication));
    return std::move(history_.published);
  }

  Result<KeyHistory> run(const std::set<std::string>& signed_by_hand) {
    TRY(take_keys());
    TRY(each(kind(ledger::kPublication), &Reader::take_publication));
    TRY(each(kind(ledger::kDraft), &Reader::take_draft));
    TRY(each(kind(ledger::kDeviceCertificate), &Reader::take_certificate));
    for (const std::string& role : signed_by_hand) {
      LedgerFilter filter = kind(ledger::kSignature);
      filter.subject = role;
      TRY(each(filter, &Reader::take_signature));
    }
    LedgerFilter newest = kind(ledger::kSignature);
    newest.limit = kNewestSignatures;
    TRY(each(newest, &Reader::take_signature));
    LedgerFilter last;
    last.limit = 1;
    TRY(store_.each(last, [&](const LedgerRow& row) -> Result<void> {
      history_.newest_entry = row.time;
      return {};
    }));
    return std::move(history_);
  }

 private:
  using Take = Result<void> (Reader::*)(const ledger::Entry&);

  static LedgerFilter kind(std::string_view kind) {
    LedgerFilter filter;
    filter.kind = kind;
    return filter;
  }

  Result<void> take_keys() {
    for (const std::string_view each_kind : ledger::kKeyKinds) TRY(each(kind(each_kind), &Reader::take_key));
    return {};
  }

  /// What cannot be read says nothing: the ledger's verification tells of it.
  Result<void> each(const LedgerFilter& filter, Take take) {
    return store_.each(filter, [&](const LedgerRow& row) -> Result<void> {
      if (const auto entry = ledger::Entry::decode(row.body)) static_cast<void>((this->*take)(*entry));
      return {};
    });
  }

  Result<void> take_key(const ledger::Entry& entry) {
    const auto details = ObjectView::of(entry.details, "details");
    const auto key = TRY(crypto::PublicKey::decode(*TRY(details.value("key")), crypto::Profile::Vehicle));
    std::string holder = TRY(details.string("holder"));
    if (holder == "workspace") holder.clear();
    const auto known = std::ranges::find(history_.made, key.material(),
                                         [](const KeyHistory::Made& made) { return made.key.material; });
    KeyHistory::Made* made = known == history_.made.end() ? nullptr : &*known;
    if (made == nullptr) {
      KeyId id(TRY(details.string("keyid")));
      history_.made.push_back({{key.material(), std::move(id)},
                               {entry.subject, std::move(holder)},
                               std::string(crypto::name_of(key.scheme())),
                               {},
                               {}});
      made = &history_.made.back();
    }
    // Earlier versions of Cotter wrote down neither.
    const json::Value* created = details.find("created");
    const json::Value* store = details.find("store");
    const bool is_made = entry.kind == ledger::kKeyGenerated || entry.kind == ledger::kKeyImported;
    if (created == nullptr && is_made) made->created = entry.time;
    if (created != nullptr && created->as_string() != nullptr && !made->created)
      made->created = TRY(details.time("created"));
    if (store != nullptr && store->as_string() != nullptr) made->store = store->as_string()->view();
    return {};
  }

  /// The top-level files; and with them one file of a supplier's, or releases into bins.
  Result<void> take_publication(const ledger::Entry& entry) {
    const auto details = ObjectView::of(entry.details, "details");
    const Repository repository =
        entry.subject == name_of(Repository::Image) ? Repository::Image : Repository::Director;
    const auto take = [&](const ObjectView& file) -> Result<void> {
      RoleName role(TRY(file.string("role")));
      const Version version(TRY(file.integer("version")));
      history_.published.emplace(std::tuple(repository, std::move(role), version), entry.time);
      if (file.find("keyids") == nullptr) return {};
      return take_ids(file, entry.time);
    };
    for (const json::Value& each : *TRY(details.array("files"))) TRY(take(TRY(ObjectView::of(each, "file"))));
    if (details.find("delegated") != nullptr) TRY(take(TRY(details.object("delegated"))));
    for (const json::Object* release : releases_in(entry.details))
      TRY(take(ObjectView::of(*release, "release")));
    return {};
  }

  Result<void> take_draft(const ledger::Entry& entry) {
    const std::size_t slash = entry.subject.find('/');
    if (slash == std::string::npos) return {};
    const bool is_image = entry.subject.substr(0, slash) == name_of(Repository::Image);
    const Version version(TRY(ObjectView::of(entry.details, "details").integer("version")));
    history_.drafted.insert_or_assign(std::tuple(is_image ? Repository::Image : Repository::Director,
                                                 RoleName(entry.subject.substr(slash + 1)), version),
                                      entry.time);
    return {};
  }

  Result<void> take_signature(const ledger::Entry& entry) {
    const auto details = ObjectView::of(entry.details, "details");
    if (details.find("files") == nullptr) return take_ids(details, entry.time);
    for (const json::Value& each : *TRY(details.array("files"))) {
      TRY(take_ids(TRY(ObjectView::of(each, "files[]")), entry.time));
    }
    return {};
  }

  Result<void> take_certificate(const ledger::Entry& entry) {
    const UtcTime ends = TRY(ObjectView::of(entry.details, "details").time("expires"));
    history_.certificates.insert_or_assign(VehicleId(entry.subject), ends);
    return {};
  }

  Result<void> take_ids(const ObjectView& file, UtcTime time) {
    for (const json::Value& id : *TRY(file.array("keyids"))) {
      UtcTime& used = history_.used[KeyId(TRY(json::string_of(id, "keyids[]")))];
      used = std::max(used, time);
    }
    return {};
  }

  storage::LedgerStore store_;
  KeyHistory history_;
};

}  // namespace

const KeyHistory::Made* KeyHistory::find(const std::string& material) const {
  const auto found = std::ranges::find(made, material, [](const Made& each) { return each.key.material; });
  return found == made.end() ? nullptr : &*found;
}

void KeyHistory::add_to(KeyNames& names) const {
  for (const Made& key : made) {
    if (!names.of(key.key)) names.add(key.key, key.name);
  }
}

Result<KeyHistory> read_key_history(host::Db& db, const std::set<std::string>& signed_by_hand) {
  return Reader(db).run(signed_by_hand);
}

Result<KeyHistory> read_known_keys(host::Db& db) { return Reader(db).made_alone(); }
Result<FileTimes> read_publication_times(host::Db& db) { return Reader(db).published_alone(); }

Result<KeyNames> all_key_names(const Workspace& workspace) {
  KeyNames names = TRY(KeyNames::of(workspace));
  std::error_code ignored;
  if (!std::filesystem::exists(workspace.db_path(), ignored)) return names;
  host::Db db = TRY(storage::open_database(workspace.db_path()));
  TRY(Reader(db).made_alone()).add_to(names);
  return names;
}

}  // namespace cotter::app
