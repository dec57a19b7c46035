#include "client/secondary/posix_time.h"

#include <sodium.h>
#include <time.h>

#include <array>
#include <cstdio>
#include <memory>

namespace cotter::client {
namespace {

/// A UUID that the kernel draws at each boot.
std::string boot_id() {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(
      std::fopen("/proc/sys/kernel/random/boot_id", "re"), &std::fclose);
  std::array<char, 36> id{};
  const bool whole = file && std::fread(id.data(), 1, id.size(), file.get()) == id.size();
  return whole ? std::string(id.data(), id.size()) : std::string();
}

}  // namespace

PosixUptime::PosixUptime() : boot_(boot_id()) {}

std::optional<trust::Uptime> PosixUptime::uptime() const {
  timespec since{};
  if (boot_.empty() || ::clock_gettime(CLOCK_BOOTTIME, &since) != 0) return std::nullopt;
  return trust::Uptime{boot_, std::chrono::seconds(since.tv_sec)};
}

model::Nonce SodiumNonces::draw() {
  std::array<std::uint8_t, model::kNonceBytes> random{};
  COTTER_ASSERT(::sodium_init() >= 0);
  ::randombytes_buf(random.data(), random.size());
  return model::nonce_of(random);
}

}  // namespace cotter::client
