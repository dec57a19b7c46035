#include "tests/sim/memory_disk.h"

#include <algorithm>
#include <utility>

#include "common/crypto/digest.h"
#include "common/disk/files.h"

namespace cotter::sim {
namespace {

using Kind = disk::Entry::Kind;

tl::unexpected<Error> missing(const std::string& path) {
  return fault(Fault::Kind::NotFound, path + " is not there");
}
tl::unexpected<Error> no_power() { return fault(Fault::Kind::Io, "the power is off"); }

}  // namespace

std::string name_of(Torn torn) {
  constexpr std::array kNames{"nothing", "everything", "half", "names only", "bytes only", "every other"};
  return std::string(kNames.at(static_cast<std::size_t>(torn))) + " of what was not synced is left";
}

class MemoryFile final : public disk::File {
 public:
  MemoryFile(MemoryDisk& disk, MemoryDisk::Id node) : disk_(disk), node_(node), epoch_(disk.epoch_) {}

  [[nodiscard]] Result<std::uint64_t> size() const override { return TRY(bytes())->size(); }
  [[nodiscard]] Result<Bytes> read_at(std::uint64_t offset, std::size_t max) const override {
    const Bytes& all = *TRY(bytes());
    const auto from = std::min<std::size_t>(offset, all.size());
    const ByteView piece = ByteView(all).subspan(from, std::min(max, all.size() - from));
    return Bytes(piece.begin(), piece.end());
  }
  Result<void> write_at(std::uint64_t offset, ByteView bytes) override {
    return add({false, offset, Bytes(bytes.begin(), bytes.end())});
  }
  Result<void> truncate(std::uint64_t size) override { return add({true, size, {}}); }
  Result<void> sync() override {
    TRY(usable());
    TRY(disk_.change());
    ++disk_.syncs_;
    MemoryDisk::Node& file = disk_.nodes_.at(node_);
    file.durable = file.now;
    file.unsynced.clear();
    return {};
  }
  [[nodiscard]] MemoryDisk::Id node() const noexcept { return node_; }

 private:
  [[nodiscard]] Result<void> usable() const {
    TRY(disk_.alive());
    if (epoch_ != disk_.epoch_) return no_power();
    return {};
  }
  [[nodiscard]] Result<const Bytes*> bytes() const {
    TRY(usable());
    return &disk_.nodes_.at(node_).now;
  }
  Result<void> add(MemoryDisk::Write write) {
    TRY(usable());
    TRY(disk_.change());
    MemoryDisk::Node& file = disk_.nodes_.at(node_);
    MemoryDisk::apply(write, file.now);
    file.unsynced.push_back(std::move(write));
    return {};
  }
  MemoryDisk& disk_;
  MemoryDisk::Id node_;
  std::uint64_t epoch_;
};

class MemoryLock final : public disk::Lock {
 public:
  MemoryLock(MemoryDisk& disk, std::string path) : disk_(disk), path_(std::move(path)), epoch_(disk.epoch_) {}
  ~MemoryLock() override {
    if (epoch_ == disk_.epoch_) disk_.locked_.erase(path_);
  }

