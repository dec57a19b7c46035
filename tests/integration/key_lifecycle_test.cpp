// The life of the keys, as one story with real parts: holders on tokens and in a TPM, an air-gapped folder, a
// supplier with a token of its own, an expiry foreseen and averted, a root that replaces a lost key, a
// supplier let go, and the auditor's questions. A vehicle updates through all of it.
#include <set>

#include "common/host/system_clock.h"
#include "common/json/canonical.h"
#include "tests/cli/words.h"
#include "tests/integration/vehicle_world.h"
#include "tests/sim/temp_dir.h"
#include "tests/world/soft_token.h"
#include "tests/world/soft_tpm.h"

namespace cotter::world {
namespace {

class KeyLifecycle : public testing::Test {
 protected:
  void SetUp() override {
    std::string pins;
    for (int line = 0; line < 50; ++line) pins += std::string(SoftTokens::kPin) + "\n";
    must(host::write_atomically(pin_file(), as_bytes(pins), host::kSecretFile));
    for (const char* label : {"alice", "bob", "carol", "acme"}) must(tokens.add(label));
    must(world.make_workspace({"--holder-store", tokens.uri("alice"), "--holder-store", tokens.uri("bob"),
                               "--holder-store", "tpm:" + tpm.tcti()},
                              pin_file()));
    must(world.start_server());
    must(world.build_vehicle());
    must(world.start_secondaries());
    for (const EcuPlan& ecu : world.ecus()) must(world.publish(ecu, ecu.before, 1));
    server_ = world.server_url();
  }
  void TearDown() override { world.stop(); }

  fs::path pin_file() { return dir.path() / "pin"; }
  fs::path holder(int number) { return world.holders() / ("holder-" + std::to_string(number)); }
  const EcuPlan& adas() { return world.ecus()[1]; }
  const EcuPlan& gateway() { return world.ecus()[0]; }

  Ended try_cotter(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"-C", world.workspace().string(), "--json"});
    return must(run(world.command("cotter", std::move(arguments))));
  }
  json::Value cotter(std::vector<std::string> arguments) {
    const Ended ended = try_cotter(std::move(arguments));
    EXPECT_EQ(ended.exit_code, 0) << ended.err << ended.out;
    return ended.exit_code == 0 ? parsed(ended.out) : json::Value(json::Object());
  }

  fs::path build(std::size_t size) {
    const fs::path file = dir.path() / ("build-" + std::to_string(size) + ".bin");
    must(host::write_atomically(file, Bytes(size, static_cast<std::uint8_t>(size))));
    return file;
  }
  void expect_update(const EcuPlan& ecu, const fs::path& file, const std::string& name) {
    cotter({"assign", world.vin(), ecu.serial, name});
    const auto [exit_code, said] = must(world.run_primary());
    EXPECT_EQ(exit_code, 0) << json::to_text(said);
    EXPECT_EQ(must(world.active_sha256(ecu)), sha256_of(file));
  }
  void expect_own_update(const EcuPlan& ecu, std::size_t size, int counter) {
    const fs::path file = build(size);
    must(world.publish(ecu, file, counter));
    expect_update(ecu, file, ecu.image_name(file));
  }

  /// On copies, each signed in a folder that stands for a machine without a network; then closed.
  json::Value hold(const json::Value& opened, const std::vector<int>& signers) {
    std::vector<std::string> close = {"ceremony", "close"};
    const std::string hash =
        text_of((*member(cotter({"ceremony", "status"}), "ceremonies").as_array())[0], "hash");
    for (const int number : signers) {
      const fs::path copy = dir.path() / ("air-gap-" + std::to_string(number) + ".json");
      fs::copy_file(text_of(opened, "bundle"), copy, fs::copy_options::overwrite_existing);
      must(run_well(
          world.command("cotter-sign", {copy.string(), "--keys", holder(number).string(), "--hash", hash})));
      close.push_back(copy.string());
    }
    return cotter(std::move(close));
  }

