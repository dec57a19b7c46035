// VER-REC: no damage to anything that is stored, in no state of the cycle, needs a human being. Each stored
// thing in turn is spoilt in each way, good metadata is served, and the vehicle must install it. GAP-25.
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <fstream>

#include "common/host/sqlite.h"
#include "tests/sim/whole_vehicle.h"

namespace cotter::client {
namespace {

namespace fs = std::filesystem;
using sim::WholeVehicle;
using Storage = WholeVehicle::Storage;

constexpr int kCyclesToRecover = 3;
constexpr std::size_t kPage = 4096;  // of SQLite
constexpr std::chrono::hours kTwoYears(2 * 365 * 24);

enum class Damage : std::uint8_t { None, Empty, Garbage, FlippedByte, Older, Missing };
constexpr std::array kDamages{Damage::Empty, Damage::Garbage, Damage::FlippedByte, Damage::Older,
                              Damage::Missing};
const char* name_of(Damage damage) {
  constexpr std::array kNames{"as it is", "empty", "garbage", "one byte flipped", "an older one", "missing"};
  return kNames.at(static_cast<std::size_t>(damage));
}

/// What is left of `now`; nothing where it is gone. `before`: what was stored there earlier.
std::optional<Bytes> spoilt(Damage damage, const Bytes& now, const Bytes* before, std::size_t flip_at) {
  switch (damage) {
    case Damage::None:
      return now;
    case Damage::Empty:
      return Bytes();
    case Damage::Garbage: {
      Bytes garbage(std::max<std::size_t>(now.size(), 16));
      std::uint32_t seed = 7;
      for (std::uint8_t& byte : garbage)
        byte = static_cast<std::uint8_t>((seed = seed * 1664525U + 1013904223U) >> 24U);
      return garbage;
    }
    case Damage::FlippedByte: {
      Bytes flipped = now;
      if (!flipped.empty()) flipped[std::min(flip_at, flipped.size() - 1)] ^= 0x11;
      return flipped;
    }
    case Damage::Older:
      return before != nullptr ? *before : now;
    case Damage::Missing:
      break;
  }
  return std::nullopt;
}

/// One thing that is stored, and how to put something else in its place.
struct Thing {
  std::string name;
  Bytes now;
  std::optional<Bytes> before;
  std::vector<std::size_t> flips;  ///< which bytes; the middle when empty
  std::function<void(WholeVehicle&, const std::optional<Bytes>&)> replace;
};

void add_files(const Storage& now, const Storage& before, std::vector<Thing>& things) {
  for (const auto& [name, bytes] : now.files) {
    if (name.ends_with("-shm")) continue;  // SQLite makes it anew at every start
    const auto older = before.files.find(name);
    Thing thing{
        name, bytes, older == before.files.end() ? std::nullopt : std::optional(older->second), {}, {}};
    // A database's head, its schema, a page in the middle: each breaks something else.
    if (name.ends_with(".db")) {
      thing.flips = {5, 18, 28, 63, 110, 600, bytes.size() / 2, bytes.size() - 1};
      for (std::size_t page = kPage; page < bytes.size(); page += kPage) thing.flips.push_back(page);
    }
    thing.replace = [name = name](WholeVehicle& vehicle, const std::optional<Bytes>& content) {
      fs::remove(vehicle.path(name));
      if (content) std::ofstream(vehicle.path(name), std::ios::binary) << as_text(*content);
    };
    things.push_back(std::move(thing));
  }
}

struct Row {
  std::string repository, role;
  std::uint64_t version = 0;
  Bytes wire;
};

std::vector<Row> rows_of(WholeVehicle& vehicle) {
  host::Db db = *host::Db::open(vehicle.database());
  auto row = *db.query("SELECT repository, role, version, wire FROM metadata");
  std::vector<Row> rows;
  while (*row.step()) rows.push_back({row.text(0), row.text(1), row.count(2), row.blob(3)});
  return rows;
}

void add_rows(const std::vector<Row>& now, const std::vector<Row>& before, std::vector<Thing>& things) {
  for (const Row& row : now) {
    Thing thing{
        "row " + row.repository + "/" + row.role + " " + std::to_string(row.version), row.wire, {}, {}, {}};
    for (const Row& old : before) {
      if (old.repository == row.repository && old.role == row.role && old.version < row.version)
        thing.before = old.wire;
    }
    thing.replace = [row](WholeVehicle& vehicle, const std::optional<Bytes>& bytes) {
      host::Db db = *host::Db::open(vehicle.database());
      ASSERT_TRUE(
          bytes ? db.run("UPDATE metadata SET wire = ?4 WHERE repository = ?1 AND role = ?2 AND version = ?3",
                         {row.repository, row.role, row.version, *bytes})
                : db.run("DELETE FROM metadata WHERE repository = ?1 AND role = ?2 AND version = ?3",
                         {row.repository, row.role, row.version}));
    };
    things.push_back(std::move(thing));
  }
}

/// Of the rows that are no metadata: what a program can find there.
void add_state(std::vector<Thing>& things) {
  for (const char* sql :
       {"UPDATE cycle SET phase = 77", "UPDATE cycle SET phase = (phase + 1) % 3", "DELETE FROM cycle",
        "UPDATE cycle SET now = 1 << 40", "UPDATE cycle SET now = 0",
        "UPDATE cycle SET image_refreshed = 1 << 40", "UPDATE ecu SET public_key = '{\"keyty'",
        "UPDATE ecu SET hardware_id = 'hw-none'", "DELETE FROM ecu",
        "UPDATE ecu SET serial = 'D00R' WHERE serial = 'DOOR'", "DELETE FROM metadata",
        "UPDATE time_state SET record = x'7b22'", "DELETE FROM time_state",
        // One bit, and no genuine time is late enough any more.
        "UPDATE time_state SET record = CAST(replace(CAST(record AS TEXT), '\"203', '\"283') AS BLOB)"}) {
    Thing thing{sql, {}, std::nullopt, {}, {}};
    thing.replace = [sql](WholeVehicle& vehicle, const std::optional<Bytes>&) {
      host::Db db = *host::Db::open(vehicle.database());
      ASSERT_TRUE(db.exec(sql));
    };
    things.push_back(std::move(thing));
  }
}

void add_flash(const Storage& now, const Storage& before, std::vector<Thing>& things) {
  for (const auto& [ecu, flash] : now.flashes) {
    for (const auto& [record, bytes] : flash.records) {
      std::string name = ecu;
      name.append(" ").append(record);
      Thing thing{std::move(name), bytes, std::nullopt, {}, {}};
      const auto& old = before.flashes.at(ecu).records;
      if (const auto found = old.find(record); found != old.end()) thing.before = found->second;
      thing.replace = [ecu = ecu, record = record](WholeVehicle& vehicle,
                                                   const std::optional<Bytes>& content) {
        auto& records = vehicle.ecus.at(ecu)->flash.records;
        records.erase(record);
        if (content) records[record] = *content;
      };
      things.push_back(std::move(thing));
    }
    if (flash.records.contains("time")) {
      const auto put_ahead = [ecu = ecu](WholeVehicle& vehicle, const auto&) {
        Bytes& record = vehicle.ecus.at(ecu)->flash.records.at("time");
        std::string text(as_text(record));
        for (auto at = text.find("\"203"); at != std::string::npos; at = text.find("\"203", at + 1))
          text[at + 2] = '8';
        record = to_bytes(text);
      };
      things.push_back({ecu + "'s time far ahead", {}, std::nullopt, {}, put_ahead});
    }
    const Slot spare = other(*flash.active());
    if (flash.at(spare).empty()) continue;
    Thing thing{ecu + "'s spare slot", flash.at(spare), before.flashes.at(ecu).at(spare), {}, {}};
    thing.replace = [ecu = ecu, spare](WholeVehicle& vehicle, const std::optional<Bytes>& content) {
      vehicle.ecus.at(ecu)->flash.at(spare) = content.value_or(Bytes());
    };
    things.push_back(std::move(thing));
  }
}

struct Floors {
  std::map<std::string, std::uint64_t> of_primary, of_ecu;
};

Floors floors_of(WholeVehicle& vehicle) {
  Floors floors;
  for (const auto& [serial, ecu] : vehicle.ecus) {
    floors.of_primary[serial] = vehicle.floors().floor(release_floor_of(EcuSerial(serial)))->value_or(0);
    floors.of_ecu[serial] = ecu->floors.floor(release_floor_of(EcuSerial(serial)))->value_or(0);
  }
  return floors;
}

std::string went(const Result<CycleOutcome>& cycle) {
  if (!cycle) return "ended: " + summary(cycle.error());
  std::string text;
  if (cycle->stopped) text += "stopped: " + summary(*cycle->stopped) + "; ";
  for (const EcuOutcome& ecu : cycle->ecus)
    text += ecu.ecu.value() + " " + ecu.outcome.code + " " + ecu.outcome.text + "; ";
  return text;
}

bool runs_the_newest(WholeVehicle& vehicle) {
  for (const auto& [serial, ecu] : vehicle.ecus) {
    if (ecu->flash.running() != vehicle.newest_of(serial)) return false;
  }
  return true;
}

/// Lets the vehicle have a few cycles; a program that ends is started again, as a service manager does.
void expect_recovery(WholeVehicle& vehicle, const Floors& before) {
  std::string story;
  bool up = false;
  for (int i = 0; i < kCyclesToRecover && !runs_the_newest(vehicle); ++i) {
    if (!up) {
      const auto started = vehicle.start();
      if (!started) story += "did not start: " + summary(started.error()) + "\n";
      up = started.has_value();
    }
    if (!up) continue;
    const auto cycle = vehicle.cycle();
    story += went(cycle) + "\n";
    up = cycle.has_value();
  }
  ASSERT_TRUE(runs_the_newest(vehicle)) << story;
  EXPECT_TRUE(vehicle.refused.empty()) << vehicle.refused.front();
  const Floors after = floors_of(vehicle);
  for (const auto& [serial, floor] : before.of_primary)
    EXPECT_GE(after.of_primary.at(serial), floor) << serial;
  for (const auto& [serial, floor] : before.of_ecu) EXPECT_GE(after.of_ecu.at(serial), floor) << serial;
  const auto quiet = vehicle.cycle();
  EXPECT_TRUE(quiet && !quiet->stopped && quiet->ecus.empty()) << went(quiet);
}

/// How the vehicle gets into a state: from the second image running on every ECU, with the third released.
struct State {
  const char* name;
  std::size_t turn;
  void (*reach)(WholeVehicle&);
};

void cut_bus_at(WholeVehicle& vehicle, const std::string& ecu, std::size_t messages,
                const std::function<bool(const wire::Request&)>& counts) {
  vehicle.bus_carries = [=, left = messages, cut = false](const std::string& to,
                                                          const wire::Request& request) mutable {
    if (to == ecu && counts(request)) cut = cut || left-- == 0;
    return !cut;
  };
}

const State kStates[] = {
    {"idle", 0, [](WholeVehicle&) {}},
    {"staging", 1,
     [](WholeVehicle& vehicle) {
       cut_bus_at(vehicle, "GATEWAY", 0,
                  [](const wire::Request& it) { return std::holds_alternative<wire::Chunk>(it); });
       static_cast<void>(vehicle.cycle());
     }},
    {"committing", 2,
     [](WholeVehicle& vehicle) {
       // BRAKE has switched, DOOR is half overwritten, GATEWAY waits.
       cut_bus_at(vehicle, "DOOR", 1, [](const wire::Request& it) {
         return std::holds_alternative<wire::Commit>(it) || std::holds_alternative<wire::Chunk>(it);
       });
       static_cast<void>(vehicle.cycle());
     }},
    {"on trial", 3,
     [](WholeVehicle& vehicle) {
       // The power went between "make it boot" and "it is confirmed", on the primary itself.
       vehicle.bus_carries = [&vehicle](const std::string& to, const wire::Request& request) {
         if (to == "GATEWAY" && std::holds_alternative<wire::Commit>(request)) {
           vehicle.ecus.at("GATEWAY")->flash.cut_power_after(2);
         }
         return true;
       };
       static_cast<void>(vehicle.cycle());
     }},
    {"after a failed download", 4,
     [](WholeVehicle& vehicle) {
       vehicle.server_sends = [left = 7]() mutable { return left-- > 0; };
       static_cast<void>(vehicle.cycle());
     }},
    {"after an ECU rolled back", 5,
     [](WholeVehicle& vehicle) {
       vehicle.ecus.at("BRAKE")->flash.damage_on_activate = true;
       static_cast<void>(vehicle.cycle());
       vehicle.ecus.at("BRAKE")->flash.damage_on_activate = false;
     }},
};

class Recovery : public testing::TestWithParam<State> {
 protected:
  explicit Recovery(WholeVehicle::Time time = WholeVehicle::Time::Attested, bool parked_long = true)
      : vehicle_(time), parked_long_(parked_long) {}
  /// Each state from one vehicle's youth, and what was stored before it.
  void SetUp() override {
    ASSERT_TRUE(vehicle_.start());
    vehicle_.release();
    ASSERT_TRUE(vehicle_.cycle());
    ASSERT_TRUE(runs_the_newest(vehicle_));
    before_ = vehicle_.storage();
    vehicle_.age(std::chrono::hours(24));  // new roots
    vehicle_.release();
    GetParam().reach(vehicle_);
    if (parked_long_) {
      vehicle_.stop();
      static_cast<void>(rows_of(vehicle_));  // whoever closes a database empties its log into it
    }
    now_ = vehicle_.storage();
    vehicle_.put_back(before_);
    const std::vector<Row> older = rows_of(vehicle_);
    vehicle_.put_back(now_);
    add_files(now_, before_, things_);
    add_rows(rows_of(vehicle_), older, things_);
    add_state(things_);
    add_flash(now_, before_, things_);
    vehicle_.put_back(now_);
  }

