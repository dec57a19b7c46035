#include "server/ceremony/offline_bundle.h"

#include <system_error>
#include <utility>

#include "common/crypto/digest.h"
#include "common/host/atomic_file.h"
#include "common/json/canonical.h"
#include "common/json/object_view.h"
#include "common/json/strict_reader.h"
#include "common/model/file_names.h"
#include "common/model/roles.h"

namespace cotter::ceremony {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kType = "cotter-signing-request";
constexpr std::size_t kGroup = 4;                ///< digits that are read in one breath
constexpr std::size_t kGroups = 4;               ///< 64 bits: nobody finds a second content with the same
constexpr std::uint64_t kMaxBytes = 64U << 20U;  ///< some 100,000 images

std::string name_prefix(Repository repository, const RoleName& role) {
  return std::string(name_of(repository)) + "-" + role.value() + "-";
}

Result<Repository> repository_in(const json::ObjectView& bundle) {
  const std::string name = TRY(bundle.string("repository"));
  if (name == name_of(Repository::Director)) return Repository::Director;
  if (name != name_of(Repository::Image)) TRY(refuse(RuleId::MemberWrongKind, "director or image", name));
  return Repository::Image;
}

/// The role names the file that the signatures are written back to.
Result<RoleName> role_in(const json::ObjectView& bundle) {
  RoleName role(TRY(bundle.string("role")));
  if (!model::is_top_level(role) && !model::is_releasable_role_name(role.value())) {
    TRY(refuse(RuleId::RoleNameUnsafe, "1 to 64 of A-Z a-z 0-9 . _ -", shown(role.value())));
  }
  return role;
}

Result<std::uint32_t> threshold_in(const json::ObjectView& bundle) {
  const std::uint64_t threshold = TRY(bundle.integer("threshold"));
  if (threshold == 0) TRY(refuse(RuleId::ThresholdZero, "a threshold of 1 or more", "0"));
  if (threshold > UINT32_MAX) {
    TRY(refuse(RuleId::ThresholdAboveKeys, "a threshold that keys can reach", std::to_string(threshold)));
  }
  return static_cast<std::uint32_t>(threshold);
}

Result<OfflineBundle> decode(const json::Value& value) {
  const auto view = TRY(json::ObjectView::of(value, "signing request"));
  if (const std::string type = TRY(view.string("_type")); type != kType) {
    TRY(refuse(RuleId::RoleTypeWrong, std::string(kType), type));
  }
  OfflineBundle bundle;
  bundle.repository = TRY(repository_in(view));
  bundle.role = TRY(role_in(view));
  bundle.version = Version(TRY(view.integer("version")));
  bundle.threshold = TRY(threshold_in(view));
  for (const json::Value& line : *TRY(view.array("summary"))) {
    bundle.summary.push_back(TRY(json::string_of(line, "summary")));
  }
  if (view.members().find("roots") != nullptr) {
    for (const json::Value& root : *TRY(view.array("roots"))) {
      bundle.roots.push_back(TRY(json::string_of(root, "roots")));
    }
  }
  if (view.members().find("base") != nullptr) bundle.base = TRY(view.string("base"));
  bundle.signed_part = *TRY(view.value("signed"));
  for (const json::Value& entry : *TRY(view.array("signatures"))) {
    const auto signature = TRY(json::ObjectView::of(entry, "signature"));
    KeyId id(TRY(signature.string("keyid")));
    Bytes bytes = TRY(signature.hex("sig"));
    bundle.signatures.push_back({std::move(id), std::move(bytes)});
  }
  if (const std::string digest = TRY(view.string("sha256")); digest != bundle.sha256()) {
    TRY(refuse(RuleId::MemberWrongKind, "the SHA-256 of its content, " + bundle.sha256(), digest));
  }
  return bundle;
}

}  // namespace

std::string read_aloud(const std::string& sha256) {
  std::string spelt = sha256.substr(0, kGroup);
  for (std::size_t at = kGroup; at < kGroups * kGroup; at += kGroup) spelt += "-" + sha256.substr(at, kGroup);
  return spelt;
}

std::string OfflineBundle::file_name() const {
  return name_prefix(repository, role) + std::to_string(version.value()) + ".json";
}

std::string OfflineBundle::sha256() const { return to_hex(crypto::sha256(json::canonical(signed_part))); }

Result<void> OfflineBundle::write(const fs::path& pending_dir) const {
  return write_as(pending_dir / file_name());
}

Result<void> OfflineBundle::write_as(const fs::path& file) const {
  json::Array lines(summary.begin(), summary.end());
  json::Array given;
  for (const crypto::Signature& signature : signatures) {
    given.emplace_back(json::Object{{"keyid", signature.keyid.value()}, {"sig", to_hex(signature.bytes)}});
  }
  json::Object bundle{{"_type", kType},
                      {"repository", name_of(repository)},
                      {"role", role.value()},
                      {"version", version.value()},
                      {"threshold", std::uint64_t{threshold}},
                      {"sha256", sha256()},
                      {"summary", std::move(lines)},
                      {"signed", signed_part},
                      {"signatures", std::move(given)}};
  if (!roots.empty()) bundle.set("roots", json::Array(roots.begin(), roots.end()));
  if (!base.empty()) bundle.set("base", base);
  return host::write_atomically(file, to_bytes(json::to_pretty_text(bundle)));
}

Result<OfflineBundle> OfflineBundle::read(const fs::path& file) {
  return decode(TRY(json::read(TRY(host::read_file(file, kMaxBytes)))));
}

namespace {

Result<std::vector<fs::path>> files_with(const fs::path& dir, const std::string& prefix) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator entry(dir, error), end; !error && entry != end; entry.increment(error)) {
    if (entry->path().filename().string().starts_with(prefix)) found.push_back(entry->path());
  }
  if (error) return fail(host::errno_fault("cannot look into " + dir.string(), error.value()));
  return found;
}

}  // namespace

Result<std::vector<fs::path>> bundles_in(const fs::path& pending_dir, Repository repository,
                                         const RoleName& role) {
  return files_with(pending_dir, name_prefix(repository, role));
}

Result<void> remove_bundles(const fs::path& pending_dir, Repository repository, const RoleName& role) {
  const std::string prefix = name_prefix(repository, role);
  for (const std::string& each : {prefix, "." + prefix}) {
    for (const fs::path& file : TRY(files_with(pending_dir, each))) {
      std::error_code error;
      fs::remove(file, error);
      if (error) return fail(host::errno_fault("cannot remove " + file.string(), error.value()));
    }
  }
  return {};
}

}  // namespace cotter::ceremony
