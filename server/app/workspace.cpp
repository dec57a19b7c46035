#include "server/app/workspace.h"

#include <fmt/format.h>

#include <cstdlib>
#include <system_error>
#include <utility>

#include "common/host/config.h"

namespace cotter::app {
namespace {

namespace fs = std::filesystem;

constexpr const char* kConfigName = "cotter.toml";
constexpr std::int64_t kMaxHours = 20 * 365 * 24;

struct LifetimeKey {
  const char* name;
  std::chrono::seconds Lifetimes::*member;
};
constexpr LifetimeKey kLifetimeKeys[] = {{"root", &Lifetimes::root},
                                         {"targets", &Lifetimes::targets},
                                         {"snapshot", &Lifetimes::snapshot},
                                         {"timestamp", &Lifetimes::timestamp}};

std::int64_t in_hours(std::chrono::seconds duration) {
  return std::chrono::duration_cast<std::chrono::hours>(duration).count();
}

std::string lifetime_key(std::string_view repository, std::string_view role) {
  return fmt::format("{}.{}_hours", repository, role);
}

Result<Lifetimes> read_lifetimes(const host::Config& config, std::string_view repository,
                                 Lifetimes lifetimes) {
  for (const LifetimeKey& key : kLifetimeKeys) {
    std::chrono::seconds& lifetime = lifetimes.*key.member;
    lifetime = std::chrono::hours(
        TRY(config.integer_or(lifetime_key(repository, key.name), in_hours(lifetime), 1, kMaxHours)));
  }
  return lifetimes;
}

struct LimitKey {
  const char* name;
  std::uint32_t Settings::*member;
};
constexpr LimitKey kLimitKeys[] = {{"writes_at_once", &Settings::writes_at_once},
                                   {"writes_per_minute", &Settings::writes_per_minute},
                                   {"reads_at_once", &Settings::reads_at_once},
                                   {"reads_per_minute", &Settings::reads_per_minute}};
constexpr std::int64_t kMostPerMinute = 60'000;  // one a millisecond: no limit any more

Result<void> read_limits(const host::Config& config, Settings& settings) {
  for (const LimitKey& key : kLimitKeys) {
    std::uint32_t& limit = settings.*key.member;
    limit = static_cast<std::uint32_t>(
        TRY(config.integer_or(fmt::format("vehicle_limits.{}", key.name), limit, 1, kMostPerMinute)));
  }
  return {};
}

std::string limits_text(const Settings& settings) {
  std::string text;
  for (const LimitKey& key : kLimitKeys) text += fmt::format("{} = {}\n", key.name, settings.*key.member);
  return text;
}

std::string lifetimes_text(const Lifetimes& lifetimes) {
  std::string text;
  for (const LifetimeKey& key : kLifetimeKeys) {
    text += fmt::format("{}_hours = {}\n", key.name, in_hours(lifetimes.*key.member));
  }
  return text;
}

/// TOML's basic string.
std::string toml_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      out += fmt::format("\\u{:04X}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

struct GrantKey {
  const char* name;
  SigningGrant Settings::*member;
};
constexpr GrantKey kGrantKeys[] = {{"image", &Settings::sign_image},
                                   {"director", &Settings::sign_director},
                                   {"time", &Settings::sign_time},
                                   {"release", &Settings::sign_release}};
constexpr std::int64_t kMostSignaturesPerMinute = 1'000'000;

Result<void> read_grants(const host::Config& config, Settings& settings) {
  for (const GrantKey& key : kGrantKeys) {
    SigningGrant& grant = settings.*key.member;
    grant.callers = TRY(config.strings(fmt::format("signing.{}_callers", key.name)));
    grant.per_minute = static_cast<std::uint32_t>(TRY(config.integer_or(
        fmt::format("signing.{}_per_minute", key.name), grant.per_minute, 1, kMostSignaturesPerMinute)));
  }
  settings.release_roles = TRY(config.strings("signing.release_roles"));
  return {};
}

std::string toml_strings(const std::vector<std::string>& all) {
  std::string text;
  for (const std::string& each : all) text += (text.empty() ? "" : ", ") + toml_string(each);
  return "[" + text + "]";
}

std::string grants_text(const Settings& settings) {
  std::string text;
  for (const GrantKey& key : kGrantKeys) {
    const SigningGrant& grant = settings.*key.member;
    text += fmt::format("{0}_callers = {1}\n{0}_per_minute = {2}\n", key.name, toml_strings(grant.callers),
                        grant.per_minute);
  }
  return text +
         "# Release roles whose keys it uses too.\nrelease_roles = " + toml_strings(settings.release_roles) +
         "\n";
}

std::string path_line(const char* name, const std::optional<fs::path>& path) {
  return path ? fmt::format("{} = {}", name, toml_string(path->string())) : fmt::format("# {} = \"\"", name);
}

bool is_workspace(const fs::path& dir) {
  std::error_code ignored;
  return fs::is_regular_file(dir / kConfigName, ignored);
}

}  // namespace

std::string cotter_toml_text(const Settings& settings) {
  return fmt::format(
      R"(# A Cotter workspace. The folders beside this file belong to it; keep them together.
# Keys are not configured here: `cotter key list` shows them.

# How long signed metadata lives, in hours. Short lives limit how long a stolen or withheld file is of use;
# the timestamp's is how long a vehicle can be kept from seeing news without noticing.
[image]
{}
# The director signs for each vehicle by itself and in time; its root is offline.
[director]
{}
[server]
# Where cotterd listens, unless --listen says otherwise.
listen = {}
# Serve /repo/ to clients without a certificate too, as a CDN would. It holds no secrets.
public_repo = {}
# Where the process that holds the online keys answers (cotterd --role sign). Without it they are in keys/.
{}
# Where one answers that holds release roles' keys, on another machine than the director's (ssh -L brings its
# socket here). Without it they are with the others.
{}

# What that process grants: to which accounts (none: its own), and how often a minute. Life times as above.
# It is to read a cotter.toml that its callers cannot write.
[signing]
{}
# What each vehicle may ask of the director: so often at once, then in a minute. Writes are manifests and ECU
# lists, reads are metadata. Who asks more is told to come back later, so that none holds up the others.
[vehicle_limits]
{}
[offline]
# Where the holders' folders were made. Take them away: the offline keys do not belong on this machine.
{}
)",
      lifetimes_text(settings.image), lifetimes_text(settings.director), toml_string(settings.listen),
      settings.public_repo, path_line("signer", settings.signer),
      path_line("release_signer", settings.release_signer), grants_text(settings), limits_text(settings),
      path_line("dir", settings.offline_dir));
}

Result<Settings> read_settings(const fs::path& cotter_toml) {
  const host::Config config = TRY(host::Config::read(cotter_toml));
  Settings settings;
  settings.image = TRY(read_lifetimes(config, "image", settings.image));
  settings.director = TRY(read_lifetimes(config, "director", settings.director));
  settings.listen = TRY(config.string_or("server.listen", settings.listen));
  settings.public_repo = TRY(config.boolean_or("server.public_repo", settings.public_repo));
  settings.signer = TRY(config.find_path("server.signer"));
  settings.release_signer = TRY(config.find_path("server.release_signer"));
  TRY(read_grants(config, settings));
  TRY(read_limits(config, settings));
  settings.offline_dir = TRY(config.find_path("offline.dir"));
  TRY(config.refuse_unknown());
  return settings;
}

Result<Workspace> Workspace::open(const fs::path& dir) {
  std::error_code error;
  const fs::path whole = fs::absolute(dir, error).lexically_normal();
  if (error || !is_workspace(whole)) {
    return fault(Fault::Kind::NotFound, "no workspace in " + dir.string() + ": it has no cotter.toml",
                 "cotter init " + dir.string() + " makes one");
  }
  Settings settings = TRY(read_settings(whole / kConfigName));
  return Workspace(whole, std::move(settings));
}

Result<Workspace> Workspace::find(const std::optional<fs::path>& given) {
  if (given) return open(*given);
  if (const char* named = std::getenv("COTTER_WORKSPACE"); named != nullptr && *named != '\0')
    return open(named);
  std::error_code error;
  const fs::path here = fs::current_path(error);
  for (fs::path dir = here; !error; dir = dir.parent_path()) {
    if (is_workspace(dir)) return open(dir);
    if (dir == dir.parent_path()) break;
  }
  return fault(Fault::Kind::NotFound, "no workspace in " + here.string() + " or above it",
               "name one by -C DIR or COTTER_WORKSPACE, or make one by cotter init DIR");
}

}  // namespace cotter::app
