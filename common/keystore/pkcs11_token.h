// A token behind PKCS #11 (an HSM, a smart card), found by its URI (RFC 7512) through p11-kit. Its private
// keys are made in it and never leave it. Never tries a PIN twice, for a token locks itself; never takes one
// from a URI. Safe on any thread: calls wait for each other.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "common/base/result.h"
#include "common/crypto/public_key.h"
#include "common/keystore/pin.h"

namespace cotter::keystore {

class Pkcs11Token {
 public:
  /// A key pair on a token.
  struct Key {
    std::string uri;  ///< names token and key; `pin-source` and `module-path` as they were given
    crypto::PublicKey public_key;
  };

  /// The one token that `uri` names, of all modules that p11-kit knows, or of that in its `module-path`. Logs
  /// in nowhere yet. Faults: Usage (not a PKCS #11 URI; a `pin-value` in it; more than one token fits),
  /// NotFound (no such token is plugged in, no such module), Io.
  static Result<std::shared_ptr<Pkcs11Token>> find(const std::string& uri, AskPin ask_pin);
  ~Pkcs11Token();
  Pkcs11Token(const Pkcs11Token&) = delete;
  Pkcs11Token& operator=(const Pkcs11Token&) = delete;

  [[nodiscard]] const std::string& label() const noexcept;
  /// Equal for two URIs of keys on one token.
  [[nodiscard]] static Result<std::string> identity_of(const std::string& uri);
  /// Where the URI says that the PIN lies; nothing: a person is asked. Fault: Usage.
  [[nodiscard]] static Result<std::optional<std::filesystem::path>> pin_source_of(const std::string& uri);

  /// A new pair under this label, not to be taken out; without a wish ed25519 where the token can, else
  /// P-256, else RSA. Faults: Conflict (the label is taken), Usage (the token cannot make that), and those of
  /// sign().
  Result<Key> generate(const std::string& label, std::optional<crypto::Scheme> scheme);
  /// The pair that `uri` names by `object` or `id`. Faults: NotFound, Usage (several; a kind that we do not
  /// sign with), and those of sign().
  Result<Key> key(const std::string& uri);
  /// Takes a pair away for good. Faults as key().
  Result<void> destroy(const std::string& uri);

  /// Faults: Denied (wrong PIN, then and ever after; while nobody attends: the same as was wrong the last
  /// time (PinMark), or the token says that the last one was; the PIN is locked, or one mistake away from
  /// it), NotFound (pulled out), Busy, Io. A token that was pulled out and put back serves again.
  Result<Bytes> sign(const std::string& uri, const crypto::PublicKey& public_key, ByteView message);

 private:
  struct State;
  explicit Pkcs11Token(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace cotter::keystore
