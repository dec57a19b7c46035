// An image repository as an OEM's fills it, for `bench sign`: names, sizes and releases as a fleet has them,
// signed as in production, the ledger too. Never orders what it releases by bin. One thread, and those of a
// release.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/app/release_manifest.h"
#include "server/app/workspace.h"
#include "tests/unit/server/test_workspace.h"

namespace cotter::bench {

/// The image of that number: 300 files for 60 ECUs, each in 50 variants, then the same of the next release:
/// "chassis/brake-mk4/brake-mk4-app-eu-base-3.7.0.bin". Its counter is left to the release.
app::Artifact fleet_image(std::size_t number, std::filesystem::path file);

/// How many images each of the releases had in which so many came together: four large ones, as of who brings
/// all there is; four of every variant of everything; then many small ones. A name's hash decides its bin, so
/// even a small one touches bins all over the repository, and in the end neighbours have unlike versions.
std::vector<std::size_t> releases_of(std::size_t images);

class FleetRepository {
 public:
  /// A new workspace in `dir`, with a release role for so many images, and none in it. Faults: those of
  /// init_release_role().
  static Result<FleetRepository> make(const std::filesystem::path& dir, std::size_t images);
  /// One that was made. Faults: those of Workspace::open().
  static Result<FleetRepository> open(const std::filesystem::path& dir);
  /// What the release role's key is made from: for a token that is to hold it too.
  static Bytes release_seed();

  /// Releases images that are all new, in microseconds of wall time. `by`: the role's key, somewhere else
  /// than in memory. Faults: those of apply_release(), Conflict (some were not new).
  Result<double> release(std::vector<app::Artifact> images, crypto::Signer* by = nullptr) const;
  /// In microseconds of wall time, each what all releases take by this key: twice its half of them.
  struct Grown {
    double by_file_us = 0;
    std::optional<double> by_token_us{};  ///< not of a single release
  };
  /// Releases the images of numbers 0 to `count`, over these files, as releases_of() says, half of the
  /// releases of each size by a key in memory and half by the same in a token.
  Result<Grown> grow(std::size_t count, const std::vector<std::filesystem::path>& files,
                     crypto::Signer& token) const;

  [[nodiscard]] std::filesystem::path repo() const { return workspace_.repo_dir(); }
  /// The newest file of each bin. Faults and Rejections: those of a client.
  [[nodiscard]] Result<std::vector<Bytes>> bins() const;
  /// How many bins have the version of the bin before them, which spares its snapshot work and bytes. Faults
  /// and Rejections: those of a client.
  [[nodiscard]] Result<std::size_t> bins_like_the_one_before() const;
  /// That the ledger is signed to its end: else no figure of this repository is worth anything. Faults:
  /// Conflict (it is not), those of cotter.db.
  [[nodiscard]] Result<void> check_ledger() const;

 private:
  explicit FleetRepository(app::Workspace workspace);
  [[nodiscard]] Result<std::vector<std::pair<RoleName, Version>>> listed_bins() const;
  app::Workspace workspace_;
  test::ImageKeys keys_;
  sim::Keys release_key_, ledger_key_;
};

}  // namespace cotter::bench
