#include "server/app/signing_terms.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "common/host/atomic_file.h"
#include "common/model/file_names.h"
#include "server/app/init_release_role.h"

namespace cotter::app {
namespace {

using signing::Duty;
using signing::Terms;

constexpr std::size_t kAccountBytes = 16 * 1024;  // more than the longest line of a user database

Result<Terms> terms_of(const SigningGrant& grant, std::chrono::seconds longest_life) {
  Terms terms;
  for (const std::string& caller : grant.callers) terms.callers.insert(TRY(account_number(caller)));
  if (terms.callers.empty()) terms.callers.insert(::geteuid());
  terms.per_minute = grant.per_minute;
  terms.longest_life = longest_life;
  return terms;
}

}  // namespace

Result<uid_t> account_number(const std::string& account) {
  uid_t number = 0;
  const auto [end, error] = std::from_chars(account.data(), account.data() + account.size(), number);
  if (error == std::errc() && end == account.data() + account.size()) return number;
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, kAccountBytes> buffer{};
  if (::getpwnam_r(account.c_str(), &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) {
    return found->pw_uid;
  }
  return fault(Fault::Kind::NotFound, "no account " + account + " on this machine",
               "name one that is there, or give its number");
}

std::optional<gid_t> group_of(uid_t account) {
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, kAccountBytes> buffer{};
  if (::getpwuid_r(account, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) {
    return std::nullopt;
  }
  return found->pw_gid;
}

Result<std::map<Duty, Terms>> signing_terms(const Settings& settings) {
  std::map<Duty, Terms> terms;
  terms[Duty::ImageSnapshot] = TRY(terms_of(settings.sign_image, settings.image.snapshot));
  terms[Duty::ImageTimestamp] = TRY(terms_of(settings.sign_image, settings.image.timestamp));
  terms[Duty::DirectorTargets] = TRY(terms_of(settings.sign_director, settings.director.targets));
  terms[Duty::DirectorSnapshot] = TRY(terms_of(settings.sign_director, settings.director.snapshot));
  terms[Duty::DirectorTimestamp] = TRY(terms_of(settings.sign_director, settings.director.timestamp));
  terms[Duty::TimeSource] = TRY(terms_of(settings.sign_time, std::chrono::seconds(0)));
  terms[Duty::Release] = TRY(terms_of(settings.sign_release, kBinLifetime));
  // Whoever signs metadata signs the ledger that tells of it.
  Terms& ledger = terms[Duty::Ledger] = terms[Duty::ImageTimestamp];
  const Terms& director = terms[Duty::DirectorTimestamp];
  ledger.callers.insert(director.callers.begin(), director.callers.end());
  ledger.per_minute += director.per_minute;
  return terms;
}

Result<std::vector<RoleName>> signing_release_roles(const Settings& settings) {
  std::vector<RoleName> roles;
  for (const std::string& name : settings.release_roles) {
    if (!model::is_releasable_role_name(name)) {
      return fault(Fault::Kind::Usage,
                   "'" + name + "' in release_roles of [signing] is no release role's name",
                   "name roles that cotter release init-role made or is to make");
    }
    roles.emplace_back(name);
  }
  return roles;
}

std::set<uid_t> callers_of(const std::map<Duty, Terms>& terms) {
  std::set<uid_t> callers;
  for (const auto& [duty, each] : terms) callers.insert(each.callers.begin(), each.callers.end());
  return callers;
}

Result<void> refuse_writable_terms(const Workspace& workspace, const std::set<uid_t>& callers) {
  const uid_t own = ::geteuid();
  if (std::ranges::all_of(callers, [&](uid_t uid) { return uid == own; })) return {};
  for (const std::filesystem::path& path : {workspace.dir(), workspace.config_path()}) {
    struct stat found {};
    if (::stat(path.c_str(), &found) != 0)
      return fail(host::errno_fault("cannot see " + path.string(), errno));
    const bool is_a_callers = found.st_uid != own && callers.contains(found.st_uid);
    if (!is_a_callers && (found.st_mode & (S_IWGRP | S_IWOTH)) == 0) continue;
    return fault(Fault::Kind::Denied,
                 path.string() + " can be written by others than the signing process, whom it limits",
                 "give the signing process a folder of its own with a cotter.toml, and name it with -C");
  }
  return {};
}

}  // namespace cotter::app
