#include "common/model/time_attestation.h"

#include <algorithm>
#include <set>

#include "common/json/canonical.h"
#include "common/json/strict_reader.h"
#include "common/model/file_names.h"
#include "common/model/header.h"

namespace cotter::model {
namespace {

Result<std::vector<Nonce>> decode_nonces(const json::ObjectView& view) {
  const std::vector<std::string> texts = TRY(decode_strings(view, "nonces"));
  if (texts.empty() || texts.size() > kMaxNonces) {
    TRY(refuse(RuleId::MemberWrongKind, "nonces: 1 to " + std::to_string(kMaxNonces) + " nonces",
               std::to_string(texts.size())));
  }
  std::vector<Nonce> nonces;
  std::set<std::string_view> seen;
  for (const std::string& text : texts) {
    if (!is_nonce(text) || !seen.insert(text).second) {
      TRY(refuse(RuleId::MemberWrongKind, "nonces: 32 lower-case hex digits, each nonce once", shown(text)));
    }
    nonces.emplace_back(text);
  }
  return nonces;
}

Result<std::optional<VehicleId>> decode_vin(const json::ObjectView& view) {
  if (view.find("vin") == nullptr) return std::optional<VehicleId>();
  std::string vin = TRY(view.string("vin"));
  if (!is_identifier(vin)) TRY(refuse(RuleId::MemberWrongKind, "vin: a vehicle's id", shown(vin)));
  return std::optional(VehicleId(std::move(vin)));
}

json::Value encode_nonces(const std::vector<Nonce>& nonces) {
  json::Array list;
  for (const Nonce& nonce : nonces) list.emplace_back(nonce.value());
  return list;
}

}  // namespace

Nonce nonce_of(ByteView random) {
  COTTER_ASSERT(random.size() == kNonceBytes);
  return Nonce(to_hex(random));
}

bool is_nonce(std::string_view text) noexcept {
  return text.size() == 2 * kNonceBytes && text.find_first_not_of("0123456789abcdef") == text.npos;
}

Result<TimeRequest> TimeRequest::read(ByteView wire) {
  if (wire.size() > kMaxTimeRequestBytes) {
    TRY(refuse(RuleId::FileTooLarge, "at most " + std::to_string(kMaxTimeRequestBytes) + " bytes",
               std::to_string(wire.size())));
  }
  const json::Value document = TRY(json::read(wire));
  const json::ObjectView view = TRY(json::ObjectView::of(document, "time request"));
  TimeRequest request;
  request.nonces = TRY(decode_nonces(view));
  request.vin = TRY(decode_vin(view));
  return request;
}

Bytes TimeRequest::wire() const {
  json::Object members{{"nonces", encode_nonces(nonces)}};
  if (vin) members.set("vin", vin->value());
  return to_bytes(json::to_text(json::Value(std::move(members))));
}

Result<TimeAttestation> TimeAttestation::decode(const json::Value& signed_part, crypto::Profile /*profile*/) {
  const json::ObjectView view = TRY(open_typed(signed_part, kType));
  TimeAttestation attestation;
  attestation.time = TRY(view.time("time"));
  attestation.nonces = TRY(decode_nonces(view));
  attestation.vin = TRY(decode_vin(view));
  attestation.unknown = other_members(view, {"_type", "time", "nonces", "vin"});
  return attestation;
}

json::Value TimeAttestation::encode() const {
  Members members = members_of(unknown);
  members.push_back({"_type", json::Value(kType)});
  members.push_back({"time", json::Value(format_utc(time))});
  members.push_back({"nonces", encode_nonces(nonces)});
  if (vin) members.push_back({"vin", json::Value(vin->value())});
  return json::Object(std::move(members));
}

}  // namespace cotter::model
