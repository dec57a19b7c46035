#include "common/tpm/connection.h"

#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

namespace cotter::tpm {

Fault fault_of(TSS2_RC code, const std::string& doing) {
  Fault fault{Fault::Kind::Io, doing + ": " + Tss2_RC_Decode(code), ""};
  switch (code) {
    case TPM2_RC_RETRY:
    case TPM2_RC_YIELDED:
    case TPM2_RC_TESTING:
    case TPM2_RC_NV_RATE:
    case TPM2_RC_NV_UNAVAILABLE:
      fault.kind = Fault::Kind::Busy;
      fault.hint = "the TPM is busy: try again";
      break;
    case TPM2_RC_NV_LOCKED:
      fault.kind = Fault::Kind::Denied;
      fault.hint = "the index is locked until the TPM starts anew: power off and on";
      break;
    case TPM2_RC_LOCKOUT:
      fault.kind = Fault::Kind::Denied;
      fault.hint = "the TPM has seen too many wrong passwords: it opens again by itself after a while";
      break;
    case TPM2_RC_NV_AUTHORIZATION:
    case TPM2_RC_AUTH_UNAVAILABLE:
      fault.kind = Fault::Kind::Denied;
      break;
    case TPM2_RC_NV_SPACE:
      fault.kind = Fault::Kind::NoSpace;
      fault.hint = "the TPM has no room for the index: remove one that nobody needs";
      break;
    default:
      break;
  }
  const bool password = (code & (TPM2_RC_FMT1 | 0x3FU)) == TPM2_RC_BAD_AUTH ||
                        (code & (TPM2_RC_FMT1 | 0x3FU)) == TPM2_RC_AUTH_FAIL;
  if ((code & TSS2_RC_LAYER_MASK) == TSS2_TPM_RC_LAYER && password) {
    fault.kind = Fault::Kind::Denied;
    fault.hint = "what is asked of the TPM has a password, and this is not it";
  }
  return fault;
}

Result<void> done(TSS2_RC code, const std::string& doing) {
  if (code == TSS2_RC_SUCCESS) return {};
  return fail(fault_of(code, doing));
}

void Connection::CloseTcti::operator()(TSS2_TCTI_CONTEXT* tcti) const { Tss2_TctiLdr_Finalize(&tcti); }

Result<Connection> Connection::open(const std::string& tcti) {
  Connection connection;
  TSS2_TCTI_CONTEXT* transport = nullptr;
  TRY(done(Tss2_TctiLdr_Initialize(tcti.c_str(), &transport), "cannot reach the TPM at " + tcti));
  connection.tcti_.reset(transport);
  ESYS_CONTEXT* esys = nullptr;
  TRY(done(Esys_Initialize(&esys, transport, nullptr), "cannot talk to the TPM at " + tcti));
  connection.esys_.reset(esys);
  return connection;
}

}  // namespace cotter::tpm
