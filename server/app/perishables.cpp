#include "server/app/perishables.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include "common/json/object_view.h"
#include "common/json/strict_reader.h"
#include "server/app/role_forecast.h"
#include "server/ceremony/offline_bundle.h"
#include "server/ceremony/sign_file.h"
#include "server/ceremony/signing.h"
#include "server/keys/pki.h"
#include "server/repository/layout.h"
#include "server/storage/sqlite/database.h"
#include "server/storage/sqlite/director_store.h"
#include "server/storage/sqlite/supplier_store.h"

namespace cotter::app {
namespace {

namespace fs = std::filesystem;
using storage::FleetCount;

constexpr const char* kOperator = "operator";  // who has the workspace's passphrase
constexpr const char* kDirectorRoot = "director/root";
constexpr const char* kCa = "pki/ca";
constexpr std::size_t kMonthLength = 7;  // of "2028-11-01T…"

bool is_there(const fs::path& file) {
  std::error_code ignored;
  return fs::exists(file, ignored);
}

/// What vehicles do without it.
std::string stops_without(const LiveRole& role) {
  if (role.repository == Repository::Director) return "vehicles take nothing from the director";
  if (model::is_top_level(role.role)) return "vehicles take nothing from the image repository";
  return "vehicles take no image that " + role.role.value() + " lists";
}

/// Of the roles that the roots list.
std::string command_for(const LiveRole& role, bool is_signed_elsewhere) {
  if (role.role == model::root_role())
    return "cotter ceremony open root --repository " + std::string(name_of(role.repository));
  if (role.role == model::targets_role()) return "cotter ceremony open targets";
  return is_signed_elsewhere ? "start cotterd and its signing process, which renew it at once"
                             : "start cotterd, which renews it at once";
}

/// What the keys of a bundle's quorums are.
Result<model::KeyRing> keys_in(const ceremony::OfflineBundle& bundle) {
  const json::Value file = TRY(json::read(as_bytes(bundle.roots.back())));
  const json::Value* newest = TRY(TRY(json::ObjectView::of(file, "root")).value("signed"));
  model::KeyRing ring = TRY(model::Root::decode(*newest, model::Profile::Vehicle)).keys;
  if (bundle.role == model::root_role()) {
    model::KeyRing next = TRY(model::Root::decode(bundle.signed_part, model::Profile::Vehicle)).keys;
    ring.merge(next);
  }
  return ring;
}

class Reading {
 public:
  Reading(const Workspace& workspace, const KeyBook& book, UtcTime now)
      : workspace_(&workspace), book_(&book), now_(now) {}

  Result<std::vector<Perishable>> run() {
    if (is_there(workspace_->db_path())) db_.emplace(TRY(storage::open_database(workspace_->db_path())));
    if (db_) everything_ = TRY(storage::InventoryStore(*db_).count_all());
    for (const LiveRole& role : book_->roles) {
      if (role.expires) TRY(add_role(role));
    }
    TRY(add_sets());
    TRY(add_certificates());
    TRY(add_bundles());
    return std::move(found_);
  }

 private:
  bool is_signed_elsewhere() const { return workspace_->settings().signer.has_value(); }

  Result<void> add_role(const LiveRole& role) {
    // A role that two delegate to has two lives, of one file, and a release role goes by the name of its
    // bins: the first to end counts.
    const auto known = std::find_if(found_.begin(), found_.end(),
                                    [&](const Perishable& other) { return other.id == role.id(); });
    if (known == found_.end()) {
      found_.push_back(TRY(perishable_of(role)));
    } else if (*role.expires < known->ends) {
      Perishable first = TRY(perishable_of(role));
      first.hangs_on = known->hangs_on;
      *known = std::move(first);
    }
    return {};
  }

  Result<Perishable> perishable_of(const LiveRole& role) {
    Perishable what = perishable_in(role);
    what.begins = life_begins(book_->history.published, workspace_->settings(), role.repository, role.role,
                              *role.version, what.ends);
    what.stops = stops_without(role);
    what.reach = TRY(reach_of(role));
    if (role.role == model::snapshot_role() || role.role == model::timestamp_role()) {
      what.renewal = Renewal::Server;
      const auto lifetime = lifetime_of(workspace_->settings(), role.repository, role.role);
      what.renewed_from = what.ends - lifetime / 4;  // as renew_repository() does
    }
    for (const SigningKey& key : role.keys) what.keys.push_back(shown(key));
    if (model::is_top_level(role.role)) {
      what.command = command_for(role, is_signed_elsewhere());
      what.quorums = {{role.threshold, custodians_of(role)}};
      if (what.renewal == Renewal::Server) what.quorums = by_operator();  // whoever starts it
    } else {
      TRY(say_who_renews(role, what));
    }
    return what;
  }

