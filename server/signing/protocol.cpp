#include "server/signing/protocol.h"

#include <array>
#include <utility>

#include "common/json/canonical.h"
#include "common/json/object_view.h"
#include "common/json/strict_reader.h"

namespace cotter::signing {
namespace {

/// As the wire spells the Faults that a caller can tell apart; any other is "io".
struct KindName {
  Fault::Kind kind;
  const char* name;
};
constexpr std::array kKindNames = {
    KindName{Fault::Kind::NotFound, "not-found"}, KindName{Fault::Kind::Busy, "busy"},
    KindName{Fault::Kind::Timeout, "timeout"},    KindName{Fault::Kind::NoSpace, "no-space"},
    KindName{Fault::Kind::Denied, "denied"},      KindName{Fault::Kind::Io, "io"}};

std::string_view name_of(Fault::Kind kind) {
  for (const KindName& each : kKindNames) {
    if (each.kind == kind) return each.name;
  }
  return kKindNames.back().name;
}

Fault::Kind kind_named(std::string_view name) {
  for (const KindName& each : kKindNames) {
    if (each.name == name) return each.kind;
  }
  return Fault::Kind::Io;
}

Bytes framed(const json::Object& object) {
  const std::string text = json::to_text(object);
  Bytes frame;
  frame.reserve(kLengthBytes + text.size());
  for (int shift = 24; shift >= 0; shift -= 8) {
    frame.push_back(static_cast<std::uint8_t>((text.size() >> shift) & 0xff));
  }
  const ByteView bytes = as_bytes(text);
  frame.insert(frame.end(), bytes.begin(), bytes.end());
  return frame;
}

Result<Bytes> base64_of(const json::ObjectView& view, std::string_view key) {
  const std::string text = TRY(view.string(key));
  auto bytes = from_base64(text);
  if (!bytes) {
    TRY(refuse(RuleId::MemberWrongKind, std::string(key) + " in base64", text.substr(0, 32)));
    bytes.emplace();
  }
  return *std::move(bytes);
}

/// One message has one spelling.
Result<void> expect_members(const json::ObjectView& view, std::size_t count) {
  if (view.members().size() == count) return {};
  return refuse(RuleId::MemberWrongKind, std::to_string(count) + " members",
                std::to_string(view.members().size()));
}

struct EncodeAsk {
  json::Object* request;
  void operator()(const WhichKey& /*ask*/) const { request->set("ask", "key"); }
  void operator()(const WhichLast& /*ask*/) const { request->set("ask", "last"); }
  void operator()(const SignThis& ask) const {
    request->set("ask", "sign");
    request->set("message", to_base64(ask.message));
    if (!ask.growth) return;
    json::Array proof;
    for (const ledger::Hash& hash : ask.growth->proof) proof.emplace_back(to_base64(hash));
    request->set("last", to_base64(as_bytes(ask.growth->last)));
    request->set("proof", std::move(proof));
  }
};

Result<ledger::Growth> growth_in(const json::ObjectView& view) {
  ledger::Growth growth;
  const Bytes last = TRY(base64_of(view, "last"));
  growth.last = as_text(last);
  const json::Array* proof = TRY(view.array("proof"));
  for (const json::Value& each : *proof) {
    const auto bytes = from_base64(TRY(json::string_of(each, "proof[]")));
    if (!bytes || bytes->size() != ledger::kHashSize) {
      TRY(refuse(RuleId::MemberWrongKind, "proof[] with hashes in base64",
                 json::to_text(each).substr(0, 64)));
    }
    std::copy(bytes->begin(), bytes->end(), growth.proof.emplace_back().begin());
  }
  return growth;
}

Result<SignThis> sign_this_in(const json::ObjectView& view) {
  SignThis asked(TRY(base64_of(view, "message")));
  const bool has_growth = view.find("proof") != nullptr;
  TRY(expect_members(view, has_growth ? 5 : 3));
  if (has_growth) asked.growth = TRY(growth_in(view));
  return asked;
}

Result<LastIs> last_in(const json::ObjectView& view) {
  if (view.find("sha256") == nullptr) return LastIs();
  const std::uint64_t size = TRY(view.integer("size"));
  Bytes digest = TRY(view.hex("sha256"));
  return LastIs{ledger::SignedHead{size, std::move(digest)}};
}

struct EncodeAnswer {
  json::Object operator()(const KeyIs& answer) const { return {{"answer", "key"}, {"key", answer.key}}; }
  json::Object operator()(const LastIs& answer) const {
    if (!answer.head) return {{"answer", "last"}};
    return {{"answer", "last"}, {"size", answer.head->size}, {"sha256", to_hex(answer.head->digest)}};
  }
  json::Object operator()(const crypto::Signature& answer) const {
    return {{"answer", "signature"}, {"keyid", answer.keyid.value()}, {"signature", to_base64(answer.bytes)}};
  }
  json::Object operator()(const Refused& answer) const {
    return {{"answer", "refused"}, {"policy", answer.policy}, {"why", answer.why}};
  }
  json::Object operator()(const Failed& answer) const {
    return {{"answer", "failed"}, {"kind", name_of(answer.kind)}, {"why", answer.why}};
  }
};

}  // namespace

Result<std::size_t> read_length(ByteView four_bytes) {
  COTTER_ASSERT(four_bytes.size() == kLengthBytes);
  std::size_t length = 0;
  for (const std::uint8_t byte : four_bytes) length = (length << 8) | byte;
  if (length > kMaxFrameBytes) {
    TRY(refuse(RuleId::FrameTooLarge, "at most " + std::to_string(kMaxFrameBytes) + " bytes",
               std::to_string(length)));
    length = 0;
  }
  return length;
}

Bytes encode(const Request& request) {
  json::Object object{{"key", request.key}};
  std::visit(EncodeAsk{&object}, request.what);
  return framed(object);
}

Bytes encode(const Answer& answer) { return framed(std::visit(EncodeAnswer(), answer)); }

Result<Request> decode_request(ByteView payload) {
  const json::Value value = TRY(json::read(payload));
  const auto view = TRY(json::ObjectView::of(value, "request"));
  const std::string ask = TRY(view.string("ask"));
  Request request;
  request.key = TRY(view.string("key"));
  if (ask == "sign") {
    request.what = TRY(sign_this_in(view));
    return request;
  }
  TRY(expect_members(view, 2));
  if (ask == "last") {
    request.what = WhichLast();
  } else if (ask != "key") {
    TRY(refuse(RuleId::MemberWrongKind, "ask: key, last or sign", ask.substr(0, 32)));
  }
  return request;
}

Result<Answer> decode_answer(ByteView payload) {
  const json::Value value = TRY(json::read(payload));
  const auto view = TRY(json::ObjectView::of(value, "answer"));
  const std::string kind = TRY(view.string("answer"));
  if (kind == "key") {
    const json::Value* key = TRY(view.value("key"));
    return Answer(KeyIs{*key});
  }
  if (kind == "last") return Answer(TRY(last_in(view)));
  if (kind == "signature") {
    std::string keyid = TRY(view.string("keyid"));
    Bytes bytes = TRY(base64_of(view, "signature"));
    return Answer(crypto::Signature{KeyId(std::move(keyid)), std::move(bytes)});
  }
  std::string why = TRY(view.string("why"));
  if (kind == "refused") {
    std::string policy = TRY(view.string("policy"));
    return Answer(Refused{std::move(policy), std::move(why)});
  }
  if (kind != "failed") TRY(refuse(RuleId::MemberWrongKind, "an answer", kind.substr(0, 32)));
  const std::string fault_kind = TRY(view.string("kind"));
  return Answer(Failed{kind_named(fault_kind), std::move(why)});
}

}  // namespace cotter::signing
