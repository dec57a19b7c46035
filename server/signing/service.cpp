#include "server/signing/service.h"

#include <spdlog/spdlog.h>

#include <chrono>

#include "common/crypto/digest.h"
#include "server/signing/release_policy.h"

namespace cotter::signing {
namespace {

constexpr std::chrono::minutes kTellAgain{1};

Answer failed(const Error& error) {
  const Fault* fault = std::get_if<Fault>(&error);
  spdlog::error("a signature failed: {}", summary(error));
  if (fault == nullptr) return Failed{Fault::Kind::Io, summary(error)};
  return Failed{fault->kind, fault->detail};
}

}  // namespace

Service::Service(keys::Keyring keyring, Journal journal, std::map<Duty, Terms> terms, const Clock& clock,
                 const std::vector<RoleName>& release_roles)
    : keyring_(std::move(keyring)), journal_(std::move(journal)), terms_(std::move(terms)), clock_(clock) {
  for (const RoleName& role : release_roles)
    release_roles_.emplace(keys::key_name(Repository::Image, role), role);
}

std::optional<Service::Use> Service::use_of(const std::string& key) const {
  if (const auto duty = duty_named(key)) return Use{key, *duty};
  const auto release = release_roles_.find(key);
  if (release == release_roles_.end()) return std::nullopt;
  return Use{key, Duty::Release, release->second};
}

const Terms& Service::terms_of(Duty duty) const {
  static const Terms nobodys;
  const auto found = terms_.find(duty);
  return found == terms_.end() ? nobodys : found->second;
}

Service::Minute& Service::this_minute(const std::string& key, UtcTime now) {
  Minute& minute = minutes_[key];
  const std::int64_t number = std::chrono::floor<std::chrono::minutes>(now).time_since_epoch().count();
  if (minute.number != number) minute = {number, 0};
  return minute;
}

Answer Service::answer(const Request& request, uid_t caller) {
  const auto use = use_of(request.key);
  crypto::Signer* signer = use ? keyring_.named(request.key) : nullptr;
  if (signer == nullptr) {
    return Failed{Fault::Kind::NotFound, "the signing process has no key " + request.key.substr(0, 64)};
  }
  if (const auto* asked = std::get_if<SignThis>(&request.what)) return sign(*use, *signer, *asked, caller);
  if (std::holds_alternative<WhichLast>(request.what)) return last(*use, *signer);
  return KeyIs{signer->public_key().encode()};
}

Verdict<Content> Service::read(const Use& use, crypto::Signer& signer, ByteView message) const {
  if (use.duty == Duty::Release) {
    auto content = read_release_file(use.release_role, message, signer.public_key());
    if (content) content->digest = crypto::sha256(message);
    return content;
  }
  const crypto::Signer* time_key = keyring_.named(name_of(Duty::TimeSource));
  return read_content(use.duty, message,
                      {&signer.public_key(), time_key == nullptr ? nullptr : &time_key->public_key()});
}

Result<Past> Service::past_of(crypto::Signer& signer, const Content& content) {
  Past past = TRY(journal_.past(signer.public_key().computed_id(), content));
  if (content.duty != Duty::Ledger || past.last) return past;
  if (auto head = TRY(keys::FileLogSigner(journal_.keys_dir(), signer).last())) {
    past.last = LastSigned{head->size, std::move(head->digest), {}};
  }
  return past;
}

Answer Service::last(const Use& use, crypto::Signer& signer) {
  if (use.duty != Duty::Ledger) {
    return Failed{Fault::Kind::NotFound, "key " + use.key + " signs more than one series of files"};
  }
  Content content;
  content.duty = use.duty;
  const auto past = past_of(signer, content);
  if (!past) return failed(past.error());
  if (!past->last) return LastIs();
  return LastIs{ledger::SignedHead{past->last->number, past->last->digest}};
}

Answer Service::sign(const Use& use, crypto::Signer& signer, const SignThis& asked, uid_t caller) {
  const Bytes& message = asked.message;
  const UtcTime now = clock_.now();
  const Terms& terms = terms_of(use.duty);
  Minute& minute = this_minute(use.key, now);
  if (const auto refusal = judge_caller(use.key, terms, caller, minute.signatures)) {
    return refuse(use, *refusal, message, caller, now);
  }
  auto content = read(use, signer, message);
  if (!content) return refuse(use, content.error(), message, caller, now);
  content->growth = asked.growth;
  const KeyId keyid = signer.public_key().computed_id();
  const auto past = past_of(signer, *content);
  if (!past) return failed(past.error());
  if (const auto refusal = judge(*content, *past, terms, now)) {
    return refuse(use, *refusal, message, caller, now);
  }
  ++minute.signatures;
  // Of times nothing is noted: the clock alone decides, and anybody may ask for one at any time.
  if (use.duty != Duty::TimeSource && !is_repeat(*content, past->last)) {
    if (const auto noted = journal_.note(use.key, keyid, *content, caller, now); !noted)
      return failed(noted.error());
  }
  auto signature = signer.sign(message);
  if (!signature) return failed(signature.error());
  return *std::move(signature);
}

Answer Service::refuse(const Use& use, const Refusal& refusal, ByteView message, uid_t caller, UtcTime now) {
  const auto [silence, is_new] = silences_.try_emplace({use.key, refusal.policy, caller});
  if (is_new || now - silence->second.since >= kTellAgain || now < silence->second.since) {
    spdlog::warn("refused user {} a signature of {}: {}: {} ({} more like it since the last line)", caller,
                 use.key, name_of(refusal.policy), refusal.why, silence->second.left_out);
    silence->second = {now, 0};
    const auto noted = journal_.note_refusal(use.key, refusal, crypto::sha256(message), caller, now);
    if (!noted) spdlog::error("the refusal could not be noted: {}", summary(noted.error()));
  } else {
    ++silence->second.left_out;
  }
  return Refused{std::string(name_of(refusal.policy)), refusal.why};
}

}  // namespace cotter::signing
