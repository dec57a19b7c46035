// The images of a repository: taken in while they are hashed, then stored under each of their hashes.
// Never puts a byte under a name before its hash is known, never other bytes under a name that has some
// (IMG-4). One writer at a time: hold Layout::lock().
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

#include "common/base/result.h"
#include "common/crypto/digest.h"
#include "common/model/roles.h"
#include "server/repository/batch.h"
#include "server/repository/layout.h"
#include "server/repository/source.h"

namespace cotter::repository {

enum class Durable : std::uint8_t;

/// An image copied into the repository's incoming folder, under no name that anybody reads. Removed when this
/// goes, unless it is kept; links made by store_image() stay.
class IncomingImage {
 public:
  ~IncomingImage();
  IncomingImage(IncomingImage&& other) noexcept;
  IncomingImage& operator=(IncomingImage&&) = delete;
  [[nodiscard]] std::uint64_t length() const noexcept { return length_; }
  [[nodiscard]] const crypto::Hashes& hashes() const noexcept { return hashes_; }  ///< sha256 and sha512
  [[nodiscard]] const std::string& file() const noexcept { return file_; }
  /// Of the file that it was read from, where any change of that since must show in it: not of a file that
  /// had changed within the same tick of the clock that changes are noted by.
  [[nodiscard]] const std::optional<struct stat>& source() const noexcept { return source_; }
  /// The copy stays when this goes, or has gone before.
  void keep() noexcept { is_kept_ = true; }
  [[nodiscard]] bool is_kept() const noexcept { return is_kept_; }
  /// A copy that was made before, and stays when this goes.
  static IncomingImage kept(std::string file, std::uint64_t length, crypto::Hashes hashes);

 private:
  friend Result<IncomingImage> take_in(const std::filesystem::path&, const std::filesystem::path&,
                                       const std::function<void(std::uint64_t)>&, Durable);
  explicit IncomingImage(std::string file) : file_(std::move(file)) {}
  std::string file_;  ///< of thousands: no fs::path, which costs some allocations more each
  std::uint64_t length_ = 0;
  crypto::Hashes hashes_;
  std::optional<struct stat> source_;
  bool is_kept_ = false;
};

/// When the copy is durable: once take_in() returns, or once a Batch has made it so. Never: none is made, the
/// image is only looked at.
enum class Durable : std::uint8_t { Now, Later, Never };

/// Copies into this folder, and hashes, in one pass: the bytes hashed are the bytes kept. `progress` is told
/// how many bytes are done. Safe on many threads at once. Faults: NotFound, Conflict (the file changed
/// meanwhile), Usage (empty, or no regular file), NoSpace, Denied, Io.
Result<IncomingImage> take_in(const std::filesystem::path& dir, const std::filesystem::path& source,
                              const std::function<void(std::uint64_t)>& progress,
                              Durable durable = Durable::Now);

/// For a batch: the image is to have all its paths under these names once all that is in the batch is
/// durable. Once for an image: one that is not kept then goes to the first of them.
Batch::Naming naming_of(const Layout& layout, const IncomingImage& image,
                        const std::vector<TargetName>& names);

/// Links the image under targets/… once for each hash (FMT-101), durable on return. What lies there already
/// is kept where it is whole, and mended where the disk damaged it. Faults: NoSpace, Denied, Io.
Result<void> store_image(const Layout& layout, const IncomingImage& image, const TargetName& name);

/// Reads the image at each of the names that a vehicle may ask for and checks it as a vehicle would. What was
/// read is added to `bytes_read`, where given. Rejections: image-*. Faults: NotFound and others of the
/// source.
Result<void> check_image(Source& source, const TargetName& name, const model::Target& target,
                         std::uint64_t* bytes_read = nullptr);

}  // namespace cotter::repository
