#include "common/trust/record_seal.h"

#include "common/crypto/digest.h"
#include "common/json/canonical.h"

namespace cotter::trust {
namespace {

constexpr std::string_view kSeal = "sha256";

std::string seal_of(const json::Object& record) {
  return to_hex(crypto::sha256(json::canonical(json::Value(record))));
}

}  // namespace

void seal(json::Object& record) { record.set(std::string(kSeal), json::Value(seal_of(record))); }

bool is_whole(const json::ObjectView& record) {
  if (record.find(kSeal) == nullptr) return true;
  json::Object rest = record.members();
  rest.erase(kSeal);
  const auto seal = record.string(kSeal);
  return seal && *seal == seal_of(rest);
}

}  // namespace cotter::trust
