#include "server/app/release_manifest.h"

#include <map>
#include <utility>

#include "common/host/config.h"

namespace cotter::app {
namespace {

/// What a getter found, or an empty value and a finding.
template <class T>
T taken(Result<T> value, Findings& findings) {
  if (value) return *std::move(value);
  findings.add("", value.error());
  return T{};
}

Artifact read_artifact(const host::Config& entry, Findings& findings) {
  Artifact artifact;
  artifact.where = summary(entry.bad_value("", ""));
  artifact.where.resize(artifact.where.rfind(':'));
  artifact.file = taken(entry.path("file"), findings);
  artifact.release.name = TargetName(taken(entry.string("name"), findings));
  for (const std::string& id : taken(entry.strings("hardware_ids"), findings))
    artifact.release.hardware_ids.emplace_back(id);
  artifact.release.version = taken(entry.string("version"), findings);
  if (const auto counter = taken(entry.find_integer("release_counter"), findings)) {
    if (*counter < 0) findings.add("", entry.bad_value("release_counter", "is negative"));
    artifact.release.counter = ReleaseCounter(static_cast<std::uint64_t>(*counter));
  }
  if (const auto role = taken(entry.find_string("role"), findings)) artifact.role = RoleName(*role);
  return artifact;
}

}  // namespace

void Findings::add(const std::string& where, const Error& error) {
  const auto* fault = std::get_if<Fault>(&error);
  if (count_++ == 0 && fault != nullptr) kind_ = fault->kind;
  if (fault != nullptr && hint_.empty()) hint_ = fault->hint;
  if (lines_.size() < kMostLines) lines_.push_back((where.empty() ? "" : where + ": ") + summary(error));
}

void Findings::add(const Findings& others) {
  if (others.empty()) return;
  if (count_ == 0) kind_ = others.kind_;
  if (hint_.empty()) hint_ = others.hint_;
  count_ += others.count_;
  for (const std::string& line : others.lines_) {
    if (lines_.size() < kMostLines) lines_.push_back(line);
  }
}

Result<void> Findings::verdict() const {
  if (empty()) return {};
  if (count_ == 1) return fault(kind_, lines_.front(), hint_);
  std::string text = std::to_string(count_) + " things are wrong:";
  for (const std::string& line : lines_) text += "\n  " + line;
  if (count_ > lines_.size()) text += "\n  and " + std::to_string(count_ - lines_.size()) + " more";
  return fault(kind_, std::move(text), hint_);
}

std::set<RoleName> ReleaseManifest::roles() const {
  std::set<RoleName> all;
  for (const Artifact& artifact : artifacts) all.insert(role_of(artifact));
  return all;
}

Result<ReleaseManifest> ReleaseManifest::read(const std::filesystem::path& file) {
  const host::Config config = TRY(host::Config::read(file, kMaxBytes));
  Findings findings;
  ReleaseManifest manifest;
  const auto role = config.find_string("role");
  if (!role) findings.add("", role.error());
  if (role && *role) manifest.role = RoleName(**role);
  bool needs_role = false;
  std::map<TargetName, std::string> seen;
  for (const host::Config& entry : taken(config.tables("artifact"), findings)) {
    Findings own;
    Artifact artifact = read_artifact(entry, own);
    if (own.empty()) {
      if (const auto good = repository::check_release(artifact.release); !good)
        own.add(artifact.where, good.error());
    }
    const auto [first, is_new] = seen.try_emplace(artifact.release.name, artifact.where);
    if (!is_new) own.add("", entry.bad_value("name", "is listed already: " + first->second));
    findings.add(own);
    needs_role |= !artifact.role;
    manifest.artifacts.push_back(std::move(artifact));
  }
  if (manifest.artifacts.empty() && findings.empty())
    findings.add("", config.bad_value("artifact", "is missing: an [[artifact]] for each image"));
  if (needs_role && role && !*role)
    findings.add("", config.bad_value("role", "is missing: here, or in each [[artifact]]"));
  if (manifest.roles().size() > kMostRoles)
    findings.add("", config.bad_value("role", "is one of more than " + std::to_string(kMostRoles) +
                                                  ": release them in several manifests"));
  if (const auto known = config.refuse_unknown(); !known) findings.add("", known.error());
  TRY(findings.verdict());
  return manifest;
}

}  // namespace cotter::app
