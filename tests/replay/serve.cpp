#include "tests/replay/serve.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <mutex>

#include "client/links/tcp_link.h"
#include "common/json/canonical.h"
#include "tests/replay/catalogue.h"
#include "tests/replay/fitness.h"
#include "tests/replay/front.h"
#include "tests/replay/order.h"

namespace cotter::replay {
namespace {

namespace fs = std::filesystem;

constexpr int kLookForRequests = 100;  // milliseconds

enum class Told : std::uint8_t { GoOn, End };

/// What a person types, or a script sends.
class Hand {
 public:
  Hand() {
    sigset_t signals;
    ::sigemptyset(&signals);
    for (const int each : {SIGINT, SIGTERM, SIGUSR1}) ::sigaddset(&signals, each);
    ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    fd_ = ::signalfd(-1, &signals, SFD_CLOEXEC);
  }
  ~Hand() { ::close(fd_); }
  Hand(const Hand&) = delete;
  Hand& operator=(const Hand&) = delete;

  /// Nothing, when nobody said anything for a moment.
  std::optional<Told> wait() {
    std::array<pollfd, 2> watched{pollfd{fd_, POLLIN, 0}, pollfd{stdin_open_ ? STDIN_FILENO : -1, POLLIN, 0}};
    if (::poll(watched.data(), watched.size(), kLookForRequests) <= 0) return std::nullopt;
    if (watched[0].revents != 0) {
      signalfd_siginfo info{};
      if (::read(fd_, &info, sizeof info) != sizeof info) return std::nullopt;
      return info.ssi_signo == SIGUSR1 ? Told::GoOn : Told::End;
    }
    std::array<char, 256> line{};
    const auto got = ::read(STDIN_FILENO, line.data(), line.size());
    if (got <= 0) stdin_open_ = false;  // a bench without a keyboard: signals are left
    return got > 0 ? std::optional(Told::GoOn) : std::nullopt;
  }

 private:
  int fd_ = -1;
  bool stdin_open_ = true;
};

void say(const std::string& line) {
  fmt::print("{}\n", line);
  std::fflush(stdout);
}

class Bench {
 public:
  Bench(const scenario::Scenario& scenario, const client::TcpAddress& address)
      : scenario_(scenario),
        stage_(scenario.attacker_holds),
        front_(stage_, guard_, address.host, address.port) {}

  Result<void> run(Hand& hand, const fs::path& folder) {
    TRY(write_vehicle(folder, stage_, front_, false));
    introduce(folder);
    for (const json::Value& step : scenario_.steps) {
      const json::Member& verb = scenario::verb_of(step);
      if (prepared(verb)) continue;
      say(fmt::format("\nit is {}: the client's turn\n  {}", format_utc(stage_.vehicle.now), told(verb)));
      if (verb.key == "expect") continue;
      say("  Enter or SIGUSR1 when it has had it");
      if (wait(hand) == Told::End) return {};
    }
    say("\nthe scenario is over; what was served last stands until Ctrl-C");
    while (wait(hand) != Told::End) {
    }
    return {};
  }

 private:
  void introduce(const fs::path& folder) {
    say(fmt::format("{}: {}", scenario_.name, scenario_.why));
    say(fmt::format("  the client must  {}", scenario_.must));
    say(fmt::format("  attack           {}", attack_of(scenario_)));
    say(fmt::format("  director         {}", front_.director_url()));
    say(fmt::format("  image repository {}", front_.image_url()));
    say(fmt::format("  images           {}", front_.image_target_url()));
    say(fmt::format("  time source      {}", front_.time_url()));
    say(fmt::format("  the vehicle      {}", (folder / "vehicle.json").string()));
    say(fmt::format("  pinned roots     {}", (folder / "director-root.json").string()));
    say(fmt::format("                   {}", (folder / "image-root.json").string()));
    say("Pin the roots, then set the client's clock to the times below (or run it under faketime).");
  }

  /// Plays what is not the client's; false when it is.
  bool prepared(const json::Member& verb) {
    if (verb.key == "expect") return false;
    const std::lock_guard lock(guard_);
    if (verb.key == "road") {
      front_.road(verb.value);
      return true;
    }
    return stage_.play(verb.key, verb.value);
  }

  static std::string told(const json::Member& verb) {
    const std::string what = json::to_text(verb.value);
    if (verb.key == "expect") return "now must hold: " + what;
    if (verb.key != "cycle") return fmt::format("do to the vehicle: {} {}", verb.key.view(), what);
    if (verb.value.as_string() == nullptr)
      return "run one update cycle; it must fail and change nothing: " + what;
    return fmt::format("run one update cycle; it must come to: {}", verb.value.as_string()->view());
  }

  Told wait(Hand& hand) {
    for (;;) {
      const auto told = hand.wait();
      const std::vector<std::string> all = front_.requests();
      for (; shown_ < all.size(); ++shown_) say("    " + all[shown_]);
      if (told) return *told;
    }
  }

  const scenario::Scenario& scenario_;
  std::mutex guard_;
  scenario::Stage stage_;
  Front front_;
  std::size_t shown_ = 0;
};

/// That the port is free is found out before: a server of the testkit takes no for a bug.
Result<client::TcpAddress> free_address(const std::string& text) {
  client::TcpAddress address = TRY(client::parse_tcp_address(text));
  if (address.host == "0.0.0.0") {
    return fault(Fault::Kind::Usage, "0.0.0.0 is no address that a client can be given",
                 "name the one that it reaches this machine by");
  }
  const client::Socket probe = TRY(client::Socket::listen(address.host, address.port));
  return address;
}

}  // namespace

Result<void> serve(const scenario::Scenario& scenario, const ServeOrder& order) {
  if (scenario.waiting()) {
    return fault(Fault::Kind::Usage,
                 scenario.name + " cannot be served yet: it waits for " + scenario.waits_for);
  }
  if (is_for_servers(scenario)) {
    return fault(Fault::Kind::Usage, scenario.name + " is for servers: it serves nothing");
  }
  const client::TcpAddress address = TRY(free_address(order.listen));
  Hand hand;  // first: the front's threads must not be where a signal goes
  return Bench(scenario, address).run(hand, order.folder);
}

}  // namespace cotter::replay
