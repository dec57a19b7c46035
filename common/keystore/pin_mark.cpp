#include "common/keystore/pin_mark.h"

#include <sodium.h>

#include <array>
#include <system_error>

#include "common/crypto/digest.h"
#include "common/host/atomic_file.h"

namespace cotter::keystore {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kShownDigest = 8;  // bytes of the store's: folders have few

}  // namespace

PinMark::PinMark(const fs::path& dir, std::string_view store)
    : file_(dir / ("wrong-pin-" + to_hex(ByteView(crypto::sha256(as_bytes(store))).first(kShownDigest)))) {}

Result<void> PinMark::check(const crypto::Secret& pin, const std::string& of) const {
  if (file_.empty()) return {};
  const auto noted = host::read_file(file_, crypto_pwhash_STRBYTES);
  if (!noted && is_fault(noted.error(), Fault::Kind::NotFound)) return {};
  if (!noted) return fail(noted.error());
  const std::string hash(as_text(*noted));
  const std::string_view given = as_text(pin.view());
  if (crypto_pwhash_str_verify(hash.c_str(), given.data(), given.size()) != 0) return {};  // another one
  return fault(Fault::Kind::Denied,
               "the last PIN given to " + of + " was wrong, and this is the same: it is not tried again",
               "put the PIN right where it is read from, or sign once by hand, and start again");
}

Result<void> PinMark::note(const crypto::Secret& pin) const {
  if (file_.empty()) return {};
  std::array<char, crypto_pwhash_STRBYTES> hash{};
  const std::string_view given = as_text(pin.view());
  if (crypto_pwhash_str(hash.data(), given.data(), given.size(), crypto_pwhash_OPSLIMIT_INTERACTIVE,
                        crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0) {
    return fault(Fault::Kind::Io, "no memory to note that a PIN was wrong");
  }
  return host::write_atomically(file_, as_bytes(std::string_view(hash.data())), host::kSecretFile);
}

void PinMark::clear() const {
  std::error_code ignored;  // what stays says of a wrong PIN that it is wrong
  if (!file_.empty()) fs::remove(file_, ignored);
}

}  // namespace cotter::keystore
