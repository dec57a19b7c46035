#include "tests/replay/server_player.h"

#include <algorithm>

#include "common/json/canonical.h"
#include "common/json/object_view.h"
#include "common/json/strict_reader.h"

namespace cotter::replay {
namespace {

using scenario::find;
using scenario::flag;
using scenario::number_or;
using scenario::text;
using scenario::text_or;
using scenario::texts;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kSettle{5};  // for the last answer to come, and the connection to end

bool is_success(int status) { return status >= 200 && status < 400; }
std::string status_text(int status) { return status == 0 ? "no answer" : "status " + std::to_string(status); }

/// A step's text, short enough for a report.
std::string shown(std::string_view sent) {
  std::string line;
  for (const char c : sent.substr(0, 100)) line += c >= ' ' && c <= '~' ? c : '.';
  return sent.size() > 100 ? line + "…" : line;
}

Who who_of(const json::Value& what) {
  const std::string who = text_or(what, "who", "vehicle");
  if (who == "nobody") return Who::Nobody;
  return who == "neighbour" ? Who::Neighbour : Who::Vehicle;
}

/// The serials under `name` of a receipt; none: it says nothing of them.
std::optional<std::vector<std::string>> serials_in(const HttpReply& reply, const char* name) {
  const auto document = json::read(as_bytes(reply.body));
  if (!document || document->as_object() == nullptr) return std::nullopt;
  const json::Value* list = document->as_object()->find(name);
  if (list == nullptr || list->as_array() == nullptr) return std::nullopt;
  std::vector<std::string> serials;
  for (const json::Value& each : *list->as_array()) {
    if (each.as_string() != nullptr) serials.push_back(*each.as_string());
  }
  return serials;
}

/// A body that a step spells out, or what it repeats.
std::vector<Bytes> bodies_of(const json::Value& what) {
  std::vector<Bytes> all;
  if (const json::Value* listed = find(what, "texts")) {
    for (const std::string& each : texts(*listed)) all.push_back(to_bytes(each));
  }
  if (const json::Value* listed = find(what, "hex")) {
    for (const std::string& each : texts(*listed)) all.push_back(from_hex(each).value());
  }
  if (find(what, "repeat") != nullptr) {
    std::string body = text_or(what, "text", "");
    for (std::uint64_t i = 0; i < number_or(what, "times", 1); ++i) body += text(what, "repeat");
    all.push_back(to_bytes(body + text_or(what, "end", "")));
  }
  return all;
}

Finding lapse(Lapse lapse, std::string what) { return {lapse, std::move(what)}; }

}  // namespace

ServerPlayer::ServerPlayer(Target& target, Drips& drips, std::string assigned)
    : target_(target), drips_(drips), assigned_(std::move(assigned)) {}

void ServerPlayer::note(std::string what) { verdict_.story.push_back({verb_, std::move(what)}); }

Verdict ServerPlayer::play(const scenario::Scenario& scenario) {
  verdict_ = {};
  verdict_.scenario = scenario.name;
  believed_ = false;
  const auto start = Clock::now();
  for (const json::Value& step : scenario.steps) {
    const json::Value here = target_.localised(step);
    const json::Member& verb = scenario::verb_of(here);
    verb_ = verb.key;
    verdict_.finding = play_step(verb.key, verb.value);
    if (verdict_.finding) break;
  }
  if (verdict_.finding) verdict_.outcome = Outcome::Fooled;
  verdict_.milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start).count();
  return std::move(verdict_);
}

ServerPlayer::Lapsed ServerPlayer::play_step(const std::string& verb, const json::Value& what) {
  if (verb == "expect") return expect();
  if (verb == "manifest") return manifest(what);
  believed_ = false;
  if (verb == "resend") return resend(what);
  if (verb == "put") return put(what);
  if (verb == "register") return register_ecus(what);
  if (verb == "request") return request(what);
  if (verb == "bytes") return bytes(what);
  if (verb == "endless") return endless_request(what);
  if (verb == "drip") return drip(what);
  if (verb == "flood") return flood_server(what);
  COTTER_ASSERT(verb == "hold");
  return hold(what);
}

