#include "server/app/proven_keys.h"

#include <algorithm>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include "common/base/limits.h"
#include "common/crypto/digest.h"
#include "common/crypto/public_key.h"
#include "common/host/atomic_file.h"
#include "common/json/canonical.h"
#include "common/json/object_view.h"
#include "common/json/strict_reader.h"
#include "common/model/file_names.h"
#include "common/model/roles.h"
#include "server/app/audit_prove.h"
#include "server/app/director_roots.h"
#include "server/app/published_files.h"
#include "server/app/release_lines.h"
#include "server/app/role_forecast.h"
#include "server/ledger/checkpoint.h"
#include "server/ledger/proof.h"
#include "server/repository/folder_transport.h"
#include "server/repository/reader.h"

namespace cotter::app {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kType = "cotter-key-list";

/// The key that an entry is about; nothing where it is about none.
std::optional<crypto::PublicKey> key_in(const ledger::Entry& entry) {
  if (std::ranges::find(ledger::kKeyKinds, entry.kind) == ledger::kKeyKinds.end()) return std::nullopt;
  const json::Value* key = entry.details.find("key");
  if (key == nullptr) return std::nullopt;
  auto decoded = crypto::PublicKey::decode(*key, crypto::Profile::Vehicle);
  if (!decoded) return std::nullopt;
  return *std::move(decoded);
}

json::Object event_json(std::uint64_t index, const ledger::Entry& entry) {
  json::Object event{{"entry", index},
                     {"kind", entry.kind},
                     {"time", format_utc(entry.time)},
                     {"who", entry.who},
                     {"name", entry.subject}};
  for (const char* member : {"role", "holder", "store", "created", "version", "to"}) {
    if (const json::Value* value = entry.details.find(member)) event.set(member, *value);
  }
  return event;
}

json::Object role_json(const LiveRole& role, const KeyId& id) {
  json::Object object{{"role", role.id()},
                      {"delegator", role.delegator.value()},
                      {"keyid", id.value()},
                      {"threshold", std::uint64_t{role.threshold}},
                      {"keys", std::uint64_t{role.keys.size()}},
                      {"version", nullptr},
                      {"expires", nullptr}};
  if (role.is_bins) return object;  // they are not in the folder
  if (role.version) object.set("version", role.version->value());
  if (role.expires) object.set("expires", format_utc(*role.expires));
  return object;
}

struct ToldKey {
  crypto::PublicKey key;
  json::Array roles{};
  json::Array events{};
};

/// In the order in which they come.
class KeyList {
 public:
  ToldKey& of(const crypto::PublicKey& key) {
    const auto [place, is_new] = places_.try_emplace(key.material(), keys_.size());
    if (is_new) keys_.push_back({key});
    return keys_[place->second];
  }
  [[nodiscard]] const std::vector<ToldKey>& keys() const { return keys_; }

 private:
  std::vector<ToldKey> keys_;
  std::map<std::string, std::size_t> places_;  ///< by material
};

class Folder {
 public:
  Folder(fs::path dir, const ledger::VerifierKey& key) : dir_(std::move(dir)), key_(&key) {}

  Result<ProvenKeys> read() {
    TRY(read_files());
    read_entries();
    read_releases();
    hold_files_against_hashes();
    if (!found_.healthy()) return std::move(found_);
    const auto roles = roles_as_a_client();
    if (!roles) {
      problem("the metadata does not verify: " + summary(roles.error()));
      return std::move(found_);
    }
    look_for_events(*roles);
    found_.list = held(kKeyListFile, key_list(entries_, *roles, *key_));
    if (const auto at = time_of_forecast()) {
      found_.forecast = held(kForecastFile, role_forecast(*roles, key_->name(), *at));
    } else {
      problem(std::string(kForecastFile) + " does not say as of when it is: " + summary(at.error()));
    }
    if (!found_.healthy()) found_.list = found_.forecast = json::Value();
    return std::move(found_);
  }

 private:
  void problem(std::string what) { found_.problems.push_back(std::move(what)); }

  Result<void> read_files() {
    const std::uint64_t most = Limits::for_image_repository().listed_bytes;
    std::error_code error;
    for (fs::recursive_directory_iterator entry(dir_, error), end; !error && entry != end;
         entry.increment(error)) {
      std::error_code ignored;
      if (entry->is_directory(ignored)) continue;
      const std::string name = entry->path().lexically_relative(dir_).generic_string();
      files_[name] = TRY(host::read_file(entry->path(), most));
    }
    if (error) return fail(host::errno_fault("cannot read " + dir_.string(), error.value()));
    return {};
  }

  static bool is_entry(std::string_view name) { return name.starts_with("entry-"); }

  void read_entries() {
    for (const auto& [name, bytes] : files_) {
      if (!is_entry(name)) continue;
      if (const auto taken = take_entry(name, bytes); !taken)
        problem(name + " proves nothing: " + summary(taken.error()));
    }
    for (const auto& [index, entry] : entries_) {
      for (NamedHash& each : hashes_told_by(entry)) told_[each.name].insert(std::move(each.sha256));
    }
  }

  Result<void> take_entry(const std::string& name, const Bytes& bytes) {
    const ledger::Proof proof = TRY(ledger::Proof::decode(bytes));
    const ledger::Checkpoint head = TRY(proof.verify(*key_));
    if (name != proof_file_name(proof.index))
      return fault(Fault::Kind::Denied, "it is of entry " + std::to_string(proof.index));
    if (json::to_pretty_text(proof.encode()) != as_text(bytes))
      return fault(Fault::Kind::Denied, "it is not written as it was");
    found_.signed_entries = std::max(found_.signed_entries, head.size);
    entries_.emplace(proof.index, proof.entry);
    return {};
  }

