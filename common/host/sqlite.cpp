#include "common/host/sqlite.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "common/disk/files.h"
#include "common/host/atomic_file.h"
#include "common/host/disk_vfs.h"

namespace cotter::host {
namespace {

Fault::Kind kind_of(int code, int system_error) {
  switch (code & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Fault::Kind::Busy;
    case SQLITE_FULL:
      return Fault::Kind::NoSpace;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return Fault::Kind::Denied;
    case SQLITE_CONSTRAINT:
      return Fault::Kind::Conflict;
    default:
      // SQLite tells a full disk as an I/O error where it grows the shared memory file.
      return system_error == ENOSPC || system_error == EDQUOT ? Fault::Kind::NoSpace : Fault::Kind::Io;
  }
}

std::string hint_of(Fault::Kind kind) {
  switch (kind) {
    case Fault::Kind::Busy:
      return "another process is writing: try again when it is done";
    case Fault::Kind::NoSpace:
      return "free space on the disk, then try again: nothing was changed";
    default:
      return {};
  }
}

Error error_of(sqlite3* db, const std::string& doing) {
  const Fault::Kind kind = kind_of(sqlite3_extended_errcode(db), sqlite3_system_errno(db));
  return Fault{kind, doing + ": " + sqlite3_errmsg(db), hint_of(kind)};
}

std::string database_name(sqlite3* db) {
  const char* file = sqlite3_db_filename(db, "main");
  return file == nullptr || *file == '\0' ? "the database" : file;
}

Error error_of(sqlite3* db) { return error_of(db, database_name(db)); }

/// SQLite would make the file as open as the umask lets it; its -wal and -shm take the file's mode. A file
/// that is there is not opened: closing it again would take away the locks of all other connections of this
/// process (POSIX), and another process could delete the log under them.
Result<void> make_private_file(const std::filesystem::path& file) {
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, kSecretFile);
  if (fd < 0 && errno == EEXIST) return {};
  if (fd < 0) return fail(errno_fault("cannot open the database " + file.string(), errno));
  ::close(fd);
  return {};
}

/// Without its file the log would be taken for the next one's: it goes for good before that can come.
Result<void> remove_log(disk::Disk& disk, const std::string& file) {
  for (const char* ending : {"-wal", "-shm"}) TRY(disk::remove_file(disk, file + ending));
  return {};
}

}  // namespace

// --- Statement
// -----------------------------------------------------------------------------------------------

Statement::~Statement() { sqlite3_finalize(handle_); }

Statement::Statement(Statement&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}

Statement& Statement::operator=(Statement&& other) noexcept {
  std::swap(handle_, other.handle_);
  return *this;
}

Result<void> Statement::bind(Arguments arguments) { return bind(arguments, Values::Copied); }

Result<void> Statement::bind(Arguments arguments, Values values) {
  const sqlite3_destructor_type ownership = values == Values::Copied ? SQLITE_TRANSIENT : SQLITE_STATIC;
  sqlite3_reset(handle_);
  COTTER_ASSERT(static_cast<std::size_t>(sqlite3_bind_parameter_count(handle_)) == arguments.size());
  int index = 0;
  for (const Argument& argument : arguments) {
    ++index;
    int code = SQLITE_OK;
    if (const auto* integer = std::get_if<std::int64_t>(&argument.value_)) {
      code = sqlite3_bind_int64(handle_, index, *integer);
    } else if (const auto* text = std::get_if<std::string_view>(&argument.value_)) {
      // A view of nothing may have no address, and SQLite takes that for NULL.
      code = sqlite3_bind_text64(handle_, index, text->empty() ? "" : text->data(), text->size(), ownership,
                                 SQLITE_UTF8);
    } else if (const auto* blob = std::get_if<ByteView>(&argument.value_)) {
      code = blob->empty() ? sqlite3_bind_zeroblob(handle_, index, 0)
                           : sqlite3_bind_blob64(handle_, index, blob->data(), blob->size(), ownership);
    } else {
      code = sqlite3_bind_null(handle_, index);
    }
    if (code != SQLITE_OK) return fail(error_of(sqlite3_db_handle(handle_)));
  }
  return {};
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  Error error = error_of(sqlite3_db_handle(handle_));
  sqlite3_reset(handle_);
  return fail(std::move(error));
}

