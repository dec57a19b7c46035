#include "server/repository/layout.h"

#include "common/model/file_names.h"
#include "common/model/roles.h"

namespace cotter::repository {

std::filesystem::path Layout::metadata(const RoleName& role, std::optional<Version> version) const {
  return dir_ / model::metadata_file_name(role, version);
}

std::filesystem::path Layout::root(Version version) const { return metadata(model::root_role(), version); }

std::filesystem::path Layout::packed_metadata(const RoleName& role, Version version) const {
  return metadata(role, version) += kPackedEnd;
}

std::string Layout::image(const TargetName& name, std::string_view digest_hex) const {
  return dir_.native() + "/" + image_url_path(name, digest_hex);  // cheaper than part by part
}

std::string image_url_path(const TargetName& name, std::string_view digest_hex) {
  return "targets/" + model::target_url_path(name, digest_hex);
}

}  // namespace cotter::repository