 private:
  MemoryDisk& disk_;
  std::string path_;
  std::uint64_t epoch_;
};

MemoryDisk::MemoryDisk() { add(Kind::Folder); }

// --- power ------------------------------------------------------------------------------------------------

Result<void> MemoryDisk::alive() const {
  if (dead_) return no_power();
  return {};
}

Result<void> MemoryDisk::change() {
  TRY(alive());
  if (changes_left_ == 0) {
    dead_ = true;
    return no_power();
  }
  --changes_left_;
  ++changes_;
  return {};
}

void MemoryDisk::apply(const Write& write, Bytes& bytes) {
  if (write.truncates) {
    bytes.resize(write.offset);
    return;
  }
  bytes.resize(std::max<std::size_t>(bytes.size(), write.offset + write.bytes.size()));
  std::ranges::copy(write.bytes, bytes.begin() + static_cast<std::ptrdiff_t>(write.offset));
}

void MemoryDisk::keep_some(Node& file, Torn torn) {
  const std::size_t count = file.unsynced.size();
  for (std::size_t i = 0; i < count; ++i) {
    Write& write = file.unsynced[i];
    if (torn == Torn::Nothing || torn == Torn::NamesOnly) continue;
    if (torn == Torn::EveryOther && i % 2 == 0) continue;
    if (torn == Torn::Half && i + 1 == count) {
      if (write.truncates) continue;
      write.bytes.resize(write.bytes.size() / 2);
    }
    apply(write, file.durable);
  }
  file.unsynced.clear();
  file.now = file.durable;
}

void MemoryDisk::restart(Torn torn) {
  const std::size_t count = unsynced_names_.size();
  for (std::size_t i = 0; i < count; ++i) {
    const bool kept = torn == Torn::Everything || torn == Torn::NamesOnly ||
                      (torn == Torn::Half && i < (count + 1) / 2) || (torn == Torn::EveryOther && i % 2 == 1);
    if (!kept) continue;
    for (const Setting& setting : unsynced_names_[i]) {
      auto& names = nodes_.at(setting.folder).durable_names;
      names.erase(setting.name);
      if (setting.node) names.emplace(setting.name, *setting.node);
    }
  }
  unsynced_names_.clear();
  for (Node& node : nodes_) {
    keep_some(node, torn);
    node.names = node.durable_names;
  }
  locked_.clear();
  ++epoch_;
  dead_ = false;
  changes_left_ = std::numeric_limits<std::uint64_t>::max();
}

void MemoryDisk::show(Id folder, const std::string& path,
                      std::vector<std::pair<std::string, Id>>& all) const {
  for (const auto& [name, node] : nodes_.at(folder).names) {
    const bool is_folder = nodes_.at(node).kind == Kind::Folder;
    const std::string full = path + name + (is_folder ? "/" : "");
    all.emplace_back(full, node);
    if (is_folder) show(node, full, all);
  }
}

std::vector<std::string> MemoryDisk::paths() const {
  std::vector<std::pair<std::string, Id>> all;
  show(0, "", all);
  std::vector<std::string> paths;
  paths.reserve(all.size());
  for (auto& [path, node] : all) paths.push_back(std::move(path));
  return paths;
}

Bytes MemoryDisk::fingerprint() const {
  std::vector<std::pair<std::string, Id>> all;
  show(0, "", all);
  crypto::Hasher hasher(crypto::HashFunction::Sha256);
  const auto add_part = [&](ByteView bytes) {
    hasher.update(as_bytes(std::to_string(bytes.size()) + ":"));
    hasher.update(bytes);
  };
  for (const auto& [path, node] : all) {
    add_part(as_bytes(path));
    add_part(as_bytes(nodes_.at(node).target));
    add_part(nodes_.at(node).now);
  }
  return hasher.finish();
}

// --- names ------------------------------------------------------------------------------------------------

MemoryDisk::Id MemoryDisk::add(Kind kind) {
  nodes_.emplace_back();
  nodes_.back().kind = kind;
  return nodes_.size() - 1;
}

Result<MemoryDisk::Place> MemoryDisk::find(const std::string& path) const {
  TRY(alive());
  Place place{0, ".", Id{0}};
  for (std::size_t from = 0; from < path.size();) {
    const std::size_t slash = std::min(path.find('/', from), path.size());
    const std::string name = path.substr(from, slash - from);
    from = slash + 1;
    if (name.empty() || name == ".") continue;
    if (!place.node || nodes_.at(*place.node).kind != Kind::Folder) return missing(path);
    const auto& names = nodes_.at(*place.node).names;
    const auto found = names.find(name);
    place =
        Place{*place.node, name, found == names.end() ? std::optional<Id>() : std::optional(found->second)};
  }
  return place;
}

Result<MemoryDisk::Id> MemoryDisk::folder_at(const std::string& path) const {
  const Place place = TRY(find(path));
  if (!place.node || nodes_.at(*place.node).kind != Kind::Folder) return missing(path);
  return *place.node;
}

Result<void> MemoryDisk::set(NameChange settings) {
  TRY(change());
  for (const Setting& setting : settings) {
    auto& names = nodes_.at(setting.folder).names;
    names.erase(setting.name);
    if (setting.node) names.emplace(setting.name, *setting.node);
  }
  unsynced_names_.push_back(std::move(settings));
  return {};
}

Result<std::unique_ptr<disk::File>> MemoryDisk::open(const std::string& path, disk::Opening how,
                                                     mode_t /*mode*/) {
  Place place = TRY(find(path));
  const bool may_make = how == disk::Opening::Make || how == disk::Opening::MakeNew;
  if (place.node && how == disk::Opening::MakeNew) {
    return fault(Fault::Kind::Conflict, path + " is there already");
  }
  if (!place.node && !may_make) return missing(path);
  if (!place.node) {
    place.node = add(Kind::File);
    TRY(set({Setting{place.folder, place.name, place.node}}));
  }
  if (nodes_.at(*place.node).kind != Kind::File) return fault(Fault::Kind::Io, path + " is no file");
  return std::unique_ptr<disk::File>(std::make_unique<MemoryFile>(*this, *place.node));
}

Result<std::unique_ptr<disk::File>> MemoryDisk::open_nameless(const std::string& folder, mode_t /*mode*/) {
  TRY(folder_at(folder));
  return std::unique_ptr<disk::File>(std::make_unique<MemoryFile>(*this, add(Kind::File)));
}

Result<void> MemoryDisk::give_name(disk::File& nameless, const std::string& path) {
  const Place place = TRY(find(path));
  if (place.node) return fault(Fault::Kind::Conflict, path + " is there already");
  return set({Setting{place.folder, place.name, static_cast<MemoryFile&>(nameless).node()}});
}

Result<std::optional<disk::Entry>> MemoryDisk::look_at(const std::string& path) const {
  TRY(alive());
  const auto place = find(path);
  if (!place || !place->node) return std::optional<disk::Entry>();
  const Node& node = nodes_.at(*place->node);
  return std::optional(disk::Entry{node.kind, node.now.size()});
}

Result<std::vector<std::string>> MemoryDisk::list(const std::string& folder) const {
  std::vector<std::string> names;
  for (const auto& [name, node] : nodes_.at(TRY(folder_at(folder))).names) names.push_back(name);
  return names;
}

Result<std::string> MemoryDisk::read_link(const std::string& path) const {
  const Place place = TRY(find(path));
  if (!place.node || nodes_.at(*place.node).kind != Kind::Link) return missing(path);
  return nodes_.at(*place.node).target;
}

Result<void> MemoryDisk::rename(const std::string& from, const std::string& to) {
  const Place old_place = TRY(find(from));
  const Place new_place = TRY(find(to));
  if (!old_place.node) return missing(from);
  const bool folders = nodes_.at(*old_place.node).kind == Kind::Folder ||
                       (new_place.node && nodes_.at(*new_place.node).kind == Kind::Folder);
  if (folders && new_place.node) return fault(Fault::Kind::Conflict, to + " is there already");
  return set({Setting{old_place.folder, old_place.name, std::nullopt},
              Setting{new_place.folder, new_place.name, old_place.node}});
}

Result<void> MemoryDisk::remove(const std::string& path) {
  const Place place = TRY(find(path));
  if (!place.node) return missing(path);
  if (!nodes_.at(*place.node).names.empty()) return fault(Fault::Kind::Conflict, path + " is not empty");
  return set({Setting{place.folder, place.name, std::nullopt}});
}

Result<void> MemoryDisk::make_folder(const std::string& path, mode_t /*mode*/) {
  const Place place = TRY(find(path));
  if (place.node) return fault(Fault::Kind::Conflict, path + " is there already");
  return set({Setting{place.folder, place.name, add(Kind::Folder)}});
}

Result<void> MemoryDisk::make_link(const std::string& path, const std::string& target) {
  const Place place = TRY(find(path));
  if (place.node) return fault(Fault::Kind::Conflict, path + " is there already");
  const Id link = add(Kind::Link);
  nodes_.at(link).target = target;
  return set({Setting{place.folder, place.name, link}});
}

Result<void> MemoryDisk::sync_folder(const std::string& path) {
  const Id folder = TRY(folder_at(path));
  TRY(change());
  ++syncs_;
  std::vector<NameChange> still;
  for (NameChange& settings : unsynced_names_) {
    const bool touches =
        std::ranges::any_of(settings, [&](const Setting& each) { return each.folder == folder; });
    if (!touches) {
      still.push_back(std::move(settings));
      continue;
    }
    for (const Setting& setting : settings) {
      auto& names = nodes_.at(setting.folder).durable_names;
      names.erase(setting.name);
      if (setting.node) names.emplace(setting.name, *setting.node);
    }
  }
  unsynced_names_ = std::move(still);
  return {};
}

Result<std::unique_ptr<disk::Lock>> MemoryDisk::lock(const std::string& path) {
  TRY(open(path, disk::Opening::Make, disk::kSecretFile));
  if (!locked_.insert(path).second) return fault(Fault::Kind::Busy, path + " is locked");
  return std::unique_ptr<disk::Lock>(std::make_unique<MemoryLock>(*this, path));
}

}  // namespace cotter::sim
