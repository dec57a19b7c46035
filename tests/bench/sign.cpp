// bench sign: what a release costs beside hashing, signing and writing alone, and what one more image costs
// in repositories of several sizes.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <functional>
#include <memory>

#include "server/app/apply_release.h"
#include "server/app/on_threads.h"
#include "server/repository/bins.h"
#include "server/repository/reader.h"
#include "tests/bench/benches.h"
#include "tests/bench/first_update.h"
#include "tests/bench/measure.h"
#include "tests/bench/token_key.h"
#include "tests/sim/temp_dir.h"
#include "tests/unit/server/release_workspace.h"

namespace cotter::bench {
namespace {

namespace fs = std::filesystem;
using test::kFirmware;
using test::kNow;
using test::ReleaseWorkspace;

constexpr std::size_t kImageBytes = 4096;
constexpr std::size_t kMany = 15'000;
constexpr std::size_t kFew = 1'000;
constexpr std::size_t kBlobs = 400;     // of a repository that is only to be large
constexpr std::size_t kRound = 50'000;  // artifacts in one release of it
constexpr int kReleases = 7;            // of kMany, in pairs with their limits

Bytes content_of(std::size_t number) {
  Bytes bytes(kImageBytes);
  std::uint64_t state = number + 1;
  for (std::uint8_t& byte : bytes) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    byte = static_cast<std::uint8_t>(state >> 56U);
  }
  return bytes;
}

std::vector<fs::path> make_images(const fs::path& dir, std::size_t count) {
  fs::create_directories(dir);
  std::vector<fs::path> files;
  for (std::size_t i = 0; i < count; ++i) {
    files.push_back(dir / std::to_string(i));
    test::write(files.back(), as_text(content_of(i)));
  }
  return files;
}

app::Artifact artifact(fs::path file, const std::string& name) {
  app::Artifact artifact;
  artifact.file = std::move(file);
  artifact.release.name = TargetName("fw/" + name);
  artifact.release.hardware_ids = {HardwareId("hw-1")};
  artifact.release.version = "1.0";
  artifact.release.counter = ReleaseCounter(1);
  return artifact;
}

std::string image_name(std::size_t number) { return "image-" + std::to_string(number) + ".bin"; }

double hashing_us(const std::vector<fs::path>& files) {
  return wall_us_of([&] {
    app::on_threads(files.size(), [&](std::size_t i) {
      const auto bytes = host::read_file(files[i], kImageBytes);
      if (bytes) crypto::Hashes::of(*bytes);
    });
  });
}

double signing_us(crypto::Signer& key, const std::vector<Bytes>& files) {
  return wall_us_of([&] {
    for (const Bytes& file : files) static_cast<void>(key.sign(file));
  });
}

/// As a release writes: all files, one sync for their data, two names each, one sync for each folder.
Result<double> writing_us(const fs::path& dir, const std::vector<Bytes>& images,
                          const std::vector<Bytes>& metadata) {
  fs::create_directories(dir / "incoming");
  fs::create_directories(dir / "images");
  std::atomic<bool> good = true;
  const auto write_one = [&](const fs::path& path, ByteView bytes) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, host::kPublicFile);
    if (fd < 0 || ::write(fd, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) good = false;
    ::close(fd);
  };
  const auto sync_all = [&] {
    const int fd = ::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (::syncfs(fd) != 0) good = false;
    ::close(fd);
  };
  const double wall = wall_us_of([&] {
    app::on_threads(images.size(),
                    [&](std::size_t i) { write_one(dir / "incoming" / std::to_string(i), images[i]); });
    sync_all();
    for (std::size_t i = 0; i < images.size(); ++i) {
      const fs::path file = dir / "incoming" / std::to_string(i);
      for (const char* name : {"a", "b"})
        good = good && ::link(file.c_str(), (dir / "images" / (name + std::to_string(i))).c_str()) == 0;
      ::unlink(file.c_str());
    }
    good = good && host::sync_dir(dir / "images");
    for (std::size_t i = 0; i < metadata.size(); ++i)
      write_one(dir / ("bin" + std::to_string(i)), metadata[i]);
    sync_all();
    good = good && host::sync_dir(dir);
  });
  if (!good) return fault(Fault::Kind::Io, "cannot write below " + dir.string());
  return wall;
}

struct Limits {
  double hash_us = 0, sign_us = 0, write_us = 0;
  [[nodiscard]] double sum() const { return hash_us + sign_us + write_us; }
};

Result<void> init_role(const ReleaseWorkspace& ws, std::uint64_t targets) {
  TRY(ws.init_role({0, 1}, repository::bits_for(targets)));
  return {};
}