Result<void> Statement::run(Arguments arguments) {
  TRY(bind(arguments, Values::Borrowed));
  while (TRY(step())) {
  }
  sqlite3_reset(handle_);  // a finished statement would hold the read lock until it is bound again
  return {};
}

bool Statement::is_null(int column) const { return sqlite3_column_type(handle_, column) == SQLITE_NULL; }

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(handle_, column); }

std::string Statement::text(int column) const {
  const unsigned char* data = sqlite3_column_text(handle_, column);
  if (data == nullptr) return {};
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(handle_, column));
  return std::string(as_text(ByteView(data, size)));
}

Bytes Statement::blob(int column) const {
  const void* data = sqlite3_column_blob(handle_, column);
  if (data == nullptr) return {};
  const auto* bytes = static_cast<const std::uint8_t*>(data);
  return Bytes(bytes, bytes + sqlite3_column_bytes(handle_, column));
}

// --- Db
// ------------------------------------------------------------------------------------------------------

Db::Close::Close() = default;
Db::Close::Close(std::unique_ptr<DiskVfs> way) : vfs(std::move(way)) {}
Db::Close::~Close() = default;
Db::Close::Close(Close&&) noexcept = default;
Db::Close& Db::Close::operator=(Close&&) noexcept = default;
void Db::Close::operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }

Db::~Db() = default;
Db::Db(Db&&) noexcept = default;
Db& Db::operator=(Db&&) noexcept = default;

Result<Db> Db::open(const std::string& file, Close close) {
  const std::string doing = "cannot open the database " + file;
  const char* vfs = close.vfs ? close.vfs->name() : nullptr;
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(
      file.c_str(), &handle,
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, vfs);
  if (handle == nullptr) return fault(Fault::Kind::Io, doing);
  Db db(handle, std::move(close));
  if (code != SQLITE_OK) return fail(error_of(handle, doing));
  return db;
}

Result<Db> Db::open(const std::filesystem::path& file) {
  if (file != ":memory:") TRY(make_private_file(file));
  Db db = TRY(open(file.string(), Close()));
  sqlite3_busy_timeout(db.handle_.get(), kBusyTimeoutMs);
  TRY(
      db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
              "PRAGMA trusted_schema = OFF;"));
  return db;
}

Result<Db> Db::open(disk::Disk& disk, const std::filesystem::path& file,
                    std::span<const Migration> migrations) {
  const auto there = TRY(disk.look_at(file.string()));
  // An empty file is one that was locked and never written.
  if (!there || there->size == 0) {
    TRY(remove_log(disk, file.string()));
    TRY(disk::replace_file(disk, file.string(), TRY(new_database(migrations)), disk::kSecretFile));
  }
  Db db = TRY(open(file.string(), Close(std::make_unique<DiskVfs>(disk))));
  sqlite3_db_config(db.handle_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  TRY(
      db.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA temp_store = MEMORY; PRAGMA journal_mode = WAL;"
              "PRAGMA wal_autocheckpoint = 256; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
              "PRAGMA trusted_schema = OFF;"));
  TRY(migrate(db, migrations));
  return db;
}

Result<Bytes> Db::new_database(std::span<const Migration> migrations) {
  Db memory = TRY(open(":memory:"));
  TRY(migrate(memory, migrations));
  sqlite3_int64 size = 0;
  const std::unique_ptr<unsigned char, void (*)(void*)> image(
      sqlite3_serialize(memory.handle_.get(), "main", &size, 0), sqlite3_free);
  if (!image) return fault(Fault::Kind::Io, "SQLite could not lay out a new database");
  Bytes bytes(image.get(), image.get() + size);
  // Says "WAL" to whoever reads and writes it (SQLite's file format, 1.3.3): saves the change of mode.
  bytes.at(18) = 2;
  bytes.at(19) = 2;
  return bytes;
}

Result<void> Db::exec(const std::string& sql) {
  if (sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return fail(error_of(handle_.get()));
  }
  return {};
}

Result<Statement> Db::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code =
      sqlite3_prepare_v2(handle_.get(), sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
  if (code != SQLITE_OK) return fail(error_of(handle_.get()));
  return Statement(statement);
}

Result<void> Db::run(std::string_view sql, Arguments arguments) { return TRY(prepare(sql)).run(arguments); }

Result<Statement> Db::query(std::string_view sql, Arguments arguments) {
  Statement statement = TRY(prepare(sql));
  TRY(statement.bind(arguments));
  return statement;
}

