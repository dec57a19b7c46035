#include "tests/demo/story.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/crypto/digest.h"
#include "common/host/atomic_file.h"
#include "common/json/object_view.h"
#include "tests/world/adversary.h"

namespace cotter::demo {
namespace {

constexpr std::uint64_t kMaxImage = 64ULL * 1024 * 1024;

Result<std::string> sha256_of(const std::filesystem::path& file) {
  return to_hex(crypto::sha256(TRY(host::read_file(file, kMaxImage))));
}

/// The inventory's entry for one ECU.
Result<json::ObjectView> entry_of(const json::Value& inventory, const std::string& serial) {
  const auto vehicle = TRY(json::ObjectView::of(inventory, "vehicle"));
  for (const json::Value& value : *TRY(vehicle.array("ecus"))) {
    auto ecu = TRY(json::ObjectView::of(value, "ecu"));
    if (TRY(ecu.string("serial")) == serial) return ecu;
  }
  return fault(Fault::Kind::NotFound, "the inventory does not list " + serial);
}

Result<std::string> installed_sha256(const json::ObjectView& ecu) {
  return TRY(TRY(TRY(ecu.object("installed")).object("hashes")).string("sha256"));
}

/// "rule" and "attack" of what stopped a cycle; empty when nothing did.
Result<AttackLine> stopped_by(const json::Value& cycle) {
  AttackLine line;
  const auto view = TRY(json::ObjectView::of(cycle, "cotter-primary"));
  if (view.find("stopped") == nullptr) return line;
  const auto stopped = TRY(view.object("stopped"));
  if (stopped.find("rule") == nullptr) return line;
  line.rule = TRY(stopped.string("rule"));
  line.attack = TRY(stopped.string("attack"));
  return line;
}

}  // namespace

bool Ending::as_it_should_be(const std::vector<world::EcuPlan>& plans) const {
  if (ecus.size() != plans.size() || attacks.empty()) return false;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    const auto before = sha256_of(plans[i].before);
    const auto after = sha256_of(plans[i].after);
    if (!before || !after || ecus[i].before != *before || ecus[i].after != *after || !ecus[i].confirmed)
      return false;
  }
  return std::ranges::all_of(attacks, [](const AttackLine& attack) { return attack.refused; });
}

Result<Ending> Story::run() {
  Ending ending;
  TRY(set_the_stage());
  TRY(publish_all());
  TRY(update_all(ending));
  TRY(attack_all(ending));
  world_.stop();
  return ending;
}

Result<void> Story::set_the_stage() {
  tell_("1  A workspace: image repository and director, root and image targets signed by 2 of 3 holders");
  TRY(world_.make_workspace());
  tell_(
      "2  cotterd serves both repositories over HTTPS, to clients with a certificate, and attests the time");
  TRY(world_.start_server());
  tell_(fmt::format("   {}", world_.server_url()));
  tell_("3  The factory builds one vehicle: a primary and five secondaries, each with its own key");
  TRY(world_.build_vehicle());
  TRY(world_.start_secondaries());
  for (const world::EcuPlan& ecu : world_.ecus()) {
    tell_(fmt::format("   {:14} {:12} {}", ecu.serial, ecu.hardware_id,
                      ecu.primary    ? "the primary: full verification"
                      : !ecu.partial ? "full verification"
                      : ecu.spare_slot
                          ? "partial verification"
                          : "partial verification, one slot: streamed to, backed up on the primary"));
  }
  return {};
}

Result<void> Story::publish_all() {
  tell_("4  Twelve images from Debian packages are published, two builds for each ECU");
  for (const world::EcuPlan& ecu : world_.ecus()) {
    TRY(world_.publish(ecu, ecu.before, 1));
    TRY(world_.publish(ecu, ecu.after, 2));
    tell_(fmt::format("   {:40} replaces {}", ecu.image_name(ecu.after), ecu.image_name(ecu.before)));
  }
  return {};
}

