#include "tests/bench/write_limit.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <map>
#include <string>

#include "common/crypto/digest.h"
#include "common/disk/descriptor.h"
#include "common/host/atomic_file.h"
#include "common/host/on_threads.h"
#include "server/repository/batch.h"
#include "server/repository/layout.h"
#include "tests/bench/measure.h"

namespace cotter::bench {
namespace {

namespace fs = std::filesystem;
using disk::Descriptor;
using host::on_threads;

constexpr std::uint64_t kMaxImage = 1024 * 1024;

struct Content {
  Bytes bytes;
  crypto::Hashes hashes;
};

Content read_and_hash(const fs::path& file) {
  Content content{host::read_file(file, kMaxImage).value_or(Bytes()), {}};
  content.hashes = crypto::Hashes::of(content.bytes);
  return content;
}

class Writer {
 public:
  Writer(const fs::path& dir, const std::vector<app::Artifact>& images)
      : layout_(dir), images_(&images), passing_(images.size()), names_(images.size()) {
    for (std::size_t i = 0; i < images.size(); ++i)
      folders_[fs::path(layout_.image(images[i].release.name, "")).parent_path()].push_back(i);
  }

  Result<double> write_us(const std::function<Content(std::size_t)>& content_of) {
    ::sync();  // of what others left to be written nothing is on our account
    const double wall = wall_us_of([&] {
      for (const auto& [folder, in_it] : folders_)
        good_ = repository::make_dirs(folder, host::Synced::Later) && good_;
      on_threads(images_->size(), [&](std::size_t i, std::size_t) { write(i, content_of(i)); });
      const Descriptor dir(::open(layout_.dir().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
      if (::syncfs(dir.get()) != 0) good_ = false;
      on_folders([&](const fs::path&, const std::vector<std::size_t>& in_it) {
        for (const std::size_t i : in_it) give_names(i);
      });
      for (const auto& [folder, in_it] : folders_) good_ = host::sync_dir(folder) && good_;
    });
    if (good_) return wall;
    return fault(Fault::Kind::Io, "cannot write below " + layout_.dir().string());
  }

 private:
  /// A folder's names wait for each other, whoever gives them.
  template <class Work>
  void on_folders(const Work& work) {
    std::vector<std::pair<const fs::path, std::vector<std::size_t>>*> all;
    for (auto& folder : folders_) all.push_back(&folder);
    on_threads(all.size(), [&](std::size_t i, std::size_t) { work(all[i]->first, all[i]->second); });
  }

  void write(std::size_t i, const Content& content) {
    for (const auto& [function, digest] : content.hashes.all())
      names_[i].push_back(layout_.image((*images_)[i].release.name, to_hex(digest)));
    passing_[i] = names_[i].front() + ".new";
    const Descriptor fd(
        ::open(passing_[i].c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, host::kPublicFile));
    const ByteView bytes = content.bytes;
    if (::write(fd.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) good_ = false;
  }

  void give_names(std::size_t i) {
    const std::string& first = names_[i].front();
    if (::rename(passing_[i].c_str(), first.c_str()) != 0) good_ = false;
    for (std::size_t other = 1; other < names_[i].size(); ++other)
      if (::link(first.c_str(), names_[i][other].c_str()) != 0) good_ = false;
  }

  repository::Layout layout_;
  const std::vector<app::Artifact>* images_;
  std::map<fs::path, std::vector<std::size_t>> folders_;  ///< with the images that belong there
  std::vector<std::string> passing_;
  std::vector<std::vector<std::string>> names_;
  std::atomic<bool> good_{true};
};

}  // namespace

Result<Limit> limit_of(const fs::path& dir, const std::vector<app::Artifact>& images) {
  std::vector<Content> contents(images.size());
  Limit limit;
  limit.hash_us = wall_us_of([&] {
    on_threads(images.size(),
               [&](std::size_t i, std::size_t) { contents[i] = read_and_hash(images[i].file); });
  });
  limit.write_us = TRY(Writer(dir / "known", images).write_us([&](std::size_t i) { return contents[i]; }));
  limit.us = TRY(
      Writer(dir / "read", images).write_us([&](std::size_t i) { return read_and_hash(images[i].file); }));
  return limit;
}

}  // namespace cotter::bench
