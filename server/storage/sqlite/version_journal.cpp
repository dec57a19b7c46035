#include "server/storage/sqlite/version_journal.h"

#include <algorithm>

#include "common/crypto/digest.h"
#include "server/storage/sqlite/in_transaction.h"

namespace cotter::storage {
namespace {

constexpr std::string_view kFind =
    "SELECT version, digest FROM signed_version WHERE repository = ?1 AND vehicle = ?2 AND role = ?3";
constexpr std::string_view kPut =
    "INSERT INTO signed_version (repository, vehicle, role, version, digest) VALUES (?1, ?2, ?3, ?4, ?5)"
    " ON CONFLICT (repository, vehicle, role) DO UPDATE SET version = excluded.version, digest = "
    "excluded.digest";

constexpr std::string_view kShow =
    "INSERT INTO signed_version (repository, vehicle, role, version, shown) VALUES (?1, ?2, ?3, ?4, ?4)"
    " ON CONFLICT (repository, vehicle, role) DO UPDATE SET shown = max(shown, excluded.shown)";
constexpr std::string_view kShown =
    "SELECT shown FROM signed_version WHERE repository = ?1 AND vehicle = ?2 AND role = ?3";
constexpr std::string_view kTimestamp = "timestamp";

std::string vehicle_of(const Series& series) {
  return series.vehicle ? series.vehicle->value() : std::string();
}

std::string named(const RoleName& role, Version version) {
  return role.value() + " version " + std::to_string(version.value());
}

}  // namespace

Result<std::optional<VersionJournal::Noted>> VersionJournal::find(const Series& series,
                                                                  const RoleName& role) {
  const std::string vehicle = vehicle_of(series);
  host::Statement row = TRY(db_->query(kFind, {name_of(series.repository), vehicle, role.value()}));
  if (!TRY(row.step())) return std::optional<Noted>();
  Noted noted{Version(row.count(0)), std::nullopt};
  if (!row.is_null(1)) noted.digest = row.blob(1);
  return std::optional<Noted>(std::move(noted));
}

Result<void> VersionJournal::put(const Series& series, const RoleName& role, const Noted& noted) {
  const std::string vehicle = vehicle_of(series);
  return db_->run(kPut,
                  {name_of(series.repository), vehicle, role.value(), noted.version.value(), noted.digest});
}

Result<std::vector<Version>> VersionJournal::reserve(const Series& series, const std::vector<NextOf>& roles) {
  const auto each = [&]() -> Result<std::vector<Version>> {
    std::vector<Version> versions;
    for (const NextOf& next : roles) {
      const std::optional<Noted> noted = TRY(find(series, next.role));
      const std::uint64_t floor = std::max(next.published.value(), noted ? noted->version.value() : 0);
      versions.emplace_back(floor + 1);
      TRY(put(series, next.role, {versions.back(), std::nullopt}));
    }
    return versions;
  };
  return in_transaction(*db_, each);
}

Result<void> VersionJournal::note(const Series& series, const RoleName& role, Version version,
                                  ByteView canonical) {
  const Noted wanted{version, crypto::sha256(canonical)};
  const auto one = [&]() -> Result<void> {
    const std::optional<Noted> noted = TRY(find(series, role));
    if (noted && noted->version > version) {
      return fault(Fault::Kind::Conflict, named(role, version) + " is spent: version " +
                                              std::to_string(noted->version.value()) + " came after it");
    }
    if (noted && noted->version == version) {
      if (noted->digest == wanted.digest) return {};
      return fault(Fault::Kind::Conflict, named(role, version) + " stands for other bytes already");
    }
    return put(series, role, wanted);
  };
  return in_transaction(*db_, one);
}

Result<bool> VersionJournal::stands_for(const Series& series, const RoleName& role, Version version,
                                        ByteView canonical) {
  const std::optional<Noted> noted = TRY(find(series, role));
  return noted && noted->version == version && noted->digest == crypto::sha256(canonical);
}

Result<std::optional<Version>> VersionJournal::highest(const Series& series, const RoleName& role) {
  const std::optional<Noted> noted = TRY(find(series, role));
  return noted ? std::optional<Version>(noted->version) : std::nullopt;
}

Result<void> VersionJournal::note_shown(const Series& series, Version timestamp) {
  const std::string vehicle = vehicle_of(series);
  return db_->run(kShow, {name_of(series.repository), vehicle, kTimestamp, timestamp.value()});
}

Result<Version> VersionJournal::shown(const Series& series) {
  const std::string vehicle = vehicle_of(series);
  host::Statement row = TRY(db_->query(kShown, {name_of(series.repository), vehicle, kTimestamp}));
  return Version(TRY(row.step()) ? row.count(0) : 0);
}

}  // namespace cotter::storage