Result<std::vector<std::string>> Story::slots() {
  std::vector<std::string> digests;
  for (const world::EcuPlan& ecu : world_.ecus()) digests.push_back(TRY(world_.active_sha256(ecu)));
  return digests;
}

Result<void> Story::update_all(Ending& ending) {
  const auto before = TRY(slots());
  tell_("5  The director assigns; the primary polls, verifies both chains, downloads, dispatches");
  for (const world::EcuPlan& ecu : world_.ecus()) TRY(world_.assign(ecu, ecu.after));
  const auto [exit_code, cycle] = TRY(world_.run_primary());
  if (exit_code != 0) {
    return fault(Fault::Kind::Io, fmt::format("the primary ended with {}", exit_code),
                 "see the logs with --keep DIR");
  }
  const auto after = TRY(slots());
  const json::Value inventory = TRY(world_.inventory());
  for (std::size_t i = 0; i < after.size(); ++i) {
    const world::EcuPlan& ecu = world_.ecus()[i];
    const auto entry = TRY(entry_of(inventory, ecu.serial));
    const bool confirmed = TRY(entry.boolean("confirmed")) && TRY(installed_sha256(entry)) == after[i];
    const auto report = static_cast<std::int64_t>(TRY(entry.integer("report_counter")));
    ending.ecus.push_back({ecu.serial, ecu.hardware_id, ecu.partial ? "partial" : "full", before[i], after[i],
                           confirmed, report});
    tell_(fmt::format("   {:14} {:.12} -> {:.12}  {}", ecu.serial, before[i], after[i],
                      confirmed ? "says so in its own signed report" : "NOT CONFIRMED"));
  }
  return {};
}

Result<AttackLine> Story::refuse(const std::string& name) {
  const auto before = TRY(slots());
  const auto [exit_code, cycle] = TRY(world_.run_primary());
  AttackLine line = TRY(stopped_by(cycle));
  line.name = name;
  const bool unchanged = TRY(slots()) == before;
  line.refused = exit_code == 3 && !line.rule.empty() && unchanged;
  tell_(fmt::format("     {}: rule {}, looks like {}; ECUs {}", line.refused ? "refused" : "NOT REFUSED",
                    line.rule, line.attack, unchanged ? "unchanged" : "CHANGED"));
  return line;
}

Result<void> Story::attack_all(Ending& ending) {
  tell_("6  Three attacks on the same vehicle");
  const VehicleId vin(world_.vin());
  const world::EcuPlan& body = world_.ecus().at(3);
  world::RogueDirector director(world_.workspace(), world_.environment().at("COTTER_PASSPHRASE"));

  tell_("   a  the director's own keys choose an older image, which the holders once signed");
  const TargetName older(body.image_name(body.before));
  TRY(director.choose(vin, EcuSerial(body.serial), older, TRY(director.published(older))));
  ending.attacks.push_back(TRY(refuse("older image chosen with the director's own keys")));

  tell_(
      "   b  the director's own keys choose an image that nobody else signed, offered to the honest primary");
  const Bytes malware = to_bytes("what nobody but the director vouches for");
  TRY(director.choose(vin, EcuSerial(body.serial),
                      TargetName(body.team + "/" + body.hardware_id + "/invented.bin"),
                      world::RogueDirector::invented(malware, HardwareId(body.hardware_id), 99)));
  ending.attacks.push_back(TRY(refuse("image signed by the director alone")));
  tell_(
      "     known limit PVS-8: a partial secondary, on a bus in the attacker's hands, would take it; a full "
      "one would not");

  tell_("   c  a mirror mixes metadata of two snapshots, while an honest update waits");
  const std::filesystem::path next = "/usr/share/seabios/bios-microvm.bin";
  TRY(world_.publish(body, next, 3));
  TRY(world_.assign(body, next));
  const auto mirror = TRY(world::mixing_mirror(world_.workspace() / "repo"));
  ending.attacks.push_back(TRY(refuse("metadata mixed from two snapshots")));
  return {};
}

}  // namespace cotter::demo