/// `result`: "ok", "refused" or {"reject": RULE}. A server that names a rule is held to it; to refuse in
/// words of its own is as good.
ServerPlayer::Lapsed ServerPlayer::judge(const std::string& sent, const HttpReply& reply,
                                         const json::Value& result) {
  const std::string rule = shown(reply.member("rule"));
  const std::string came = status_text(reply.status) + (rule.empty() ? "" : ", " + rule);
  note(sent + ": " + came);
  if (reply.status == 0) return lapse(Lapse::Held, sent + " got no answer");
  if (reply.status >= 500) return lapse(Lapse::Crashed, sent + " made the server fail: " + came);
  if (result == json::Value("ok")) {
    if (is_success(reply.status)) return std::nullopt;
    return lapse(Lapse::Kept, sent + " was refused, and is honest: " + came);
  }
  if (is_success(reply.status)) return lapse(Lapse::Accepted, sent + " was accepted: " + came);
  const json::Value* wanted = result.as_object() == nullptr ? nullptr : find(result, "reject");
  if (wanted != nullptr && !rule.empty() && rule != *wanted->as_string())
    return lapse(Lapse::Unnamed, sent + " was refused for " + rule + ", and is " + *wanted->as_string());
  return std::nullopt;
}

ServerPlayer::Lapsed ServerPlayer::manifest(const json::Value& what) {
  const json::Value& result = scenario::at(what, "result");
  Bytes body;
  HttpReply reply;
  {
    const Target::Turn turn = target_.speak(Who::Vehicle);
    body = turn.vehicle->manifest(*what.as_object());
    reply = target_.ask_patiently(target_.put_manifest(Who::Vehicle, body));
  }
  believed_ = result == json::Value("ok") && is_success(reply.status);
  if (is_success(reply.status)) last_ = std::move(body);
  return judge(result == json::Value("ok") ? "a manifest" : "the forged manifest", reply, result);
}

ServerPlayer::Lapsed ServerPlayer::resend(const json::Value& what) {
  const HttpReply reply = target_.ask_patiently(target_.put_manifest(Who::Vehicle, last_));
  return judge("the manifest of before", reply, scenario::at(what, "result"));
}

ServerPlayer::Lapsed ServerPlayer::put(const json::Value& what) {
  for (Bytes& body : bodies_of(what)) {
    const std::string sent = "'" + shown(as_text(body)) + "'";
    const Ask ask = text_or(what, "to", "manifest") == "ecus"
                        ? target_.post_ecus(std::move(body))
                        : target_.put_manifest(Who::Vehicle, std::move(body));
    if (auto wrong = judge(sent, target_.ask_patiently(ask), scenario::at(what, "result"))) return wrong;
  }
  return std::nullopt;
}

/// "confirmed": the factory's list. "not-confirmed": refused, or taken down for a person without a word of
/// acceptance; a later manifest of the scenario shows that nothing else came of it.
ServerPlayer::Lapsed ServerPlayer::register_ecus(const json::Value& what) {
  const json::Value& result = scenario::at(what, "result");
  Bytes body;
  {
    const Target::Turn turn = target_.speak(Who::Vehicle);
    body = turn.vehicle->ecu_list(*what.as_object());
  }
  const HttpReply reply = target_.ask_patiently(target_.post_ecus(std::move(body)));
  if (result == json::Value("confirmed")) return judge("the ECU list", reply, json::Value("ok"));
  if (result != json::Value("not-confirmed")) return judge("the forged ECU list", reply, result);
  if (!is_success(reply.status)) return judge("the forged ECU list", reply, json::Value("refused"));
  const auto confirmed = serials_in(reply, "confirmed");
  note("the forged ECU list: " + status_text(reply.status) + ", " +
       (confirmed ? std::to_string(confirmed->size()) + " ECUs confirmed" : "nothing said of its ECUs"));
  for (const std::string& serial : SpokenVehicle::altered_in(*what.as_object())) {
    if (confirmed && std::ranges::find(*confirmed, serial) != confirmed->end())
      return lapse(Lapse::Accepted, "ECU " + serial + " was confirmed, and no factory knows it so");
  }
  return std::nullopt;
}

