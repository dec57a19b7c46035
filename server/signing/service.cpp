#include "server/signing/service.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <tuple>

#include "common/crypto/digest.h"

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

const Terms& Service::terms_of(Duty duty) const {
  static const Terms nobodys;
  const auto found = terms_.find(duty);
  return found == terms_.end() ? nobodys : found->second;
}

Service::Minute& Service::this_minute(Duty duty, UtcTime now) {
  Minute& minute = minutes_[duty];
  const std::int64_t number = std::chrono::floor<std::chrono::minutes>(now).time_since_epoch().count();
  if (minute.number != number) minute = {number, 0};
  return minute;
}

Answer Service::answer(const Request& request, uid_t caller) {
  const auto duty = duty_named(request.key);
  crypto::Signer* signer = duty ? keyring_.named(request.key) : nullptr;
  if (signer == nullptr) {
    return Failed{Fault::Kind::NotFound, "the signing process has no key " + request.key.substr(0, 64)};
  }
  if (request.message) return sign(*duty, *signer, *request.message, caller);
  return KeyIs{signer->public_key().encode()};
}

Answer Service::sign(Duty duty, crypto::Signer& signer, ByteView message, uid_t caller) {
  const UtcTime now = clock_.now();
  const Terms& terms = terms_of(duty);
  Minute& minute = this_minute(duty, now);
  if (const auto refusal = judge_caller(duty, terms, caller, minute.signatures)) {
    return refuse(duty, *refusal, message, caller, now);
  }
  const crypto::Signer* time_key = keyring_.named(name_of(Duty::TimeSource));
  const auto content = read_content(
      duty, message, {&signer.public_key(), time_key == nullptr ? nullptr : &time_key->public_key()});
  if (!content) return refuse(duty, content.error(), message, caller, now);
  const KeyId keyid = signer.public_key().computed_id();
  const auto past = journal_.past(keyid, *content);
  if (!past) return failed(past.error());
  if (const auto refusal = judge(*content, *past, terms, now)) {
    return refuse(duty, *refusal, message, caller, now);
  }
  ++minute.signatures;
  // Of times nothing is noted: the clock alone decides, and anybody may ask for one at any time.
  if (duty != Duty::TimeSource && !is_repeat(*content, past->last)) {
    if (const auto noted = journal_.note(keyid, *content, caller, now); !noted) return failed(noted.error());
  }
  auto signature = signer.sign(message);
  if (!signature) return failed(signature.error());
  return *std::move(signature);
}

Answer Service::refuse(Duty duty, const Refusal& refusal, ByteView message, uid_t caller, UtcTime now) {
  const auto [silence, is_new] = silences_.try_emplace({duty, refusal.policy, caller});
  if (is_new || now - silence->second.since >= kTellAgain || now < silence->second.since) {
    spdlog::warn("refused user {} a signature of {}: {}: {} ({} more like it since the last line)", caller,
                 name_of(duty), name_of(refusal.policy), refusal.why, silence->second.left_out);
    silence->second = {now, 0};
    const auto noted = journal_.note_refusal(duty, refusal, crypto::sha256(message), caller, now);
    if (!noted) spdlog::error("the refusal could not be noted: {}", summary(noted.error()));
  } else {
    ++silence->second.left_out;
  }
  return Refused{std::string(name_of(refusal.policy)), refusal.why};
}

}  // namespace cotter::signing
