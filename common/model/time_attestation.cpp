#include "common/model/time_attestation.h"

#include <algorithm>
#include <set>

#include "common/model/header.h"

namespace cotter::model {
namespace {

Result<std::vector<Nonce>> decode_nonces(const json::ObjectView& view) {
  const std::vector<std::string> texts = TRY(decode_strings(view, "nonces"));
  if (texts.empty() || texts.size() > kMaxNonces) {
    TRY(refuse(RuleId::MemberWrongKind, "signed.nonces: 1 to " + std::to_string(kMaxNonces) + " nonces",
               std::to_string(texts.size())));
  }
  std::vector<Nonce> nonces;
  std::set<std::string_view> seen;
  for (const std::string& text : texts) {
    if (!is_nonce(text) || !seen.insert(text).second) {
      TRY(refuse(RuleId::MemberWrongKind, "signed.nonces: 32 lower-case hex digits, each nonce once",
                 shown(text)));
    }
    nonces.emplace_back(text);
  }
  return nonces;
}

}  // namespace

Nonce nonce_of(ByteView random) {
  COTTER_ASSERT(random.size() == kNonceBytes);
  return Nonce(to_hex(random));
}

bool is_nonce(std::string_view text) noexcept {
  return text.size() == 2 * kNonceBytes && text.find_first_not_of("0123456789abcdef") == text.npos;
}

Result<TimeAttestation> TimeAttestation::decode(const json::Value& signed_part, crypto::Profile /*profile*/) {
  const json::ObjectView view = TRY(open_typed(signed_part, kType));
  TimeAttestation attestation;
  attestation.time = TRY(view.time("time"));
  attestation.nonces = TRY(decode_nonces(view));
  attestation.unknown = other_members(view, {"_type", "time", "nonces"});
  return attestation;
}

json::Value TimeAttestation::encode() const {
  json::Array list;
  for (const Nonce& nonce : nonces) list.emplace_back(nonce.value());
  Members members = members_of(unknown);
  members.push_back({"_type", json::Value(kType)});
  members.push_back({"time", json::Value(format_utc(time))});
  members.push_back({"nonces", json::Value(std::move(list))});
  return json::Object(std::move(members));
}

}  // namespace cotter::model
