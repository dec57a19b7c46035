#include "server/signing/release_policy.h"

#include <algorithm>
#include <utility>

#include "common/crypto/digest.h"
#include "common/model/roles.h"
#include "server/repository/bins.h"
#include "server/signing/canonical_reader.h"

namespace cotter::signing {
namespace {

constexpr std::uint32_t kStartBits = 32;  // of a name's hash: as many as TAP 15 knows

std::uint32_t start_of(const TargetName& name) {
  const Bytes digest = crypto::sha256(as_bytes(name.value()));
  std::uint32_t start = 0;
  for (std::size_t i = 0; i < sizeof start; ++i) start = start << 8U | digest[i];
  return start;
}

/// Whoever has this signed could else hand the role on to keys of his own.
std::optional<std::string> what_is_foreign(const RoleName& role, const model::Targets& file,
                                           const crypto::PublicKey& own) {
  const model::Delegations& delegations = *file.delegations;
  if (!file.targets.empty()) return "images beside delegations";
  if (!delegations.roles.empty() || !delegations.succinct)
    return "other delegations than one to its own bins";
  const model::SuccinctRoles& bins = *delegations.succinct;
  if (bins.name_prefix != role.value()) return "bins of " + bins.name_prefix;
  const bool own_alone = std::ranges::all_of(
      delegations.keys, [&](const auto& each) { return each.second.material() == own.material(); });
  const bool own_id = bins.keys.keyids.size() == 1 && delegations.keys.contains(bins.keys.keyids.front());
  if (!own_alone || !own_id || bins.keys.threshold != 1) return "bins by another key than its own";
  return std::nullopt;
}

std::string bins_of(std::uint32_t bit_length) {
  return std::to_string(std::uint64_t{1} << bit_length) + " bins";
}

/// More bins, from a version on that no file of the fewer has: else both a bin and one of its parts could be
/// signed under one version. That the holders agreed cannot be seen from here; who grows the role without
/// them gets nothing listed that he could not list before.
std::optional<Refusal> judge_growth(std::uint32_t bits, const Content& content, const ReleasePast& past) {
  if (bits < past.bit_length || bits > repository::kMostBits) {
    return Refusal{Policy::BinForeign, bins_of(bits) + ", and the role has " + bins_of(past.bit_length) +
                                           ": it may get more, up to " + bins_of(repository::kMostBits)};
  }
  if (content.number > past.number) return std::nullopt;
  return Refusal{Policy::VersionNotHigher, "other bins from version " + std::to_string(content.number) +
                                               " on are asked for, and the role has signed " +
                                               std::to_string(past.number)};
}

}  // namespace

Verdict<Content> read_release_file(const RoleName& role, ByteView message, const crypto::PublicKey& own) {
  const auto value = read_canonical(message);
  if (!value) return refused(Policy::OtherRole, summary(value.error()));
  const auto file = model::Targets::decode(*value, model::Profile::Vehicle);
  if (!file)
    return refused(Policy::OtherRole, "no targets of role " + role.value() + ": " + summary(file.error()));
  if (file->vin)
    return refused(Policy::VehicleForeign, "a release is for all vehicles, and this file names one");
  Content content;
  content.duty = Duty::Release;
  content.number = file->version.value();
  content.time = file->expires;
  if (file->delegations) {
    const auto foreign = what_is_foreign(role, *file, own);
    if (foreign)
      return refused(Policy::ReleaseDelegates, "the file of role " + role.value() + " has " + *foreign);
    content.bit_length = file->delegations->succinct->bit_length;
  }
  for (const auto& [name, target] : file->targets) content.name_starts.insert(start_of(name));
  return content;
}

std::optional<std::string> file_of(const Content& content, const std::optional<ReleasePast>& past) {
  if (content.bit_length) return "role";
  if (!past) return std::nullopt;
  if (content.name_starts.empty()) return std::string(kEmptyBins);
  const std::uint32_t shift = kStartBits - past->bit_length;
  const std::uint32_t first = *content.name_starts.begin() >> shift;
  if (*content.name_starts.rbegin() >> shift != first) return std::nullopt;
  return "bin " + std::to_string(first);
}

std::optional<Refusal> judge_release(const Content& content, const Past& past) {
  if (!past.release) {
    if (content.bit_length) return std::nullopt;
    return Refusal{
        Policy::BinForeign,
        "the role's own file was never signed here, so its bins are not known: cotter release renew "
        "ROLE --least 3650d has it signed"};
  }
  if (content.bit_length && *content.bit_length != past.release->bit_length)
    return judge_growth(*content.bit_length, content, *past.release);
  if (!file_of(content, past.release)) {
    return Refusal{
        Policy::BinForeign,
        "it lists images of several of the " + bins_of(past.release->bit_length) +
            " that the role has; where they are new and not published, cotter release grow ROLE goes on"};
  }
  if (is_repeat(content, past.last)) return std::nullopt;
  // The one file of bins without an image may stand for any of them: under its version none gets another.
  const bool has_images = !content.bit_length && !content.name_starts.empty();
  if (has_images && content.number <= past.release->empty) {
    return Refusal{Policy::VersionNotHigher,
                   "version " + std::to_string(content.number) +
                       " is asked for, under which bins without an image were signed"};
  }
  if (content.number >= past.release->number) return std::nullopt;
  return Refusal{Policy::VersionNotHigher, "version " + std::to_string(content.number) +
                                               " is asked for, and the role has signed " +
                                               std::to_string(past.release->number)};
}

}  // namespace cotter::signing
