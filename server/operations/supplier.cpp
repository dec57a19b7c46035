#include "server/operations/supplier.h"

#include <algorithm>

#include "common/json/object_view.h"

namespace cotter::operations {

bool SupplierPolicy::allows(crypto::Scheme scheme) const {
  return schemes.empty() || std::ranges::find(schemes, name_of(scheme)) != schemes.end();
}

json::Object SupplierPolicy::encode() const {
  return {{"expiry_ceiling_seconds", std::int64_t{expiry_ceiling.count()}},
          {"schemes", json::Array(schemes.begin(), schemes.end())},
          {"version_floor", version_floor},
          {"counter_leap", counter_leap},
          {"quota_bytes", quota_bytes},
          {"sbom", needs_sbom},
          {"provenance", needs_provenance},
          {"two_people", needs_two_people},
          {"may_delegate", may_delegate}};
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
  if (view.find("counter_leap") != nullptr) policy.counter_leap = TRY(view.integer("counter_leap"));
  return policy;
}

}  // namespace cotter::operations