  [[nodiscard]] bool is_told(const std::string& name, const Bytes& bytes) const {
    const auto hashes = told_.find(name);
    return hashes != told_.end() && hashes->second.contains(to_hex(crypto::sha256(bytes)));
  }

  /// Their lines tell of further files.
  void read_releases() {
    for (const auto& [name, bytes] : files_) {
      if (!name.ends_with(kReleaseEnd) || !is_told(name, bytes)) continue;
      const std::string version = name.substr(0, name.find('.') + 1);
      std::string_view rest = as_text(bytes);
      for (std::size_t end = 0; (end = rest.find('\n')) != std::string_view::npos;
           rest.remove_prefix(end + 1)) {
        const std::string_view line = rest.substr(0, end);
        const std::size_t blank = line.find(' ');
        if (blank == std::string_view::npos) continue;
        const RoleName role{std::string(line.substr(0, blank))};
        told_[version + model::metadata_file_name(role, std::nullopt)].insert(
            std::string(line.substr(blank + 1)));
      }
    }
  }

  void hold_files_against_hashes() {
    for (const auto& [name, bytes] : files_) {
      if (is_entry(name) || name == kKeyListFile || name == kForecastFile || is_told(name, bytes)) continue;
      problem("no entry has the hash of " + name);
    }
    for (const auto& [name, hashes] : told_) {
      if (name.ends_with(".root.json") && !files_.contains(name))
        problem(name + " was published, and is not here");
    }
  }

  Result<std::vector<LiveRole>> roles_as_a_client() {
    repository::FolderTransport folder(dir_);
    trust::TrustedSet image = TRY(repository::read_as_client(folder, repository::kBeforeAnyExpiry));
    const model::MetaFiles listed = (*image.snapshot())->meta;
    const DirectorRoots director = TRY(DirectorRoots::read(dir_ / kDirectorFolder));
    std::vector<LiveRole> roles = TRY(live_roles(std::move(image), folder, &director.newest()));
    look_for_files(roles, listed);
    return roles;
  }

  /// Who leaves one out would hide its end, and all that it delegates.
  void look_for_files(const std::vector<LiveRole>& roles, const model::MetaFiles& listed) {
    for (const LiveRole& role : roles) {
      const auto meta = role.is_delegated() ? listed.find(role.role) : std::nullopt;
      if (!meta) continue;
      const std::string name = model::metadata_file_name(role.role, meta->version);
      if (!files_.contains(name)) problem("the snapshot lists " + name + ", which is not here");
    }
  }

  /// What the folder's file of this name must say, whether it does or not.
  json::Value held(const char* name, json::Value expected) {
    const auto file = files_.find(name);
    if (file == files_.end()) {
      problem(std::string(name) + " is not here: is this a folder of `cotter key list --proofs`?");
    } else if (json::to_pretty_text(expected) != as_text(file->second)) {
      problem(std::string(name) + " is not what follows from the entries and the metadata");
    }
    return expected;
  }

  [[nodiscard]] Result<UtcTime> time_of_forecast() const {
    const auto file = files_.find(kForecastFile);
    if (file == files_.end()) return UtcTime();  // held() tells of it
    const json::Value forecast = TRY(json::read(file->second));
    const auto view = TRY(json::ObjectView::of(forecast, kForecastFile));
    return view.time("at");
  }

  void look_for_events(const std::vector<LiveRole>& roles) {
    std::set<std::string> heard_of;
    for (const auto& [index, entry] : entries_) {
      if (const auto key = key_in(entry)) heard_of.insert(key->material());
    }
    for (const LiveRole& role : roles) {
      for (const SigningKey& key : role.keys) {
        if (!heard_of.contains(key.material))
          problem("no entry tells of key " + key.id.value() + ", which signs for " + role.id());
      }
    }
  }

  fs::path dir_;
  const ledger::VerifierKey* key_;
  std::map<std::string, Bytes> files_;
  ProvenEntries entries_;
  std::map<std::string, std::set<std::string>> told_;  ///< by name, the hashes that entries tell of it
  ProvenKeys found_;
};

}  // namespace

json::Value key_list(const ProvenEntries& entries, const std::vector<LiveRole>& roles,
                     const ledger::VerifierKey& key) {
  KeyList list;
  for (const auto& [index, entry] : entries) {
    if (const auto its = key_in(entry)) list.of(*its).events.emplace_back(event_json(index, entry));
  }
  for (const LiveRole& role : roles) {
    for (const SigningKey& each : role.keys)
      list.of(role.ring.at(each.id)).roles.emplace_back(role_json(role, each.id));
  }
  json::Array keys;
  for (const ToldKey& each : list.keys()) {
    keys.emplace_back(json::Object{{"keyid", each.key.computed_id().value()},
                                   {"scheme", crypto::name_of(each.key.listed_scheme())},
                                   {"key", each.key.encode()},
                                   {"signs_ledger", each.key.material() == key.key().material()},
                                   {"roles", each.roles},
                                   {"events", each.events}});
  }
  return json::Object{{"_type", kType}, {"log", key.name()}, {"keys", std::move(keys)}};
}

Result<ProvenKeys> read_proven_keys(const fs::path& dir, const ledger::VerifierKey& key) {
  return Folder(dir, key).read();
}

}  // namespace cotter::app
