#include "server/signing/remote_signer.h"

#include <chrono>
#include <utility>

#include "server/keys/keyring.h"
#include "server/signing/policy.h"

namespace cotter::signing {
namespace {

namespace fs = std::filesystem;

/// A token or a TPM takes up to a second, and others may be before us.
constexpr std::chrono::seconds kAnswerWithin{20};

Result<Answer> exchange(UnixSocket& line, const Request& request) {
  // Who is turned away at the door is told why, and may not get his question out any more.
  const auto sent = line.send(encode(request), kAnswerWithin);
  if (!sent && is_fault(sent.error(), Fault::Kind::Timeout)) return fail(sent.error());
  const Bytes length = TRY(line.receive(kLengthBytes, kAnswerWithin));
  const Bytes payload = TRY(line.receive(TRY(read_length(length)), kAnswerWithin));
  return decode_answer(payload);
}

/// What passes by itself, what says that our own log was turned back, and what is refused for good.
Fault::Kind kind_of(std::string_view policy) {
  if (policy == name_of(Policy::TooOften)) return Fault::Kind::Busy;
  const bool is_ledgers = policy == name_of(Policy::LedgerShrinks) || policy == name_of(Policy::LedgerForks);
  return is_ledgers ? Fault::Kind::Conflict : Fault::Kind::Denied;
}

/// Signs a checkpoint together with what shows that the log goes on to it.
struct OnItsWay final : crypto::Signer {
  explicit OnItsWay(RemoteSigner& to) : key(&to) {}
  [[nodiscard]] const crypto::PublicKey& public_key() const noexcept override { return key->public_key(); }
  Result<crypto::Signature> sign(ByteView message) override {
    return key->sign_this({Bytes(message.begin(), message.end()), growth});
  }
  RemoteSigner* key;
  std::optional<ledger::Growth> growth{};
};

/// Whatever is no answer to what was asked.
tl::unexpected<Error> not_given(const Answer& answer, const std::string& key) {
  if (const auto* refused = std::get_if<Refused>(&answer)) {
    return fault(
        kind_of(refused->policy),
        "the signing process refused to sign with " + key + ": " + refused->policy + ": " + refused->why,
        "schemas/signing-protocol.md says what each policy asks");
  }
  if (const auto* failed = std::get_if<Failed>(&answer)) {
    return fault(failed->kind, "the signing process could not: " + failed->why, "its log says more");
  }
  return fault(Fault::Kind::Io, "the signing process answered something else than was asked",
               "are both programs of one version?");
}

}  // namespace

Result<std::unique_ptr<RemoteSigner>> RemoteSigner::connect(fs::path socket, std::string key) {
  UnixSocket line = TRY(UnixSocket::connect(socket));
  const Answer answer = TRY(exchange(line, {key}));
  const auto* known = std::get_if<KeyIs>(&answer);
  if (known == nullptr) return not_given(answer, key);
  crypto::PublicKey public_key = TRY(crypto::PublicKey::decode(known->key, crypto::Profile::Vehicle));
  return std::unique_ptr<RemoteSigner>(
      new RemoteSigner(std::move(socket), std::move(key), std::move(line), std::move(public_key)));
}

Result<Answer> RemoteSigner::ask(const Request& request) {
  // Asked once more on a new connection, when the old one is of no use: signing the same bytes twice is
  // allowed, for nobody knows how far the first time went.
  if (line_.is_open() && !line_.hung_up()) {
    auto answer = exchange(line_, request);
    if (answer) return answer;
    line_.close();
    if (is_fault(answer.error(), Fault::Kind::Timeout)) return answer;
  }
  auto line = UnixSocket::connect(socket_);
  if (!line && is_fault(line.error(), Fault::Kind::NotFound)) {
    return fault(Fault::Kind::Busy, std::get<Fault>(line.error()).detail, std::get<Fault>(line.error()).hint);
  }
  if (!line) return fail(line.error());
  line_ = *std::move(line);
  auto answer = exchange(line_, request);
  if (!answer) line_.close();
  return answer;
}

Result<crypto::Signature> RemoteSigner::sign_this(const SignThis& what) {
  const std::lock_guard lock(one_at_a_time_);
  Answer answer = TRY(ask({key_, what}));
  auto* signature = std::get_if<crypto::Signature>(&answer);
  if (signature == nullptr) return not_given(answer, key_);
  if (!public_key_.verifies(what.message, signature->bytes)) {
    return fault(Fault::Kind::Denied,
                 "the signing process at " + socket_.string() + " signs with another key for " + key_ +
                     " than when this program started",
                 "if that is meant, publish the root that lists the new key and start again");
  }
  return std::move(*signature);
}

Result<std::optional<ledger::SignedHead>> RemoteSigner::last() {
  const std::lock_guard lock(one_at_a_time_);
  Answer answer = TRY(ask({key_, WhichLast()}));
  auto* known = std::get_if<LastIs>(&answer);
  if (known == nullptr) return not_given(answer, key_);
  return std::move(known->head);
}

Result<std::string> RemoteLogSigner::sign(const ledger::Log& log) {
  const std::string origin = ledger::origin_of(public_key());
  const ledger::Checkpoint next = TRY(ledger::head_of(origin, log));
  const auto last = TRY(key_->last());
  OnItsWay signer(*key_);
  // A shorter log is asked for all the same: that it was is for the signing process to refuse, and to note.
  if (last && last->size <= log.size) signer.growth = TRY(ledger::growth_since(last->size, origin, log));
  return ledger::sign_checkpoint(next, signer);
}

Result<std::unique_ptr<RemoteSigners>> RemoteSigners::open(const fs::path& socket) {
  std::unique_ptr<RemoteSigners> signers(new RemoteSigners(socket));
  // Whether anybody answers at all is known first: a workspace without the key is no failure.
  TRY(UnixSocket::connect(socket));
  auto ledger = RemoteSigner::connect(socket, keys::kLedgerKeyName);
  if (!ledger && !is_fault(ledger.error(), Fault::Kind::NotFound)) return fail(ledger.error());
  if (ledger) signers->ledger_ = std::make_unique<RemoteLogSigner>(*std::move(ledger));
  return signers;
}

Result<crypto::Signer*> RemoteSigners::named(const std::string& key) {
  const auto known = signers_.find(key);
  if (known != signers_.end()) return known->second.get();
  return signers_.emplace(key, TRY(RemoteSigner::connect(socket_, key))).first->second.get();
}

Result<crypto::Signer*> RemoteSigners::signer(Repository repository, const RoleName& role) {
  auto found = named(keys::key_name(repository, role));
  if (!found && is_fault(found.error(), Fault::Kind::NotFound)) {
    return fault(Fault::Kind::NotFound,
                 "no online key for " + std::string(cotter::name_of(repository)) + "/" + role.value() + ": " +
                     std::get<Fault>(found.error()).detail,
                 "cotter key list --dir shows the keys of a folder");
  }
  return found;
}

Result<std::vector<crypto::Signer*>> RemoteSigners::all_of(Repository repository, const RoleName& role) {
  std::vector<crypto::Signer*> signers;
  for (int number = 1; number <= keys::kMostKeysOfARole; ++number) {
    auto found = named(keys::numbered(keys::key_name(repository, role), number));
    if (!found && !is_fault(found.error(), Fault::Kind::NotFound)) return fail(found.error());
    if (found) signers.push_back(*found);
  }
  return signers;
}

}  // namespace cotter::signing
