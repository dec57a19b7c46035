#include "server/signing/policy.h"

#include <algorithm>
#include <array>
#include <utility>

#include "common/crypto/digest.h"
#include "common/model/roles.h"
#include "common/model/time_attestation.h"
#include "common/model/time_source.h"
#include "server/keys/keyring.h"
#include "server/ledger/checkpoint.h"
#include "server/signing/canonical_reader.h"
#include "server/signing/release_policy.h"

namespace cotter::signing {
namespace {

using model::Profile;

bool is_directors(Duty duty) {
  return duty == Duty::DirectorTargets || duty == Duty::DirectorSnapshot || duty == Duty::DirectorTimestamp;
}

template <class Role>
Verdict<Role> decoded(Duty duty, ByteView message) {
  auto value = read_canonical(message);
  if (!value) return refused(Policy::OtherRole, summary(value.error()));
  auto role = Role::decode(*value, Profile::Vehicle);
  if (!role)
    return refused(Policy::OtherRole, "no content of " + name_of(duty) + ": " + summary(role.error()));
  return *std::move(role);
}

/// What all metadata has.
template <class Role>
Verdict<Content> content_of(Duty duty, const Role& role) {
  if (is_directors(duty) && !role.vin) {
    return refused(Policy::VehicleForeign,
                   "a director's file must name its vehicle, and this one names none");
  }
  if (!is_directors(duty) && role.vin) {
    return refused(Policy::VehicleForeign,
                   "an image repository's file is for all vehicles, and this one names " + role.vin->value());
  }
  Content content;
  content.duty = duty;
  if (role.vin) content.vehicle = role.vin->value();
  content.number = role.version.value();
  content.time = role.expires;
  return content;
}

std::optional<Refusal> take_ecus(const model::Targets& targets, Content& content) {
  for (const auto& [name, target] : targets.targets) {
    const auto ecus = target.ecus();
    if (!ecus) return Refusal{Policy::EcuForeign, name.value() + ": " + summary(ecus.error())};
    if (ecus->empty()) return Refusal{Policy::EcuForeign, name.value() + " is for no ECU"};
    for (const auto& [ecu, hardware] : *ecus) {
      if (content.ecus.insert(ecu.value()).second) continue;
      return Refusal{Policy::EcuForeign, "ECU " + ecu.value() + " is listed twice"};
    }
  }
  return std::nullopt;
}

/// Whoever could name another time source here would set the clocks of partial secondaries (PVS-6).
std::optional<Refusal> check_time_source(const model::Targets& targets, const crypto::PublicKey* own) {
  const auto source = model::TimeSource::of(targets);
  if (!source) return Refusal{Policy::TimeSourceForeign, summary(source.error())};
  if (!*source) return std::nullopt;
  if (own == nullptr) {
    return Refusal{Policy::TimeSourceForeign, "the targets name a time source, and no time key is here"};
  }
  for (const auto& [id, key] : (*source)->keys) {
    if (key.material() == own->material()) continue;
    return Refusal{Policy::TimeSourceForeign, "the targets name a time source with key " + id.value()};
  }
  return std::nullopt;
}

Verdict<Content> read_targets(Duty duty, ByteView message, const KnownKeys& keys) {
  const auto targets = decoded<model::Targets>(duty, message);
  if (!targets) return tl::unexpected<Refusal>(targets.error());
  auto content = content_of(duty, *targets);
  if (!content) return content;
  if (targets->delegations)
    return refused(Policy::DirectorDelegates, "a director's targets delegate nothing");
  if (auto refusal = take_ecus(*targets, *content)) return tl::unexpected<Refusal>(*std::move(refusal));
  if (auto refusal = check_time_source(*targets, keys.time_source)) {
    return tl::unexpected<Refusal>(*std::move(refusal));
  }
  return content;
}

Verdict<Content> read_snapshot(Duty duty, ByteView message) {
  const auto snapshot = decoded<model::Snapshot>(duty, message);
  if (!snapshot) return tl::unexpected<Refusal>(snapshot.error());
  auto content = content_of(duty, *snapshot);
  if (!content) return content;
  for (const model::MetaFiles::Entry entry : snapshot->meta) {
    if (is_directors(duty) && entry.role != model::targets_role().value()) {
      return refused(Policy::DirectorDelegates, "a director's snapshot lists " + std::string(entry.role));
    }
    content->listed.emplace(entry.role, entry.version.value());
  }
  return content;
}

Verdict<Content> read_timestamp(Duty duty, ByteView message) {
  const auto timestamp = decoded<model::Timestamp>(duty, message);
  if (!timestamp) return tl::unexpected<Refusal>(timestamp.error());
  auto content = content_of(duty, *timestamp);
  if (!content) return content;
  content->listed.emplace(model::snapshot_role().value(), timestamp->snapshot.version.value());
  return content;
}

Verdict<Content> read_time(Duty duty, ByteView message) {
  const auto attestation = decoded<model::TimeAttestation>(duty, message);
  if (!attestation) return tl::unexpected<Refusal>(attestation.error());
  Content content;
  content.duty = duty;
  content.time = attestation->time;
  return content;
}

Verdict<Content> read_checkpoint(Duty duty, ByteView message, const crypto::PublicKey& own) {
  const auto checkpoint = ledger::parse_checkpoint(as_text(message));
  if (!checkpoint) return refused(Policy::OtherRole, summary(checkpoint.error()));
  if (checkpoint->origin != ledger::origin_of(own)) {
    return refused(Policy::LedgerForeign, "a checkpoint of log " + checkpoint->origin +
                                              ", and this key's log is " + ledger::origin_of(own));
  }
  Content content;
  content.duty = duty;
  content.number = checkpoint->size;
  content.head = *checkpoint;
  return content;
}

Verdict<Content> read_any(Duty duty, ByteView message, const KnownKeys& keys) {
  switch (duty) {
    case Duty::DirectorTargets:
      return read_targets(duty, message, keys);
    case Duty::ImageSnapshot:
    case Duty::DirectorSnapshot:
      return read_snapshot(duty, message);
    case Duty::ImageTimestamp:
    case Duty::DirectorTimestamp:
      return read_timestamp(duty, message);
    case Duty::TimeSource:
      return read_time(duty, message);
    case Duty::Ledger:
    case Duty::Release:
      break;
  }
  return read_checkpoint(duty, message, *keys.own);
}

std::optional<Refusal> judge_number(const Content& content, const std::optional<LastSigned>& last) {
  if (!last || content.number > last->number || is_repeat(content, last)) return std::nullopt;
  const std::string numbers = std::to_string(content.number) +
                              " is asked for, and the last that was signed is " +
                              std::to_string(last->number);
  if (content.duty == Duty::Ledger) {
    return Refusal{Policy::LedgerShrinks, "a checkpoint of size " + numbers +
                                              (content.number == last->number ? " with another root" : "")};
  }
  return Refusal{Policy::VersionNotHigher, "version " + numbers};
}

/// As a witness does (c2sp.org/tlog-witness). The journal has the digest of the last checkpoint: whose text
/// has that digest says its root.
std::optional<Refusal> judge_growth(const Content& content, const std::optional<LastSigned>& last) {
  if (!last || is_repeat(content, last)) return std::nullopt;
  const std::string sizes = "a checkpoint of size " + std::to_string(content.number) +
                            " is asked for, and the last that was signed is " + std::to_string(last->number);
  if (!content.growth) return Refusal{Policy::LedgerForks, sizes + ": no proof leads from there"};
  const auto from = ledger::parse_checkpoint(content.growth->last);
  if (!from || crypto::sha256(as_bytes(content.growth->last)) != last->digest) {
    return Refusal{Policy::LedgerForks, sizes + ": the log has other entries there than were signed"};
  }
  if (ledger::verify_consistency(from->size, from->root, content.head->size, content.head->root,
                                 content.growth->proof)) {
    return std::nullopt;
  }
  return Refusal{Policy::LedgerForks, sizes + ": the proof does not lead from there to this root"};
}

std::optional<Refusal> judge_listing(const Listing& listed, const std::optional<LastSigned>& last) {
  if (!last) return std::nullopt;
  for (const auto& [role, version] : last->listed) {
    const auto now = listed.find(role);
    if (now != listed.end() && now->second >= version) continue;
    return Refusal{Policy::ListedVersionLower,
                   role + " is listed as " + (now == listed.end() ? "none" : std::to_string(now->second)) +
                       ", and was listed as " + std::to_string(version)};
  }
  return std::nullopt;
}

std::optional<Refusal> judge_owners(const std::string& vehicle,
                                    const std::map<std::string, std::string>& owners) {
  const auto foreign = std::ranges::find_if(owners, [&](const auto& each) { return each.second != vehicle; });
  if (foreign == owners.end()) return std::nullopt;
  return Refusal{Policy::EcuForeign, "ECU " + foreign->first + " belongs to vehicle " + foreign->second};
}

std::optional<Refusal> judge_expiry(UtcTime expires, std::chrono::seconds longest, UtcTime now) {
  if (expires <= now) {
    return Refusal{Policy::Expired,
                   "it expires at " + format_utc(expires) + ", and it is " + format_utc(now)};
  }
  if (expires <= now + longest + kLifeSlack) return std::nullopt;
  return Refusal{Policy::ExpiresTooLate, "it expires at " + format_utc(expires) +
                                             ", and nothing may live beyond " + format_utc(now + longest)};
}

std::optional<Refusal> judge_time(UtcTime attested, UtcTime now) {
  if (attested <= now + kClockSlack && attested >= now - kClockSlack) return std::nullopt;
  return Refusal{Policy::TimeOff,
                 "it attests " + format_utc(attested) + ", and the clock here shows " + format_utc(now)};
}

}  // namespace

const std::string& name_of(Duty duty) {
  static const std::array<std::string, std::size(kAllDuties) + 1> names = {
      keys::key_name(Repository::Image, model::snapshot_role()),
      keys::key_name(Repository::Image, model::timestamp_role()),
      keys::key_name(Repository::Director, model::targets_role()),
      keys::key_name(Repository::Director, model::snapshot_role()),
      keys::key_name(Repository::Director, model::timestamp_role()),
      keys::key_name(Repository::Director, model::time_source_role()),
      keys::kLedgerKeyName,
      "a release role"};
  return names.at(static_cast<std::size_t>(duty));
}

std::optional<Duty> duty_named(std::string_view name) {
  for (const Duty duty : kAllDuties) {
    for (int number = 1; number <= keys::kMostKeysOfARole; ++number) {
      if (keys::numbered(name_of(duty), number) == name) return duty;
    }
  }
  return std::nullopt;
}

std::string_view name_of(Policy policy) noexcept {
  switch (policy) {
    case Policy::CallerNotAllowed:
      return "caller-not-allowed";
    case Policy::TooOften:
      return "too-often";
    case Policy::OtherRole:
      return "other-role";
    case Policy::VehicleForeign:
      return "vehicle-foreign";
    case Policy::DirectorDelegates:
      return "director-delegates";
    case Policy::EcuForeign:
      return "ecu-foreign";
    case Policy::TimeSourceForeign:
      return "time-source-foreign";
    case Policy::ReleaseDelegates:
      return "release-delegates";
    case Policy::BinForeign:
      return "bin-foreign";
    case Policy::VersionNotHigher:
      return "version-not-higher";
    case Policy::ListedVersionLower:
      return "listed-version-lower";
    case Policy::Expired:
      return "expired";
    case Policy::ExpiresTooLate:
      return "expires-too-late";
    case Policy::TimeOff:
      return "time-off";
    case Policy::LedgerForeign:
      return "ledger-foreign";
    case Policy::LedgerShrinks:
      return "ledger-shrinks";
    case Policy::LedgerForks:
      break;
  }
  return "ledger-forks";
}

Verdict<Content> read_content(Duty duty, ByteView message, const KnownKeys& keys) {
  auto content = read_any(duty, message, keys);
  if (content) content->digest = crypto::sha256(message);
  return content;
}

bool is_repeat(const Content& content, const std::optional<LastSigned>& last) {
  return last && content.number == last->number && content.digest == last->digest;
}

std::optional<Refusal> judge_caller(std::string_view key, const Terms& terms, uid_t caller,
                                    std::uint32_t in_this_minute) {
  if (!terms.callers.contains(caller)) {
    return Refusal{Policy::CallerNotAllowed,
                   "user " + std::to_string(caller) + " may not use key " + std::string(key)};
  }
  if (in_this_minute < terms.per_minute) return std::nullopt;
  return Refusal{Policy::TooOften, "key " + std::string(key) + " signs " + std::to_string(terms.per_minute) +
                                       " times a minute and no more"};
}

std::optional<Refusal> judge(const Content& content, const Past& past, const Terms& terms, UtcTime now) {
  if (content.duty == Duty::TimeSource) return judge_time(content.time, now);
  if (content.duty == Duty::Release) {
    if (auto refusal = judge_release(content, past)) return refusal;
  }
  if (auto refusal = judge_number(content, past.last)) return refusal;
  if (content.duty == Duty::Ledger) return judge_growth(content, past.last);
  if (auto refusal = judge_owners(content.vehicle, past.owners)) return refusal;
  if (auto refusal = judge_listing(content.listed, past.last)) return refusal;
  return judge_expiry(content.time, terms.longest_life, now);
}

}  // namespace cotter::signing
