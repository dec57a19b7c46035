// Tokens of SoftHSM 2, set up as an administrator would, in a folder of their own: a real PKCS #11 module
// with real tokens, without the hardware. Never touches a token outside its folder. While it lives, this
// process and its children see these tokens and no others of SoftHSM. One thread, one at a time.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"

namespace cotter::world {

class SoftTokens {
 public:
  static constexpr const char* kPin = "1234-5678";
  static constexpr const char* kModule = "/usr/lib/softhsm/libsofthsm2.so";

  /// Keeps its tokens in `dir`, which it makes.
  explicit SoftTokens(std::filesystem::path dir);
  ~SoftTokens();
  SoftTokens(const SoftTokens&) = delete;
  SoftTokens& operator=(const SoftTokens&) = delete;

  /// A new token with this label and kPin. Fault: NotFound (is softhsm2 installed?), Io.
  Result<void> add(const std::string& label);
  /// "pkcs11:token=LABEL?module-path=…", with the PIN's source where one is given.
  [[nodiscard]] std::string uri(const std::string& label, const std::string& pin_source = "") const;
  /// What pkcs11-tool, another maker's program, says to these arguments, logged in to the token.
  Result<std::string> tool(const std::string& label, std::vector<std::string> arguments) const;

  // All tokens at once: out, and in again.
  void pull_out() const;
  void put_back() const;

 private:
  std::filesystem::path dir_;
  std::optional<std::string> before_;  ///< SOFTHSM2_CONF
};

}  // namespace cotter::world
