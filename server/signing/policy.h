// What each online key may sign: which role, which versions, until when, how often, for whom (KEY-10).
// Never believes what a requester says of a message: it reads the message. Pure: no clock, file or socket;
// safe on any thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

#include "common/base/bytes.h"
#include "common/base/time.h"
#include "common/crypto/public_key.h"
#include "server/ledger/log_signer.h"

namespace cotter::signing {

/// What one key is for: one role of one repository, or the ledger.
enum class Duty : std::uint8_t {
  ImageSnapshot,
  ImageTimestamp,
  DirectorTargets,
  DirectorSnapshot,
  DirectorTimestamp,
  TimeSource,
  Ledger,
  Release,  ///< of the image repository: the release role that the key is named after
};
/// All but Release, of whose keys there may be several.
inline constexpr Duty kAllDuties[] = {
    Duty::ImageSnapshot,     Duty::ImageTimestamp, Duty::DirectorTargets, Duty::DirectorSnapshot,
    Duty::DirectorTimestamp, Duty::TimeSource,     Duty::Ledger};
/// "director-targets", …, "ledger": the name of its key file.
const std::string& name_of(Duty duty);
/// That of this key, or of one that is numbered after it: "director-targets-2".
std::optional<Duty> duty_named(std::string_view name);

/// Why a message is not signed; name_of() is what answers, log and journal call it.
enum class Policy : std::uint8_t {
  CallerNotAllowed,    ///< this account may not use this key
  TooOften,            ///< more in this minute than the key may sign
  OtherRole,           ///< the message is no valid content of this key's role
  VehicleForeign,      ///< a director's file without a vehicle, or an image repository's with one
  DirectorDelegates,   ///< delegations in a director's targets, or a director's snapshot of other roles
  EcuForeign,          ///< an image for no ECU, an ECU twice, or one that was another vehicle's
  TimeSourceForeign,   ///< targets name a time source that is not this process's own time key
  ReleaseDelegates,    ///< a release role's file delegates to other than its own bins by its own key
  BinForeign,          ///< images of several bins, or of bins that are not the role's; or fewer bins
  VersionNotHigher,    ///< not above the last one that was signed, and not the same bytes again
  ListedVersionLower,  ///< lists a version below what it listed before, or leaves one out
  Expired,             ///< it would be expired already
  ExpiresTooLate,      ///< it would live longer than its role may
  TimeOff,             ///< attests a time that the signing process's own clock does not show
  LedgerForeign,       ///< a checkpoint of another log
  LedgerShrinks,       ///< a checkpoint of fewer entries than the last, or of as many others
  LedgerForks,         ///< one of more, and nothing shows that they go on from the last
};
std::string_view name_of(Policy policy) noexcept;

struct Refusal {
  Policy policy{};
  std::string why;
};
template <class T>
using Verdict = tl::expected<T, Refusal>;
inline tl::unexpected<Refusal> refused(Policy policy, std::string why) {
  return tl::unexpected<Refusal>(Refusal{policy, std::move(why)});
}

/// By role, the versions that a file lists.
using Listing = std::map<std::string, std::uint64_t>;

/// What a message says.
struct Content {
  Duty duty{};
  std::string vehicle;         ///< of a director's files
  std::uint64_t number = 0;    ///< its version; of a checkpoint the size of the log; of a time nothing
  Bytes digest;                ///< SHA-256 of the message
  UtcTime time{};              ///< its expiry; of an attestation the attested time
  Listing listed;              ///< of snapshots and timestamps
  std::set<std::string> ecus;  ///< of director targets
  std::optional<ledger::Checkpoint> head{};  ///< of the ledger: what the checkpoint says
  std::optional<ledger::Growth> growth{};    ///< and what came with it, which nothing vouches for
  std::optional<std::uint32_t> bit_length;   ///< of a release role's own file: of its bins
  std::set<std::uint32_t> name_starts;       ///< of a release role's images: how SHA-256 of each name begins
};

/// The public keys that content may name.
struct KnownKeys {
  const crypto::PublicKey* own = nullptr;  ///< that is to sign
  const crypto::PublicKey* time_source =
      nullptr;  ///< nothing where this process has none: no targets may name one
};

/// Reads the message as content of `duty`, which is not Release: that is release_policy.h's. Refusals:
/// OtherRole, VehicleForeign, DirectorDelegates, EcuForeign, TimeSourceForeign, LedgerForeign.
Verdict<Content> read_content(Duty duty, ByteView message, const KnownKeys& keys);

/// The last that was signed in a series: by one key, of a director for one vehicle, of a release role in one
/// file.
struct LastSigned {
  std::uint64_t number = 0;
  Bytes digest;
  Listing listed;
};

/// What the journal knows of a release role.
struct ReleasePast {
  std::uint32_t bit_length = 0;  ///< of its bins
  std::uint64_t number = 0;      ///< the highest version of any of its files
  std::uint64_t empty = 0;       ///< the highest version under which bins without an image were signed
};

/// What the journal knows that bears on a content.
struct Past {
  std::optional<LastSigned> last;
  std::map<std::string, std::string> owners;  ///< whose the content's ECUs were, of those signed for before
  std::optional<ReleasePast> release;
};

/// What a key is granted.
struct Terms {
  std::set<uid_t> callers;
  std::uint32_t per_minute = 0;
  std::chrono::seconds longest_life{};  ///< of metadata, from now; without kLifeSlack
};

/// For the time between making a file and asking for its signature.
inline constexpr std::chrono::minutes kLifeSlack{5};
/// How far an attested time may be from the signing process's own clock: a machine's time service may just
/// have set that back.
inline constexpr std::chrono::seconds kClockSlack{30};

/// Before anything of a message is read. Refusals: CallerNotAllowed, TooOften.
std::optional<Refusal> judge_caller(std::string_view key, const Terms& terms, uid_t caller,
                                    std::uint32_t in_this_minute);
/// Refusals: EcuForeign, BinForeign, VersionNotHigher, ListedVersionLower, Expired, ExpiresTooLate, TimeOff,
/// LedgerShrinks, LedgerForks.
std::optional<Refusal> judge(const Content& content, const Past& past, const Terms& terms, UtcTime now);

/// The very bytes that were signed last: signed again for a caller that did not hear the answer.
bool is_repeat(const Content& content, const std::optional<LastSigned>& last);

}  // namespace cotter::signing
