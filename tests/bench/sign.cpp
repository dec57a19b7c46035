// bench sign: what a release costs beside hashing and writing alone, what one more image costs in
// repositories of several sizes, and both with the role's key in a token.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <memory>

#include "common/json/canonical.h"
#include "common/json/object_view.h"
#include "common/json/strict_reader.h"
#include "server/repository/reader.h"
#include "tests/bench/benches.h"
#include "tests/bench/first_update.h"
#include "tests/bench/fleet_repository.h"
#include "tests/bench/measure.h"
#include "tests/bench/token_key.h"
#include "tests/bench/write_limit.h"
#include "tests/sim/temp_dir.h"

namespace cotter::bench {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kImageBytes = 4096;
constexpr std::size_t kFew = 1'000;
constexpr std::size_t kMany = 15'000;
constexpr std::size_t kAtOnce[] = {1, kFew, kMany};
constexpr int kRounds = 7;    // of each release, beside the limit's
constexpr int kOneMore = 15;  // into each repository, by either key

Bytes content_of(std::size_t number) {
  Bytes bytes(kImageBytes);
  std::uint64_t state = number + 1;
  for (std::uint8_t& byte : bytes) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    byte = static_cast<std::uint8_t>(state >> 56U);
  }
  return bytes;
}

std::vector<fs::path> make_files(const fs::path& dir) {
  fs::create_directories(dir);
  std::vector<fs::path> files;
  for (std::size_t i = 0; i < kMany; ++i) {
    files.push_back(dir / std::to_string(i));
    test::write(files.back(), as_text(content_of(i)));
  }
  return files;
}

double signing_us(crypto::Signer& key, const std::vector<Bytes>& files) {
  return wall_us_of([&] {
    for (const Bytes& file : files) static_cast<void>(key.sign(file));
  });
}

/// Into a new repository, at once. Of what others left to be written nothing is on our account.
Result<double> published_us(const fs::path& dir, std::vector<app::Artifact> images, crypto::Signer* by) {
  const auto repository = TRY(FleetRepository::make(dir, images.size()));
  ::sync();
  return repository.release(std::move(images), by);
}

struct PublishTimes {
  std::vector<Pair> by_token[std::size(kAtOnce)];  ///< beside the same by a key in a file
  std::vector<Pair> over_limit;                    ///< of kMany
  std::vector<double> hash_us, write_us;           ///< of the limit
};

