// Arrows between rooms point downward only: here for every #include, in tests/layers.cmake for what targets
// link.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "tests/unit/source_tree.h"

namespace {

namespace fs = std::filesystem;
using cotter::test::kRoot;

/// Each room and the rooms it may look into, besides itself. A new room must be given its place here.
const std::map<std::string, std::set<std::string>> kRooms = [] {
  std::map<std::string, std::set<std::string>> rooms;
  std::set<std::string> below;
  auto next_floor = [&](const std::set<std::string>& floor, bool neighbours) {
    for (const std::string& room : floor) {
      rooms[room] = below;
      if (neighbours) rooms[room].insert(floor.begin(), floor.end());
    }
    below.insert(floor.begin(), floor.end());
  };
  for (const char* room :
       {"common/base", "common/json", "common/crypto", "common/model", "common/trust", "common/wire"}) {
    next_floor({room}, false);
  }
  rooms["client/secondary"] = below;  // an ECU has no operating system to speak of
  rooms["client/secondary"].insert({"client/install", "client/links"});
  next_floor({"common/disk", "common/tpm"}, false);
  rooms["client/secondary"].insert("common/disk");
  next_floor({"common/host"}, false);

  const std::set<std::string> common = below;
  next_floor({"common/keystore"}, false);  // for those who sign; vehicles do not
  next_floor({"server/ceremony"}, false);  // what holders sign, and with what
  next_floor({"server/inventory", "server/ledger", "server/operations"},
             false);  // plain values, which the stores keep
  next_floor({"server/storage"}, false);
  next_floor({"server/director", "server/repository", "server/keys", "server/campaigns"}, true);
  next_floor({"server/signing"}, false);  // judges and signs, knows no use case
  next_floor({"server/app"}, false);
  next_floor({"server/http", "server/cli"}, false);
  next_floor({"server"}, false);  // the main files, where all is wired

  below = common;
  next_floor({"client/install", "client/links"}, true);
  next_floor({"client/dispatch"}, false);
  next_floor({"client/fetch", "client/store"}, false);  // they implement what dispatch asks for
  below.insert("client/secondary");
  next_floor({"client/tpm"}, false);
  next_floor({"client/ecu"},
             false);  // the secondary as a program on an operating system; the primary is an ECU too
  next_floor({"client/primary", "client/tuf"}, false);
  next_floor({"client"}, false);
  return rooms;
}();

bool is_in_verify(const std::string& room) {
  return room.starts_with("common/") && room != "common/host" && room != "common/disk" &&
         room != "common/keystore" && room != "common/tpm";
}

struct Include {
  fs::path file;       ///< from the repository's root
  std::string room;    ///< "common/trust"
  std::string header;  ///< as spelt between quotes or angle brackets
  bool quoted;
};

std::string room_of(const fs::path& file) {
  std::vector<std::string> parts(file.begin(), file.end());
  return parts.size() <= 2 ? parts.at(0) : parts[0] + "/" + parts[1];
}

std::vector<Include> all_includes() {
  static const std::regex include_line(R"(^\s*#\s*include\s*(["<])([^">]+)[">])");
  std::vector<Include> found;
  for (const char* top : {"common", "client", "server"}) {
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(kRoot / top)) {
      const std::string extension = entry.path().extension();
      if (extension != ".h" && extension != ".cpp") continue;
      const fs::path file = fs::relative(entry.path(), kRoot);
      std::ifstream in(entry.path());
      for (std::string line; std::getline(in, line);) {
        std::smatch match;
        if (std::regex_search(line, match, include_line)) {
          found.push_back({file, room_of(file), match[2], match[1] == "\""});
        }
      }
    }
  }
  return found;
}

const std::vector<Include>& includes() {
  static const std::vector<Include> all = all_includes();
  return all;
}

bool is_one_of(const std::string& header, std::initializer_list<const char*> names) {
  return std::find(names.begin(), names.end(), header) != names.end();
}

/// The third parties that are kept to some rooms, by how their headers begin, and the files that may include
/// them.
struct Kept {
  const char* header;
  const char* allowed;
};
const Kept kKept[] = {
    {R"(^boost/)", R"(^server/http/(.*\.cpp|(session|turns)\.h)$)"},
    {R"(^sqlite3\.h$)", R"(^(common/host/(sqlite|disk_vfs)\.|server/storage/sqlite/|client/store/))"},
    {R"(^curl/)", R"(^(client/fetch/|server/repository/url_transport\.cpp$|server/cli/api_client\.cpp$))"},
    {R"(^tss2/)", R"(^(common/tpm/|common/keystore/tpm_key\.cpp$))"},
    {R"(^p11-kit/)", R"(^common/keystore/pkcs11_)"},
    {R"(^rapidjson/)", R"(^common/json/.*\.cpp$)"},
    {R"(^toml)", R"(^common/host/.*\.cpp$)"},
    {R"(^openssl/)",
     R"(^(common/crypto/.*\.cpp$|server/http/|client/fetch/|server/keys/|common/keystore/|client/primary/device_key\.cpp$))"},
    {R"(^zlib\.h$)", R"(^common/host/gunzip\.cpp$)"},
    {R"(^libdeflate\.h$)", R"(^common/host/gzip\.cpp$)"},
    {R"(^CLI/)", R"(^(server/cli/|server/[^/]*\.cpp$|client/.*\.cpp$))"},
};

TEST(Layering, EveryRoomHasItsPlace) {
  std::map<std::string, fs::path> rooms;
  for (const Include& include : includes()) rooms.emplace(include.room, include.file);
  for (const auto& [room, file] : rooms) {
    EXPECT_TRUE(kRooms.contains(room)) << file << " stands in a room without a place in kRooms";
  }
}

TEST(Layering, IncludesPointDownwardOnly) {
  for (const Include& include : includes()) {
    // The table of rules stands with the checks, yet names them for every room.
    if (!include.quoted || include.header == "common/trust/rules.def") continue;
    const std::string target = room_of(include.header);
    EXPECT_NE(include.header.find('/'), std::string::npos)
        << include.file << ": " << include.header << " is not spelt from the repository's root";
    const auto room = kRooms.find(include.room);
    if (room == kRooms.end() || target == include.room) continue;
    EXPECT_TRUE(room->second.contains(target))
        << "upward arrow: " << include.file << " includes " << include.header;
  }
}

TEST(Layering, VerificationCoreHasNoOperatingSystem) {
  for (const Include& include : includes()) {
    if (!is_in_verify(include.room) || include.quoted) continue;
    EXPECT_FALSE(
        is_one_of(include.header, {"filesystem", "thread", "mutex", "shared_mutex", "condition_variable",
                                   "future", "iostream", "fstream", "sstream", "ostream", "ctime", "time.h",
                                   "regex", "stdexcept", "exception", "typeinfo", "unistd.h"}))
        << include.file << " includes " << include.header;
    static const std::regex foreign(R"(^(sys/|curl/|sqlite3|boost/|spdlog/|fmt/|toml|CLI/|uv))");
    EXPECT_FALSE(std::regex_search(include.header, foreign))
        << include.file << " includes " << include.header;
  }
}

TEST(Layering, EachThirdPartyIsKeptToItsRooms) {
  for (const Include& include : includes()) {
    for (const Kept& kept : kKept) {
      if (!std::regex_search(include.header, std::regex(kept.header))) continue;
      EXPECT_TRUE(std::regex_search(include.file.string(), std::regex(kept.allowed)))
          << include.file << " includes " << include.header << ", which belongs to " << kept.allowed;
    }
  }
}

}  // namespace
