// The images that a release has read already, for whoever runs it again after it was stopped: copies, and a
// journal of which file each was read from. Never gives a copy for a file that changed since, nor one that
// was not durable before it was noted, or that changed itself. Lies in a folder of its own, which other
// writers leave alone. Hold Layout::lock(). One thread, but for note(), which any may call.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/result.h"
#include "common/disk/descriptor.h"
#include "server/repository/image_store.h"
#include "server/repository/layout.h"
#include "server/repository/taken_record.h"

namespace cotter::repository {

class TakenImages {
 public:
  /// What a stopped release left, and nothing else: other copies are removed. Remembers anew once so many
  /// bytes are noted. Faults: NoSpace, Denied, Io.
  static Result<std::unique_ptr<TakenImages>> open(const Layout& layout, std::uint64_t step);
  ~TakenImages();  ///< removes the folder, where nothing is left in it
  /// For any other writer: what no release would find again goes, half a copy or all of them. What cannot go
  /// because it is another account's is in nobody's way but that of the next release.
  static void sweep(const Layout& layout);
  TakenImages(const TakenImages&) = delete;
  TakenImages& operator=(const TakenImages&) = delete;

  /// Where a thread is to take images in: two that make files in one folder wait for each other. Any may ask.
  /// Faults: NoSpace, Denied, Io.
  [[nodiscard]] Result<std::filesystem::path> folder_for(std::size_t thread) const;
  /// The copy of this very file, as it is; nothing where none is remembered.
  [[nodiscard]] std::optional<IncomingImage> find(const struct stat& source) const;
  /// To be remembered with the next step, and to stay where it is until then. Faults: NoSpace, Denied, Io.
  Result<void> note(IncomingImage& image);
  /// All that is noted, where steps were made: what makes none is read again in a moment. Faults: as note().
  Result<void> remember_rest();
  /// All is published.
  void forget();

 private:
  TakenImages(const Layout& layout, disk::Descriptor folder, std::uint64_t step)
      : dir_(layout.taken_dir()), journal_(layout.taken_journal()), folder_(std::move(folder)), step_(step) {}
  void load();
  void remove_others();
  Result<void> remember(const std::vector<IncomingImage*>& images);
  Result<void> append(std::string_view lines);
  [[nodiscard]] std::string name_of(const std::filesystem::path& copy) const;

  std::filesystem::path dir_, journal_;
  disk::Descriptor folder_;  ///< open from the start: a sync tells of writes that failed since
  std::uint64_t step_;
  std::map<std::string, TakenRecord> known_;  ///< by source
  std::uint64_t journal_bytes_ = 0;           ///< that are whole
  std::mutex noting_;
  std::vector<IncomingImage*> noted_;
  std::uint64_t noted_bytes_ = 0;
  std::mutex remembering_;
  std::vector<std::filesystem::path> kept_;  ///< by this release
};

}  // namespace cotter::repository
