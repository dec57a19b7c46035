#include "server/repository/commit.h"

#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>

#include "common/host/atomic_file.h"
#include "common/model/file_names.h"
#include "common/model/roles.h"
#include "server/repository/folder_transport.h"
#include "server/repository/publication_transport.h"
#include "server/repository/reader.h"
#include "server/repository/taken_images.h"

namespace cotter::repository {
namespace {

namespace fs = std::filesystem;

/// What a vehicle has stored that has seen what is published: its floors against rollback. Of the targets the
/// snapshot says all that matters, and they are large.
class SeenByClients final : public trust::MetadataStore {
 public:
  explicit SeenByClients(const trust::TrustedSet& published) : published_(&published) {}

  Result<std::optional<Bytes>> load(Repository, const RoleName& role) const override {
    if (role == model::timestamp_role()) return bytes_of(published_->timestamp());
    if (role == model::snapshot_role()) return bytes_of(published_->snapshot());
    return std::optional<Bytes>();
  }
  Result<void> commit(Repository, std::span<const trust::Effect>) override { return {}; }

 private:
  template <class T>
  static std::optional<Bytes> bytes_of(const trust::Verified<T>* file) {
    if (file == nullptr) return std::nullopt;
    return Bytes(file->wire().begin(), file->wire().end());
  }
  const trust::TrustedSet* published_;
};

/// "7.snapshot.json" -> 7 and snapshot; nothing for a name that is spelt otherwise, or not of that form.
std::optional<std::pair<Version, RoleName>> role_in(std::string_view file_name) {
  constexpr std::string_view kEnd = ".json";
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(file_name.data(), file_name.data() + file_name.size(), number);
  const std::string_view rest = file_name.substr(static_cast<std::size_t>(end - file_name.data()));
  if (error != std::errc() || !rest.starts_with('.') || !rest.ends_with(kEnd) || rest.size() <= kEnd.size())
    return std::nullopt;
  RoleName role(std::string(rest.substr(1, rest.size() - 1 - kEnd.size())));
  if (file_name != model::metadata_file_name(role, Version(number))) return std::nullopt;
  return std::pair(Version(number), std::move(role));
}

Result<void> remove_file(const fs::path& path) {
  std::error_code error;
  fs::remove(path, error);
  if (error) return fail(host::errno_fault("cannot remove " + path.string(), error.value()));
  return {};
}

/// Removes the regular files of one folder that `is_left_over` names.
template <class Predicate>
Result<void> remove_files(const fs::path& dir, Predicate is_left_over) {
  std::error_code error;
  for (fs::directory_iterator entry(dir, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code ignored;
    if (!entry->is_regular_file(ignored) || !is_left_over(entry->path().filename().string())) continue;
    TRY(remove_file(entry->path()));
  }
  if (error) return fail(host::errno_fault("cannot look into " + dir.string(), error.value()));
  return {};
}

Result<void> create_file(const fs::path& path, ByteView wire, const Layout& layout) {
  auto written = host::create_atomically(path, wire);
  if (written || !is_fault(written.error(), Fault::Kind::Conflict)) return written;
  const auto there = host::read_file(path, wire.size());
  if (there && std::ranges::equal(*there, wire)) return {};
  return fault(Fault::Kind::Conflict, path.string() + " is published already, with other content",
               "a version is never published twice; was " + layout.dir().string() +
                   " or cotter.db restored from a backup?");
}

}  // namespace

Result<void> rehearse(const Layout& layout, const trust::TrustedSet& published,
                      const Publication& publication, UtcTime now) {
  FolderTransport folder(layout.dir());
  PublicationTransport next(publication, &folder);
  SeenByClients seen(published);
  TRY(read_as_client(next, TRY(first_root(next)), now, seen));
  return {};
}

Result<void> rehearse_root(const Layout& layout, const trust::TrustedSet& published,
                           const Publication& publication, UtcTime now) {
  FolderTransport folder(layout.dir());
  PublicationTransport next(publication, &folder);
  TRY(read_as_client(next, now));
  SeenByClients seen(published);
  const ByteView newest = published.root().wire();
  TRY(read_as_client(next, Bytes(newest.begin(), newest.end()), now, seen));
  return {};
}

Result<void> rehearse_next(const trust::TrustedSet& published, const Publication& publication,
                           const trust::ContentSource& ahead, UtcTime now) {
  const auto wire_of = [&](const RoleName& role) -> const Bytes* {
    const auto file = std::find_if(publication.begin(), publication.end(),
                                   [&](const NewFile& each) { return each.role == role; });
    return file == publication.end() ? nullptr : &file->wire;
  };
  trust::TrustedSet next = published.next_cycle(now);
  TRY(next.close_root_chain());
  const Bytes* timestamp = wire_of(model::timestamp_role());
  COTTER_ASSERT(timestamp != nullptr);
  TRY(next.update_timestamp(*timestamp));
  if (const Bytes* snapshot = wire_of(model::snapshot_role())) {
    TRY(next.update_snapshot(*snapshot, ahead));
  } else if (!next.use_recalled_snapshot()) {
    const ByteView stored = published.snapshot()->wire();
    TRY(next.update_snapshot(Bytes(stored.begin(), stored.end())));  // says why it does not fit
  }
  if (const Bytes* targets = wire_of(model::targets_role()))
    return next.update_targets(*targets, model::targets_role(), model::root_role());
  if (next.use_recalled_targets()) return {};
  const ByteView stored = published.targets()->wire();
  return next.update_targets(Bytes(stored.begin(), stored.end()), model::targets_role(), model::root_role());
}

Result<void> write_file(const Layout& layout, const NewFile& file) {
  if (!file.version) return host::write_atomically(layout.metadata(file.role, file.version), file.wire);
  TRY(create_file(layout.metadata(file.role, file.version), file.wire, layout));
  if (const auto bytes = packed(file.wire))
    return host::write_atomically(layout.packed_metadata(file.role, *file.version), *bytes);
  return {};
}

Result<void> commit(const Layout& layout, const trust::TrustedSet& published, const Publication& publication,
                    UtcTime now) {
  TRY(rehearse(layout, published, publication, now));
  for (const NewFile& file : publication) TRY(write_file(layout, file));
  return {};
}

Result<Prepared> Prepared::write(const Layout& layout, std::span<const NewFile> files, Batch& batch) {
  Prepared prepared(layout, batch);
  for (const NewFile& file : files) {
    COTTER_ASSERT(file.version);
    prepared.passing_.push_back(TRY(WrittenFile::write(batch, file.wire)));
    prepared.passing_.back().add_to(batch, layout, {file.role}, *file.version);
  }
  TRY(batch.make_durable());
  return prepared;
}

Result<void> Prepared::show(const NewFile& timestamp) {
  TRY(batch_->give_names());
  return write_file(*layout_, timestamp);
}

Result<void> empty_incoming(const Layout& layout) {
  TRY(remove_files(layout.incoming_dir(),
                   [&](const std::string& name) { return name != layout.lock().filename(); }));
  TakenImages::sweep(layout);
  return {};
}

Result<void> clean_up(const Layout& layout, const trust::TrustedSet& published) {
  TRY(empty_incoming(layout));
  const auto newest = [&](const RoleName& role) -> std::optional<Version> {
    if (role == model::snapshot_role()) return (*published.snapshot())->version;
    const auto listed = published.listed(role);
    return listed ? std::optional(listed->version) : std::nullopt;
  };
  return remove_files(layout.dir(), [&](const std::string& name) {
    if (name.front() == '.') return true;
    const bool is_packed = name.ends_with(kPackedEnd);
    const std::string plain = name.substr(0, name.size() - (is_packed ? kPackedEnd.size() : 0));
    const auto file = role_in(plain);
    if (!file) return false;
    if (file->second == model::root_role()) return is_packed && !fs::exists(layout.dir() / plain);
    const std::optional<Version> published_version = newest(file->second);
    return published_version && file->first > *published_version;
  });
}

}  // namespace cotter::repository