  void take_in_supplier() {
    const fs::path keys = dir.path() / "acme-keys";
    const Ended made =
        must(run(world.command("cotter", {"--json", "key", "generate", "--dir", keys.string(), "--name",
                                          "acme-1", "--store", tokens.uri("acme")})));
    ASSERT_EQ(made.exit_code, 0) << made.err;
    must(host::write_atomically(dir.path() / "acme.pub.json", as_bytes(made.out)));
    cotter({"supplier", "add", "acme", "--path", "acme/*/*", "--hardware-id", adas().hardware_id, "--key",
            (dir.path() / "acme.pub.json").string(), "--threshold", "1", "--sign-with", holder(1).string(),
            "--sign-with", holder(2).string()});
    cotter({"token", "add", "acme-ci", "--role", "supplier", "--supplier", "acme", "--out",
            (dir.path() / "acme.token").string()});
  }
  Ended submit(const fs::path& file, const std::string& name, const std::string& counter) {
    return must(run(world.command("cotter", {"--json",
                                             "submit",
                                             file.string(),
                                             "--name",
                                             name,
                                             "--hardware-id",
                                             adas().hardware_id,
                                             "--version",
                                             "9.0",
                                             "--release-counter",
                                             counter,
                                             "--supplier",
                                             "acme",
                                             "--server",
                                             server_,
                                             "--ca",
                                             (world.workspace() / "pki" / "ca.crt").string(),
                                             "--root",
                                             (world.workspace() / "repo" / "1.root.json").string(),
                                             "--token-file",
                                             (dir.path() / "acme.token").string(),
                                             "--key",
                                             (dir.path() / "acme-keys" / "acme-1.key").string()})));
  }
  /// As one runs it who was handed files and has nothing else: no workspace, no network.
  Ended stranger(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "--json");
    return must(run(world.command("cotter", std::move(arguments))));
  }
  /// The sets of keys that could put an image there, by key ids: as told, and as a stranger reads them again
  /// out of what was handed to him.
  std::set<std::set<std::string>> who_can_sign(const std::string& name) {
    const fs::path proofs = dir.path() / ("who-" + std::to_string(++questions_));
    const auto told = sets_in(cotter({"who-can-sign", name, "--proofs", proofs.string()}));
    const Ended again = stranger({"who-can-sign", name, "--repository", proofs.string()});
    EXPECT_EQ(again.exit_code, kDone) << again.err;
    if (again.exit_code == kDone) {
      EXPECT_EQ(sets_in(parsed(again.out)), told);
    }
    return told;
  }
  static std::set<std::set<std::string>> sets_in(const json::Value& answer) {
    std::set<std::set<std::string>> sets;
    for (const json::Value& set : *member(answer, "sets").as_array()) {
      std::set<std::string> ids;
      for (const json::Value& key : *set.as_array()) ids.insert(text_of(key, "keyid"));
      sets.insert(std::move(ids));
    }
    return sets;
  }
  /// Of the list that was proved: the one key signs for nothing and is said to have left, the other came.
  static void expect_replaced(const json::Value& list, const std::string& lost, const std::string& by) {
    bool left = false, came = false;
    for (const json::Value& key : *member(list, "keys").as_array()) {
      const bool is_listed = !member(key, "roles").as_array()->empty();
      for (const json::Value& event : *member(key, "events").as_array()) {
        const std::string kind = text_of(event, "kind");
        left |= text_of(key, "keyid") == lost && !is_listed && kind == "key-delisted";
        came |= text_of(event, "name") == by && is_listed && kind == "key-listed";
      }
    }
    EXPECT_TRUE(left) << lost;
    EXPECT_TRUE(came) << by;
  }
  /// All that the forecast told of roles with a file in the folder, and that the root's holders are three.
  static void expect_foreseen(const json::Value& told, const json::Value& proven) {
    std::size_t compared = 0;
    for (const json::Value& line : *member(proven, "roles").as_array()) {
      const std::string role = text_of(line, "role");
      if (role == "image/root") {
        EXPECT_EQ(member(line, "keyids").as_array()->size(), 3U);
      }
      if (member(line, "expires").is_null() || role == "image/fleet") continue;  // its bins are not there
      for (const json::Value& event : *member(told, "events").as_array()) {
        if (text_of(event, "id") != role) continue;
        ++compared;
        for (const char* part : {"version", "expires", "stops_at"})
          EXPECT_EQ(member(line, part), member(event, part)) << role << ", " << part;
      }
    }
    EXPECT_EQ(compared, 5U) << "both roots, targets, snapshot, timestamp";
  }
  /// By the ledger's key alone.
  void expect_proven(const fs::path& proofs, const json::Value& told, const std::string& vkey) {
    EXPECT_TRUE(member(told, "unsigned_entries").as_array()->empty());
    for (const json::Value& index : *member(told, "entries").as_array()) {
      const fs::path entry = proofs / ("entry-" + std::to_string(*index.as_int()) + ".json");
      const Ended held = stranger({"audit", "verify", "--proof", entry.string(), "--vkey", vkey});
      EXPECT_EQ(held.exit_code, kDone) << entry << held.err;
    }
  }
  static std::string days_from_now(int days) {
    return format_utc(host::SystemClock().now() + std::chrono::days(days));
  }

  sim::TempDir dir;
  SoftTokens tokens{dir.path() / "tokens"};
  SoftTpm tpm = must(SoftTpm::start(dir.path()));
  World world{dir.path() / "world", COTTER_PROGRAMS, {demo_vehicle().at(0), demo_vehicle().at(2)}};
  std::string server_;
  int questions_ = 0;
};

