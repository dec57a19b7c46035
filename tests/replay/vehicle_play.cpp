// A vehicle behind the command contract (docs/attack-kit.md): its primary against both repositories, and its
// ECUs on the bus. Judged by what each ECU runs, by what arrived at the hostile side, and by what was
// reported.
#include <algorithm>

#include "common/host/atomic_file.h"
#include "common/json/object_view.h"
#include "common/json/strict_reader.h"
#include "tests/replay/bus.h"
#include "tests/replay/fitness.h"
#include "tests/replay/order.h"
#include "tests/replay/play.h"

namespace cotter::replay {
namespace {

namespace fs = std::filesystem;
using scenario::at;
using scenario::find;
using scenario::text;

/// For a refusal that needs nothing more than what is there.
constexpr std::chrono::seconds kAtOnce(3);

/// What `CMD state` says.
struct VehicleState {
  std::map<std::string, std::string> runs;                     ///< the digest of what each ECU runs
  std::map<std::string, std::optional<std::int64_t>> trusted;  ///< versions, where the client tells them
};

Result<VehicleState> read_state(const std::string& said) {
  const json::Value document = TRY(json::read(as_bytes(said)));
  const auto view = TRY(json::ObjectView::of(document, "state"));
  VehicleState state;
  const auto ecus = TRY(view.object("ecus"));
  for (const auto& [serial, value] : ecus.members()) {
    const auto ecu = TRY(json::ObjectView::of(value, "state.ecus." + serial));
    state.runs[serial] = TRY(ecu.string("sha256"));
  }
  if (view.find("trusted") != nullptr) {
    const auto trusted = TRY(view.object("trusted"));
    for (const auto& [file, version] : trusted.members()) {
      state.trusted[file] = version.as_int() ? std::optional(*version.as_int()) : std::nullopt;
    }
  }
  return state;
}

class VehiclePlay final : public Play {
 public:
  VehiclePlay(const scenario::Scenario& scenario, Client client, Abilities abilities, fs::path folder)
      : Play(scenario, std::move(client), std::move(abilities), std::move(folder)),
        bus_(client_, stage_, vehicle(), folder_) {}

 private:
  [[nodiscard]] fs::path vehicle() const { return folder_ / "vehicle"; }

  Result<void> begin() override {
    TRY(host::make_dir(vehicle()));
    TRY(write_vehicle(vehicle(), stage_, front_, client_.order().single_slot));
    const Answer answer = TRY(call({"init", vehicle().string()}));
    if (lapsed()) return {};
    if (answer.exit_code != 0) {
      return fault(Fault::Kind::Usage, "init ended with " + std::to_string(answer.exit_code));
    }
    TRY(look());
    baseline_ = state_.runs;
    for (const sim::EcuOrder& ecu : stage_.ecus) {
      const std::string serial = ecu.identity.serial.value();
      if (state_.runs.contains(serial) && state_.runs.at(serial) == sha256_of(ecu.image)) continue;
      return fault(Fault::Kind::Usage,
                   "after init, state does not say that " + serial + " runs its factory image");
    }
    return {};
  }

  void end() override {
    bus_.close();
    if (abilities_.has("end")) static_cast<void>(client_.call({"end", vehicle().string()}));
  }
  void time_passed() override { bus_.close(); }  // its ECUs' clocks start anew with their programs

  /// Asks the client what the vehicle runs now.
  Result<void> look() {
    const Answer answer = TRY(client_.call({"state", vehicle().string()}));
    if (answer.exit_code != 0)
      return fault(Fault::Kind::Usage, "state ended with " + std::to_string(answer.exit_code));
    auto state = read_state(answer.out);
    if (!state)
      return fault(Fault::Kind::Usage,
                   "what state prints is not as the contract says: " + summary(state.error()));
    state_ = std::move(*state);
    return {};
  }

  Result<bool> act(const std::string& verb, const json::Value& what) override {
    if (verb == "cycle") {
      TRY(cycle(what));
    } else if (verb == "damage") {
      TRY(well({"damage", vehicle().string(), *what.as_string()}));
    } else if (verb == "alter-slot") {
      TRY(well({"alter-slot", vehicle().string(), *what.as_string()}));
    } else if (verb == "wrong-clock") {
      client_.advance(std::chrono::seconds(*what.as_int()));  // of its clock alone: the scenario's stays
    } else if (verb == "restart" && !is_for_the_bus(scenario_)) {
      TRY(well({"restart", vehicle().string()}));
    } else {
      return on_the_bus(verb, what);
    }
    return true;
  }

