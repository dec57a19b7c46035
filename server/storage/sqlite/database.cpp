#include "server/storage/sqlite/database.h"

namespace cotter::storage {

Result<Db> open_database(const std::filesystem::path& file) {
  Db db = TRY(Db::open(file));
  TRY(host::migrate(db, migrations()));
  return db;
}

}  // namespace cotter::storage
