// Signers whose keys are in another process: `cotterd --role sign`, behind a Unix socket.
// Never has a key or a passphrase; never hands on a signature that its public key does not verify. A signer
// is safe on any thread, one request at a time.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/crypto/signer.h"
#include "server/keys/signers.h"
#include "server/signing/protocol.h"
#include "server/signing/unix_socket.h"

namespace cotter::signing {

/// One key there, on a connection of its own. Connects again when the signing process was restarted; with
/// another key than before it is refused.
class RemoteSigner final : public crypto::Signer {
 public:
  /// Learns the public key. Faults: NotFound (no signing process, or it has no such key), Denied (this
  /// account may not call), Busy, Timeout, Io.
  static Result<std::unique_ptr<RemoteSigner>> connect(std::filesystem::path socket, std::string key);

  [[nodiscard]] const crypto::PublicKey& public_key() const noexcept override { return public_key_; }
  /// Faults: Denied (a policy refused, which it names; another key answers), Conflict (the policies
  /// ledger-shrinks and ledger-forks), Busy (the policy too-often; no signing process answers now), Timeout,
  /// NoSpace, Io.
  Result<crypto::Signature> sign(ByteView message) override {
    return sign_this({Bytes(message.begin(), message.end())});
  }
  /// Likewise, with what shows that the ledger goes on.
  Result<crypto::Signature> sign_this(const SignThis& what);
  /// Of the ledger's key alone. Faults: as sign().
  Result<std::optional<ledger::SignedHead>> last();

 private:
  RemoteSigner(std::filesystem::path socket, std::string key, UnixSocket line, crypto::PublicKey public_key)
      : socket_(std::move(socket)),
        key_(std::move(key)),
        line_(std::move(line)),
        public_key_(std::move(public_key)) {}
  Result<Answer> ask(const Request& request);

  std::filesystem::path socket_;
  std::string key_;
  std::mutex one_at_a_time_;  ///< guards line_
  UnixSocket line_;
  crypto::PublicKey public_key_;
};

/// The ledger's key there: the signing process remembers, and is shown that the log goes on.
class RemoteLogSigner final : public ledger::LogSigner {
 public:
  explicit RemoteLogSigner(std::unique_ptr<RemoteSigner> key) : key_(std::move(key)) {}
  [[nodiscard]] const crypto::PublicKey& public_key() const noexcept override { return key_->public_key(); }
  Result<std::optional<ledger::SignedHead>> last() override { return key_->last(); }
  Result<std::string> sign(const ledger::Log& log) override;

 private:
  std::unique_ptr<RemoteSigner> key_;
};

class RemoteSigners final : public keys::Signers {
 public:
  /// Asks for the ledger's key, which a workspace may lack. Faults: those of RemoteSigner::connect().
  static Result<std::unique_ptr<RemoteSigners>> open(const std::filesystem::path& socket);

  Result<crypto::Signer*> signer(Repository repository, const RoleName& role) override;
  Result<std::vector<crypto::Signer*>> all_of(Repository repository, const RoleName& role) override;
  [[nodiscard]] ledger::LogSigner* ledger() const noexcept override { return ledger_.get(); }

 private:
  explicit RemoteSigners(std::filesystem::path socket) : socket_(std::move(socket)) {}
  Result<crypto::Signer*> named(const std::string& key);
  std::filesystem::path socket_;
  std::unique_ptr<RemoteLogSigner> ledger_;
  std::map<std::string, std::unique_ptr<RemoteSigner>> signers_;
};

}  // namespace cotter::signing