ServerPlayer::Lapsed ServerPlayer::request(const json::Value& what) {
  std::vector<std::string> headers;
  if (const json::Value* listed = find(what, "headers")) {
    for (const std::string& each : texts(*listed)) headers.push_back(target_.filled(each));
  }
  for (const std::string& path : texts(scenario::at(what, "paths"))) {
    Ask ask{who_of(what), text_or(what, "method", "GET"), target_.filled(path), headers};
    const HttpReply reply = target_.ask_patiently(ask);
    const std::string sent = ask.method + " " + shown(ask.path);
    if (text(what, "result") != "as-usual") {
      if (auto wrong = judge(sent, reply, scenario::at(what, "result"))) return wrong;
      continue;
    }
    ask.headers.clear();
    const HttpReply usual = target_.ask_patiently(ask);
    note(sent + ": " + status_text(reply.status));
    if (usual.status != 200 || reply.status >= 500)
      return lapse(Lapse::Kept, sent + " is not served: " + status_text(usual.status));
    if (reply.status == 200 && reply.body != usual.body)
      return lapse(Lapse::Accepted, sent + " is answered otherwise for a header that anybody may write");
  }
  return std::nullopt;
}

ServerPlayer::Lapsed ServerPlayer::bytes(const json::Value& what) {
  for (const std::string& each : texts(scenario::at(what, "sends"))) {
    if (auto wrong = send_bytes(target_.filled(each), what)) return wrong;
  }
  return std::nullopt;
}

/// Refused, or closed without a word; and whatever follows in the same breath is no request.
ServerPlayer::Lapsed ServerPlayer::send_bytes(const std::string& sent, const json::Value& what) {
  auto line = target_.line(Who::Vehicle);
  if (!line) return lapse(Lapse::Crashed, "no connection: " + summary(line.error()));
  (*line)->send(sent);
  if (flag(what, "ends")) (*line)->end_sending();
  bool ended = false;
  const std::string came = (*line)->read_all(kSettle, ended);
  const int status = parse_reply_head(came).status;
  const std::string name = "'" + shown(sent) + "'";
  note(name + ": " + status_text(status) + (ended ? ", closed" : ", left open"));
  if (status >= 500) return lapse(Lapse::Crashed, name + " made the server fail: " + status_text(status));
  if (is_success(status)) return lapse(Lapse::Accepted, name + " was answered: " + status_text(status));
  if (came.find("HTTP/1.", 1) != std::string::npos)
    return lapse(Lapse::Accepted, "a second request was found within " + name);
  if (status == 0 && !ended) return lapse(Lapse::Held, name + " was neither answered nor closed");
  return std::nullopt;
}

ServerPlayer::Lapsed ServerPlayer::endless_request(const json::Value& what) {
  const auto megabytes = static_cast<int>(number_or(what, "megabytes", 64));
  for (const std::string& of : texts(scenario::at(what, "of"))) {
    Neighbour neighbour(target_);
    const Endless came = endless(target_, of, megabytes);
    note(of + ": " + std::to_string(came.sent / 1024) + " KiB sent, " + status_text(came.status));
    if (const std::string others = neighbour.complaint(); !others.empty()) return lapse(Lapse::Kept, others);
    if (is_success(came.status)) return lapse(Lapse::Accepted, of + " without end was taken");
    if (came.status >= 500) return lapse(Lapse::Crashed, of + " without end made the server fail");
    if (!came.stopped)
      return lapse(Lapse::Asked, of + " without end is read on after " + std::to_string(megabytes) + " MiB");
  }
  return std::nullopt;
}