  /// A delegated role: a release's, whose key is online, or a supplier's, which signs for itself.
  Result<void> say_who_renews(const LiveRole& role, Perishable& what) {
    const RoleName& owner = role.is_bins ? role.delegator : role.role;
    std::optional<operations::Supplier> supplier;
    if (db_) supplier = TRY(storage::SupplierStore(*db_).find(owner));
    const bool is_release =
        !supplier && std::any_of(book_->roles.begin(), book_->roles.end(), [&](const LiveRole& other) {
          return other.is_bins && other.delegator == owner;
        });
    if (is_release) {
      what.command = "cotter release renew " + owner.value();
      what.quorums = by_operator();
      return {};
    }
    if (!supplier) {
      what.command = "its keys' holders sign it anew with the tool that they have: cotter made neither";
      what.quorums = {{role.threshold, custodians_of(role)}};
    } else if (supplier->removed) {
      what.command = "none: it was removed, and goes once those who let it sign have signed that";
      what.quorums = by_operator();
    } else {
      const std::string& name = owner.value();
      what.command = supplier->has_bins() ? "cotter submit --renew --supplier " + name + " ..., by " + name +
                                                "; then cotter supplier accept"
                                          : "cotter submit FILE --supplier " + name + " ..., by " + name +
                                                ": an image that it lists already will do; then cotter "
                                                "supplier accept";
      what.quorums = {{1, {name}}};
      for (std::size_t at = 0; at < role.keys.size(); ++at) {
        if (!book_->names.of(role.keys[at])) what.keys[at] += " (" + name + ")";
      }
    }
    return {};
  }

  static std::vector<Quorum> by_operator() { return {{1, {kOperator}}}; }

  /// "image-root-1 (holder-1)", or the first digits of a key that nobody knows.
  std::string shown(const SigningKey& key) const {
    const auto name = book_->names.of(key);
    return name ? name->name + " (" + book_->custodian_of(key) + ")" : book_->names.label(key);
  }

  std::vector<std::string> custodians_of(const LiveRole& role) const {
    std::vector<std::string> holders;
    for (const SigningKey& key : role.keys) holders.push_back(book_->custodian_of(key));
    return holders;
  }

  Result<FleetCount> reach_of(const LiveRole& role) {
    if (!role.hardware || !db_) return everything_;
    return storage::InventoryStore(*db_).count_of(*role.hardware);
  }

  Result<void> add_sets() {
    if (!db_) return {};
    const auto sets = TRY(storage::DirectorStore(*db_).in_all(now_));
    if (!sets) return {};
    Perishable what;
    what.id = "director/sets";
    what.name = fmt::format("sets of {} {}", sets->fleet.vehicles,
                            sets->fleet.vehicles == 1 ? "vehicle" : "vehicles");
    what.begins = sets->made_at;
    what.ends = sets->expires;
    what.renewal = Renewal::Server;
    what.renewed_from = sets->expires - (sets->expires - sets->made_at) / 4;  // as near_expiry() does
    what.hangs_on = {kDirectorRoot};
    what.stops = "no vehicle asked for its set, or none was made for any";
    what.reach = sets->fleet;
    what.quorums = by_operator();
    for (const LiveRole& role : book_->roles) {
      const bool signs_sets = role.repository == Repository::Director && role.role != model::root_role() &&
                              model::is_top_level(role.role);
      if (!signs_sets) continue;
      for (const SigningKey& key : role.keys) what.keys.push_back(shown(key));
    }
    what.command = fmt::format("see that cotterd {} and that vehicles reach it",
                               is_signed_elsewhere() ? "and its signing process run" : "runs");
    found_.push_back(std::move(what));
    return {};
  }

  Result<std::optional<Perishable>> certificate(const char* id, std::string name, const char* file) {
    const fs::path path = workspace_->pki_dir() / file;
    if (!is_there(path)) return std::optional<Perishable>();
    const keys::Validity validity = TRY(keys::read_validity(path));
    Perishable what;
    what.id = id;
    what.name = std::move(name);
    what.begins = validity.not_before;
    what.ends = validity.not_after;
    what.reach = everything_;
    what.quorums = by_operator();
    return std::optional(std::move(what));
  }

  Result<void> add_certificates() {
    if (auto ca = TRY(certificate(kCa, "certificate of the CA", "ca.crt"))) {
      ca->stops = "no vehicle can connect, and no certificate can be made";
      ca->command =
          "no verb does it: make the next CA with openssl (docs/expiry.md), for every vehicle in time";
      found_.push_back(*std::move(ca));
    }
    if (auto server = TRY(certificate("pki/server", "TLS certificate of the server", "server.crt"))) {
      server->hangs_on = {kCa};
      server->stops = "no vehicle can connect";
      server->command =
          "no verb does it: sign pki/server.crt anew with openssl (docs/expiry.md) and start cotterd again";
      found_.push_back(*std::move(server));
    }
    return add_device_certificates();
  }