  void spoil_and_recover(const Thing& thing, Damage damage, std::size_t flip_at) {
    SCOPED_TRACE(thing.name + ", " + name_of(damage) +
                 (damage == Damage::FlippedByte ? " at " + std::to_string(flip_at) : ""));
    vehicle_.put_back(now_);
    const Floors floors = floors_of(vehicle_);
    const auto content = spoilt(damage, thing.now, thing.before ? &*thing.before : nullptr, flip_at);
    thing.replace(vehicle_, content);
    expect_recovery(vehicle_, floors);
  }

  /// Each thing in each state in one way, in the next state in the next: over the states each in every way.
  /// With COTTER_RECOVERY=all each in every way here, which takes minutes.
  void spoil_each_and_recover(std::size_t turn) {
    const bool all = std::getenv("COTTER_RECOVERY") != nullptr;
    for (const Thing& thing : things_) {
      ++turn;
      for (std::size_t i = 0; i < kDamages.size(); ++i) {
        const bool statement = thing.now.empty();  // nothing to choose from, and cheap
        if (statement ? i != 0 : !all && (turn + GetParam().turn) % kDamages.size() != i) continue;
        Damage damage = kDamages.at(i);
        if (damage == Damage::Older && !thing.before) damage = Damage::Garbage;
        std::vector<std::size_t> flips = thing.flips;
        if (flips.empty() || damage != Damage::FlippedByte) flips = {thing.now.size() / 2};
        for (const std::size_t at : flips) spoil_and_recover(thing, damage, at);
        if (HasFailure()) return;  // one story is enough
      }
    }
  }

