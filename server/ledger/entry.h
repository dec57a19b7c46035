// An entry of the log: what happened, when, by whom, to what.
// Never has two spellings: one entry is one string of bytes. A plain value. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/json/value.h"

namespace cotter::ledger {

/// What the two bytes of length in an entry bundle can say (c2sp.org/tlog-tiles).
inline constexpr std::size_t kMaxEntryBytes = 65'535;

// What `kind` says. A reader passes over kinds that it does not know.
// Of a key, each with the same members: made; taken in from elsewhere; put forward for a role; listed by it
// from now on, and no more; handed to a signing process.
inline constexpr std::string_view kKeyGenerated = "key-generated";
inline constexpr std::string_view kKeyImported = "key-imported";
inline constexpr std::string_view kKeyProposed = "key-proposed";
inline constexpr std::string_view kKeyListed = "key-listed";
inline constexpr std::string_view kKeyDelisted = "key-delisted";
inline constexpr std::string_view kKeyMoved = "key-moved";
/// In the order of a key's life.
inline constexpr std::array kKeyKinds{kKeyGenerated, kKeyImported, kKeyProposed,
                                      kKeyListed,    kKeyMoved,    kKeyDelisted};
inline constexpr std::string_view kDraft = "draft";  ///< a version stands for these bytes, whoever signs it
inline constexpr std::string_view kSignature =
    "signature";                                         ///< a director's files for a vehicle, or a holder's
inline constexpr std::string_view kRelease = "release";  ///< what a role's bins will list
inline constexpr std::string_view kPublication = "publication";
inline constexpr std::string_view kSpent = "spent";  ///< versions that nobody was given
inline constexpr std::string_view kCeremony =
    "ceremony";  ///< its transcript, before what it signed is published
inline constexpr std::string_view kAttestedTime =
    "attested-time";  ///< from when until when a key attests what time it is
inline constexpr std::string_view kRegistration = "registration";
inline constexpr std::string_view kEcuChange = "ecu-change";
inline constexpr std::string_view kVehicleTags = "vehicle-tags";
inline constexpr std::string_view kAssignment = "assignment";
inline constexpr std::string_view kRefusal = "refusal";
inline constexpr std::string_view kDeviceCertificate = "device-certificate";
inline constexpr std::string_view kToken = "token";            ///< of the operations API: added, revoked
inline constexpr std::string_view kSupplier = "supplier";      ///< added with its policy, removed
inline constexpr std::string_view kUpload = "upload";          ///< a supplier handed everything in
inline constexpr std::string_view kWithdrawal = "withdrawal";  ///< its supplier took it back
inline constexpr std::string_view kAcceptance = "acceptance";  ///< a person said yes to it
inline constexpr std::string_view kHardware = "hardware";      ///< what ECUs of one kind can verify

struct Entry {
  std::string kind;
  UtcTime time{};          ///< by the clock of whoever wrote it: order is by index, not by time
  std::string who;         ///< "account:alice", "vehicle:VIN-1"
  std::string subject;     ///< "image", "image/targets", a VIN, the name of a key
  json::Object details{};  ///< further members, by kind
  friend bool operator==(const Entry&, const Entry&) = default;

  /// The very bytes that are hashed and stored: compact JSON, members in canonical order. Fault: Usage (more
  /// than kMaxEntryBytes, a detail named like one of the members above, or what decode() would not read: text
  /// that is not UTF-8).
  [[nodiscard]] Result<Bytes> encode() const;
  /// Only what encode() writes. Rejections: json-*, member-*, date-malformed. Fault: Denied (another
  /// spelling, another `_type`, too long).
  static Result<Entry> decode(ByteView bytes);
};

}  // namespace cotter::ledger