std::int64_t Db::changes() const { return sqlite3_changes64(handle_.get()); }

std::int64_t Db::last_insert_id() const { return sqlite3_last_insert_rowid(handle_.get()); }

bool Db::in_transaction() const { return sqlite3_get_autocommit(handle_.get()) == 0; }

// --- Transaction
// ---------------------------------------------------------------------------------------------

Result<Transaction> Transaction::begin(Db& db) {
  TRY(db.exec("BEGIN IMMEDIATE"));
  return Transaction(db);
}

Transaction::Transaction(Transaction&& other) noexcept : db_(std::exchange(other.db_, nullptr)) {}

Transaction::~Transaction() {
  // Nothing to be done about a failure: the transaction ends with the connection at the latest.
  if (db_ != nullptr) static_cast<void>(db_->exec("ROLLBACK"));
}

Result<void> Transaction::commit() {
  COTTER_ASSERT(db_ != nullptr);
  TRY(db_->exec("COMMIT"));
  db_ = nullptr;
  return {};
}

// --- damage
// --------------------------------------------------------------------------------------------------

namespace {

bool means_damage(int code) { return (code & 0xFF) == SQLITE_CORRUPT || (code & 0xFF) == SQLITE_NOTADB; }

/// SQLITE_OK and no rows but "ok": the database is sound.
int check(sqlite3* db, bool& sound) {
  sqlite3_stmt* statement = nullptr;
  int code = sqlite3_prepare_v2(db, "PRAGMA integrity_check(1)", -1, &statement, nullptr);
  while (code == SQLITE_OK || code == SQLITE_ROW) {
    code = sqlite3_step(statement);
    if (code != SQLITE_ROW) break;
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
    sound = sound && text != nullptr && std::string_view(text) == "ok";
  }
  sqlite3_finalize(statement);
  return code == SQLITE_DONE ? SQLITE_OK : code;
}

}  // namespace

Result<bool> is_damaged(disk::Disk& disk, const std::filesystem::path& file) {
  const auto there = TRY(disk.look_at(file.string()));
  if (!there || there->size == 0) return false;
  const std::string doing = "cannot look into the database " + file.string();
  const DiskVfs vfs(disk);
  sqlite3* handle = nullptr;
  int code = sqlite3_open_v2(file.c_str(), &handle,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, vfs.name());
  if (handle == nullptr) return fault(Fault::Kind::Io, doing);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  if (code == SQLITE_OK) {
    code = sqlite3_exec(handle, "PRAGMA locking_mode = EXCLUSIVE", nullptr, nullptr, nullptr);
  }
  bool sound = true;
  if (code == SQLITE_OK) code = check(handle, sound);
  // A damaged head can say that the database is of a later SQLite, and only to be read.
  sound = sound && sqlite3_db_readonly(handle, "main") != 1;
  const bool failed = code != SQLITE_OK && !means_damage(code);
  Error error = failed ? error_of(handle, doing) : Error();
  sqlite3_close_v2(handle);
  if (failed) return fail(std::move(error));
  return code != SQLITE_OK || !sound;
}

Result<void> set_aside(disk::Disk& disk, const std::filesystem::path& file) {
  TRY(remove_log(disk, file.string()));
  TRY(disk.rename(file.string(), file.string() + ".damaged"));
  return disk::sync_folder_of(disk, file.string());
}

// --- migrations
// ----------------------------------------------------------------------------------------------

namespace {

Result<std::uint64_t> user_version(Db& db) {
  Statement statement = TRY(db.query("PRAGMA user_version"));
  TRY(statement.step());
  return statement.count(0);
}

}  // namespace

Result<void> migrate(Db& db, std::span<const Migration> migrations) {
  if (TRY(user_version(db)) == migrations.size()) return {};  // the usual case takes no write lock
  Transaction transaction = TRY(Transaction::begin(db));
  const std::uint64_t applied = TRY(user_version(db));
  if (applied > migrations.size()) {
    return fault(Fault::Kind::Conflict,
                 "the database has schema " + std::to_string(applied) + ", this program knows " +
                     std::to_string(migrations.size()),
                 "it was used by a later version of this program: use that one");
  }
  for (const Migration& migration : migrations.subspan(applied)) TRY(db.exec(std::string(migration.sql)));
  TRY(db.exec("PRAGMA user_version = " + std::to_string(migrations.size())));
  return transaction.commit();
}

}  // namespace cotter::host
