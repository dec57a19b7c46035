#include "tests/world/soft_tpm.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>
#include <utility>

namespace cotter::world {
namespace {

bool listens(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sockaddr generic{};
  static_assert(sizeof generic == sizeof address);
  std::copy_n(reinterpret_cast<const char*>(&address), sizeof address, reinterpret_cast<char*>(&generic));
  const bool connected = ::connect(fd, &generic, sizeof generic) == 0;
  ::close(fd);
  return connected;
}

}  // namespace

Result<SoftTpm> SoftTpm::try_to_start(const std::filesystem::path& dir,
                                      std::chrono::steady_clock::time_point patience) {
  const int port = TRY(free_port());  // and the next one for its control channel, if nobody has it
  auto daemon = TRY(
      Daemon::start({"/usr/bin/swtpm",
                     {"socket", "--tpm2", "--tpmstate", "dir=" + dir.string(), "--server",
                      "type=tcp,port=" + std::to_string(port), "--ctrl",
                      "type=tcp,port=" + std::to_string(port + 1), "--flags", "not-need-init,startup-clear"},
                     {},
                     dir / "log"}));
  while (daemon.running() && std::chrono::steady_clock::now() < patience) {
    if (listens(port + 1)) return SoftTpm(dir, port, std::move(daemon));
    std::this_thread::sleep_for(std::chrono::milliseconds(10));  // swtpm does not say when it listens
  }
  return fault(Fault::Kind::Timeout, "swtpm does not listen");
}

Result<SoftTpm> SoftTpm::start(const std::filesystem::path& dir) {
  const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  for (;;) {
    auto started = try_to_start(dir, patience);
    if (started || std::chrono::steady_clock::now() >= patience) return started;
  }
}

Result<std::string> SoftTpm::tool(const std::string& name, std::vector<std::string> arguments) const {
  return run_well({"/usr/bin/" + name, std::move(arguments), {{"TPM2TOOLS_TCTI", tcti()}}, dir_ / "log"});
}

}  // namespace cotter::world
