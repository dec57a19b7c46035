// What the workspace calls keys that metadata knows by their ids alone, and who holds them.
// Never asks for a passphrase, never takes a name for a right: metadata alone grants those. One thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "server/app/requirement.h"
#include "server/app/workspace.h"

namespace cotter::app {

struct KeyName {
  std::string name;    ///< "image-targets-2"
  std::string holder;  ///< "holder-2", the holder's folder; empty: one of the workspace's own
};

class KeyNames {
 public:
  KeyNames() = default;  ///< knows none
  /// Of list_keys(); faults are its.
  static Result<KeyNames> of(const Workspace& workspace);
  void add(const SigningKey& key, KeyName name);

  [[nodiscard]] std::optional<KeyName> of(const SigningKey& key) const;
  /// "image-targets-2 (holder-2)", or the first digits of the key's id.
  [[nodiscard]] std::string label(const SigningKey& key) const;
  /// The keys of this name: more than one where two holders chose the same.
  [[nodiscard]] std::vector<SigningKey> named(std::string_view name) const;
  [[nodiscard]] std::vector<SigningKey> all() const;

 private:
  struct Entry {
    SigningKey key;
    KeyName name;
  };
  std::map<std::string, Entry> by_material_;
};

/// The one key among `known` that `text` means: a name, a key id, or at least eight of its first digits.
/// Faults: NotFound; Usage (too short, or it means several keys).
Result<SigningKey> find_signing_key(const std::vector<SigningKey>& known, const KeyNames& names,
                                    std::string_view text);

}  // namespace cotter::app