/// The bins' newest files: what a release of kMany had to write and to sign.
std::vector<Bytes> bins_in(const ReleaseWorkspace& ws) {
  std::vector<Bytes> files;
  const auto set = ws.read();
  for (const model::MetaFiles::Entry entry : (*set->snapshot())->meta) {
    if (!entry.role.starts_with("fw-")) continue;
    const auto path = ws.layout().metadata(RoleName(std::string(entry.role)), entry.version);
    files.push_back(host::read_file(path, 1U << 26U).value_or(Bytes()));
  }
  return files;
}

struct ReleaseTimes {
  std::vector<Pair> pairs;
  std::vector<Limits> limits;
  std::vector<Pair> by_token;         ///< beside the same by a key in a file
  std::vector<double> token_sign_us;  ///< alone
};

/// Of what others left to be written nothing is on our account.
double undisturbed_us(const std::function<void()>& work) {
  ::sync();
  return wall_us_of(work);
}

Result<Limits> limits_of(const fs::path& dir, const std::vector<fs::path>& files,
                         const std::vector<Bytes>& contents, const std::vector<Bytes>& bins) {
  Limits limit;
  limit.hash_us = hashing_us(files);
  limit.sign_us = signing_us(*sim::key("image-fw"), bins);
  ::sync();
  limit.write_us = TRY(writing_us(dir, contents, bins));
  return limit;
}

Result<double> released_us(const ReleaseWorkspace& ws, const std::vector<app::Artifact>& artifacts) {
  TRY(init_role(ws, kMany));
  Result<void> released;
  const double wall = undisturbed_us([&] {
    if (const auto outcome = ws.apply(artifacts); !outcome) released = fail(outcome.error());
  });
  TRY(released);
  return wall;
}

/// Turn about: on a disk whose mood changes neither side is always the first.
Result<ReleaseTimes> release_many(const fs::path& dir, const std::vector<fs::path>& files,
                                  const std::shared_ptr<crypto::Signer>& token) {
  std::vector<Bytes> contents, bins;
  std::vector<app::Artifact> artifacts;
  for (std::size_t i = 0; i < files.size(); ++i) artifacts.push_back(artifact(files[i], image_name(i)));
  for (std::size_t i = 0; i < files.size(); ++i) contents.push_back(content_of(i));
  ReleaseTimes times;
  for (int round = 0; round < kReleases; ++round) {
    const fs::path here = dir / ("round-" + std::to_string(round));
    const ReleaseWorkspace ws(here / "ws");
    const bool limit_first = round % 2 == 1;
    Limits limit;
    if (limit_first) limit = TRY(limits_of(here / "limit", files, contents, bins));
    const double wall = TRY(released_us(ws, artifacts));
    if (bins.empty()) bins = bins_in(ws);
    if (!limit_first) limit = TRY(limits_of(here / "limit", files, contents, bins));
    times.pairs.push_back({wall, limit.sum()});
    times.limits.push_back(limit);
    ReleaseWorkspace by_token(here / "token");
    by_token.release_key = {token};
    times.by_token.push_back({TRY(released_us(by_token, artifacts)), wall});
    times.token_sign_us.push_back(signing_us(*token, bins));
  }
  return times;
}

/// A repository of `count` images over few contents. Each release has the images of its own bins, so that no
/// bin is written twice: as a repository that grew in any other way, and in less time.
Result<void> fill(const ReleaseWorkspace& ws, const std::vector<fs::path>& blobs, std::size_t count) {
  TRY(init_role(ws, std::max<std::size_t>(count, 2)));
  model::SuccinctRoles bins;
  bins.bit_length = repository::bits_for(std::max<std::size_t>(count, 2));
  bins.name_prefix = kFirmware.value();
  std::vector<std::pair<RoleName, std::size_t>> by_bin;
  for (std::size_t i = 0; i < count; ++i)
    by_bin.emplace_back(bins.bin_of(TargetName("fw/" + image_name(i))), i);
  std::sort(by_bin.begin(), by_bin.end());
  for (std::size_t from = 0; from < count;) {
    std::size_t to = std::min(from + kRound, count);
    while (to < count && by_bin[to].first == by_bin[to - 1].first) ++to;
    std::vector<app::Artifact> artifacts;
    for (std::size_t k = from; k < to; ++k) {
      const std::size_t number = by_bin[k].second;
      artifacts.push_back(artifact(blobs[number % blobs.size()], image_name(number)));
    }
    TRY(ws.apply(std::move(artifacts)));
    from = to;
  }
  return {};
}

