#include "server/app/perishables.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <system_error>
#include <utility>

#include "common/json/object_view.h"
#include "server/ceremony/offline_bundle.h"
#include "server/keys/pki.h"
#include "server/storage/sqlite/database.h"
#include "server/storage/sqlite/director_store.h"

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

std::chrono::seconds lifetime_of(const Lifetimes& lifetimes, const RoleName& role) {
  if (role == model::root_role()) return lifetimes.root;
  if (role == model::snapshot_role()) return lifetimes.snapshot;
  return role == model::timestamp_role() ? lifetimes.timestamp : lifetimes.targets;
}

std::string words(Repository repository) {
  return repository == Repository::Image ? "image repository" : "director";
}

/// What vehicles do without it.
std::string stops_without(const LiveRole& role) {
  if (role.repository == Repository::Director) return "vehicles take nothing from the director";
  if (model::is_top_level(role.role)) return "vehicles take nothing from the image repository";
  return "vehicles take no image that " + role.role.value() + " lists";
}

std::string command_for(const LiveRole& role, bool is_signed_elsewhere) {
  const std::string repository(name_of(role.repository));
  if (role.role == model::root_role()) return "cotter ceremony open root --repository " + repository;
  if (role.role == model::targets_role()) return "cotter ceremony open targets";
  if (model::is_top_level(role.role)) {
    return is_signed_elsewhere ? "start cotterd and its signing process, which renew it at once"
                               : "start cotterd, which renews it at once";
  }
  return "its holders sign " + role.role.value() + " anew, and cotter publish takes it in";
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
  const Lifetimes& lifetimes(Repository repository) const {
    const Settings& settings = workspace_->settings();
    return repository == Repository::Image ? settings.image : settings.director;
  }

  bool is_signed_elsewhere() const { return workspace_->settings().signer.has_value(); }

  Result<void> add_role(const LiveRole& role) {
    const std::chrono::seconds lifetime = lifetime_of(lifetimes(role.repository), role.role);
    Perishable what;
    what.id = role.id();
    // A role that two delegate to has two lives, of one file: the first to end counts.
    const bool is_known = std::any_of(found_.begin(), found_.end(),
                                      [&](const Perishable& other) { return other.id == what.id; });
    if (is_known) return {};
    what.name = role.role.value() + " of the " + words(role.repository);
    what.version = role.version->value();
    what.ends = *role.expires;
    const auto published = book_->history.published.find({role.repository, role.role, *role.version});
    what.begins = published == book_->history.published.end() ? what.ends - lifetime : published->second;
    if (role.role != model::root_role())
      what.hangs_on = {std::string(name_of(role.repository)) + "/" + role.delegator.value()};
    what.stops = stops_without(role);
    what.reach = TRY(reach_of(role));
    what.needed = role.threshold;
    what.command = command_for(role, is_signed_elsewhere());
    if (role.role == model::snapshot_role() || role.role == model::timestamp_role()) {
      what.renewal = Renewal::Server;
      what.renewed_from = what.ends - lifetime / 4;  // as renew_repository() does
    }
    for (const SigningKey& key : role.keys) what.who.push_back(book_->custodian_of(key));
    if (what.renewal == Renewal::Server) what.who = {kOperator};  // whoever starts it
    found_.push_back(std::move(what));
    return {};
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
    what.needed = 1;
    what.who = {kOperator};
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
    what.needed = 1;
    what.who = {kOperator};
    return std::optional(std::move(what));
  }

  Result<void> add_certificates() {
    if (auto ca = TRY(certificate(kCa, "certificate of the CA", "ca.crt"))) {
      ca->stops = "no vehicle can connect, and no certificate can be made";
      ca->command = "give every vehicle the next CA's certificate beside this one while this one is good";
      found_.push_back(*std::move(ca));
    }
    if (auto server = TRY(certificate("pki/server", "TLS certificate of the server", "server.crt"))) {
      server->hangs_on = {kCa};
      server->stops = "no vehicle can connect";
      server->command = "replace pki/server.crt and pki/server.key, signed by the CA, and restart cotterd";
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
      what.needed = 1;
      what.who = {kOperator};
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
    what.name = fmt::format("open ceremony: {} {}, {} of {} signatures", bundle.role.value(),
                            bundle.version.value(), bundle.signatures.size(), bundle.threshold);
    what.version = bundle.version.value();
    what.ends = *ends;
    what.begins = what.ends - lifetime_of(lifetimes(bundle.repository), bundle.role);
    what.stops = "the signatures so far are worth nothing any more";
    const auto given = static_cast<std::uint32_t>(bundle.signatures.size());
    what.needed = bundle.threshold - std::min(bundle.threshold, given);
    if (role != book_->roles.end()) what.who = still_to_sign(*role, bundle);
    what.command = "cotter ceremony sign " + (workspace_->pending_dir() / bundle.file_name()).string();
    found_.push_back(std::move(what));
  }

  std::vector<std::string> still_to_sign(const LiveRole& role, const ceremony::OfflineBundle& bundle) const {
    std::vector<std::string> holders;
    for (const SigningKey& key : role.keys) {
      const bool has_signed =
          std::any_of(bundle.signatures.begin(), bundle.signatures.end(),
                      [&](const crypto::Signature& signature) { return signature.keyid == key.id; });
      if (!has_signed) holders.push_back(book_->custodian_of(key));
    }
    return holders;
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
