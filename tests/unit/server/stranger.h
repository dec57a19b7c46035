// Who was handed a folder of `cotter trace --proofs`, and before that the log's key, and nothing else of
// ours: whether that is enough to believe what it says. Never looks at a workspace. One thread.
#pragma once

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/crypto/digest.h"
#include "common/host/atomic_file.h"
#include "common/model/file_names.h"
#include "common/trust/verified.h"
#include "server/ledger/proof.h"
#include "server/operations/papers.h"
#include "server/operations/submission.h"

namespace cotter::test {

class Stranger {
 public:
  using Files = std::map<std::string, Bytes>;  ///< by name

  static Files folder(const std::filesystem::path& dir) {
    Files files;
    for (const auto& entry : std::filesystem::directory_iterator(dir))
      files[entry.path().filename().string()] = host::read_file(entry.path(), 64U << 20U).value();
    return files;
  }

  /// Why he does not believe it; empty where he does: each entry is in the log, an entry has the hash of
  /// each file, the roots lead from the first to the last, each file of targets is signed by whom they or
  /// another file let sign, and each statement of provenance by one of those keys.
  static std::string doubts(const Files& files, const std::string& vkey) {
    return Stranger(files).look(vkey);
  }

  /// Of these altered in one bit, at every so many bytes: the first that he believes all the same; empty
  /// where there is none.
  static std::string fooled_by(const Files& files, const std::string& vkey, std::size_t stride) {
    for (const auto& [name, bytes] : files) {
      Files altered = files;
      for (std::size_t place = 0; place < bytes.size(); place += stride) {
        altered[name][place] ^= 1U;
        if (doubts(altered, vkey).empty()) return name + ", byte " + std::to_string(place);
        altered[name][place] ^= 1U;
      }
    }
    return {};
  }

 private:
  using Targets = trust::Verified<model::Targets>;
  using Place = std::pair<RoleName, Version>;

  explicit Stranger(const Files& files) : files_(&files) {}

  std::string look(const std::string& vkey) {
    const auto key = ledger::VerifierKey::parse(vkey);
    if (!key) return "the key is none";
    for (const auto& [name, bytes] : *files_) {
      if (name.starts_with("entry-") && !read_entry(name, bytes, *key)) return name + " proves nothing";
    }
    read_lists();
    for (const auto& [name, bytes] : *files_) {
      const auto hashes = said_.find(name);
      if (!name.starts_with("entry-") &&
          (hashes == said_.end() || !hashes->second.contains(to_hex(crypto::sha256(bytes)))))
        return "no entry has the hash of " + name;
    }
    if (!read_roots()) return "the roots do not lead from the first to the last";
    verify_targets();
    if (!waiting_.empty()) return "nobody who may signs for " + waiting_.begin()->second;
    return look_at_provenance();
  }

  bool read_entry(const std::string& name, const Bytes& bytes, const ledger::VerifierKey& key) {
    const auto proof = ledger::Proof::decode(bytes);
    if (!proof || !proof->verify(key) || name != "entry-" + std::to_string(proof->index) + ".json")
      return false;
    const json::Object& details = proof->entry.details;
    const bool is_publication = proof->entry.kind == ledger::kPublication;
    each(details, "files", [&](const json::Object& file) {
      if (is_publication) note_file(file, ".json");
    });
    each(details, "papers", [&](const json::Object& paper) {
      said_[text(paper, "sha256") + "." + text(paper, "kind") + ".json"].insert(text(paper, "sha256"));
    });
    if (!text(details, "files_sha256").empty())
      said_[text(details, "files_sha256") + ".files.json"].insert(text(details, "files_sha256"));
    for (const auto& [member, end] : {std::pair("delegated", ".json"), std::pair("release", ".release")}) {
      const json::Value* value = details.find(member);
      if (!is_publication || value == nullptr) continue;
      if (value->as_object() != nullptr) note_file(*value->as_object(), end);
      each(details, member, [&, of = std::string(end)](const json::Object& file) { note_file(file, of); });
    }
    return true;
  }

  void note_file(const json::Object& file, const std::string& end) {
    const json::Value* number = file.find("version");
    if (number == nullptr || !number->as_int()) return;
    note(RoleName(text(file, "role")), Version(static_cast<std::uint64_t>(*number->as_int())), end,
         text(file, "sha256"));
  }

  void note(const RoleName& role, Version version, const std::string& end, const std::string& sha256) {
    const std::string name = std::to_string(version.value()) + "." + role.value() + end;
    said_[name].insert(sha256);
    if (end == ".json" && role != model::root_role() && files_->contains(name))
      waiting_[{role, version}] = name;
  }

