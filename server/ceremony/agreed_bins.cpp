#include "server/ceremony/agreed_bins.h"

#include <string_view>

namespace cotter::ceremony {
namespace {

constexpr std::string_view kMember = "x-bit_length";
constexpr std::int64_t kMostBits = 32;  // that TAP 15 knows

}  // namespace

std::optional<std::uint32_t> agreed_bits(const model::DelegatedRole& entry) {
  const json::Value* value = entry.unknown.find(kMember);
  if (value == nullptr) return std::nullopt;
  const auto bits = value->as_int();
  if (!bits || *bits < 1 || *bits > kMostBits) return std::nullopt;
  return static_cast<std::uint32_t>(*bits);
}

void agree_on_bits(model::DelegatedRole& entry, std::uint32_t bits) {
  entry.unknown.set(kMember, std::uint64_t{bits});
}

}  // namespace cotter::ceremony
