#include "common/host/disk_vfs.h"

#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>

#include "common/disk/files.h"

namespace cotter::host {

struct DiskVfs::Registration {
  explicit Registration(disk::Disk& on) : disk(on) {}
  disk::Disk& disk;
  std::string name;
  sqlite3_vfs vfs{};
};

namespace {

constexpr int kSectorSize = 4096;
constexpr int kLongestPath = 1024;

/// SQLite lays this out in memory of its own: `base` comes first, and `open` is made and ended by hand.
struct OpenFile {
  std::unique_ptr<disk::File> file;
  std::unique_ptr<disk::Lock> lock;  ///< of the database itself
  disk::Disk* disk = nullptr;
  std::string path;
  bool name_is_durable = true;
};
struct Handle {
  sqlite3_file base;
  OpenFile* open;
};

OpenFile& of(sqlite3_file* file) { return *reinterpret_cast<Handle*>(file)->open; }
disk::Disk& disk_of(sqlite3_vfs* vfs) { return static_cast<DiskVfs::Registration*>(vfs->pAppData)->disk; }

int code_of(const Error& error, int otherwise) {
  if (is_fault(error, Fault::Kind::Denied)) return SQLITE_PERM;
  return is_fault(error, Fault::Kind::NoSpace) ? SQLITE_FULL : otherwise;
}
int code_of(const Result<void>& done, int otherwise) {
  return done ? SQLITE_OK : code_of(done.error(), otherwise);
}

// --- files ------------------------------------------------------------------------------------------------

int close(sqlite3_file* file) {
  delete reinterpret_cast<Handle*>(file)->open;  // made in open(), below
  return SQLITE_OK;
}

int read(sqlite3_file* file, void* into, int amount, sqlite3_int64 offset) {
  const auto size = static_cast<std::size_t>(amount);
  const auto bytes = of(file).file->read_at(static_cast<std::uint64_t>(offset), size);
  if (!bytes) return SQLITE_IOERR_READ;
  std::copy(bytes->begin(), bytes->end(), static_cast<std::uint8_t*>(into));
  if (bytes->size() == size) return SQLITE_OK;
  std::memset(static_cast<std::uint8_t*>(into) + bytes->size(), 0, size - bytes->size());
  return SQLITE_IOERR_SHORT_READ;
}

int write(sqlite3_file* file, const void* from, int amount, sqlite3_int64 offset) {
  const ByteView bytes(static_cast<const std::uint8_t*>(from), static_cast<std::size_t>(amount));
  return code_of(of(file).file->write_at(static_cast<std::uint64_t>(offset), bytes), SQLITE_IOERR_WRITE);
}

int truncate(sqlite3_file* file, sqlite3_int64 size) {
  return code_of(of(file).file->truncate(static_cast<std::uint64_t>(size)), SQLITE_IOERR_TRUNCATE);
}

int sync(sqlite3_file* file, int /*flags*/) {
  OpenFile& open = of(file);
  if (const auto synced = open.file->sync(); !synced) return SQLITE_IOERR_FSYNC;
  if (!open.name_is_durable) {
    if (const auto named = disk::sync_folder_of(*open.disk, open.path); !named) return SQLITE_IOERR_DIR_FSYNC;
    open.name_is_durable = true;
  }
  return SQLITE_OK;
}

int file_size(sqlite3_file* file, sqlite3_int64* size) {
  const auto bytes = of(file).file->size();
  if (!bytes) return SQLITE_IOERR_FSTAT;
  *size = static_cast<sqlite3_int64>(*bytes);
  return SQLITE_OK;
}

// The one lock is taken when the database is opened and kept until it is closed.
int lock(sqlite3_file* /*file*/, int /*level*/) { return SQLITE_OK; }
int is_reserved(sqlite3_file* /*file*/, int* answer) {
  *answer = 0;
  return SQLITE_OK;
}

int control(sqlite3_file* /*file*/, int /*operation*/, void* /*argument*/) { return SQLITE_NOTFOUND; }
int sector_size(sqlite3_file* /*file*/) { return kSectorSize; }
/// A torn write harms no byte beside those being written: true of disks that fail whole sectors' checks, and
/// what SQLite assumes of Unix too.
int characteristics(sqlite3_file* /*file*/) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

const sqlite3_io_methods* methods() {
  static const sqlite3_io_methods all = [] {
    sqlite3_io_methods made{};
    made.iVersion = 1;  // no shared memory
    made.xClose = close;
    made.xRead = read;
    made.xWrite = write;
    made.xTruncate = truncate;
    made.xSync = sync;
    made.xFileSize = file_size;
    made.xLock = lock;
    made.xUnlock = lock;
    made.xCheckReservedLock = is_reserved;
    made.xFileControl = control;
    made.xSectorSize = sector_size;
    made.xDeviceCharacteristics = characteristics;
    return made;
  }();
  return &all;
}

// --- the file system --------------------------------------------------------------------------------------

Result<void> open_into(OpenFile& open, int flags) {
  if ((flags & SQLITE_OPEN_MAIN_DB) != 0) open.lock = TRY(open.disk->lock(open.path));
  const bool make = (flags & SQLITE_OPEN_CREATE) != 0;
  // The database was made by the lock, if not before; its name is as young as it is empty.
  const auto there = TRY(open.disk->look_at(open.path));
  open.name_is_durable = there && there->size > 0;
  open.file =
      TRY(open.disk->open(open.path, make ? disk::Opening::Make : disk::Opening::Write, disk::kSecretFile));
  return {};
}

int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* granted) {
  auto* handle = reinterpret_cast<Handle*>(file);
  handle->base.pMethods = nullptr;              // nothing to close yet
  if (name == nullptr) return SQLITE_CANTOPEN;  // temporary files: Db keeps them in memory
  auto opened = std::make_unique<OpenFile>();
  opened->disk = &disk_of(vfs);
  opened->path = name;
  if (const auto done = open_into(*opened, flags); !done) {
    if (is_fault(done.error(), Fault::Kind::Busy)) return SQLITE_BUSY;
    return code_of(done.error(), SQLITE_CANTOPEN);
  }
  if (granted != nullptr) *granted = flags;
  handle->open = opened.release();
  handle->base.pMethods = methods();
  return SQLITE_OK;
}

int remove(sqlite3_vfs* vfs, const char* name, int sync_folder) {
  disk::Disk& disk = disk_of(vfs);
  const Result<void> removed = disk.remove(name);
  if (!removed && is_fault(removed.error(), Fault::Kind::NotFound)) return SQLITE_IOERR_DELETE_NOENT;
  if (!removed) return SQLITE_IOERR_DELETE;
  if (sync_folder == 0) return SQLITE_OK;
  return disk::sync_folder_of(disk, name) ? SQLITE_OK : SQLITE_IOERR_DIR_FSYNC;
}

int is_there(sqlite3_vfs* vfs, const char* name, int /*what*/, int* answer) {
  const auto entry = disk_of(vfs).look_at(name);
  if (!entry) return SQLITE_IOERR_ACCESS;
  *answer = entry->has_value() && ((*entry)->kind != disk::Entry::Kind::File || (*entry)->size > 0) ? 1 : 0;
  return SQLITE_OK;
}

int full_path(sqlite3_vfs* /*vfs*/, const char* name, int room, char* into) {
  const std::size_t size = std::strlen(name);
  if (size >= static_cast<std::size_t>(room)) return SQLITE_CANTOPEN;
  std::memcpy(into, name, size + 1);  // as it was given: the Disk knows where it stands
  return SQLITE_OK;
}

/// Whatever does not touch files is the machine's own.
sqlite3_vfs& machine() { return *sqlite3_vfs_find(nullptr); }
int randomness(sqlite3_vfs*, int amount, char* into) {
  return machine().xRandomness(&machine(), amount, into);
}
int sleep(sqlite3_vfs*, int microseconds) { return machine().xSleep(&machine(), microseconds); }
int current_time(sqlite3_vfs*, double* days) { return machine().xCurrentTime(&machine(), days); }
int last_error(sqlite3_vfs*, int, char*) { return 0; }

}  // namespace

DiskVfs::DiskVfs(disk::Disk& disk) : registration_(std::make_unique<Registration>(disk)) {
  static std::atomic<unsigned> made{0};
  registration_->name = "cotter-" + std::to_string(++made);
  sqlite3_vfs& vfs = registration_->vfs;
  vfs.iVersion = 1;
  vfs.szOsFile = sizeof(Handle);
  vfs.mxPathname = kLongestPath;
  vfs.zName = registration_->name.c_str();
  vfs.pAppData = registration_.get();
  vfs.xOpen = open;
  vfs.xDelete = remove;
  vfs.xAccess = is_there;
  vfs.xFullPathname = full_path;
  vfs.xRandomness = randomness;
  vfs.xSleep = sleep;
  vfs.xCurrentTime = current_time;
  vfs.xGetLastError = last_error;
  sqlite3_vfs_register(&vfs, 0);
}

DiskVfs::~DiskVfs() { sqlite3_vfs_unregister(&registration_->vfs); }

const char* DiskVfs::name() const noexcept { return registration_->name.c_str(); }

}  // namespace cotter::host