  /// A verb that only prepares.
  Result<void> well(const std::vector<std::string>& words) {
    const Answer answer = TRY(call(words));
    if (!lapsed() && answer.exit_code != 0) {
      return fault(Fault::Kind::Usage, words.front() + " ended with " + std::to_string(answer.exit_code));
    }
    return {};
  }

  // --- the primary ----------------------------------------------------------------------------------------

  Result<void> cycle(const json::Value& must) {
    const auto before = state_.runs;
    const std::size_t manifests_before = front_.manifests().size();
    TRY(call({"update", vehicle().string()}));
    if (lapsed()) return {};
    TRY(look());
    const json::String* word = must.as_string();
    if (word != nullptr && *word == "failed") return {};
    const bool installs = word != nullptr && *word == "installed";
    for (const auto& [serial, image] : wanted_) {
      if (installs) expect_runs(serial, image);
    }
    for (const auto& [serial, digest] : state_.runs) {
      if (installs && wanted_.contains(serial)) continue;
      if (before.at(serial) != digest) lapse(Lapse::Installed, serial + " runs " + name_of_content(digest));
    }
    if (word == nullptr && find(must, "reject") != nullptr)
      expect_named(text(must, "reject"), manifests_before);
    return {};
  }

  void expect_runs(const std::string& serial, const std::string& image) {
    const auto content = contents_.find({serial, image});
    if (content == contents_.end() || !state_.runs.contains(serial)) return;
    const std::string& runs = state_.runs.at(serial);
    if (runs == sha256_of(content->second)) return;
    lapse(Lapse::Kept, serial + " runs " + name_of_content(runs) + ", and must run " + image);
  }

  /// Whether the manifests from number `from` on name what was met, as far as the client says that it does.
  void expect_named(const std::string& rule, std::size_t from) {
    const std::vector<std::string> all = front_.manifests();
    std::string text;
    for (std::size_t i = from; i < all.size(); ++i) text += all[i];
    expect_named_in(text, rule, "no manifest says");
  }
  void expect_named_in(const std::string& text, const std::string& rule, const std::string& nobody) {
    const auto id = rule_named(rule);
    const bool by_rule = text.find(rule) != std::string::npos;
    const bool by_attack = id && text.find(name_of(rule_of(*id).attack)) != std::string::npos;
    const bool named = abilities_.has("names-rules")     ? by_rule
                       : abilities_.has("names-attacks") ? by_rule || by_attack
                                                         : true;
    if (named) return;
    const std::string attack = id ? std::string(name_of(rule_of(*id).attack)) : std::string();
    lapse(Lapse::Unnamed, nobody + " that it met " + rule + " (" + attack + ")");
  }

  // --- the bus --------------------------------------------------------------------------------------------

  Result<bool> on_the_bus(const std::string& verb, const json::Value& what) {
    bool known = false;
    BusReply reply;
    const auto began = std::chrono::steady_clock::now();
    {
      const std::lock_guard lock(guard_);
      auto played = bus_.play(verb, what, known);
      if (!played && verb == "frame" && is_fault(played.error(), Fault::Kind::Timeout)) {
        lapse(Lapse::Held, text(what, "ecu") + " neither answers a frame nor hangs up");
        return true;
      }
      reply = TRY(std::move(played));
    }
    if (!known) return false;
    const json::Value* must = what.as_object() != nullptr ? find(what, "result") : nullptr;
    if (must == nullptr) return true;
    const std::string came = in_words(reply);
    tell(verb, "the ECU: " + came);
    if (const json::Value* rule = must->as_object() != nullptr ? find(*must, "reject") : nullptr) {
      if (*rule == "frame-too-large" && std::chrono::steady_clock::now() - began > kAtOnce) {
        lapse(Lapse::Accepted, text(what, "ecu") + " waits for a frame that its head forbids");
      }
      TRY(expect_refused(verb, text(what, "ecu"), reply, *rule->as_string()));
    } else if (must->as_string() != nullptr && came != *must->as_string()) {
      lapse(Lapse::Kept, text(what, "ecu") + " answers " + came + ", and must answer " + *must->as_string());
    }
    return true;
  }

