// A TOML file behind typed getters; every error names file, line and key.
// Never guesses: a key of another kind, and a key that nobody asked for, are errors. One thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace cotter::host {

/// Keys are dotted paths: "server.listen". All Faults are Usage, but for those of reading the file.
class Config {
 public:
  static constexpr std::uint64_t kMaxBytes = 1024 * 1024;
  /// Faults: NotFound, Denied, Io (more than `max_bytes`, too); Usage (not TOML).
  static Result<Config> read(const std::filesystem::path& file, std::uint64_t max_bytes = kMaxBytes);
  /// `name` stands for the file in messages.
  static Result<Config> parse(std::string_view text, std::string name);

  // Absent: nothing. Of another kind: Fault.
  Result<std::optional<std::string>> find_string(std::string_view key) const;
  Result<std::optional<std::int64_t>> find_integer(std::string_view key) const;
  Result<std::optional<bool>> find_boolean(std::string_view key) const;
  /// Absent: empty.
  Result<std::vector<std::string>> strings(std::string_view key) const;

  // Absent: Fault "missing".
  Result<std::string> string(std::string_view key) const;
  Result<std::int64_t> integer(std::string_view key) const;

  // Absent: the fallback.
  Result<std::string> string_or(std::string_view key, std::string fallback) const;
  Result<bool> boolean_or(std::string_view key, bool fallback) const;
  /// Fault besides: outside min..max.
  Result<std::int64_t> integer_or(std::string_view key, std::int64_t fallback, std::int64_t min,
                                  std::int64_t max) const;
  /// A relative path counts from the file's folder.
  Result<std::filesystem::path> path(std::string_view key) const;
  Result<std::optional<std::filesystem::path>> find_path(std::string_view key) const;

  /// The entries of `[[key]]`, in order; each to be read like a file of its own. Absent: empty.
  Result<std::vector<Config>> tables(std::string_view key) const;

  /// To be called when all has been read, on the whole file's Config: an error for the first key that no
  /// getter was asked for.
  Result<void> refuse_unknown() const;

  /// "primary.toml, line 7: KEY REASON": for a value that is of the right kind and still will not do.
  [[nodiscard]] Error bad_value(std::string_view key, std::string_view reason) const;

 private:
  struct Document;
  Config(std::shared_ptr<Document> document, const void* table)
      : document_(std::move(document)), table_(table) {}
  const void* ask(std::string_view key) const;  ///< the toml::node there, noted as asked for, or nullptr
  std::shared_ptr<Document> document_;          ///< shared by the file's Config and those of its tables()
  const void* table_;                           ///< a toml::table of `document_`
};

}  // namespace cotter::host
