// Rollback floors in an NV index of a TPM 2.0, where neither a wipe of the disk nor an old copy of it reaches
// them. Never lowers a number, and never takes a TPM that does not answer for one without floors. Holds no
// context of the TPM between calls, for it may have room for few. One thread, and one process.
#pragma once

#include <cstdint>
#include <string>

#include "client/install/floor_store.h"
#include "common/base/bytes.h"

namespace cotter::client {

class TpmFloors final : public FloorStore {
 public:
  /// `tcti` as tss2 spells it: "device:/dev/tpmrm0", "swtpm:host=127.0.0.1,port=2321". Touches nothing yet.
  TpmFloors(std::string tcti, std::uint32_t nv_index) : tcti_(std::move(tcti)), nv_index_(nv_index) {}
  /// Faults: NotFound (the TPM has no such index, or one never written), Io (no TPM answers; the index holds
  /// something else), Busy, Denied (locked, or a password that is not ours to know).
  [[nodiscard]] Result<std::optional<std::uint64_t>> floor(const FloorName& name) const override;
  /// Fault besides: NoSpace (as many numbers as the index has room for).
  Result<void> raise(const FloorName& name, std::uint64_t to) override;
  /// Defines the index where there is none.
  Result<void> begin_anew() override;

 private:
  std::string tcti_;
  std::uint32_t nv_index_;
};

}  // namespace cotter::client
