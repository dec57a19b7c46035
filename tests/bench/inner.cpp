// The parts of `bench client` that run as processes of their own: baselines, and what is measured in process.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <functional>

#include "client/fetch/curl_session.h"
#include "common/crypto/digest.h"
#include "common/host/atomic_file.h"
#include "common/trust/verified.h"
#include "tests/bench/benches.h"
#include "tests/bench/measure.h"
#include "tests/sim/sim_key.h"

namespace cotter::bench {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

constexpr std::uint64_t kMaxFile = 1024ULL * 1024 * 1024;
constexpr std::uint64_t kMaxMetadata = 1024 * 1024;
constexpr std::size_t kMessage = 512;
constexpr std::size_t kChunk = 256 * 1024;

/// CPU of `work`, or its error.
Result<double> cpu_of(const std::function<Result<void>()>& work) {
  Result<void> result;
  const double cpu = cpu_us_of([&] { result = work(); });
  TRY(result);
  return cpu;
}

Result<void> append(int fd, ByteView bytes) {
  if (::write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size())) return {};
  return fail(host::errno_fault("cannot write", errno));
}

/// PRIMARY-DIR SERVER-URL IMAGE-URL|none REQUESTS VERIFIES SYNCS: a cycle's work with nothing of ours in it.
Result<double> floor_of_cycle(const Words& words) {
  const fs::path dir = words.at(0);
  client::CurlSession::Options options;
  options.tls = {dir / "tls/ca.crt", dir / "tls/vehicle.crt", dir / "tls/vehicle.key"};
  auto session = TRY(client::CurlSession::create(std::move(options)));
  const std::string file = words.at(1) + "/repo/1.root.json";
  TRY(session.get(file, kMaxMetadata));  // a poll finds its connection open
  const auto key = sim::key("floor");
  const Bytes message(kMessage, 1);
  const auto signature = TRY(key->sign(message));
  const int fd =
      ::open((dir / "floor.bin").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, host::kSecretFile);
  const double cpu = TRY(cpu_of([&]() -> Result<void> {
    for (int i = std::stoi(words.at(3)); i > 0; --i) TRY(session.get(file, kMaxMetadata));
    if (words.at(2) != "none") {
      crypto::Hasher hasher(crypto::HashFunction::Sha256);
      TRY(session.download(words.at(2), 0, kMaxFile, [&](ByteView chunk) {
        hasher.update(chunk);
        return append(fd, chunk);
      }));
      hasher.finish();
    }
    for (int i = std::stoi(words.at(4)); i > 0; --i) {
      COTTER_ASSERT(key->public_key().verifies(message, signature.bytes));
    }
    for (int i = std::stoi(words.at(5)); i > 0; --i) {
      TRY(append(fd, message));
      ::fdatasync(fd);
    }
    return {};
  }));
  ::close(fd);
  return cpu;
}

/// DIR with root.json and targets.json.
Result<double> verify_targets(const Words& words) {
  const fs::path dir = words.at(0);
  Bytes root_file = TRY(host::read_file(dir / "root.json", kMaxFile));
  const auto root =
      TRY(TRY(trust::Unverified<model::Root>::parse(std::move(root_file), model::Profile::Vehicle))
              .verify_anchor());
  const auto authority = trust::Authority::of_root(root, model::targets_role());
  Bytes file = TRY(host::read_file(dir / "targets.json", kMaxFile));
  return cpu_of([&]() -> Result<void> {
    auto parsed = TRY(trust::Unverified<model::Targets>::parse(std::move(file), model::Profile::Vehicle));
    TRY(std::move(parsed).verify(authority));
    return {};
  });
}

Result<double> hash_targets(const Words& words) {
  const Bytes file = TRY(host::read_file(fs::path(words.at(0)) / "targets.json", kMaxFile));
  const auto key = sim::key("floor");
  const auto signature = TRY(key->sign(file));
  return cpu_of([&]() -> Result<void> {
    crypto::sha256(file);
    COTTER_ASSERT(key->public_key().verifies(file, signature.bytes));
    return {};
  });
}

/// FROM TO: reads and hashes the one, then copies it to the other and makes that durable.
Result<double> hash_and_copy(const Words& words) {
  Bytes chunk(kChunk);
  crypto::Hasher hasher(crypto::HashFunction::Sha256);
  const int from = ::open(words.at(0).c_str(), O_RDONLY | O_CLOEXEC);
  const int to = ::open(words.at(1).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, host::kSecretFile);
  if (from < 0 || to < 0) return fail(host::errno_fault("cannot open " + words.at(0), errno));
  const auto each_chunk = [&](const std::function<Result<void>(ByteView)>& sink) -> Result<void> {
    ::lseek(from, 0, SEEK_SET);
    for (ssize_t got = 0; (got = ::read(from, chunk.data(), chunk.size())) > 0;) {
      TRY(sink(ByteView(chunk).first(static_cast<std::size_t>(got))));
    }
    return {};
  };
  const double cpu = TRY(cpu_of([&]() -> Result<void> {
    TRY(each_chunk([&](ByteView bytes) -> Result<void> {
      hasher.update(bytes);
      return {};
    }));
    TRY(each_chunk([&](ByteView bytes) { return append(to, bytes); }));
    ::fdatasync(to);
    return {};
  }));
  ::close(from);
  ::close(to);
  return cpu;
}

}  // namespace

Result<double> run_inner(const Words& words) {
  const Words rest(words.begin() + 1, words.end());
  const std::string& work = words.front();
  if (work == "floor" && rest.size() == 6) return floor_of_cycle(rest);
  if (work == "verify-targets" && rest.size() == 1) return verify_targets(rest);
  if (work == "hash-targets" && rest.size() == 1) return hash_targets(rest);
  if (work == "hash-and-copy" && rest.size() == 2) return hash_and_copy(rest);
  if (work == "release-one" && (rest.size() == 2 || rest.size() == 3)) return release_one(rest);
  return fault(Fault::Kind::Usage, work + " is no inner work of a bench");
}

}  // namespace cotter::bench
