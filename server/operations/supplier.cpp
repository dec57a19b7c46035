#include "server/operations/supplier.h"

#include <algorithm>
#include <bit>
#include <string_view>

#include "common/base/bytes.h"
#include "common/json/object_view.h"

namespace cotter::operations {
namespace {

/// Of the modulus; nothing of another kind of key.
std::optional<std::uint64_t> rsa_bits(const crypto::PublicKey& key) {
  constexpr std::string_view kBegin = "rsa:";  // n:e follow, in hex
  std::string_view modulus = key.material();
  if (!modulus.starts_with(kBegin)) return std::nullopt;
  modulus.remove_prefix(kBegin.size());
  modulus = modulus.substr(0, modulus.find(':'));
  modulus.remove_prefix(std::min(modulus.find_first_not_of('0'), modulus.size()));
  if (modulus.empty()) return 0;
  const auto digit = from_hex("0" + std::string(modulus.substr(0, 1)));
  return 4 * (modulus.size() - 1) +
         static_cast<std::uint64_t>(std::bit_width(digit.value_or(Bytes{0}).front()));
}

}  // namespace

std::optional<std::string> SupplierPolicy::objection_to(const crypto::PublicKey& key) const {
  const std::string scheme(name_of(key.scheme()));
  if (!schemes.empty() && std::ranges::find(schemes, scheme) == schemes.end())
    return "is " + scheme + ", which the policy does not allow";
  const auto bits = rsa_bits(key);
  if (!bits || *bits >= min_rsa_bits) return std::nullopt;
  return "is RSA of " + std::to_string(*bits) + " bits, and the policy wants " + std::to_string(min_rsa_bits);
}

json::Object SupplierPolicy::encode() const {
  json::Object policy{{"expiry_ceiling_seconds", std::int64_t{expiry_ceiling.count()}},
                      {"schemes", json::Array(schemes.begin(), schemes.end())},
                      {"min_rsa_bits", min_rsa_bits},
                      {"version_floor", version_floor},
                      {"counter_leap", counter_leap},
                      {"quota_bytes", quota_bytes},
                      {"sbom", needs_sbom},
                      {"provenance", needs_provenance},
                      {"two_people", needs_two_people},
                      {"may_delegate", may_delegate}};
  if (bit_length > 0) policy.set("bit_length", std::uint64_t{bit_length});
  return policy;
}

Result<SupplierPolicy> SupplierPolicy::decode(const json::Value& value) {
  const auto view = TRY(json::ObjectView::of(value, "policy"));
  SupplierPolicy policy;
  policy.expiry_ceiling = std::chrono::seconds(TRY(view.integer("expiry_ceiling_seconds")));
  for (const json::Value& each : *TRY(view.array("schemes"))) {
    policy.schemes.push_back(TRY(json::string_of(each, "schemes[]")));
  }
  policy.version_floor = TRY(view.integer("version_floor"));
  policy.quota_bytes = TRY(view.integer("quota_bytes"));
  policy.needs_sbom = TRY(view.boolean("sbom"));
  policy.needs_provenance = TRY(view.boolean("provenance"));
  policy.needs_two_people = TRY(view.boolean("two_people"));
  // Policies that were kept before there were such things say nothing of them.
  if (view.find("may_delegate") != nullptr) policy.may_delegate = TRY(view.boolean("may_delegate"));
  if (view.find("min_rsa_bits") != nullptr) policy.min_rsa_bits = TRY(view.integer("min_rsa_bits"));
  if (view.find("counter_leap") != nullptr) policy.counter_leap = TRY(view.integer("counter_leap"));
  if (view.find("bit_length") != nullptr) {
    const std::uint64_t bits = TRY(view.integer("bit_length"));
    if (bits > kMostSupplierBits) {
      TRY(refuse(RuleId::MemberWrongKind, "a bit_length of at most " + std::to_string(kMostSupplierBits),
                 std::to_string(bits)));
    }
    policy.bit_length = static_cast<std::uint32_t>(std::min<std::uint64_t>(bits, kMostSupplierBits));
  }
  return policy;
}

model::SuccinctRoles Supplier::bins() const {
  COTTER_ASSERT(has_bins());
  model::SuccinctRoles bins;
  bins.bit_length = policy.bit_length;
  bins.name_prefix = name.value();
  return bins;
}

std::vector<RoleName> Supplier::roles() const {
  std::vector<RoleName> all{name};
  if (!has_bins()) return all;
  const model::SuccinctRoles own = bins();
  for (std::uint64_t number = 0; number >> own.bit_length == 0; ++number) all.push_back(own.bin(number));
  return all;
}

}  // namespace cotter::operations
