// A disk in memory whose power can be cut before any change, and which then forgets what was not synced: all
// of it, none of it, or the worst of both.
// Never kinder than a real one: a file's bytes and its name are durable each for themselves. One thread.
#pragma once

#include <array>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/disk/disk.h"

namespace cotter::sim {

/// What is left of changes that were not synced when the power went.
enum class Torn : std::uint8_t {
  Nothing,
  Everything,
  Half,        ///< the earlier half of the names; of each file's writes all but the last, and half of that
  NamesOnly,   ///< renamed files are there, their bytes are not
  BytesOnly,   ///< the bytes are there under the old names
  EveryOther,  ///< later changes without earlier ones
};
inline constexpr std::array kEveryTorn{Torn::Nothing,   Torn::Everything, Torn::Half,
                                       Torn::NamesOnly, Torn::BytesOnly,  Torn::EveryOther};
/// For messages: "half of what was not synced is left".
std::string name_of(Torn torn);

/// Copies are disks of their own with the same content; files open on the one stay there.
class MemoryDisk final : public disk::Disk {
 public:
  MemoryDisk();

  /// So many more changes happen; the one after them, and every call from then on, fails until restart().
  void cut_power_after(std::uint64_t changes) { changes_left_ = changes; }
  [[nodiscard]] bool dead() const noexcept { return dead_; }
  /// The power comes back. Files and locks of before are of no use any more.
  void restart(Torn torn);
  /// Changes and, of those, syncs since it was made or copied from.
  [[nodiscard]] std::uint64_t changes() const noexcept { return changes_; }
  [[nodiscard]] std::uint64_t syncs() const noexcept { return syncs_; }
  /// All that can be read from it: the same for two disks of the same content.
  [[nodiscard]] Bytes fingerprint() const;
  /// Every path, for messages and comparisons: folders end in a slash.
  [[nodiscard]] std::vector<std::string> paths() const;

  Result<std::unique_ptr<disk::File>> open(const std::string& path, disk::Opening how, mode_t mode) override;
  Result<std::unique_ptr<disk::File>> open_nameless(const std::string& folder, mode_t mode) override;
  Result<void> give_name(disk::File& nameless, const std::string& path) override;
  [[nodiscard]] Result<std::optional<disk::Entry>> look_at(const std::string& path) const override;
  [[nodiscard]] Result<std::vector<std::string>> list(const std::string& folder) const override;
  [[nodiscard]] Result<std::string> read_link(const std::string& path) const override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& path) override;
  Result<void> make_folder(const std::string& path, mode_t mode) override;
  Result<void> make_link(const std::string& path, const std::string& target) override;
  Result<void> sync_folder(const std::string& folder) override;
  Result<std::unique_ptr<disk::Lock>> lock(const std::string& path) override;

 private:
  friend class MemoryFile;
  friend class MemoryLock;
  using Id = std::size_t;  ///< of a node

  struct Write {
    bool truncates = false;
    std::uint64_t offset = 0;  ///< or the new size
    Bytes bytes;
  };
  struct Node {
    disk::Entry::Kind kind = disk::Entry::Kind::File;
    Bytes now, durable;
    std::vector<Write> unsynced;
    std::map<std::string, Id> names, durable_names;
    std::string target;  ///< of a link
  };
  /// One name in one folder comes to stand for a node, or for none.
  struct Setting {
    Id folder;
    std::string name;
    std::optional<Id> node;
  };
  /// All of its settings or none: a rename has two.
  using NameChange = std::vector<Setting>;

  struct Place {
    Id folder;
    std::string name;
    std::optional<Id> node;
  };

  static void apply(const Write& write, Bytes& bytes);
  static void keep_some(Node& file, Torn torn);
  [[nodiscard]] Result<void> alive() const;
  Result<void> change();
  [[nodiscard]] Result<Place> find(const std::string& path) const;
  [[nodiscard]] Result<Id> folder_at(const std::string& path) const;
  Id add(disk::Entry::Kind kind);
  Result<void> set(NameChange change);
  void show(Id folder, const std::string& path, std::vector<std::pair<std::string, Id>>& all) const;

  std::vector<Node> nodes_;
  std::vector<NameChange> unsynced_names_;
  std::set<std::string> locked_;
  std::uint64_t epoch_ = 0;
  std::uint64_t changes_ = 0;
  std::uint64_t syncs_ = 0;
  std::uint64_t changes_left_ = std::numeric_limits<std::uint64_t>::max();
  bool dead_ = false;
};

}  // namespace cotter::sim
