#include "tests/world/faketime.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <vector>

namespace cotter::world {

namespace fs = std::filesystem;

Result<std::string> find_faketime() {
  std::vector<fs::path> folders = {"/usr/lib/faketime", "/usr/lib64/faketime", "/usr/local/lib/faketime"};
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/usr/lib", ignored))
    folders.push_back(entry.path() / "faketime");
  for (const fs::path& folder : folders) {
    const fs::path file = folder / "libfaketimeMT.so.1";
    if (fs::exists(file, ignored)) return file.string();
  }
  return fault(
      Fault::Kind::NotFound, "libfaketime is not on this machine",
      "install faketime; or give cotter-replay --clock env, for a client that reads REPLAY_NOW by itself");
}

std::map<std::string, std::string> going_by(const std::string& clock, const std::string& library) {
  return {{"LD_PRELOAD", library}, {"FAKETIME", clock}};
}

void sweep_after_the_dead() {
  std::error_code ignored;
  std::vector<fs::path> left;
  for (const auto& entry : fs::directory_iterator("/dev/shm", ignored)) {
    const std::string name = entry.path().filename();
    if (name.find("faketime_") == std::string::npos) continue;
    const auto pid = static_cast<pid_t>(std::strtol(name.c_str() + name.rfind('_') + 1, nullptr, 10));
    if (pid > 0 && ::kill(pid, 0) != 0 && errno == ESRCH) left.push_back(entry.path());
  }
  for (const fs::path& each : left) fs::remove(each, ignored);
}

}  // namespace cotter::world