ServerPlayer::Lapsed ServerPlayer::drip(const json::Value& what) {
  for (const std::string& part : texts(scenario::at(what, "parts"))) {
    const auto took = drips_.ended(part);
    if (!took) {
      return lapse(Lapse::Held, "a " + part + " that comes a byte at a time is waited for longer than " +
                                    std::to_string(target_.options().patience.count()) + " s");
    }
    note(part + ": ended after " + std::to_string(took->count() / 1000) + " s");
  }
  return std::nullopt;
}

ServerPlayer::Lapsed ServerPlayer::flood_server(const json::Value& what) {
  Neighbour neighbour(target_);
  const FloodTally tally = flood(target_, text(what, "of"), static_cast<int>(number_or(what, "count", 1000)),
                                 static_cast<int>(number_or(what, "lines", 8)));
  const std::string others = neighbour.complaint();
  note(tally.told() + "; " + neighbour.told());
  if (!others.empty()) return lapse(Lapse::Kept, others);
  const bool all_taken =
      std::ranges::all_of(tally.statuses, [](const auto& each) { return is_success(each.first); });
  if (flag(what, "limited") && all_taken)
    return lapse(Lapse::Accepted, "one vehicle may call as often as it likes: " + tally.told());
  for (const auto& [status, times] : tally.statuses) {
    if (status >= 500 && status != 503)
      return lapse(Lapse::Crashed, std::to_string(times) + " times status " + std::to_string(status));
  }
  return std::nullopt;
}

ServerPlayer::Lapsed ServerPlayer::hold(const json::Value& what) {
  for (const std::string& saying : texts(scenario::at(what, "saying"))) {
    Neighbour neighbour(target_);
    const int open = hold_connections(target_, static_cast<int>(number_or(what, "count", 1000)),
                                      target_.filled(saying), std::chrono::seconds(1));
    const std::string others = neighbour.complaint();
    note(std::to_string(open) + " connections that say '" + shown(saying) + "'; " + neighbour.told());
    if (!others.empty()) return lapse(Lapse::Kept, others);
  }
  return std::nullopt;
}

/// What the server believes: the vehicle goes on as before.
ServerPlayer::Lapsed ServerPlayer::expect() {
  if (!believed_) {
    const Target::Turn turn = target_.speak(Who::Vehicle);
    const HttpReply reply =
        target_.ask_patiently(target_.put_manifest(Who::Vehicle, turn.vehicle->manifest()));
    note("an honest manifest afterwards: " + status_text(reply.status));
    if (!is_success(reply.status)) {
      return lapse(Lapse::Kept, "the honest manifest afterwards was refused: " + status_text(reply.status) +
                                    " " + shown(reply.member("rule")));
    }
  }
  const std::string assigned = target_.assigned(Who::Vehicle);
  if (assigned.empty()) return lapse(Lapse::Kept, "the vehicle is not served its metadata any more");
  if (assigned != assigned_)
    return lapse(Lapse::Trusted, "the director wants something else of the vehicle than before");
  return std::nullopt;
}

std::optional<std::string> not_for(const scenario::Scenario& scenario, const Target& target) {
  const bool of_servers = std::ranges::any_of(
      scenario.heights, [](const std::string& height) { return height == "director" || height == "server"; });
  if (!of_servers) return "is not for servers";
  for (const json::Value& step : scenario.steps) {
    const json::Member& verb = scenario::verb_of(step);
    const bool of_tls = verb.value.as_object() != nullptr && flag(verb.value, "tls");
    if (of_tls && target.by_name()) return "needs TLS, where a certificate tells who calls";
    if ((verb.key == "flood" || verb.key == "hold") && !target.address().is_loopback())
      return "floods, and is for a server on this machine, where nobody else is hit";
  }
  return std::nullopt;
}

}  // namespace cotter::replay
