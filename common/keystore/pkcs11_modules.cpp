#include "common/keystore/pkcs11_modules.h"

#include <algorithm>
#include <utility>

namespace cotter::keystore {

bool is_loss(CK_RV code) noexcept {
  switch (code) {
    case CKR_DEVICE_REMOVED:
    case CKR_TOKEN_NOT_PRESENT:
    case CKR_TOKEN_NOT_RECOGNIZED:
    case CKR_SESSION_CLOSED:
    case CKR_SESSION_HANDLE_INVALID:
    case CKR_SLOT_ID_INVALID:
    case CKR_OBJECT_HANDLE_INVALID:
    case CKR_KEY_HANDLE_INVALID:
    case CKR_USER_NOT_LOGGED_IN:
    case CKR_CRYPTOKI_NOT_INITIALIZED:
    case CKR_DEVICE_ERROR:
    case CKR_GENERAL_ERROR:
      return true;
    default:
      return false;
  }
}

Fault token_fault(CK_RV code, const std::string& doing) {
  Fault fault{Fault::Kind::Io, doing + ": " + p11_kit_strerror(code), ""};
  if (is_loss(code)) {
    fault.hint = "is the token plugged in? Put it back and try again";
  } else if (code == CKR_DEVICE_MEMORY) {
    fault.kind = Fault::Kind::NoSpace;
    fault.hint = "remove a key from the token that nobody needs";
  } else if (code == CKR_SESSION_COUNT || code == CKR_FUNCTION_CANCELED) {
    fault.kind = Fault::Kind::Busy;
    fault.hint = "another program is using the token: try again";
  } else if (code == CKR_TOKEN_WRITE_PROTECTED) {
    fault.kind = Fault::Kind::Denied;
  }
  return fault;
}

Result<Pkcs11Modules> Pkcs11Modules::load(const std::optional<std::string>& path) {
  Pkcs11Modules modules;
  if (path) {
    modules.single_ = p11_kit_module_load(path->c_str(), 0);
    if (modules.single_ == nullptr) {
      return fault(Fault::Kind::NotFound, "cannot load the PKCS #11 module " + *path,
                   "is the token's driver installed, and module-path right?");
    }
    if (const CK_RV code = p11_kit_module_initialize(modules.single_); code != CKR_OK) {
      p11_kit_module_release(std::exchange(modules.single_, nullptr));
      return fail(token_fault(code, "cannot start the PKCS #11 module " + *path));
    }
    modules.all_ = {modules.single_};
    return modules;
  }
  modules.list_ = p11_kit_modules_load_and_initialize(0);
  if (modules.list_ == nullptr) return fault(Fault::Kind::Io, "p11-kit cannot load its modules");
  for (CK_FUNCTION_LIST** at = modules.list_; *at != nullptr; ++at) modules.all_.push_back(*at);
  return modules;
}

Pkcs11Modules::~Pkcs11Modules() {
  if (single_ != nullptr) {
    p11_kit_module_finalize(single_);
    p11_kit_module_release(single_);
  }
  if (list_ != nullptr) p11_kit_modules_finalize_and_release(list_);
}

Pkcs11Modules::Pkcs11Modules(Pkcs11Modules&& other) noexcept
    : single_(std::exchange(other.single_, nullptr)),
      list_(std::exchange(other.list_, nullptr)),
      all_(std::move(other.all_)) {}

Pkcs11Modules& Pkcs11Modules::operator=(Pkcs11Modules&& other) noexcept {
  std::swap(single_, other.single_);
  std::swap(list_, other.list_);
  std::swap(all_, other.all_);
  return *this;
}

Result<Pkcs11Slot> find_slot(const Pkcs11Modules& modules, const Pkcs11Uri& uri) {
  std::vector<Pkcs11Slot> found;
  for (CK_FUNCTION_LIST* module : modules.all()) {
    CK_ULONG count = 0;
    if (module->C_GetSlotList(CK_TRUE, nullptr, &count) != CKR_OK) continue;  // a module's own trouble
    std::vector<CK_SLOT_ID> slots(count);
    if (module->C_GetSlotList(CK_TRUE, slots.data(), &count) != CKR_OK) continue;
    slots.resize(std::min<std::size_t>(slots.size(), count));
    for (const CK_SLOT_ID id : slots) {
      Pkcs11Slot slot{module, id, {}};
      if (module->C_GetTokenInfo(id, &slot.info) == CKR_OK && uri.fits(slot.info)) found.push_back(slot);
    }
  }
  if (found.size() == 1) return found.front();
  const std::string name = TRY(uri.of_token());
  if (found.empty()) {
    return fault(Fault::Kind::NotFound, "no token " + name + " is plugged in",
                 "plug it in; p11-kit list-modules shows those that are there");
  }
  return fault(Fault::Kind::Usage, std::to_string(found.size()) + " tokens fit " + name,
               "name one by its serial number too: serial=…");
}

}  // namespace cotter::keystore