  Result<void> expect_refused(const std::string& verb, const std::string& serial, const BusReply& reply,
                              const std::string& rule) {
    // Hanging up on a broken frame is a refusal too (schemas/secondary-protocol.md, Frames), and so is to
    // find nothing to do in metadata that are otherwise good.
    const auto* verified = reply ? std::get_if<wire::Verified>(&*reply) : nullptr;
    const bool silent = reply ? verb == "select" && verified != nullptr && !verified->image : verb == "frame";
    const auto* refused = reply ? std::get_if<wire::Refused>(&*reply) : nullptr;
    const bool failed = reply && std::holds_alternative<wire::Failed>(*reply);
    if (reply && refused == nullptr && !silent && !failed) {
      lapse(Lapse::Accepted, serial + " took what it must refuse: " + in_words(reply));
    }
    if (!silent) expect_named_in(refused != nullptr ? refused->rule : "", rule, "the ECU does not say");
    TRY(look());
    for (const auto& [each, digest] : state_.runs) {
      if (baseline_.at(each) != digest) lapse(Lapse::Installed, each + " runs " + name_of_content(digest));
    }
    return {};
  }

  /// As scenarios write it: "ok", the code of an outcome, the image that an ECU takes.
  [[nodiscard]] std::string in_words(const BusReply& reply) const {
    if (!reply) return "hung up";
    if (const auto* refused = std::get_if<wire::Refused>(&*reply)) return "refused: " + refused->rule;
    if (const auto* failed = std::get_if<wire::Failed>(&*reply)) return "failed: " + failed->detail;
    if (const auto* outcome = std::get_if<wire::Outcome>(&*reply)) return outcome->code;
    const auto* verified = std::get_if<wire::Verified>(&*reply);
    const bool selects = std::ranges::any_of(
        scenario_.steps, [](const json::Value& step) { return scenario::verb_of(step).key == "select"; });
    if (verified != nullptr && verified->image && selects) return verified->image->name.value();
    return "ok";
  }

  // --- what must have come of it --------------------------------------------------------------------------

  Result<void> expect(const json::Value& what) override {
    TRY(look());
    if (const json::Value* installed = find(what, "installed")) {
      if (const auto* images = installed->as_object()) {
        for (const auto& [serial, image] : *images) expect_runs(serial, *image.as_string());
      } else {
        for (const auto& [serial, digest] : state_.runs) {
          if (baseline_.at(serial) != digest)
            lapse(Lapse::Installed, serial + " runs " + name_of_content(digest));
        }
      }
    }
    baseline_ = state_.runs;
    if (const json::Value* trusted = find(what, "trusted"); trusted != nullptr && abilities_.has("trusted")) {
      for (const auto& [file, version] : *trusted->as_object()) expect_trusted(file, version);
    }
    if (const json::Value* rule = find(what, "reported")) TRY(expect_reported(*rule->as_string()));
    return {};
  }

  void expect_trusted(const std::string& file, const json::Value& version) {
    const auto found = state_.trusted.find(file);
    const auto has = found == state_.trusted.end() ? std::nullopt : found->second;
    const auto wants = version.as_int() ? std::optional(*version.as_int()) : std::nullopt;
    if (has == wants) return;
    const auto in_text = [](const std::optional<std::int64_t>& number) {
      return number ? "version " + std::to_string(*number) : "none";
    };
    lapse(Lapse::Trusted, "it trusts " + in_text(has) + " of " + file + ", and must trust " + in_text(wants));
  }

  Result<void> expect_reported(const std::string& rule) {
    if (!is_for_the_bus(scenario_)) {
      expect_named(rule, 0);
      return {};
    }
    std::string all;
    for (const char* serial : {"BRAKE", "DOOR"}) all += TRY(bus_.report(serial));
    expect_named_in(all, rule, "no ECU's report says");
    return {};
  }

  Bus bus_;
  VehicleState state_;
  std::map<std::string, std::string> baseline_;  ///< what each ECU ran at the last expect
};

}  // namespace

std::unique_ptr<Play> vehicle_play(const scenario::Scenario& scenario, Client client, Abilities abilities,
                                   fs::path folder) {
  if (is_about_attested_time(scenario)) client.move_uptime_too();  // by which it counts on from an answer
  return std::make_unique<VehiclePlay>(scenario, std::move(client), std::move(abilities), std::move(folder));
}

}  // namespace cotter::replay
