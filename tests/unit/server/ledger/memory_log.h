// A log in memory, for tests of what is computed over one. Never checks. One thread.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "server/ledger/merkle.h"

namespace cotter::test {

class MemoryLog {
 public:
  void add(Bytes entry) {
    const auto completed = ledger::append(entries.size(), ledger::leaf_hash(entry), reader())
                               .value();  // one at a time, as stored
    for (const ledger::Node& node : completed) hashes[key(node.subtree)] = node.hash;
    entries.push_back(std::move(entry));
  }
  void add(std::string_view text) { add(to_bytes(text)); }
  /// Counts its reads.
  [[nodiscard]] ledger::HashReader reader() {
    return [this](const ledger::Subtree& subtree) -> Result<ledger::Hash> {
      ++reads;
      const auto found = hashes.find(key(subtree));
      if (found == hashes.end()) return fault(Fault::Kind::NotFound, "no such subtree");
      return found->second;
    };
  }
  [[nodiscard]] ledger::Hash root(std::uint64_t size) { return ledger::root(size, reader()).value(); }
  [[nodiscard]] ledger::Hash root() { return root(entries.size()); }

  std::vector<Bytes> entries;
  std::map<std::pair<std::uint32_t, std::uint64_t>, ledger::Hash> hashes;
  std::uint64_t reads = 0;

 private:
  static std::pair<std::uint32_t, std::uint64_t> key(const ledger::Subtree& s) { return {s.level, s.index}; }
};

inline MemoryLog numbered_log(std::uint64_t size) {
  MemoryLog log;
  for (std::uint64_t i = 0; i < size; ++i) log.add("entry " + std::to_string(i));
  return log;
}

}  // namespace cotter::test
