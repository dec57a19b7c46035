// The other party's client behind its command: how each verb of the contract is run (docs/attack-kit.md), and
// by what clock. Never looks into the client: exit codes, files and what it prints are all there is. One
// thread.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/time.h"
#include "tests/replay/child.h"
#include "tests/world/faketime.h"

namespace cotter::replay {

enum class Protocol : std::uint8_t { Uptane, Tuf, Server };
std::string_view name_of(Protocol protocol) noexcept;

/// How the scenario's time reaches the client.
enum class ClockBy : std::uint8_t {
  Faketime,     ///< its system calls are given another time; monotonic clocks run on truthfully
  Environment,  ///< it reads REPLAY_NOW by itself
};

struct ClientOrder {
  std::string command;  ///< of a shell: the verb and its words are appended
  Protocol protocol = Protocol::Uptane;
  ClockBy clock = ClockBy::Faketime;
  std::chrono::seconds limit{60};  ///< for one verb
  bool single_slot = false;        ///< the vehicle's secondaries have no room for a second image
};

/// What a client says of itself: `CMD abilities`.
struct Abilities {
  std::string client;  ///< its name and version
  std::set<std::string>
      all;  ///< "bus", "damage", "names-rules", "names-attacks", "restart", "trusted", "end"
  [[nodiscard]] bool has(const std::string& ability) const { return all.contains(ability); }
};

struct Answer {
  int exit_code = -1;
  bool late = false;  ///< it did not end within the limit, and was ended
  std::string out;
  /// Whether it ended by itself, with any exit code of its own.
  [[nodiscard]] bool crashed() const noexcept { return !late && exit_code >= 128; }
};

class Client {
 public:
  /// `folder` is where logs go. `start` is what the client's clock says when the scenario begins; it runs on
  /// by itself. Fault: NotFound, when libfaketime is wanted and not there.
  static Result<Client> create(ClientOrder order, std::filesystem::path folder, UtcTime start);

  Result<Answer> call(const std::vector<std::string>& words);
  /// A verb that goes on running; its output is in `out`.
  Result<Child> start(const std::vector<std::string>& words, const std::filesystem::path& out);
  /// Nothing that it says is taken for an ability that it does not have. Fault: Usage, when what it says is
  /// not what the contract asks for.
  Result<Abilities> abilities();

  void advance(std::chrono::seconds time) { offset_ += time; }
  /// From here on what counts passing time (monotonic clocks) is moved by as much as the time of day.
  void move_uptime_too() { moves_uptime_ = true; }
  [[nodiscard]] UtcTime now() const;
  [[nodiscard]] const ClientOrder& order() const noexcept { return order_; }
  /// What its last verb said on stderr, its end.
  [[nodiscard]] std::string complaint() const;

 private:
  Client(ClientOrder order, std::filesystem::path folder, std::optional<world::Faketime> faketime,
         std::chrono::seconds offset)
      : order_(std::move(order)),
        folder_(std::move(folder)),
        faketime_(std::move(faketime)),
        offset_(offset) {}
  [[nodiscard]] ChildOrder child(const std::vector<std::string>& words,
                                 const std::filesystem::path& out) const;

  ClientOrder order_;
  std::filesystem::path folder_;
  std::optional<world::Faketime> faketime_;  ///< nothing: the client reads the time by itself
  std::chrono::seconds offset_;              ///< from the machine's clock to the scenario's
  bool moves_uptime_ = false;
};

/// The command as a shell is given it: with the words of a verb behind.
std::vector<std::string> shell_words(const std::string& command, const std::vector<std::string>& words);

}  // namespace cotter::replay
