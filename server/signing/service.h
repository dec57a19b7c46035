// The signing process without its socket: judges each request by its key's policy, notes it, signs.
// Never signs what the journal does not hold yet, never gives a key away. One thread.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "common/base/result.h"
#include "common/base/time.h"
#include "server/keys/keyring.h"
#include "server/signing/journal.h"
#include "server/signing/policy.h"
#include "server/signing/protocol.h"

namespace cotter::signing {

class Service {
 public:
  /// `terms` of each key that is to sign at all; `release_roles` those whose keys do. `clock` must outlive
  /// the service.
  Service(keys::Keyring keyring, Journal journal, std::map<Duty, Terms> terms, const Clock& clock,
          const std::vector<RoleName>& release_roles = {});

  /// What `caller`, the account at the other end, is answered. Refusals go into the log and the journal too.
  Answer answer(const Request& request, uid_t caller);

 private:
  struct Minute {
    std::int64_t number = 0;  ///< since 1970
    std::uint32_t signatures = 0;
  };
  struct Silence {
    UtcTime since{};
    std::uint64_t left_out = 0;
  };
  /// A key that may sign, by its name.
  struct Use {
    std::string key;
    Duty duty{};
    RoleName release_role{};
  };
  [[nodiscard]] std::optional<Use> use_of(const std::string& key) const;
  [[nodiscard]] Verdict<Content> read(const Use& use, crypto::Signer& signer, ByteView message) const;
  /// As the journal has it; of the ledger's key before its first signature here, what it signed where it
  /// came from.
  Result<Past> past_of(crypto::Signer& signer, const Content& content);
  Answer last(const Use& use, crypto::Signer& signer);
  Answer sign(const Use& use, crypto::Signer& signer, const SignThis& asked, uid_t caller);
  Answer refuse(const Use& use, const Refusal& refusal, ByteView message, uid_t caller, UtcTime now);
  Minute& this_minute(const std::string& key, UtcTime now);
  [[nodiscard]] const Terms& terms_of(Duty duty) const;

  keys::Keyring keyring_;
  Journal journal_;
  std::map<Duty, Terms> terms_;
  const Clock& clock_;
  std::map<std::string, RoleName> release_roles_;                       ///< by the name of the key
  std::map<std::string, Minute> minutes_;                               ///< likewise
  std::map<std::tuple<std::string, Policy, uid_t>, Silence> silences_;  ///< refusals that were told lately
};

}  // namespace cotter::signing