TEST_F(KeyLifecycle, IsToldWithoutAVehicleLeftBehind) {
  expect_own_update(gateway(), 3001, 2);

  // A release into bins drives like any other image.
  cotter({"key", "generate", "--name", "image-fleet", "--role", "image/fleet"});
  cotter({"release", "init-role", "fleet", "--paths", "fleet/*", "--hardware-id", gateway().hardware_id,
          "--expected-targets", "10000", "--sign-with", holder(1).string(), "--sign-with",
          holder(2).string()});
  const fs::path released = build(3000);
  must(host::write_atomically(dir.path() / "release.toml",
                              as_bytes("role = \"fleet\"\n[[artifact]]\nfile = \"" + released.string() +
                                       "\"\nname = \"fleet/gateway.bin\"\nhardware_ids = [\"" +
                                       gateway().hardware_id + "\"]\nversion = \"2.0\"\n")));
  cotter({"release", "apply", (dir.path() / "release.toml").string()});
  expect_update(gateway(), released, "fleet/gateway.bin");

  // A supplier with a token of its own hands in, and its image drives.
  take_in_supplier();
  const fs::path supplied = build(3002);
  const Ended stranger = submit(supplied, "other/adas/app.bin", "7");
  EXPECT_EQ(stranger.exit_code, kRefused) << stranger.out << stranger.err;
  const Ended handed_in = submit(supplied, "acme/adas/app.bin", "7");
  ASSERT_EQ(handed_in.exit_code, kDone) << handed_in.err;
  cotter({"supplier", "accept", text_of(parsed(handed_in.out), "id")});
  expect_update(adas(), supplied, "acme/adas/app.bin");

  // An expiry foreseen, and averted.
  EXPECT_EQ(try_cotter({"check", "--at", days_from_now(95)}).exit_code, kRefused)
      << "the list lives ninety days";
  const std::string foreseen = try_cotter({"key", "forecast", "--until", days_from_now(95)}).out;
  EXPECT_TRUE(has(foreseen, "cotter ceremony open targets")) << foreseen;
  const json::Value renewal = cotter({"ceremony", "open", "targets", "--expires", "300d"});
  EXPECT_EQ(text_of(hold(renewal, {1, 3}), "state"), "published");
  const std::string averted = try_cotter({"key", "forecast", "--until", days_from_now(95)}).out;
  EXPECT_FALSE(has(averted, "cotter ceremony open targets")) << averted;
  expect_own_update(gateway(), 3003, 4);

  // A root key is lost: another, on a token of its own, takes its place.
  cotter({"key", "generate", "--dir", holder(2).string(), "--name", "image-root-4", "--store",
          tokens.uri("carol")});
  const std::string lost = text_of(cotter({"key", "show", "image-root-2"}), "keyid");
  fs::remove(holder(2) / "image-root-2.key");
  const json::Value rotation =
      cotter({"key", "rotate", lost, "--to", (holder(2) / "image-root-4.key").string()});
  EXPECT_EQ(text_of(hold(rotation, {1, 3}), "state"), "published");
  expect_own_update(gateway(), 3004, 5);

  // The supplier goes; what it signed is nobody's any more, and the fleet drives on.
  const std::string acme = text_of(
      parsed(std::string(as_text(must(host::read_file(dir.path() / "acme.pub.json", 1U << 16U))))), "keyid");
  const auto with_acme = who_can_sign("acme/adas/app.bin");
  EXPECT_EQ(with_acme.count({acme}), 1U) << "its one key is enough";
  cotter({"supplier", "remove", "acme", "--end-assignments", "--sign-with", holder(1).string(), "--sign-with",
          holder(2).string()});
  auto without_acme = with_acme;
  without_acme.erase({acme});
  EXPECT_EQ(who_can_sign("acme/adas/app.bin"), without_acme);
  EXPECT_EQ(must(world.run_primary()).first, kDone) << "it keeps what it has, and is told nothing of acme";
  EXPECT_EQ(submit(build(3005), "acme/adas/late.bin", "8").exit_code, kRefused) << "its token is revoked";
  expect_own_update(adas(), 3006, 8);

  // The auditor.
  const std::string vkey = text_of(cotter({"audit", "verify"}), "vkey");
  for (const char* name : {"acme/adas/app.bin", "fleet/gateway.bin"}) {
    const fs::path proofs = dir.path() / ("proofs-" + fs::path(name).filename().string());
    const json::Value life = cotter({"trace", name, "--proofs", proofs.string()});
    const auto& artifacts = *member(life, "artifacts").as_array();
    ASSERT_EQ(artifacts.size(), 1U) << name;
    EXPECT_FALSE(member(artifacts[0], "published").as_array()->empty()) << name;
    EXPECT_EQ(*member(member(artifacts[0], "assigned"), "vehicles").as_int(), 1) << name;
    expect_proven(proofs, member(life, "proofs"), vkey);
  }
  const Ended life = try_cotter({"trace", "acme/adas/app.bin"});
  for (const char* part : {"acme-ci", "acceptance", "assignment"})
    EXPECT_TRUE(has(life.out, part)) << part << life.out;
  const fs::path list = dir.path() / "keys";
  const json::Value keys = cotter({"key", "list", "--proofs", list.string()});
  EXPECT_TRUE(has(json::to_text(keys), "image-root-4"));
  const Ended proven = this->stranger({"audit", "verify", "--proofs", list.string(), "--vkey", vkey});
  ASSERT_EQ(proven.exit_code, kDone) << proven.err << proven.out;
  expect_replaced(member(parsed(proven.out), "list"), lost, "image-root-4");
  const fs::path ends = dir.path() / "ends";
  const json::Value told = parsed(try_cotter({"key", "forecast", "--proofs", ends.string()}).out);
  const Ended held = this->stranger({"audit", "verify", "--proofs", ends.string(), "--vkey", vkey});
  ASSERT_EQ(held.exit_code, kDone) << held.err << held.out;
  expect_foreseen(told, member(parsed(held.out), "forecast"));
  for (const char* kind :
       {"key-generated", "ceremony", "supplier", "upload", "acceptance", "publication", "assignment"}) {
    const json::Value log = cotter({"audit", "log", "--kind", kind});
    EXPECT_FALSE(member(log, "entries").as_array()->empty()) << kind;
  }
  const fs::path exported = dir.path() / "export";
  must(run_well(
      world.command("cotter", {"-C", world.workspace().string(), "audit", "export", exported.string()})));
  EXPECT_TRUE(fs::exists(exported / "checkpoint"));
}

}  // namespace
}  // namespace cotter::world
