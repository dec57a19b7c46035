// cotter.db: opens it at the latest schema, which migrations/ holds.
// Never changes a migration that was released: a change is a new file. See common/host/sqlite.h for threads.
#pragma once

#include <filesystem>
#include <span>

#include "common/base/result.h"
#include "common/host/sqlite.h"

namespace cotter::storage {

using host::Db;
using host::Statement;
using host::Transaction;

/// The files of migrations/, embedded when building.
std::span<const host::Migration> migrations();

/// Opens or makes the database and migrates it. Faults: those of Db::open() and migrate().
Result<Db> open_database(const std::filesystem::path& file);

}  // namespace cotter::storage
