#include "tests/replay/client.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "common/host/atomic_file.h"
#include "common/json/object_view.h"
#include "common/json/strict_reader.h"

namespace cotter::replay {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxComplaint = 600;
constexpr std::uint64_t kMaxOutput = 1024 * 1024;

std::chrono::seconds seconds_now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
}

std::string content_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

std::string_view name_of(Protocol protocol) noexcept {
  if (protocol == Protocol::Server) return "server";
  return protocol == Protocol::Tuf ? "tuf" : "uptane";
}

std::vector<std::string> shell_words(const std::string& command, const std::vector<std::string>& words) {
  std::vector<std::string> all = {"/bin/sh", "-c", command + " \"$@\"", "cotter-replay"};
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

Result<Client> Client::create(ClientOrder order, fs::path folder, UtcTime start) {
  std::optional<world::Faketime> faketime;
  if (order.clock == ClockBy::Faketime) faketime = TRY(world::Faketime::create());
  return Client(std::move(order), std::move(folder), std::move(faketime),
                start.time_since_epoch() - seconds_now());
}

UtcTime Client::now() const { return UtcTime(seconds_now() + offset_); }

ChildOrder Client::child(const std::vector<std::string>& words, const fs::path& out) const {
  ChildOrder child{shell_words(order_.command, words), {}, out, folder_ / "stderr.log"};
  child.environment["REPLAY_NOW"] = format_utc(now());
  child.environment["REPLAY_NOW_EPOCH"] = std::to_string(now().time_since_epoch().count());
  if (faketime_) {
    child.environment.merge(
        faketime_->environment((offset_.count() < 0 ? "" : "+") + std::to_string(offset_.count())));
    if (!moves_uptime_) {  // two spellings, for two generations of the library
      child.environment["FAKETIME_DONT_FAKE_MONOTONIC"] = "1";
      child.environment["DONT_FAKE_MONOTONIC"] = "1";
    }
  }
  return child;
}

Result<Answer> Client::call(const std::vector<std::string>& words) {
  const fs::path out = folder_ / "stdout";
  std::ofstream(folder_ / "stderr.log", std::ios::app) << "--- " << words.front() << "\n";
  Child running = TRY(Child::start(child(words, out)));
  const auto code = running.wait(order_.limit);
  Answer answer;
  answer.late = !code;
  answer.exit_code = code.value_or(-1);
  running.stop(std::chrono::milliseconds(0));
  answer.out = as_text(TRY(host::read_file(out, kMaxOutput)));
  return answer;
}

Result<Child> Client::start(const std::vector<std::string>& words, const fs::path& out) {
  return Child::start(child(words, out));
}

Result<Abilities> Client::abilities() {
  Abilities abilities{order_.command, {}};
  const Answer answer = TRY(call({"abilities"}));
  if (answer.exit_code == 127) {
    return fault(Fault::Kind::Io, "there is no command '" + order_.command + "'", "it is run by /bin/sh -c");
  }
  if (answer.exit_code != 0) return abilities;  // a client without any need not know the verb
  const std::string hint =
      R"(print {"client": "NAME", "abilities": ["…"]}, or end with another exit code than 0)";
  const auto document = json::read(as_bytes(answer.out));
  const auto view = document ? json::ObjectView::of(*document, "abilities")
                             : Result<json::ObjectView>(fail(document.error()));
  const auto list = view ? view->array("abilities") : Result<const json::Array*>(fail(view.error()));
  if (!list)
    return fault(Fault::Kind::Usage, "what the client says of its abilities: " + summary(list.error()), hint);
  for (const json::Value& ability : **list) {
    if (const auto* name = ability.as_string()) abilities.all.insert(*name);
  }
  if (const auto name = view->string("client")) abilities.client = *name;
  return abilities;
}

std::string Client::complaint() const {
  std::string text = content_of(folder_ / "stderr.log");
  if (const auto last = text.rfind("--- "); last != std::string::npos)
    text.erase(0, text.find('\n', last) + 1);
  if (text.size() > kMaxComplaint) text.erase(0, text.size() - kMaxComplaint);
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace cotter::replay
