#include "server/app/grow_release_role.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "common/trust/draft.h"
#include "server/app/abilities.h"
#include "server/app/init_release_role.h"
#include "server/app/record_refusal.h"
#include "server/app/supplier_changes.h"
#include "server/ceremony/agreed_bins.h"
#include "server/repository/bins.h"
#include "server/repository/precompressed.h"
#include "server/repository/publisher.h"

namespace cotter::app {
namespace {

std::string in_words(std::uint64_t bins) { return std::to_string(bins) + " bins"; }

model::SuccinctRoles grown(const model::SuccinctRoles& bins, std::uint32_t bit_length) {
  model::SuccinctRoles more = bins;
  more.bit_length = bit_length;
  return more;
}

/// The role's own file and all of its bins.
std::vector<RoleName> names_of(const RoleName& role, const model::SuccinctRoles& bins) {
  std::vector<RoleName> names{role};
  for (std::uint64_t number = 0; number < repository::bin_count(bins); ++number)
    names.push_back(bins.bin(number));
  return names;
}

/// None of the new bins has a name that is somebody's, by `targets` or by the snapshot.
Result<void> check_names(const RepositoryWriter& writer, const model::SuccinctRoles& now,
                         const model::SuccinctRoles& more, const model::Targets& targets) {
  for (std::uint64_t number = 0; number < repository::bin_count(more); ++number) {
    const RoleName bin = more.bin(number);
    if (now.has(bin)) continue;
    const bool is_delegated = targets.delegations && targets.delegations->keys_of(bin) != nullptr;
    if (!is_delegated && !writer.published().listed(bin)) continue;
    return fault(Fault::Kind::Conflict,
                 "one of the bins would be " + bin.value() + ", and there is a role of that name",
                 "choose another number of bins");
  }
  return {};
}

/// Only more, and none under a name that is somebody's.
Result<void> check(RepositoryWriter& writer, const ReleaseRole& role, const model::SuccinctRoles& more) {
  const model::SuccinctRoles& now = role.bins();
  if (more.bit_length < now.bit_length) {
    return fault(Fault::Kind::Usage,
                 "role " + role.name().value() + " has " + in_words(repository::bin_count(now)) + ", and " +
                     in_words(repository::bin_count(more)) + " are fewer",
                 "bins are split and never joined: vehicles would refuse a snapshot that lists fewer");
  }
  if (more.bit_length > repository::kMostBits) {
    return fault(Fault::Kind::Usage, "a bit length of " + std::to_string(more.bit_length) + " will not do",
                 "at most " + std::to_string(repository::kMostBits) +
                     ": another role, with paths of its own, goes on");
  }
  TRY(check_name_is_free(writer.db(), role.name()));
  return check_names(writer, now, more, **writer.published().targets());
}

std::uint64_t packed_bytes(ByteView wire) {
  const auto packed = repository::packed(wire);
  return packed ? packed->size() : wire.size();
}

Result<Growth> measure(const RepositoryWriter& writer, const ReleaseRole& role,
                       const model::SuccinctRoles& more) {
  const trust::Verified<model::Snapshot>& last = *writer.published().snapshot();
  Growth growth;
  growth.bins_before = repository::bin_count(role.bins());
  growth.bins = repository::bin_count(more);
  growth.left_behind = more.has(role.bins().bin(0)) ? 0 : growth.bins_before;

  std::map<RoleName, model::FileMeta> listed;
  for (const RoleName& name : names_of(role.name(), more))
    listed[name].version = Version(role.file().version.value() + 1);
  listed[role.name()] = repository::meta_of(listed[role.name()].version, {});  // as large as the next
  const model::Root& root = *writer.published().root();
  const trust::Draft<model::Snapshot> next(
      repository::next_snapshot(*last, Version(last->version.value() + 1), last->expires, listed));
  growth.snapshot_before = last.wire().size();
  growth.snapshot =
      size_when_signed(next.canonical().size(), root.roles.at(model::snapshot_role()), root.keys);
  growth.packed_before = packed_bytes(last.wire());
  growth.packed = packed_bytes(next.canonical());

  std::uint64_t all = 0;
  for (std::uint64_t number = 0; number < growth.bins_before; ++number) {
    const RoleName bin = role.bins().bin(number);
    const auto meta = writer.published().listed(bin);
    std::error_code unknown;
    if (!meta) continue;
    const auto size = std::filesystem::file_size(writer.layout().metadata(bin, meta->version), unknown);
    if (!unknown) all += size;
  }
  const trust::Draft<model::Targets> empty(repository::empty_bin(role.file().version, writer.now()));
  const std::uint64_t frame =
      size_when_signed(empty.canonical().size(), role.bins().keys, role.file().delegations->keys);
  growth.bin_before = all / growth.bins_before;
  growth.bin = frame + (all - std::min(all, frame * growth.bins_before)) / growth.bins;
  return growth;
}

/// Before the holders are asked, and before a signing process learns of bins that nobody will publish.
Result<void> check_fleet(RepositoryWriter& writer, const Growth& growth) {
  const model::Root& root = *writer.published().root();
  return refuse_unverifiable(
      writer.db(), {demand_of_role(Repository::Image, model::snapshot_role(),
                                   root.roles.at(model::snapshot_role()), root.keys, growth.snapshot)});
}

Result<TargetsOutcome> ask_holders(const Workspace& workspace, RepositoryWriter& writer,
                                   const GrowRequest& request, const Growth& growth,
                                   const model::SuccinctRoles& bins) {
  auto change = TRY(TargetsChange::begin(workspace, writer, request));
  model::Targets next = change.listed();
  TRY(check_names(writer, bins, grown(bins, request.bit_length), next));  // what waits is signed with it
  // What waits may have taken it out.
  const model::DelegatedRole* const found = TRY(repository::find_delegation(next, request.role));
  auto& roles = next.delegations->roles;
  model::DelegatedRole& entry = roles[static_cast<std::size_t>(found - roles.data())];
  std::optional<std::string> line;
  if (ceremony::agreed_bits(entry) != request.bit_length) {
    line = "split the " + in_words(growth.bins_before) + " of role " + request.role.value() + " into " +
           std::to_string(growth.bins) + ", for good";
  }
  ceremony::agree_on_bits(entry, request.bit_length);
  return change.finish(std::move(next), line);
}

/// What an old bin lists, by the new bin that a vehicle will look for it in; of those that get nothing too.
std::map<RoleName, model::Targets> split_bin(const model::SuccinctRoles& old,
                                             const model::SuccinctRoles& more, std::uint64_t number,
                                             model::Targets listed) {
  const std::uint32_t shift = more.bit_length - old.bit_length;
  const auto targets = std::exchange(listed.targets, {});
  std::map<RoleName, model::Targets> parts;
  for (std::uint64_t part = 0; part >> shift == 0; ++part)
    parts.emplace(more.bin((number << shift) | part), listed);
  for (const auto& [name, target] : targets) {
    // One that is in the wrong bin no vehicle ever found.
    if (const auto part = parts.find(more.bin_of(name)); part != parts.end())
      part->second.targets.emplace(name, target);
  }
  return parts;
}

Result<void> split(RepositoryWriter& writer, const GrowRequest& request, GrowOutcome& outcome) {
  const ReleaseRole role = TRY(ReleaseRole::open(writer, request.role));
  const ReleaseSigners keys = TRY(request.signers());
  TRY(role.check_key(keys.role->public_key()));
  const model::SuccinctRoles more = grown(role.bins(), request.bit_length);
  const ReleaseNumbers numbers =
      TRY(writer.begin_release({{role.name(), json::Object{{"bins_before", outcome.growth.bins_before},
                                                           {"bins", outcome.growth.bins}}}},
                               {}));
  SignedFiles files(writer.layout(), role.name(), numbers.releases.front());
  const auto add = [&](const trust::Verified<model::Targets>& delegator, const RoleName& name,
                       model::Targets next) -> Result<trust::Verified<model::Targets>> {
    next.version = numbers.releases.front();
    next.expires = writer.now() + kBinLifetime;
    auto file = TRY(signed_for(delegator, name, next, *keys.role));
    files.add({name}, TRY(files.write(file.wire())));
    return file;
  };
  // First: a signing process knows by it which bins the others are.
  model::Targets own = role.file();
  own.delegations->succinct = more;
  const auto own_file = TRY(add(*writer.published().targets(), role.name(), std::move(own)));
  std::vector<RoleName> empty;  // they all say the same: one file, one signature
  for (std::uint64_t number = 0; number < outcome.growth.bins_before; ++number) {
    auto listed = TRY(role.read(role.bins().bin(number)));
    for (auto& [bin, part] : split_bin(role.bins(), more, number, std::move(listed))) {
      if (part.targets.empty()) {
        empty.push_back(bin);
      } else {
        TRY(add(own_file, bin, std::move(part)));
      }
    }
  }
  if (!empty.empty()) {
    const auto bin = repository::empty_bin(numbers.releases.front(), writer.now() + kBinLifetime);
    const auto file = TRY(signed_for(own_file, empty.front(), bin, *keys.role));
    files.add(empty, TRY(files.write(file.wire())));
  }
  outcome.versions = TRY(writer.publish_release(numbers, files.files(), files.batch(), keys.online));
  outcome.release = numbers.releases.front();
  outcome.state = GrowOutcome::State::Grown;
  return {};
}

Result<GrowOutcome> try_to_grow(const Workspace& workspace, const GrowRequest& request, UtcTime now) {
  RepositoryWriter writer = TRY(RepositoryWriter::open(workspace, now));
  GrowOutcome outcome;
  model::SuccinctRoles bins;
  {
    const ReleaseRole role = TRY(ReleaseRole::open(writer, request.role));
    const model::SuccinctRoles more = grown(role.bins(), request.bit_length);
    TRY(check(writer, role, more));
    bins = role.bins();
    outcome.growth = TRY(measure(writer, role, more));
    if (role.bins().bit_length == request.bit_length) return outcome;
    outcome.agreed = ceremony::agreed_bits(role.entry()) == request.bit_length;
  }
  TRY(check_fleet(writer, outcome.growth));
  if (!request.confirmed) {
    outcome.state = GrowOutcome::State::WouldGrow;
    return outcome;
  }
  if (!outcome.agreed) {
    outcome.agreement = TRY(ask_holders(workspace, writer, request, outcome.growth, bins));
    if (outcome.agreement.state == TargetsOutcome::State::Awaiting) {
      outcome.state = GrowOutcome::State::Awaiting;
      return outcome;
    }
    TRY(writer.read_anew());
  }
  TRY(split(writer, request, outcome));
  return outcome;
}

}  // namespace

Result<GrowOutcome> grow_release_role(const Workspace& workspace, const GrowRequest& request, UtcTime now) {
  if (!request.confirmed) return try_to_grow(workspace, request, now);  // who only looks wants nothing yet
  const json::Object wanted{{"bit_length", std::uint64_t{request.bit_length}}};
  const Refused what{"image/" + request.role.value(), "growth", wanted};
  return try_and_tell(workspace, what, now, [&](AskedKeys& keys) {
    GrowRequest asking = request;
    asking.online = keys.noting(request.online);
    asking.signers = keys.noting(request.signers);
    return try_to_grow(workspace, asking, now);
  });
}

}  // namespace cotter::app
