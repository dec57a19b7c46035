#include "common/wire/messages.h"

#include <array>
#include <type_traits>

#include "common/base/printable.h"

namespace cotter::wire {
namespace {

/// The type byte of a message is its place in its variant, requests from 0x01, replies from 0x81. A new
/// message goes to the end.
constexpr std::uint8_t kFirstRequest = 0x01;
constexpr std::uint8_t kFirstReply = 0x81;

constexpr std::uint8_t kRepositories = 2;
constexpr auto kLastFaultKind = static_cast<std::uint8_t>(Fault::Kind::Conflict);

// --- one write() and one read() for each message that has fields ------------------------------------------

void write_repository(FieldWriter& out, Repository repository) {
  out.u8(static_cast<std::uint8_t>(repository));
}
Result<Repository> read_repository(FieldReader& in) {
  const std::uint8_t value = TRY(in.u8());
  if (value >= kRepositories) TRY(refuse(RuleId::FrameMalformed, "a repository", std::to_string(value)));
  return value == 0 ? Repository::Director : Repository::Image;
}

template <class Message>
void write(FieldWriter& /*out*/, const Message& /*message*/) {
  static_assert(std::is_empty_v<Message>, "a message with fields needs a write() of its own");
}
template <class Message>
Result<void> read(FieldReader& /*in*/, Message& /*message*/) {
  static_assert(std::is_empty_v<Message>, "a message with fields needs a read() of its own");
  return {};
}

void write(FieldWriter& out, const File& message) { out.blob(message.bytes); }
Result<void> read(FieldReader& in, File& message) {
  message.bytes = TRY(in.blob());
  return {};
}

void write(FieldWriter& out, const StageBegin& message) {
  out.text(message.name.value());
  out.u64(message.length);
}
Result<void> read(FieldReader& in, StageBegin& message) {
  message.name = TargetName(TRY(in.text()));
  message.length = TRY(in.u64());
  return {};
}

void write(FieldWriter& out, const Chunk& message) {
  out.u64(message.offset);
  out.blob(message.bytes);
}
Result<void> read(FieldReader& in, Chunk& message) {
  message.offset = TRY(in.u64());
  message.bytes = TRY(in.blob());
  return {};
}

void write(FieldWriter& out, const RestoreBegin& message) { out.u64(message.length); }
Result<void> read(FieldReader& in, RestoreBegin& message) {
  message.length = TRY(in.u64());
  return {};
}

void write(FieldWriter& out, const BackupRead& message) {
  out.u64(message.offset);
  out.u64(message.max_bytes);
}
Result<void> read(FieldReader& in, BackupRead& message) {
  message.offset = TRY(in.u64());
  message.max_bytes = TRY(in.u64());
  return {};
}

void write(FieldWriter& out, const TimeOffer& message) { out.blob(message.attestation); }
Result<void> read(FieldReader& in, TimeOffer& message) {
  message.attestation = TRY(in.blob());
  return {};
}

void write(FieldWriter& out, const Nonce& message) { out.text(message.nonce); }
Result<void> read(FieldReader& in, Nonce& message) {
  message.nonce = TRY(in.text());
  return {};
}

void write(FieldWriter& out, const Report& message) {
  out.flag(message.spare_slot);
  out.flag(message.image_lost);
  out.blob(message.report);
}
Result<void> read(FieldReader& in, Report& message) {
  message.spare_slot = TRY(in.flag());
  message.image_lost = TRY(in.flag());
  message.report = TRY(in.blob());
  return {};
}

void write(FieldWriter& out, const Want& message) {
  write_repository(out, message.repository);
  out.text(message.role.value());
  out.flag(message.version.has_value());
  if (message.version) out.u64(message.version->value());
  out.u64(message.max_bytes);
}
Result<void> read(FieldReader& in, Want& message) {
  message.repository = TRY(read_repository(in));
  message.role = RoleName(TRY(in.text()));
  if (TRY(in.flag())) message.version = Version(TRY(in.u64()));
  message.max_bytes = TRY(in.u64());
  return {};
}

void write(FieldWriter& out, const Verified& message) {
  out.flag(message.image.has_value());
  if (!message.image) return;
  out.text(message.image->name.value());
  out.u64(message.image->length);
}
Result<void> read(FieldReader& in, Verified& message) {
  if (!TRY(in.flag())) return {};
  TargetName name(TRY(in.text()));
  const std::uint64_t length = TRY(in.u64());
  message.image = Verified::Image{std::move(name), length};
  return {};
}

void write(FieldWriter& out, const Ready& message) { out.u64(message.offset); }
Result<void> read(FieldReader& in, Ready& message) {
  message.offset = TRY(in.u64());
  return {};
}

void write(FieldWriter& out, const Ack& message) { out.u64(message.offset); }
Result<void> read(FieldReader& in, Ack& message) {
  message.offset = TRY(in.u64());
  return {};
}

void write(FieldWriter& out, const Outcome& message) {
  out.flag(message.installed);
  out.text(message.code);
  out.text(message.text);
}
Result<void> read(FieldReader& in, Outcome& message) {
  message.installed = TRY(in.flag());
  message.code = TRY(in.text());
  message.text = TRY(in.text());
  return {};
}

void write(FieldWriter& out, const Data& message) { out.blob(message.bytes); }
Result<void> read(FieldReader& in, Data& message) {
  message.bytes = TRY(in.blob());
  return {};
}

void write(FieldWriter& out, const Refused& message) {
  out.flag(message.repository.has_value());
  if (message.repository) write_repository(out, *message.repository);
  out.text(message.role);
  out.text(message.rule);
  out.text(message.expected);
  out.text(message.got);
}
Result<void> read(FieldReader& in, Refused& message) {
  if (TRY(in.flag())) message.repository = TRY(read_repository(in));
  message.role = TRY(in.text());
  message.rule = TRY(in.text());
  message.expected = TRY(in.text());
  message.got = TRY(in.text());
  return {};
}

void write(FieldWriter& out, const Failed& message) {
  out.u8(static_cast<std::uint8_t>(message.kind));
  out.text(message.detail);
}
Result<void> read(FieldReader& in, Failed& message) {
  const std::uint8_t kind = TRY(in.u8());
  if (kind > kLastFaultKind) TRY(refuse(RuleId::FrameMalformed, "a kind of fault", std::to_string(kind)));
  message.kind = kind > kLastFaultKind ? Fault::Kind::Io : static_cast<Fault::Kind>(kind);
  message.detail = TRY(in.text());
  return {};
}

// --- variants ---------------------------------------------------------------------------------------------

template <class Variant>
Bytes encode_variant(const Variant& message, std::uint8_t first) {
  FieldWriter out;
  std::visit([&](const auto& each) { write(out, each); }, message);
  return framed(static_cast<std::uint8_t>(first + message.index()), out.bytes());
}

template <class Variant, std::size_t I>
Result<Variant> decode_as(FieldReader& in) {
  std::variant_alternative_t<I, Variant> message;
  TRY(read(in, message));
  return Variant(std::in_place_index<I>, std::move(message));
}

template <class Variant, std::size_t... I>
Result<Variant> decode_variant(std::uint8_t type, std::uint8_t first, ByteView payload,
                               std::index_sequence<I...> /*places*/) {
  using Decode = Result<Variant> (*)(FieldReader&);
  static constexpr std::array<Decode, sizeof...(I)> kDecoders{&decode_as<Variant, I>...};
  std::size_t place = static_cast<std::uint8_t>(type - first);
  if (place >= kDecoders.size()) {
    TRY(refuse(RuleId::FrameMalformed, "a message of protocol version 1", "type " + std::to_string(type)));
    place = 0;
  }
  FieldReader in(payload);
  Variant message = TRY(kDecoders.at(place)(in));
  TRY(in.end());
  return message;
}

template <class Variant>
using Places = std::make_index_sequence<std::variant_size_v<Variant>>;

}  // namespace

Bytes encode(const Request& request) { return encode_variant(request, kFirstRequest); }
Bytes encode(const Reply& reply) { return encode_variant(reply, kFirstReply); }

Result<Request> decode_request(std::uint8_t type, ByteView payload) {
  return decode_variant<Request>(type, kFirstRequest, payload, Places<Request>());
}

Result<Reply> decode_reply(std::uint8_t type, ByteView payload) {
  return decode_variant<Reply>(type, kFirstReply, payload, Places<Reply>());
}

Reply reply_of(const Error& error) {
  if (const Rejection* broken = rejection_in(error)) {
    return Refused{broken->repository, broken->role, std::string(rule_of(broken->rule).name),
                   broken->expected, broken->got};
  }
  const Fault& failed = std::get<Fault>(error);
  return Failed{failed.kind, failed.detail};
}

// What an ECU says ends up in logs and on terminals, and it may be a hostile one.

Error error_of(const Refused& refused) {
  const std::string role = printable(refused.role);
  if (const auto rule = rule_named(refused.rule)) {
    return Rejection{refused.repository, role, *rule, printable(refused.expected), printable(refused.got)};
  }
  return Fault{Fault::Kind::Denied,
               "the ECU refused " + role + " by a rule that is not known here: " + printable(refused.rule),
               "it may speak for a later version than this primary"};
}

Error error_of(const Failed& failed) {
  return Fault{failed.kind, "the ECU failed: " + printable(failed.detail), ""};
}

}  // namespace cotter::wire