/// Turn about: on a disk whose mood changes nobody is always the first.
Result<PublishTimes> publish_at_once(const fs::path& dir, const std::vector<fs::path>& files,
                                     crypto::Signer& token) {
  std::vector<app::Artifact> all;
  for (std::size_t i = 0; i < files.size(); ++i) all.push_back(fleet_image(i, files[i]));
  PublishTimes times;
  for (int round = 0; round < kRounds; ++round) {
    const fs::path here = dir / ("round-" + std::to_string(round));
    for (std::size_t at = 0; at < std::size(kAtOnce); ++at) {
      const auto end = all.begin() + static_cast<std::ptrdiff_t>(kAtOnce[at]);
      const auto publish = [&](const char* key, crypto::Signer* by) {
        const fs::path place = here / fmt::format("{}-{}", kAtOnce[at], key);
        return published_us(place, {all.begin(), end}, by);
      };
      const bool others_first = round % 2 == 1;
      Limit limit;
      Pair pair;
      if (others_first) pair.ours = TRY(publish("token", &token));
      if (others_first && kAtOnce[at] == kMany) limit = TRY(limit_of(here / "limit", all));
      pair.baseline = TRY(publish("file", nullptr));
      if (!others_first && kAtOnce[at] == kMany) limit = TRY(limit_of(here / "limit", all));
      if (!others_first) pair.ours = TRY(publish("token", &token));
      times.by_token[at].push_back(pair);
      if (kAtOnce[at] != kMany) continue;
      times.over_limit.push_back({pair.baseline, limit.us});
      times.hash_us.push_back(limit.hash_us);
      times.write_us.push_back(limit.write_us);
    }
  }
  return times;
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

/// On average: the name, what is said of it, and the comma.
Result<double> entry_bytes(const std::vector<Bytes>& bins) {
  std::size_t bytes = 0, entries = 0;
  for (const Bytes& bin : bins) {
    const json::Value document = TRY(json::read(bin));
    const auto content = TRY(TRY(json::ObjectView::of(document, "bin")).object("signed"));
    const json::Value* const targets = TRY(content.value("targets"));
    bytes += json::canonical(*targets).size();
    entries += TRY(json::ObjectView::of(*targets, "targets")).members().size();
  }
  return static_cast<double>(bytes) / static_cast<double>(entries);
}

/// One image more, by a key in a file and by the same in a token.
struct OneMore {
  std::vector<double> by_file_us;
  std::vector<Pair> by_token;
  double peak_bytes = 0;  ///< by the key in a file
};

/// In a process of its own, whose memory is its own; its start does not count.
Result<Usage> release_in_child(const Places& places, const fs::path& workspace, std::size_t number,
                               const std::optional<std::string>& token) {
  world::Command command;
  command.program = places.self;
  command.arguments = {"--inner",          "release-one", "--inner",
                       workspace.string(), "--inner",     std::to_string(number)};
  if (token) command.arguments.insert(command.arguments.end(), {"--inner", *token});
  return measure_well(command);
}

Result<void> add_one_more(const Places& places, const fs::path& workspace, std::size_t number,
                          const TokenKey& token, OneMore& times) {
  const Usage by_file = TRY(release_in_child(places, workspace, number, std::nullopt));
  const Usage by_token = TRY(release_in_child(places, workspace, number + 1, token.uri()));
  times.by_file_us.push_back(std::stod(by_file.out));
  times.by_token.push_back({std::stod(by_token.out), times.by_file_us.back()});
  times.peak_bytes = std::max(times.peak_bytes, by_file.peak_bytes);
  return {};
}

std::vector<std::size_t> sizes_to(std::size_t most) {
  std::vector<std::size_t> sizes;
  for (const std::size_t size : kAtOnce)
    if (size < most) sizes.push_back(size);
  sizes.push_back(most);
  return sizes;
}

/// The figures of each size, and the last one's beside those of kFew. The workspaces are those of the sizes.
Result<void> add_sizes(const Places& places, const std::vector<fs::path>& workspaces, const TokenKey& token,
                       const PublishTimes& published, SignFigures& figures) {
  std::vector<OneMore> more(workspaces.size());
  for (std::size_t round = 0; round < kOneMore; ++round) {
    for (std::size_t i = 0; i < workspaces.size(); ++i)
      TRY(add_one_more(places, workspaces[i], figures.sizes[i].images + 2 * round, token, more[i]));
  }
  for (std::size_t i = 0; i < workspaces.size(); ++i) {
    SizeFigures& size = figures.sizes[i];
    size.one_more_us = median(more[i].by_file_us);
    size.one_more_by_token =
        compared("  by a key in a token", Unit::Microseconds, "by one in a file", more[i].by_token);
    size.peak_bytes = more[i].peak_bytes;
    const auto* const at = std::find(std::begin(kAtOnce), std::end(kAtOnce), size.images);
    if (at == std::end(kAtOnce)) {
      size.releases = figures.releases;
      continue;
    }
    size.published_by_token = compared("  by a key in a token", Unit::Microseconds, "by one in a file",
                                       published.by_token[at - std::begin(kAtOnce)]);
    size.published_us = size.published_by_token->baseline;
  }
  constexpr std::size_t kFewAt = 1;
  std::vector<Pair> pairs;
  for (std::size_t round = 0; round < kOneMore; ++round)
    pairs.push_back({more.back().by_file_us[round], more.at(kFewAt).by_file_us[round]});
  figures.one_into_most = compared(fmt::format("one more into {}", figures.sizes.back().images),
                                   Unit::Microseconds, "one more into 1000", pairs);
  figures.one_into_most.goal = Goal{"G2: at most 2 times", *figures.one_into_most.ratio <= 2};
  return {};
}

Result<void> add_wire_bytes(const Places& places, const FleetRepository& repository,
                            const std::vector<fs::path>& files, SignFigures& figures) {
  constexpr std::size_t kSix = 6, kNextEcu = 5;
  std::vector<app::Artifact> images;
  for (std::size_t number = 0; images.size() < kSix; number += kNextEcu)
    images.push_back(fleet_image(number, files.at(number)));
  figures.wire_bytes_six = TRY(first_update(places, repository.repo(), images));
  images.resize(1);
  figures.wire_bytes_one = TRY(first_update(places, repository.repo(), images));
  return {};
}

Result<SignFigures> take_figures(const Places& places, std::size_t most) {
  const sim::TempDir dir;
  const std::vector<fs::path> files = make_files(dir.path() / "images");
  const auto token = TRY(TokenKey::make(dir.path() / "softhsm", FleetRepository::release_seed()));
  SignFigures figures;
  const PublishTimes published = TRY(publish_at_once(dir.path(), files, *token));
  figures.release = compared("15000 images of 4 KiB published", Unit::Microseconds,
                             "hashed and written alone", published.over_limit);
  figures.release.goal = Goal{"G3: at most 1.5 times", *figures.release.ratio <= 1.5};
  figures.hash_us = median(published.hash_us), figures.write_us = median(published.write_us);
  const auto one_of_many = TRY(FleetRepository::open(dir.path() / "round-0" / fmt::format("{}-file", kMany)));
  const std::vector<Bytes> bins = TRY(one_of_many.bins());
  figures.sign_us = signing_us(*sim::keys("image-fw", 1).front(), bins);
  figures.token_sign_us = signing_us(*token, bins);

  std::vector<fs::path> workspaces;
  for (const std::size_t size : sizes_to(most)) {
    workspaces.push_back(dir.path() / ("of-" + std::to_string(size)));
    const auto repository = TRY(FleetRepository::make(workspaces.back(), size));
    figures.sizes.push_back({});
    figures.sizes.back().images = size;
    const auto grown = TRY(repository.grow(size, files, *token));
    figures.sizes.back().published_us = grown.by_file_us;
    if (grown.by_token_us)
      figures.sizes.back().published_by_token =
          compared("  by a key in a token", Unit::Microseconds, "by one in a file",
                   std::vector<Pair>{{*grown.by_token_us, grown.by_file_us}});
  }
  figures.releases = releases_of(most).size();
  TRY(add_sizes(places, workspaces, *token, published, figures));
  for (const fs::path& workspace : workspaces) TRY(TRY(FleetRepository::open(workspace)).check_ledger());
  const auto largest = TRY(FleetRepository::open(workspaces.back()));
  figures.snapshot_us = TRY(snapshot_us(largest.repo()));
  figures.alike = TRY(largest.bins_like_the_one_before());
  figures.entry_bytes = TRY(entry_bytes(TRY(largest.bins())));
  TRY(add_wire_bytes(places, largest, files, figures));
  return figures;
}

}  // namespace

Result<double> release_one(const std::vector<std::string>& words) {
  const fs::path dir = words.at(0);
  const std::size_t number = std::stoull(words.at(1));
  const fs::path file = dir / "files" / words.at(1);
  test::write(file, as_text(content_of(number)));
  const auto repository = TRY(FleetRepository::open(dir));
  std::shared_ptr<TokenKey> token;
  if (words.size() > 2) token = TRY(TokenKey::open(words.at(2)));
  return repository.release({fleet_image(number, file)}, token.get());
}

Result<SignFigures> bench_sign(const Places& places, std::size_t most) {
  std::optional<Result<SignFigures>> figures;
  const double wall = wall_us_of([&] { figures.emplace(take_figures(places, most)); });
  if (*figures) (*figures)->wall_us = wall;
  return *std::move(figures);
}

}  // namespace cotter::bench
