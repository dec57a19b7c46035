#include "server/app/published_files.h"

#include <optional>
#include <utility>

#include "common/crypto/digest.h"
#include "common/json/canonical.h"
#include "common/json/object_view.h"
#include "common/json/strict_reader.h"
#include "common/model/file_names.h"
#include "server/app/release_lines.h"

namespace cotter::app {
namespace {

using json::ObjectView;

class Reader {
 public:
  void take(std::uint64_t index, const ledger::Entry& entry) {
    if (entry.subject != name_of(Repository::Image)) return;
    const Step step = step_of(index, entry);
    const json::Value* files = entry.details.find("files");
    if (files != nullptr && files->as_array() != nullptr) {
      for (const json::Value& file : *files->as_array()) {
        if (const json::Object* object = file.as_object()) take_file(step, *object);
      }
    }
    const json::Value* delegated = entry.details.find("delegated");
    if (delegated != nullptr && delegated->as_object() != nullptr) note(step, *delegated->as_object(), false);
    for (const json::Object* release : releases_in(entry.details)) note(step, *release, true);
  }

  Published finish() {
    Published all;
    for (PublishedFile& each : files_) {
      if (last_.at({each.role, each.version}) == each.step.index) all.files.push_back(std::move(each));
    }
    all.roots = std::move(roots_);
    return all;
  }

 private:
  void take_file(const Step& step, const json::Object& file) {
    const RoleName role(text_in(file, "role"));
    if (role == model::root_role()) {
      root_ = Version(number_in(file, "version"));
      root_step_ = step;
      roots_.insert_or_assign(root_, PublishedRoot{step, text_in(file, "sha256")});
    }
    if (role == model::targets_role()) note(step, file, false);
  }

  void note(const Step& step, const json::Object& file, bool is_release) {
    files_.push_back({step, root_, root_step_, RoleName(text_in(file, "role")),
                      Version(number_in(file, "version")), text_in(file, "sha256"), is_release});
    last_.insert_or_assign({files_.back().role, files_.back().version}, step.index);
  }

  Version root_;
  Step root_step_;
  std::map<Version, PublishedRoot> roots_;
  std::vector<PublishedFile> files_;
  std::map<std::pair<RoleName, Version>, std::uint64_t> last_;
};

}  // namespace

Result<Published> published_files(const EachEntry& each) {
  Reader reader;
  TRY(each(ledger::kPublication, {},
           [&](std::uint64_t index, const ledger::Entry& entry) { reader.take(index, entry); }));
  return reader.finish();
}

Result<VouchedTargets> read_vouched(ByteView wire) {
  const json::Value file = TRY(json::read(wire));
  const auto view = TRY(ObjectView::of(file, "file"));
  const json::Value* content = TRY(view.value("signed"));
  VouchedTargets read;
  read.targets = TRY(model::Targets::decode(*content, crypto::Profile::Vehicle));
  read.signed_sha256 = to_hex(crypto::sha256(json::canonical(*content)));
  for (const json::Value& each : *TRY(view.array("signatures"))) {
    const auto signature = TRY(ObjectView::of(each, "signatures[]"));
    read.keyids.emplace_back(TRY(signature.string("keyid")));
  }
  return read;
}

std::vector<NamedHash> hashes_told_by(const ledger::Entry& entry) {
  std::vector<NamedHash> told;
  if (entry.kind != ledger::kPublication) return told;
  const std::string folder = entry.subject == name_of(Repository::Director) ? "director/" : "";
  const auto note = [&](const json::Object* file, bool is_release) {
    if (file == nullptr) return;
    const RoleName role(text_in(*file, "role"));
    const Version version(number_in(*file, "version"));
    const bool is_timestamp = role == model::timestamp_role();
    const std::string name =
        is_release ? release_name(role, version)
                   : model::metadata_file_name(role, is_timestamp ? std::nullopt : std::optional(version));
    told.push_back({folder + name, text_in(*file, "sha256")});
  };
  const json::Value* files = entry.details.find("files");
  if (files != nullptr && files->as_array() != nullptr) {
    for (const json::Value& file : *files->as_array()) note(file.as_object(), false);
  }
  const json::Value* delegated = entry.details.find("delegated");
  if (delegated != nullptr) note(delegated->as_object(), false);
  for (const json::Object* release : releases_in(entry.details)) note(release, true);
  return told;
}

Step step_of(std::uint64_t index, const ledger::Entry& entry) {
  return {index, entry.kind, entry.time, entry.who};
}

std::string text_in(const json::Object& object, std::string_view member) {
  const json::Value* value = object.find(member);
  return value == nullptr || value->as_string() == nullptr ? std::string() : std::string(*value->as_string());
}

std::uint64_t number_in(const json::Object& object, std::string_view member) {
  const json::Value* value = object.find(member);
  return value == nullptr || !value->as_int() ? 0 : static_cast<std::uint64_t>(*value->as_int());
}

std::vector<const json::Object*> releases_in(const json::Object& publication) {
  std::vector<const json::Object*> releases;
  const json::Value* value = publication.find("release");
  if (value == nullptr) return releases;
  const auto add = [&](const json::Value& release) {
    if (release.as_object() != nullptr) releases.push_back(release.as_object());
  };
  add(*value);
  if (value->as_array() != nullptr) {
    for (const json::Value& each : *value->as_array()) add(each);
  }
  return releases;
}

std::vector<KeyId> key_ids_in(const json::Object& object) {
  std::vector<KeyId> ids;
  const json::Value* list = object.find("keyids");
  if (list == nullptr || list->as_array() == nullptr) return ids;
  for (const json::Value& id : *list->as_array()) {
    if (id.as_string() != nullptr) ids.emplace_back(std::string(*id.as_string()));
  }
  return ids;
}

}  // namespace cotter::app
