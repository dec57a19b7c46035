// What the signing process and its callers say to each other (schemas/signing-protocol.md): a length, then
// JSON. Never reads beyond a frame's own bytes, never takes a member that it does not know. Pure: safe on any
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/crypto/signer.h"
#include "common/json/value.h"
#include "server/ledger/log_signer.h"

namespace cotter::signing {

inline constexpr std::size_t kLengthBytes = 4;
/// Room for a snapshot of 40,000 delegations in base64.
inline constexpr std::size_t kMaxFrameBytes = std::size_t{8} * 1024 * 1024;

/// "Which key are you?"
struct WhichKey {
  friend bool operator==(const WhichKey&, const WhichKey&) = default;
};
/// "What did you sign last?": of the ledger's key alone, which has one series.
struct WhichLast {
  friend bool operator==(const WhichLast&, const WhichLast&) = default;
};
struct SignThis {
  SignThis(Bytes bytes, std::optional<ledger::Growth> since = {})  // NOLINT(google-explicit-constructor)
      : message(std::move(bytes)), growth(std::move(since)) {}
  Bytes message;
  std::optional<ledger::Growth> growth;  ///< of the ledger's checkpoints, but for the first
  friend bool operator==(const SignThis&, const SignThis&) = default;
};
struct Request {
  std::string key;  ///< "image-snapshot"
  std::variant<WhichKey, WhichLast, SignThis> what{};
  friend bool operator==(const Request&, const Request&) = default;
};

struct KeyIs {
  json::Value key;  ///< a KEY object (FMT-23)
};
struct LastIs {
  std::optional<ledger::SignedHead> head;  ///< nothing: none was signed
};
/// By a policy, which it names.
struct Refused {
  std::string policy;
  std::string why;
};
/// The signing process could not.
struct Failed {
  Fault::Kind kind = Fault::Kind::Io;
  std::string why;
};
using Answer = std::variant<KeyIs, LastIs, crypto::Signature, Refused, Failed>;

/// The bytes after a length, from its four. Rejection: frame-too-large.
Result<std::size_t> read_length(ByteView four_bytes);

/// Whole frames, ready to send.
Bytes encode(const Request& request);
Bytes encode(const Answer& answer);
/// Of what follows the length. Rejections: json-*, member-*.
Result<Request> decode_request(ByteView payload);
Result<Answer> decode_answer(ByteView payload);

}  // namespace cotter::signing
