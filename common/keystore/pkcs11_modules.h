// The PKCS #11 modules of this machine, and the one token among their slots that a URI names; what their
// codes mean. Never logs in anywhere. One owner; slots are good while their modules live.
#pragma once

#include <p11-kit/p11-kit.h>

#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/keystore/pkcs11_uri.h"

namespace cotter::keystore {

/// Loaded and initialized; the other way round when they go.
class Pkcs11Modules {
 public:
  /// All that p11-kit is configured with, or the one at `path`. Faults: NotFound (no such module), Io.
  static Result<Pkcs11Modules> load(const std::optional<std::string>& path);
  ~Pkcs11Modules();
  Pkcs11Modules(Pkcs11Modules&& other) noexcept;
  Pkcs11Modules& operator=(Pkcs11Modules&& other) noexcept;
  [[nodiscard]] const std::vector<CK_FUNCTION_LIST*>& all() const noexcept { return all_; }

 private:
  Pkcs11Modules() = default;
  CK_FUNCTION_LIST* single_ = nullptr;
  CK_FUNCTION_LIST** list_ = nullptr;
  std::vector<CK_FUNCTION_LIST*> all_;
};

/// A token that is there.
struct Pkcs11Slot {
  CK_FUNCTION_LIST* module = nullptr;
  CK_SLOT_ID id = 0;
  CK_TOKEN_INFO info{};
};

/// Faults: NotFound (no such token is plugged in), Usage (several fit).
Result<Pkcs11Slot> find_slot(const Pkcs11Modules& modules, const Pkcs11Uri& uri);

/// The session is no longer good, whatever became of the token: another may be.
bool is_loss(CK_RV code) noexcept;
/// `doing` begins the message.
Fault token_fault(CK_RV code, const std::string& doing);

}  // namespace cotter::keystore
