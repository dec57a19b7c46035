#include "tests/replay/play.h"

#include <algorithm>

#include "common/crypto/digest.h"
#include "common/json/canonical.h"

namespace cotter::replay {
namespace {

using scenario::find;
using scenario::text;

using Steady = std::chrono::steady_clock;

constexpr std::size_t kMaxTold = 240;

/// For a report that others parse: printable ASCII, and not too much of it.
std::string printable(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return c < ' ' || c > '~'; }, ' ');
  if (text.size() > kMaxTold) text = text.substr(0, kMaxTold) + "...";
  return text;
}

}  // namespace

Result<std::unique_ptr<Play>> Play::create(const scenario::Scenario& scenario, const ClientOrder& order,
                                           const Abilities& abilities, const std::filesystem::path& folder) {
  Client client = TRY(Client::create(order, folder, *parse_utc("2030-01-01T00:00:00Z")));
  return order.protocol == Protocol::Tuf ? tuf_play(scenario, std::move(client), abilities, folder)
                                         : vehicle_play(scenario, std::move(client), abilities, folder);
}

Play::Play(const scenario::Scenario& scenario, Client client, Abilities abilities,
           std::filesystem::path folder)
    : scenario_(scenario),
      client_(std::move(client)),
      abilities_(std::move(abilities)),
      folder_(std::move(folder)),
      stage_(scenario.attacker_holds),
      front_(stage_, guard_) {
  verdict_.scenario = scenario.name;
  for (const sim::EcuOrder& ecu : stage_.ecus) {
    contents_[{ecu.identity.serial.value(), ecu.image_name.value()}] = ecu.image;
  }
}

Verdict Play::run() {
  const auto began = Steady::now();
  const auto play_all = [&]() -> Result<void> {
    TRY(begin());
    for (std::size_t i = 0;
         i < scenario_.steps.size() && !lapsed() && verdict_.outcome == Outcome::AsRequired; ++i) {
      const json::Member& verb = scenario::verb_of(scenario_.steps[i]);
      TRY(step(verb.key, verb.value));
    }
    return {};
  };
  const auto played = play_all();
  end();
  if (verdict_.finding && verdict_.outcome == Outcome::AsRequired) {
    verdict_.outcome = Outcome::Fooled;
  } else if (!played) {
    verdict_.outcome = Outcome::Trouble;
    verdict_.why = printable(summary(played.error()));
    if (const std::string said = client_.complaint(); !said.empty()) tell("stderr", said);
  }
  verdict_.milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(Steady::now() - began).count();
  return std::move(verdict_);
}

Result<void> Play::step(const std::string& verb, const json::Value& what) {
  if (verb == "expect") return expect(what);
  note(verb, what);
  {
    const std::lock_guard lock(guard_);
    if (verb == "road") {
      front_.road(what);
      return {};
    }
    if (verb == "crawl") {  // an image, slower than anybody may be
      front_.road(*what.as_bool() ? json::Object{{"path", "targets/*"}, {"does", "trickle"}}
                                  : json::Object{{"mended", true}});
      return {};
    }
    if (stage_.play(verb, what)) {
      if (verb == "advance") client_.advance(std::chrono::seconds(*what.as_int()));
      if (verb == "advance") time_passed();
      return {};
    }
  }
  if (!TRY(act(verb, what))) {
    verdict_.outcome = Outcome::NotAsked;
    verdict_.why = "the kit cannot play \"" + verb + "\" from outside";
  }
  return {};
}

/// What the publishers did: the judge has to know what each name stands for.
void Play::note(const std::string& verb, const json::Value& what) {
  tell(verb, json::to_text(what));
  if (verb != "release" && verb != "publish-image" && verb != "assign") return;
  const std::string image = text(what, "image"), content = text(what, "content");
  if (verb != "assign") published_[image] = content;
  const json::Value* ecu = find(what, "ecu");
  if (ecu == nullptr) return;
  if (verb != "publish-image") wanted_[*ecu->as_string()] = image;
  contents_[{*ecu->as_string(), image}] = content;
}

void Play::lapse(Lapse lapse, std::string what) {
  if (lapsed() || (verdict_.finding && lapse == Lapse::Unnamed)) return;
  if (const std::string said = client_.complaint(); !said.empty()) tell("stderr", said);
  verdict_.finding = Finding{lapse, printable(std::move(what))};
}

void Play::tell(const std::string& verb, std::string what) {
  verdict_.story.push_back({verb, printable(std::move(what))});
}

Result<Answer> Play::call(const std::vector<std::string>& words) {
  const std::size_t asked_before = front_.requests().size();
  Answer answer = TRY(client_.call(words));
  const std::vector<std::string> requests = front_.requests();
  std::string told = answer.late ? "ended by the kit" : "exit code " + std::to_string(answer.exit_code);
  for (std::size_t i = asked_before; i < requests.size() && told.size() < kMaxTold; ++i)
    told += ", " + requests[i];
  tell("client", words.front().starts_with("--") ? words.back() + ": " + told : words.front() + ": " + told);
  const std::string limit = std::to_string(client_.order().limit.count());
  if (answer.late) lapse(Lapse::Held, "it did not end within " + limit + " s");
  if (answer.crashed()) lapse(Lapse::Crashed, "it ended by signal " + std::to_string(answer.exit_code - 128));
  if (front_.read_without_end())
    lapse(Lapse::Asked, "it read an answer without end until the server gave up");
  if (const auto forbidden = front_.forbidden(asked_before))
    lapse(Lapse::Asked, "it asked for " + *forbidden);
  return answer;
}

std::string Play::name_of_content(const std::string& sha256) const {
  for (const auto& [key, content] : contents_) {
    if (sha256_of(content) == sha256) return key.second;
  }
  return "what nobody published (sha256 " + sha256.substr(0, 12) + ")";
}

std::string Play::sha256_of(std::string_view content) { return to_hex(crypto::sha256(as_bytes(content))); }

}  // namespace cotter::replay