  WholeVehicle vehicle_;
  bool parked_long_;  ///< else the power goes while the database is open
  Storage before_, now_;
  std::vector<Thing> things_;
};

/// A vehicle that goes by its own clocks also keeps the latest time that it saw, which must not run away.
class RecoveryByClock : public Recovery {
 protected:
  RecoveryByClock() : Recovery(WholeVehicle::Time::ByItsOwnClocks, false) {}
};

std::string state_name(const testing::TestParamInfo<State>& state) {
  std::string name = state.param.name;
  std::erase(name, ' ');
  return name;
}

TEST_P(RecoveryByClock, NeedsNobodyWhateverIsSpoilt) {  // VER-REC
  vehicle_.release();
  spoil_each_and_recover(0);
}

// aktualizr 1185, 1548, and its Secondary that could not rotate an expired root: all that is stored is too
// old, the roots have moved on, and one thing is spoilt besides.
TEST_P(Recovery, NeedsNobodyAfterTwoYearsOffline) {  // VER-REC
  vehicle_.age(kTwoYears);
  vehicle_.release();
  spoil_and_recover({"nothing", {}, std::nullopt, {}, [](WholeVehicle&, const std::optional<Bytes>&) {}},
                    Damage::None, 0);
  spoil_each_and_recover(2);
}

INSTANTIATE_TEST_SUITE_P(States, Recovery, testing::ValuesIn(kStates), state_name);
INSTANTIATE_TEST_SUITE_P(States, RecoveryByClock, testing::ValuesIn(kStates), state_name);

}  // namespace
}  // namespace cotter::client
