// SQLite behind Results: a connection, prepared statements, transactions and numbered migrations.
// Never throws, never builds SQL from values, never lets a failed step look like an empty answer. A Db and
// its statements belong to one thread at a time; each thread opens its own.
#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/disk/disk.h"

struct sqlite3;
struct sqlite3_stmt;

namespace cotter::host {

class DiskVfs;

/// One `?` of a statement. Text and blobs are views: they must live until the statement is bound anew or
/// gone.
class Argument {
 public:
  Argument(std::nullopt_t) {}                           // NOLINT(google-explicit-constructor)
  Argument(int value) : value_(std::int64_t{value}) {}  // NOLINT(google-explicit-constructor)
  Argument(std::int64_t value) : value_(value) {}       // NOLINT(google-explicit-constructor)
  // NOLINTNEXTLINE(google-explicit-constructor)
  Argument(std::uint64_t value) : value_(static_cast<std::int64_t>(value)) {}
  Argument(bool value) : value_(std::int64_t{value ? 1 : 0}) {}  // NOLINT(google-explicit-constructor)
  Argument(std::string_view text) : value_(text) {}              // NOLINT(google-explicit-constructor)
  // NOLINTNEXTLINE(google-explicit-constructor)
  Argument(const std::string& text) : value_(std::string_view(text)) {}
  Argument(const char* text) : value_(std::string_view(text)) {}  // NOLINT(google-explicit-constructor)
  Argument(ByteView blob) : value_(blob) {}                       // NOLINT(google-explicit-constructor)
  Argument(const Bytes& blob) : value_(ByteView(blob)) {}         // NOLINT(google-explicit-constructor)
  template <class T>
  Argument(const std::optional<T>& value) {  // NOLINT(google-explicit-constructor)
    if (value) *this = Argument(*value);
  }

 private:
  friend class Statement;
  std::variant<std::monostate, std::int64_t, std::string_view, ByteView> value_;
};
using Arguments = std::initializer_list<Argument>;

/// A prepared statement. Must not outlive its Db.
class Statement {
 public:
  ~Statement();
  Statement(Statement&&) noexcept;
  Statement& operator=(Statement&&) noexcept;

  /// Starts over with these values for `?1`, `?2`, …; as many as the statement has. It keeps copies of them.
  Result<void> bind(Arguments arguments);
  /// true: a row stands ready; false: done. Faults: Busy, NoSpace, Conflict (a constraint), Denied, Io.
  Result<bool> step();
  /// Steps to the end, for statements that give no rows, and is ready to be bound again.
  Result<void> run(Arguments arguments);

  // Columns of the row that stands ready, from 0. Of NULL: 0 or empty.
  [[nodiscard]] bool is_null(int column) const;
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] std::uint64_t count(int column) const { return static_cast<std::uint64_t>(integer(column)); }
  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] Bytes blob(int column) const;

 private:
  friend class Db;
  enum class Values { Copied, Borrowed };
  explicit Statement(sqlite3_stmt* handle) : handle_(handle) {}
  Result<void> bind(Arguments arguments, Values values);
  sqlite3_stmt* handle_ = nullptr;
};

struct Migration {
  std::string_view name;  ///< "0001_repository"
  std::string_view sql;
};

/// A connection: WAL, foreign keys on, synchronous FULL (a commit is durable), waits kBusyTimeout for others.
class Db {
 public:
  static constexpr int kBusyTimeoutMs = 10'000;

  /// Makes the file (0600) when it is missing; ":memory:" for tests. Faults: NotFound (no such folder),
  /// Denied, NoSpace, Busy, Io (no database, or damaged).
  static Result<Db> open(const std::filesystem::path& file);
  /// The same on `disk` (which must outlive it), for a program that shares its database with nobody, brought
  /// to the last migration: a new one is made whole under a passing name; the file is locked, and the journal
  /// stays between runs, all of which spares syncs. Fault Busy at once when another holds it; those of
  /// migrate().
  static Result<Db> open(disk::Disk& disk, const std::filesystem::path& file,
                         std::span<const Migration> migrations);
  ~Db();
  Db(Db&&) noexcept;
  Db& operator=(Db&&) noexcept;

  /// One or more statements without values and rows.
  Result<void> exec(const std::string& sql);
  Result<Statement> prepare(std::string_view sql);
  /// One statement with values, rows ignored.
  Result<void> run(std::string_view sql, Arguments arguments = {});
  /// One statement with values, ready for step().
  Result<Statement> query(std::string_view sql, Arguments arguments = {});
  /// Rows that the last INSERT, UPDATE or DELETE touched.
  [[nodiscard]] std::int64_t changes() const;
  [[nodiscard]] std::int64_t last_insert_id() const;
  [[nodiscard]] bool in_transaction() const;

 private:
  struct Close {
    Close();
    explicit Close(std::unique_ptr<DiskVfs> vfs);
    ~Close();
    Close(Close&&) noexcept;
    Close& operator=(Close&&) noexcept;
    void operator()(sqlite3* handle) const;
    std::unique_ptr<DiskVfs> vfs;  ///< nothing: SQLite's own
  };
  static Result<Db> open(const std::string& file, Close close);
  static Result<Bytes> new_database(std::span<const Migration> migrations);
  Db(sqlite3* handle, Close close) : handle_(handle, std::move(close)) {}
  std::unique_ptr<sqlite3, Close> handle_;
};

/// BEGIN IMMEDIATE: the one writer from here on. Rolls back unless committed. Must not outlive its Db, which
/// must not move meanwhile.
class Transaction {
 public:
  static Result<Transaction> begin(Db& db);
  ~Transaction();
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  /// Durable on return.
  Result<void> commit();

 private:
  explicit Transaction(Db& db) : db_(&db) {}
  Db* db_;
};

/// Whether the file holds what SQLite cannot read as a database, or only in part. A missing file is not
/// damaged. Takes a walk through the whole file, and leaves it as it was. Faults: Denied, Busy, NoSpace, Io
/// (the disk's, which says nothing of the file).
Result<bool> is_damaged(disk::Disk& disk, const std::filesystem::path& file);
/// Moves a database that nobody has open out of the way: to FILE.damaged, in place of an older one, for
/// whoever wants to look into it. Faults: Denied, Io.
Result<void> set_aside(disk::Disk& disk, const std::filesystem::path& file);

/// Brings the database to the last migration; PRAGMA user_version counts those applied. Each is applied whole
/// or not at all. Fault besides those of a write: Conflict (made by a later version of the program).
Result<void> migrate(Db& db, std::span<const Migration> migrations);

}  // namespace cotter::host
