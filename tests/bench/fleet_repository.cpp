#include "tests/bench/fleet_repository.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "common/crypto/digest.h"
#include "server/app/apply_release.h"
#include "server/app/init_release_role.h"
#include "server/keys/file_log_signer.h"
#include "server/repository/bins.h"
#include "server/repository/reader.h"
#include "server/storage/sqlite/database.h"
#include "server/storage/sqlite/ledger_store.h"
#include "tests/bench/measure.h"
#include "tests/unit/server/release_workspace.h"

namespace cotter::bench {
namespace {

namespace fs = std::filesystem;
using test::kFirmware;
using test::kNow;

struct Ecu {
  std::string_view team, name;
};
constexpr std::array kEcus = {Ecu{"adas", "camera"},
                              Ecu{"adas", "radar"},
                              Ecu{"adas", "lidar"},
                              Ecu{"adas", "parking"},
                              Ecu{"body", "door"},
                              Ecu{"body", "seat"},
                              Ecu{"body", "lighting"},
                              Ecu{"body", "climate"},
                              Ecu{"chassis", "brake"},
                              Ecu{"chassis", "steering"},
                              Ecu{"chassis", "damper"},
                              Ecu{"chassis", "airbag"},
                              Ecu{"infotainment", "cluster"},
                              Ecu{"infotainment", "headunit"},
                              Ecu{"infotainment", "amplifier"},
                              Ecu{"infotainment", "telematics"},
                              Ecu{"powertrain", "engine"},
                              Ecu{"powertrain", "gearbox"},
                              Ecu{"powertrain", "inverter"},
                              Ecu{"powertrain", "battery"}};
constexpr std::array<std::string_view, 3> kGenerations = {"mk2", "mk3", "mk4"};
constexpr std::array<std::string_view, 5> kParts = {"app", "boot", "cal", "dsp", "fpga"};
constexpr std::array<std::string_view, 10> kMarkets = {"eu", "us", "cn", "jp", "kr",
                                                       "in", "br", "gb", "au", "za"};
constexpr std::array<std::string_view, 5> kTrims = {"base", "sport", "luxe", "hybrid", "van"};
constexpr std::size_t kReleasesAYear = 10;
constexpr std::uint64_t kMaxBin = 1U << 26U;

/// The next digit of a number whose digits have bases of their own.
template <class Digits>
const auto& take(std::size_t& number, const Digits& digits) {
  const auto& digit = digits[number % digits.size()];
  number /= digits.size();
  return digit;
}

}  // namespace

app::Artifact fleet_image(std::size_t number, fs::path file) {
  const std::string_view part = take(number, kParts);
  const Ecu& ecu = take(number, kEcus);
  const std::string hardware = fmt::format("{}-{}", ecu.name, take(number, kGenerations));
  const std::string_view trim = take(number, kTrims), market = take(number, kMarkets);
  app::Artifact image;
  image.release.version = fmt::format("{}.{}.0", number / kReleasesAYear + 1, number % kReleasesAYear);
  image.release.name = TargetName(fmt::format("{}/{}/{}-{}-{}-{}-{}.bin", ecu.team, hardware, hardware, part,
                                              market, trim, image.release.version));
  image.release.hardware_ids = {HardwareId(hardware)};
  image.where = image.release.name.value();
  image.file = std::move(file);
  return image;
}

std::vector<std::size_t> releases_of(std::size_t images) {
  constexpr std::size_t kLarge = 4, kWhole = 4, kSmall = 150;
  constexpr std::size_t kWholeOf = 1000, kSmallOf = 5000;  // 15,000 and 200 of a million
  const std::size_t whole = images * 15 / kWholeOf, small = images / kSmallOf + 1;
  const std::size_t later = kWhole * whole + kSmall * small;
  if (images < 2 * later) return {images};
  std::vector<std::size_t> sizes(kLarge, (images - later) / kLarge);
  sizes.front() += (images - later) % kLarge;
  sizes.insert(sizes.end(), kWhole, whole);
  sizes.insert(sizes.end(), kSmall, small);
  return sizes;
}

FleetRepository::FleetRepository(app::Workspace workspace)
    : workspace_(std::move(workspace)),
      release_key_(sim::keys("image-fw", 1)),
      ledger_key_(sim::keys("ledger", 1)) {}

Bytes FleetRepository::release_seed() { return crypto::sha256(as_bytes(std::string_view("image-fw-1"))); }

Result<FleetRepository> FleetRepository::open(const fs::path& dir) {
  return FleetRepository(TRY(app::Workspace::open(dir)));
}

Result<FleetRepository> FleetRepository::make(const fs::path& dir, std::size_t images) {
  const test::ReleaseWorkspace ws(dir);
  fs::create_directories(dir / "keys");
  FleetRepository self = TRY(open(dir));
  keys::FileLogSigner ledger(self.workspace_.keys_dir(), *self.ledger_key_.front());
  app::OnlineSigners online = self.keys_.online();
  online.ledger = &ledger;
  app::InitRoleRequest request = ws.init_request({0, 1}, repository::bits_for(images));
  request.plan.paths = {"*/*/*"};
  request.plan.hardware_ids.clear();
  request.online = [&] { return Result<app::OnlineSigners>(online); };
  request.signers = [&] {
    return Result<app::ReleaseSigners>(app::ReleaseSigners{online, self.release_key_.front().get()});
  };
  TRY(app::init_release_role(self.workspace_, request, kNow));
  return self;
}

Result<double> FleetRepository::release(std::vector<app::Artifact> images, crypto::Signer* by) const {
  const std::size_t count = images.size();
  keys::FileLogSigner ledger(workspace_.keys_dir(), *ledger_key_.front());
  app::ReleaseSigners signers{keys_.online(), by != nullptr ? by : release_key_.front().get()};
  signers.online.ledger = &ledger;
  app::ApplyRequest request;
  request.manifest = {kFirmware, std::move(images)};
  request.signers = [&](const RoleName&) { return Result<app::ReleaseSigners>(signers); };
  std::optional<Result<app::ApplyOutcome>> outcome;
  const double wall = wall_us_of([&] { outcome.emplace(app::apply_release(workspace_, request, kNow)); });
  const app::ApplyOutcome done = TRY(*std::move(outcome));
  if (done.added == count) return wall;
  return fault(Fault::Kind::Conflict, fmt::format("{} of {} images were new", done.added, count));
}

Result<FleetRepository::Grown> FleetRepository::grow(std::size_t count, const std::vector<fs::path>& files,
                                                     crypto::Signer& token) const {
  const std::vector<std::size_t> sizes = releases_of(count);
  double by_file_us = 0, by_token_us = 0;
  std::size_t number = 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    std::vector<app::Artifact> images;
    for (const std::size_t end = number + sizes[i]; number < end; ++number)
      images.push_back(fleet_image(number, files[number % files.size()]));
    const bool is_by_token =
        i % 4 == 1 || i % 4 == 2;  // one, two of the other, two, ...: neither is the later
    (is_by_token ? by_token_us : by_file_us) +=
        TRY(release(std::move(images), is_by_token ? &token : nullptr));
  }
  if (sizes.size() == 1) return Grown{by_file_us, std::nullopt};
  return Grown{2 * by_file_us, 2 * by_token_us};
}