  /// The lines of releases and the lists of submissions, as far as an entry has their hashes.
  void read_lists() {
    for (const auto& [name, bytes] : *files_) {
      const std::string own = to_hex(crypto::sha256(bytes));
      const auto hashes = said_.find(name);
      if (hashes == said_.end() || !hashes->second.contains(own)) continue;
      if (name.ends_with(".release")) {
        const Version version(std::stoull(name));
        std::string lines(as_text(bytes));
        for (std::size_t end; (end = lines.find('\n')) != std::string::npos; lines.erase(0, end + 1)) {
          const std::size_t blank = lines.find(' ');
          note(RoleName(lines.substr(0, blank)), version, ".json", lines.substr(blank + 1, end - blank - 1));
        }
      } else if (name.ends_with(".files.json")) {
        const auto list = operations::Submission::decode(bytes);
        if (!list) continue;
        for (const auto& file : list->files) {
          const std::string sha256 = to_hex(file.sha256);
          said_[sha256 + "." + std::string(name_of(file.kind)) + ".json"].insert(sha256);
        }
      }
    }
  }

  bool read_roots() {
    std::size_t count = 0;
    for (const auto& [name, bytes] : *files_) count += name.ends_with(".root.json") ? 1 : 0;
    for (std::uint64_t version = 1; roots_.size() < count; ++version) {
      const auto file = files_->find(std::to_string(version) + ".root.json");
      if (file == files_->end()) return false;
      auto root = trust::Unverified<model::Root>::parse(file->second, model::Profile::Vehicle);
      if (!root) return false;
      auto verified = roots_.empty() ? std::move(*root).verify_anchor()
                                     : std::move(*root).verify_successor(roots_.back());
      if (!verified || (*verified)->version != Version(version)) return false;
      roots_.push_back(*std::move(verified));
    }
    return !roots_.empty();
  }

  void verify_targets() {
    for (bool goes_on = true; goes_on;) {
      goes_on = false;
      for (auto file = waiting_.begin(); file != waiting_.end();) {
        auto verified = verify(file->first, files_->at(file->second));
        goes_on |= verified.has_value();
        if (verified) targets_.push_back(*std::move(verified));
        file = verified ? waiting_.erase(file) : std::next(file);
      }
    }
  }

  [[nodiscard]] std::optional<Targets> verify(const Place& place, const Bytes& wire) const {
    std::vector<trust::Authority> authorities;
    if (place.first == model::targets_role()) {
      for (const auto& root : roots_)
        authorities.push_back(trust::Authority::of_root(root, model::targets_role()));
    }
    for (const Targets& delegator : targets_) {
      auto authority = trust::Authority::of_delegation(delegator, place.first);
      if (authority) authorities.push_back(*std::move(authority));
    }
    for (const trust::Authority& authority : authorities) {
      auto file = trust::Unverified<model::Targets>::parse(wire, model::Profile::Vehicle);
      if (!file) continue;
      auto verified = std::move(*file).verify(authority);
      if (verified && (*verified)->version == place.second) return *std::move(verified);
    }
    return std::nullopt;
  }

  std::string look_at_provenance() {
    std::vector<const crypto::PublicKey*> keys;
    for (const Targets& file : targets_) {
      if (!file->delegations) continue;
      for (const auto& [id, key] : file->delegations->keys) keys.push_back(&key);
    }
    for (const auto& [name, bytes] : *files_) {
      if (!name.ends_with(".provenance.json")) continue;
      const auto statement = operations::Provenance::decode(bytes);
      if (!statement || !statement->is_signed_by(keys)) return name + " is signed by none of these keys";
    }
    return {};
  }

  template <class Do>
  static void each(const json::Object& details, const char* member, Do action) {
    const json::Value* list = details.find(member);
    if (list == nullptr || list->as_array() == nullptr) return;
    for (const json::Value& value : *list->as_array()) {
      if (value.as_object() != nullptr) action(*value.as_object());
    }
  }
  static std::string text(const json::Object& object, std::string_view member) {
    const json::Value* value = object.find(member);
    return value == nullptr || value->as_string() == nullptr ? std::string()
                                                             : std::string(*value->as_string());
  }

  const Files* files_;
  std::map<std::string, std::set<std::string>> said_;  ///< by name, which hashes the entries give it
  std::map<Place, std::string> waiting_;               ///< files of targets that nobody vouched for yet
  std::vector<trust::Verified<model::Root>> roots_;
  std::vector<Targets> targets_;
};

}  // namespace cotter::test
