#include "tests/replay/server_target.h"

#include <charconv>
#include <thread>

#include "common/json/canonical.h"
#include "common/json/strict_reader.h"

namespace cotter::replay {
namespace {

constexpr std::chrono::seconds kAnswer{20};
constexpr std::chrono::seconds kLater{60};

void replace_all(std::string& text, const std::string& what, const std::string& by) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
}

/// How long the server asks us to wait; none: it did not say "later".
std::optional<std::chrono::seconds> told_to_wait(const HttpReply& reply) {
  if (reply.status != 429 && reply.status != 503) return std::nullopt;
  const auto found = reply.headers.find("retry-after");
  if (found == reply.headers.end()) return std::nullopt;
  int seconds = 0;
  const std::string& text = found->second;
  if (std::from_chars(text.data(), text.data() + text.size(), seconds).ec != std::errc()) return std::nullopt;
  return std::chrono::seconds(seconds);
}

const json::Value* member(const json::Value* value, std::string_view name) {
  return value == nullptr || value->as_object() == nullptr ? nullptr : value->as_object()->find(name);
}

/// "7" of the file that `parent` lists.
std::string listed_version(const json::Value& parent, std::string_view file) {
  const json::Value* listed = member(member(member(member(&parent, "signed"), "meta"), file), "version");
  return listed == nullptr || !listed->as_int() ? "" : std::to_string(*listed->as_int());
}

}  // namespace

Target::Target(ServerOptions options, ServerAddress address, Identity identity)
    : options_(std::move(options)),
      address_(std::move(address)),
      identity_(std::move(identity)),
      vehicle_(identity_, identity_.record(), 1),
      neighbour_(identity_, identity_.neighbours_record(), Identity::kNeighboursFirstKey) {}

Result<std::unique_ptr<Target>> Target::create(const ServerOptions& options) {
  ServerAddress address = TRY(ServerAddress::parse(options.url));
  Identity identity = TRY(Identity::open(options.seed_file, options.vin));
  return std::unique_ptr<Target>(new Target(options, std::move(address), std::move(identity)));
}

const Credentials* Target::credentials(Who who) const {
  if (who == Who::Nobody) return nullptr;
  return who == Who::Vehicle ? &options_.vehicle : &options_.neighbour;
}

Result<std::unique_ptr<Line>> Target::line(Who who) const { return Line::open(address_, credentials(who)); }

Result<std::unique_ptr<Line>> Target::bare_line() const {
  ServerAddress bare = address_;
  bare.tls = false;
  return Line::open(bare, nullptr);
}

HttpReply Target::ask(const Ask& what) const {
  const auto connection = line(what.who);
  if (!connection) return {};
  std::string text = what.method + " " + what.path + " HTTP/1.1\r\nHost: " + address_.authority() + "\r\n";
  for (const std::string& header : what.headers) text += header + "\r\n";
  if (what.body) text += "Content-Length: " + std::to_string(what.body->size()) + "\r\n";
  text += "Connection: close\r\n\r\n";
  // What is refused early may be answered while we still send: the answer counts, not that all was taken.
  if ((*connection)->send(text) && what.body) (*connection)->send(as_text(*what.body));
  return (*connection)->reply(what.method == "HEAD", kAnswer);
}

HttpReply Target::ask_patiently(const Ask& what) const {
  const auto until = std::chrono::steady_clock::now() + kLater;
  for (;;) {
    HttpReply reply = ask(what);
    const auto wait = told_to_wait(reply);
    if (!wait || std::chrono::steady_clock::now() + *wait > until) return reply;
    std::this_thread::sleep_for(std::max(*wait, std::chrono::seconds(1)));
  }
}

std::string Target::director(Who who) const {
  std::string root = address_.base + "/director/";
  if (!by_name()) return root;
  return root + "vehicles/" + (who == Who::Neighbour ? neighbour_ : vehicle_).vin() + "/";
}

std::string Target::filled(std::string text) const {
  replace_all(text, "{director}", director(Who::Vehicle));
  replace_all(text, "{neighbour}", address_.base + "/director/vehicles/" + neighbour_.vin() + "/");
  replace_all(text, "{repo}", address_.base + "/repo/");
  replace_all(text, "{host}", address_.authority());
  replace_all(text, "{vin}", vehicle_.vin());
  replace_all(text, "{neighbours-vin}", neighbour_.vin());
  return text;
}

Ask Target::put_manifest(Who who, Bytes body) const {
  return {who, "PUT", director(who) + "manifest", {"Content-Type: application/json"}, std::move(body)};
}

Ask Target::post_ecus(Bytes body) const {
  return {Who::Vehicle,
          "POST",
          director(Who::Vehicle) + "ecus",
          {"Content-Type: application/json"},
          std::move(body)};
}

std::string Target::localised_text(const std::string& text) const {
  const std::string neighbours = "VIN-2/";
  if (text.starts_with(neighbours)) return neighbour_.vin() + "-" + text.substr(neighbours.size());
  if (text == "GATEWAY" || text == "BRAKE" || text == "DOOR") return vehicle_.vin() + "-" + text;
  std::string named = text;
  replace_all(named, "VIN-2", "{neighbours-vin}");
  replace_all(named, "VIN-1", "{vin}");
  replace_all(named, "{neighbours-vin}", neighbour_.vin());
  replace_all(named, "{vin}", vehicle_.vin());
  return named;
}

json::Value Target::localised(const json::Value& step) const {
  if (const json::String* text = step.as_string()) return localised_text(std::string(text->view()));
  if (const json::Array* array = step.as_array()) {
    json::Array all;
    for (const json::Value& each : *array) all.push_back(localised(each));
    return all;
  }
  if (const json::Object* object = step.as_object()) {
    json::Object all;
    for (const auto& [name, value] : *object) all.set(name, localised(value));
    return all;
  }
  return step;
}

Target::Turn Target::speak(Who who) {
  const bool neighbour = who == Who::Neighbour;
  return {std::unique_lock(neighbour ? neighbour_guard_ : vehicle_guard_),
          neighbour ? &neighbour_ : &vehicle_};
}

std::optional<json::Value> Target::file(Who who, const std::string& name) const {
  const HttpReply reply = ask_patiently({who, "GET", director(who) + name});
  if (reply.status != 200) return std::nullopt;
  auto document = json::read(as_bytes(reply.body));
  if (!document) return std::nullopt;
  return *std::move(document);
}

std::string Target::assigned(Who who) const {
  const auto timestamp = file(who, "timestamp.json");
  if (!timestamp) return "";
  const auto snapshot = file(who, listed_version(*timestamp, "snapshot.json") + ".snapshot.json");
  if (!snapshot) return "";
  const auto targets = file(who, listed_version(*snapshot, "targets.json") + ".targets.json");
  const json::Value* listed = targets ? member(member(&*targets, "signed"), "targets") : nullptr;
  return listed == nullptr ? "" : json::to_text(*listed);
}

}  // namespace cotter::replay