/// What no way to read or to write a snapshot spares a publication: it is hashed, and verified, as found;
/// signed and hashed as made; hashed and verified as a client would.
Result<double> snapshot_us(const fs::path& repo) {
  const auto set = TRY(repository::read_as_client(repo, repository::kBeforeAnyExpiry));
  const ByteView wire = set.snapshot()->wire();
  const auto key = sim::key("image-snapshot");
  std::vector<double> times;
  bool good = true;
  for (std::size_t i = 0; i < kPairs; ++i) {
    times.push_back(wall_us_of([&] {
      for (int hashed = 0; hashed < 3; ++hashed) crypto::sha256(wire);
      const auto signature = key->sign(wire);
      for (int verified = 0; verified < 2; ++verified)
        good = good && signature && key->public_key().verifies(wire, signature->bytes);
    }));
  }
  if (!good) return fault(Fault::Kind::Io, "a signature does not verify");
  return median(times);
}

struct OneMore {
  std::vector<double> wall_us;
  double peak_bytes = 0;
};

/// In a process of its own, whose memory is its own; its start does not count.
Result<void> add_one_more(const Places& places, const fs::path& workspace, int number, OneMore& times) {
  world::Command command;
  command.program = places.self;
  command.arguments = {"--inner",          "release-one", "--inner",
                       workspace.string(), "--inner",     "more-" + std::to_string(number)};
  const Usage usage = TRY(measure_well(command));
  times.wall_us.push_back(std::stod(usage.out));
  times.peak_bytes = std::max(times.peak_bytes, usage.peak_bytes);
  return {};
}

/// One image into kFew by a key in a token, beside the same by one in a file, both in this process.
Result<Figure> one_more_by_token(const fs::path& dir, const std::vector<fs::path>& images,
                                 const std::vector<fs::path>& blobs,
                                 const std::shared_ptr<crypto::Signer>& token) {
  const ReleaseWorkspace by_file(dir / "by-file");
  ReleaseWorkspace by_token(dir / "by-token");
  by_token.release_key = {token};
  for (const ReleaseWorkspace* ws : {&by_file, &std::as_const(by_token)}) TRY(fill(*ws, blobs, kFew));
  std::vector<Pair> pairs;
  for (std::size_t round = 0; round < kPairs; ++round) {
    const std::string name = "more-" + std::to_string(round);
    const auto wall_of = [&](const ReleaseWorkspace& ws) -> Result<double> {
      Result<void> released;
      const double wall = wall_us_of([&] {
        if (const auto outcome = ws.apply({artifact(images.at(kBlobs + round), name)}); !outcome)
          released = fail(outcome.error());
      });
      TRY(released);
      return wall;
    };
    const double file_us = TRY(wall_of(by_file));
    pairs.push_back({TRY(wall_of(by_token)), file_us});
  }
  return compared("one image into 1,000, key in a token", Unit::Microseconds, "key in a file", pairs);
}

}  // namespace

Result<double> release_one(const std::vector<std::string>& words) {
  const fs::path dir = words.at(0);
  const fs::path file = dir / "files" / words.at(1);
  test::write(file, as_text(content_of(std::hash<std::string>()(words.at(1)))));
  const test::ImageKeys keys;
  const sim::Keys own = sim::keys("image-fw", 1);
  app::ApplyRequest request;
  request.manifest = {kFirmware, {artifact(file, words.at(1))}};
  request.signers = [&] {
    return Result<app::ReleaseSigners>(app::ReleaseSigners{keys.online(), own.front().get()});
  };
  const app::Workspace workspace = TRY(app::Workspace::open(dir));
  Result<void> released;
  const double wall = wall_us_of([&] {
    if (const auto outcome = app::apply_release(workspace, request, kNow); !outcome)
      released = fail(outcome.error());
  });
  TRY(released);
  return wall;
}

