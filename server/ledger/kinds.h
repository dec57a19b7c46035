// All kinds of entries that we write, for who is to choose among them. Never a kind that schemas/ledger.md
// does not describe. Pure.
#pragma once

#include <array>
#include <string_view>

#include "server/ledger/entry.h"

namespace cotter::ledger {

inline constexpr std::array<std::string_view, 25> kKinds = {
    kKeyGenerated, kKeyImported, kKeyProposed, kKeyListed, kKeyDelisted,       kKeyMoved,     kDraft,
    kSignature,    kRelease,     kPublication, kSpent,     kCeremony,          kAttestedTime, kRegistration,
    kEcuChange,    kVehicleTags, kAssignment,  kRefusal,   kDeviceCertificate, kToken,        kSupplier,
    kUpload,       kWithdrawal,  kAcceptance,  kHardware};

}  // namespace cotter::ledger
