// One connection to a TPM 2.0 by tss2's ESAPI, and what its codes mean. Never keeps anything in the TPM: what
// was loaded goes with it. One thread.
#pragma once

#include <tss2/tss2_esys.h>

#include <memory>
#include <string>

#include "common/base/result.h"

namespace cotter::tpm {

struct FreeEsys {
  void operator()(void* memory) const { Esys_Free(memory); }
};
/// What ESAPI hands out.
template <class T>
using Owned = std::unique_ptr<T, FreeEsys>;

/// What a response code means: Busy (try again), Denied (locked, or a wrong password), NoSpace, else Io.
/// `doing` begins the message.
Fault fault_of(TSS2_RC code, const std::string& doing);

/// Nothing, or that fault.
Result<void> done(TSS2_RC code, const std::string& doing);

class Connection {
 public:
  /// `tcti` as tss2 spells it: "device:/dev/tpmrm0", "swtpm:host=127.0.0.1,port=2321". Faults: those of
  /// fault_of().
  static Result<Connection> open(const std::string& tcti);
  [[nodiscard]] ESYS_CONTEXT* esys() const noexcept { return esys_.get(); }

 private:
  struct CloseTcti {
    void operator()(TSS2_TCTI_CONTEXT* tcti) const;
  };
  struct CloseEsys {
    void operator()(ESYS_CONTEXT* esys) const { Esys_Finalize(&esys); }
  };
  Connection() = default;
  std::unique_ptr<TSS2_TCTI_CONTEXT, CloseTcti> tcti_;
  std::unique_ptr<ESYS_CONTEXT, CloseEsys> esys_;  ///< goes before its transport
};

}  // namespace cotter::tpm
