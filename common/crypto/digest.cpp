#include "common/crypto/digest.h"

#include <algorithm>
#include <array>
#include <utility>

namespace cotter::crypto {
namespace {

struct Known {
  HashFunction function;
  std::string_view name;
  std::size_t size;
};
constexpr std::array kKnown = {Known{HashFunction::Sha256, "sha256", 32},
                               Known{HashFunction::Sha512, "sha512", 64}};

constexpr const Known& known(HashFunction function) noexcept {
  return kKnown[static_cast<std::size_t>(function)];
}

}  // namespace

std::string_view name_of(HashFunction function) noexcept { return known(function).name; }

std::optional<HashFunction> hash_function_named(std::string_view name) noexcept {
  for (const Known& candidate : kKnown) {
    if (candidate.name == name) return candidate.function;
  }
  return std::nullopt;
}

std::size_t digest_size(HashFunction function) noexcept { return known(function).size; }

Bytes digest(HashFunction function, ByteView bytes) {
  Hasher hasher(function);
  hasher.update(bytes);
  return hasher.finish();
}

Result<Hashes> Hashes::decode(const json::Value& value) {
  const json::Object* members = value.as_object();
  if (members == nullptr) {
    TRY(refuse(RuleId::MemberWrongKind, "hashes to be an object", std::string(value.kind())));
    return Hashes();
  }
  Hashes hashes;
  bool any_known = false;
  for (const json::Member& member : *members) {
    const json::String* text = member.value.as_string();
    std::optional<Bytes> bytes = text == nullptr ? std::nullopt : from_hex(text->view());
    if (!bytes) {
      TRY(refuse(
          RuleId::MemberWrongKind, "hashes." + member.key + " to be a string of hex",
          text == nullptr ? std::string(member.value.kind()) : std::string(text->view().substr(0, 40))));
      continue;
    }
    if (const auto function = hash_function_named(member.key)) {
      any_known = true;
      if (bytes->size() != digest_size(*function)) {
        TRY(refuse(RuleId::HashLengthWrong,
                   std::to_string(digest_size(*function)) + " bytes of " + member.key,
                   std::to_string(bytes->size())));
      }
    }
    hashes.digests_.emplace_hint(hashes.digests_.end(), member.key, *std::move(bytes));
  }
  if (!any_known)
    TRY(refuse(RuleId::HashesEmpty, "sha256 or sha512",
               members->empty() ? std::string("none") : std::string(members->begin()->key.view())));
  return hashes;
}

Hashes Hashes::of(ByteView bytes) {
  Hashes hashes;
  for (const Known& each : kKnown) hashes.set(each.function, digest(each.function, bytes));
  return hashes;
}

json::Value Hashes::encode() const {
  std::vector<json::Member> members;
  members.reserve(digests_.size());
  for (const auto& [name, bytes] : digests_) members.push_back({name, to_hex(bytes)});
  return json::Object(std::move(members));
}

void Hashes::set(HashFunction function, Bytes digest) {
  digests_.insert_or_assign(std::string(name_of(function)), std::move(digest));
}

const Bytes* Hashes::find(HashFunction function) const noexcept {
  for (const auto& [name, bytes] : digests_) {
    if (name == name_of(function)) return &bytes;
  }
  return nullptr;
}

bool Hashes::match(ByteView bytes) const {
  bool matched = false;
  for (const Known& each : kKnown) {
    const Bytes* listed = find(each.function);
    if (listed == nullptr) continue;
    if (*listed != digest(each.function, bytes)) return false;
    matched = true;
  }
  return matched;
}

bool Hashes::agrees_with(const Hashes& other) const {
  const bool shared = std::any_of(std::begin(kKnown), std::end(kKnown), [&](const Known& each) {
    return find(each.function) != nullptr && other.find(each.function) != nullptr;
  });
  return shared && !contradicts(other);
}

bool Hashes::contradicts(const Hashes& other) const {
  return std::any_of(std::begin(kKnown), std::end(kKnown), [&](const Known& each) {
    const Bytes* mine = find(each.function);
    const Bytes* theirs = other.find(each.function);
    return mine != nullptr && theirs != nullptr && *mine != *theirs;
  });
}

}  // namespace cotter::crypto
