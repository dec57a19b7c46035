#include "tests/world/faketime.h"

#include <fcntl.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <random>
#include <utility>
#include <vector>

#include "common/host/atomic_file.h"

namespace cotter::world {
namespace {

namespace fs = std::filesystem;

constexpr int kMode = 0600;
constexpr off_t kShared = 4096;  // more than any version of the library keeps there

/// False: somebody has one of this name.
Result<bool> make_pair(const std::string& name) {
  sem_t* semaphore = ::sem_open(name.c_str(), O_CREAT | O_EXCL, kMode, 1);
  if (semaphore == SEM_FAILED) {
    if (errno == EEXIST) return false;
    return fail(host::errno_fault("cannot make a semaphore", errno));
  }
  ::sem_close(semaphore);
  const int memory = ::shm_open(name.c_str(), O_CREAT | O_EXCL | O_RDWR, kMode);
  const bool made = memory >= 0 && ::ftruncate(memory, kShared) == 0;
  const int failed = errno;
  if (memory >= 0) ::close(memory);
  if (made) return true;
  ::sem_unlink(name.c_str());
  if (memory >= 0) ::shm_unlink(name.c_str());
  if (memory < 0 && failed == EEXIST) return false;
  return fail(host::errno_fault("cannot make shared memory", failed));
}

}  // namespace

Result<std::string> Faketime::find_library() {
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

Result<Faketime> Faketime::create() {
  std::string library = TRY(find_library());
  std::random_device random;
  for (;;) {
    std::string name = "/cotter-faketime-" + std::to_string(random()) + "-" + std::to_string(random());
    if (TRY(make_pair(name))) return Faketime(std::move(library), std::move(name));
  }
}

Faketime::~Faketime() {
  if (name_.empty()) return;
  ::sem_unlink(name_.c_str());
  ::shm_unlink(name_.c_str());
}

Faketime::Faketime(Faketime&& other) noexcept
    : library_(std::move(other.library_)), name_(std::exchange(other.name_, {})) {}

Faketime& Faketime::operator=(Faketime&& other) noexcept {
  std::swap(library_, other.library_);
  std::swap(name_, other.name_);
  return *this;
}

std::map<std::string, std::string> Faketime::environment(const std::string& clock) const {
  return {
      {"LD_PRELOAD", library_},
      {"FAKETIME", clock},
      {"FAKETIME_SHARED", name_ + " " + name_},
      // The times of files stay true: a faked stat() takes the semaphore, which a killed program would keep.
      {"NO_FAKE_STAT", "1"}};
}

}  // namespace cotter::world