  Result<void> add_device_certificates() {
    struct Month {
      UtcTime first = UtcTime::max();
      std::vector<VehicleId> vehicles;
    };
    std::map<std::string, Month> months;
    for (const auto& [vin, ends] : book_->history.certificates) {
      Month& month = months[format_utc(ends).substr(0, kMonthLength)];
      month.first = std::min(month.first, ends);
      month.vehicles.push_back(vin);
    }
    for (const auto& [name, month] : months) {
      const std::size_t count = month.vehicles.size();
      Perishable what;
      what.id = "pki/devices-" + name;
      what.name = fmt::format("certificates of {} {}", count, count == 1 ? "vehicle" : "vehicles");
      what.ends = month.first;
      what.begins = what.ends - keys::kDeviceLifetime;
      what.hangs_on = {kCa};
      what.stops = "these vehicles cannot connect";
      if (db_) what.reach = TRY(storage::InventoryStore(*db_).count_in(month.vehicles));
      what.quorums = by_operator();
      what.command = "cotter vehicle certificate VIN --csr FILE --out FILE";
      found_.push_back(std::move(what));
    }
    return {};
  }

  Result<void> add_bundles() {
    std::error_code error;
    for (fs::directory_iterator file(workspace_->pending_dir(), error), end; !error && file != end;
         file.increment(error)) {
      // Other files may lie there too.
      if (const auto bundle = ceremony::OfflineBundle::read(file->path())) add_bundle(*bundle);
    }
    return {};
  }

  void add_bundle(const ceremony::OfflineBundle& bundle) {
    const auto role = std::find_if(book_->roles.begin(), book_->roles.end(), [&](const LiveRole& live) {
      return live.repository == bundle.repository && live.role == bundle.role;
    });
    const bool is_overtaken = role != book_->roles.end() && role->version && *role->version >= bundle.version;
    const auto content = json::ObjectView::of(bundle.signed_part, "signed");
    const auto ends = content ? content->time("expires") : Result<UtcTime>(fail(content.error()));
    if (is_overtaken || !ends) return;
    Perishable what;
    what.id = "pending/" + bundle.file_name();
    what.version = bundle.version.value();
    what.ends = *ends;
    what.begins = life_begins(book_->history.drafted, workspace_->settings(), bundle.repository, bundle.role,
                              bundle.version, what.ends);
    what.stops = "the signatures so far are worth nothing any more";
    const std::string file = (workspace_->pending_dir() / bundle.file_name()).string();
    what.command = "cotter ceremony sign " + file;
    std::size_t given = bundle.signatures.size();
    if (auto open = open_quorums(bundle, what.keys, given)) {
      what.quorums = *std::move(open);
    } else if (role != book_->roles.end()) {
      // It does not lead from what is published: all that is known is who signs that.
      const auto missing = bundle.threshold - std::min(bundle.threshold, static_cast<std::uint32_t>(given));
      what.quorums = {{missing, custodians_of(*role)}};
    }
    const std::size_t more = together(what.quorums).needed;
    what.name = fmt::format("open ceremony: {} {}, {} of {} signatures", bundle.role.value(),
                            bundle.version.value(), given, given + more);
    if (what.quorums.empty()) {
      what.command = "cotter ceremony close " + file;
      what.quorums = by_operator();
    }
    found_.push_back(std::move(what));
  }

  /// Who has yet to sign, of each quorum that is not reached; `keys` and `given`: whose signatures count, and
  /// how many of those there are.
  Result<std::vector<Quorum>> open_quorums(const ceremony::OfflineBundle& bundle,
                                           std::vector<std::string>& keys, std::size_t& given) const {
    const bool is_image = bundle.repository == Repository::Image;
    const repository::Layout layout(is_image ? workspace_->repo_dir() : workspace_->director_dir());
    const Bytes first = TRY(ceremony::trusted_root({}, layout.root(Version(1)), bundle.repository));
    const ceremony::Standing standing = TRY(ceremony::look_at(bundle, first));
    const model::KeyRing ring = TRY(keys_in(bundle));
    std::vector<Quorum> open;
    std::set<KeyId> signed_by;
    for (const ceremony::Quorum& quorum : standing.quorums) {
      signed_by.insert(quorum.signed_by.begin(), quorum.signed_by.end());
      Quorum left;
      const auto signatures = static_cast<std::uint32_t>(quorum.signed_by.size());
      left.needed = quorum.threshold - std::min(quorum.threshold, signatures);
      if (quorum.lacking) left.needed = std::max(left.needed, 1U);
      for (const KeyId& id : quorum.may) {
        const auto key = ring.find(id);
        if (key == ring.end()) continue;
        const SigningKey signing{key->second.material(), id};
        const std::string label = shown(signing);
        if (std::find(keys.begin(), keys.end(), label) == keys.end()) keys.push_back(label);
        if (std::find(quorum.signed_by.begin(), quorum.signed_by.end(), id) == quorum.signed_by.end())
          left.who.push_back(book_->custodian_of(signing));
      }
      // A root that keeps its keys asks for them twice.
      const bool is_asked = std::find(open.begin(), open.end(), left) != open.end();
      if (!quorum.reached() && !is_asked) open.push_back(std::move(left));
    }
    given = signed_by.size();
    return open;
  }

  const Workspace* workspace_;
  const KeyBook* book_;
  UtcTime now_;
  std::optional<host::Db> db_;
  FleetCount everything_;
  std::vector<Perishable> found_;
};

}  // namespace

Result<std::vector<Perishable>> perishables_of(const Workspace& workspace, const KeyBook& book, UtcTime now) {
  return Reading(workspace, book, now).run();
}

}  // namespace cotter::app