Result<std::vector<std::pair<RoleName, Version>>> FleetRepository::listed_bins() const {
  const auto set = TRY(repository::read_as_client(repo(), kNow));
  const std::string prefix = kFirmware.value() + "-";
  std::vector<std::pair<RoleName, Version>> bins;
  for (const model::MetaFiles::Entry entry : (*set.snapshot())->meta)
    if (entry.role.starts_with(prefix)) bins.emplace_back(std::string(entry.role), entry.version);
  return bins;
}

Result<std::vector<Bytes>> FleetRepository::bins() const {
  const repository::Layout layout(repo());
  std::vector<Bytes> files;
  for (const auto& [bin, version] : TRY(listed_bins()))
    files.push_back(TRY(host::read_file(layout.metadata(bin, version), kMaxBin)));
  return files;
}

Result<std::size_t> FleetRepository::bins_like_the_one_before() const {
  const auto bins = TRY(listed_bins());
  std::size_t alike = 0;
  for (std::size_t i = 1; i < bins.size(); ++i) alike += bins[i].second == bins[i - 1].second ? 1U : 0U;
  return alike;
}

Result<void> FleetRepository::check_ledger() const {
  host::Db db = TRY(storage::open_database(workspace_.db_path()));
  storage::LedgerStore store(db);
  const std::uint64_t size = TRY(store.size());
  const auto newest = TRY(store.newest_checkpoint());
  if (size > 0 && newest && newest->size == size) return {};
  return fault(Fault::Kind::Conflict, "the ledger is not signed to its end",
               "what the bench measured is not what a release costs");
}

}  // namespace cotter::bench