Result<SignFigures> bench_sign(const Places& places, std::size_t most) {
  const sim::TempDir dir;
  const std::vector<fs::path> images = make_images(dir.path() / "images", kMany);
  SignFigures figures;
  const auto token = TRY(TokenKey::make(dir.path() / "softhsm"));
  const ReleaseTimes times = TRY(release_many(dir.path(), images, token));
  figures.by_token =
      compared("15,000 images released, key in a token", Unit::Microseconds, "key in a file", times.by_token);
  figures.token_sign_us = median(times.token_sign_us);
  figures.release = compared("15,000 images of 4 KiB released", Unit::Microseconds,
                             "hash, sign and write alone", times.pairs);
  std::vector<double> hash, sign, write;
  for (const Limits& limit : times.limits) {
    hash.push_back(limit.hash_us);
    sign.push_back(limit.sign_us);
    write.push_back(limit.write_us);
  }
  figures.hash_us = median(hash), figures.sign_us = median(sign), figures.write_us = median(write);

  const std::vector<fs::path> blobs(images.begin(), images.begin() + kBlobs);
  figures.one_by_token = TRY(one_more_by_token(dir.path(), images, blobs, token));
  const std::vector<std::size_t> sizes = {1, kFew, kMany, most};
  std::vector<fs::path> workspaces;
  for (const std::size_t size : sizes) {
    workspaces.push_back(dir.path() / ("of-" + std::to_string(size)));
    const ReleaseWorkspace ws(workspaces.back());
    Result<void> filled;
    figures.fill_us = wall_us_of([&] { filled = fill(ws, blobs, size); });
    TRY(filled);
  }
  std::vector<OneMore> more(sizes.size());
  for (int round = 0; round < kPairs; ++round) {
    for (std::size_t i = 0; i < sizes.size(); ++i) TRY(add_one_more(places, workspaces[i], round, more[i]));
  }
  for (std::size_t i = 0; i < sizes.size(); ++i)
    figures.one_more.push_back({sizes[i], median(more[i].wall_us), more[i].peak_bytes});
  figures.snapshot_us = TRY(snapshot_us(workspaces.back() / "repo"));
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < more[1].wall_us.size(); ++i)
    pairs.push_back({more.back().wall_us[i], more[1].wall_us[i]});
  figures.one_into_most =
      compared(fmt::format("one image into {}", most), Unit::Microseconds, "one image into 1,000", pairs);
  std::vector<TargetName> names;
  constexpr std::size_t kSix = 6;
  for (std::size_t ecu = 0; ecu < kSix; ++ecu) names.emplace_back("fw/" + image_name(ecu));
  figures.wire_bytes_six = TRY(first_update_bytes(workspaces.back() / "repo", names));
  names.resize(1);
  figures.wire_bytes_one = TRY(first_update_bytes(workspaces.back() / "repo", names));
  return figures;
}

Figures SignFigures::rows() const {
  Figures rows;
  Figure first = release;
  first.goal = Goal{"G3: at most 1.5 times", *first.ratio <= 1.5};
  rows.push_back(first);
  rows.push_back(counted("  of that limit: hash", Unit::Microseconds, hash_us));
  rows.push_back(counted("  of that limit: sign", Unit::Microseconds, sign_us));
  rows.push_back(counted("  of that limit: write, durable", Unit::Microseconds, write_us));
  rows.push_back(by_token);
  rows.push_back(counted("  signed in the token alone", Unit::Microseconds, token_sign_us));
  rows.push_back(one_by_token);
  for (const OneMoreFigure& one : one_more) {
    rows.push_back(counted(fmt::format("one image into {}", one.images), Unit::Microseconds, one.wall_us));
    rows.push_back(counted("  peak memory", Unit::Bytes, one.peak_bytes));
  }
  Figure one = one_into_most;
  one.goal = Goal{"G2: at most 2 times", *one.ratio <= 2};
  rows.push_back(one);
  rows.push_back(
      counted("  its snapshot hashed, signed and verified alone", Unit::Microseconds, snapshot_us));
  rows.push_back(with_limit(counted("first update of one ECU: image metadata, sent", Unit::Bytes,
                                    static_cast<double>(wire_bytes_one)),
                            "G16", 100'000));
  rows.push_back(with_limit(counted("first update of six ECUs: image metadata, sent", Unit::Bytes,
                                    static_cast<double>(wire_bytes_six)),
                            "G16", 150'000));
  rows.push_back(counted("the largest repository, filled", Unit::Microseconds, fill_us));
  return rows;
}

std::string SignFigures::json_line() const {
  constexpr double kMega = 1e6;
  std::string one;
  for (const OneMoreFigure& each : one_more)
    one += fmt::format(R"(,"one_into_{}_ms":{:.1f},"peak_rss_mb_{}":{:.1f})", each.images,
                       each.wall_us / 1000, each.images, each.peak_bytes / kMega);
  return fmt::format(
      R"({{"bench":"sign","publish_15000_over_limit":{:.3f},"one_into_1m_over_one_into_1k":{:.3f},)"
      R"("first_update_wire_bytes_1m_one_ecu":{},"first_update_wire_bytes_1m_six_ecus":{},"largest":{},"publish_15000_ms":{:.0f},"limit_hash_ms":{:.0f},)"
      R"("limit_sign_ms":{:.1f},"limit_write_ms":{:.0f},"pkcs11_publish_15000_ms":{:.0f},"pkcs11_publish_15000_over_file_key":{:.3f},)"
      R"("pkcs11_sign_ms":{:.1f},"pkcs11_one_into_1000_ms":{:.1f}{},"snapshot_alone_ms":{:.1f},"fill_s":{:.0f},"peak_rss_mb":{:.1f}}})",
      *release.ratio, *one_into_most.ratio, wire_bytes_one, wire_bytes_six, one_more.back().images,
      release.ours / 1000, hash_us / 1000, sign_us / 1000, write_us / 1000, by_token.ours / 1000,
      *by_token.ratio, token_sign_us / 1000, one_by_token.ours / 1000, one, snapshot_us / 1000,
      fill_us / kMega, one_more.back().peak_bytes / kMega);
}

}  // namespace cotter::bench
