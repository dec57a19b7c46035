#include "common/keystore/pin.h"

#include <algorithm>

#include "common/host/atomic_file.h"

namespace cotter::keystore {
namespace {

constexpr std::uint64_t kMaxPin = 1024;

}  // namespace

Result<crypto::Secret> read_pin(const std::optional<std::filesystem::path>& source, const AskPin& ask_pin,
                                const std::string& of) {
  if (!source && !ask_pin.ask) {
    return fault(Fault::Kind::Usage, "nobody can be asked for the PIN of " + of,
                 "let the key's URI name a file: pin-source=file:/PATH");
  }
  if (!source) return ask_pin.ask(of);
  Bytes text = TRY(host::read_file(*source, kMaxPin));
  const auto end = std::find(text.begin(), text.end(), '\n');
  return crypto::Secret::taking({text.data(), static_cast<std::size_t>(end - text.begin())});
}

}  // namespace cotter::keystore
