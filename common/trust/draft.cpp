#include "common/trust/draft.h"

#include <algorithm>

#include "common/json/canonical.h"

namespace cotter::trust {

template <RoleType T>
Draft<T>::Draft(const T& next) : signed_(next.encode()), canonical_(json::canonical(signed_)) {}

template <RoleType T>
void Draft<T>::attach(crypto::Signature signature) {
  const auto same = std::find_if(signatures_.begin(), signatures_.end(), [&](const crypto::Signature& other) {
    return other.keyid == signature.keyid;
  });
  if (same != signatures_.end()) {
    *same = std::move(signature);
  } else {
    signatures_.push_back(std::move(signature));
  }
}

template <RoleType T>
Result<void> Draft<T>::sign(crypto::Signer& signer) {
  attach(TRY(signer.sign(canonical_)));
  return {};
}

template <RoleType T>
Bytes Draft<T>::wire() const {
  json::Array signatures;
  for (const crypto::Signature& signature : signatures_) {
    signatures.emplace_back(
        json::Object{{"keyid", signature.keyid.value()}, {"sig", to_hex(signature.bytes)}});
  }
  // Put together here, for a copy of what was signed may be large. Its canonical form is its text too, but
  // where a string has control characters.
  const bool is_text = std::none_of(canonical_.begin(), canonical_.end(), [](auto c) { return c < ' '; });
  Bytes wire =
      to_bytes("{\"signatures\":" + json::to_text(json::Value(std::move(signatures))) + ",\"signed\":");
  const Bytes content = is_text ? Bytes() : to_bytes(json::to_text(signed_));
  const Bytes& text = is_text ? canonical_ : content;
  wire.reserve(wire.size() + text.size() + 1);
  wire.insert(wire.end(), text.begin(), text.end());
  wire.push_back('}');
  return wire;
}

template <RoleType T>
Result<Verified<T>> Draft<T>::seal(const Authority& authority) const {
  return TRY(Unverified<T>::parse(wire(), Profile::Vehicle)).verify(authority);
}

template <RoleType T>
Result<Verified<T>> Draft<T>::seal_anchor() const requires std::same_as<T, model::Root> {
  return TRY(Unverified<T>::parse(wire(), Profile::Vehicle)).verify_anchor();
}

template <RoleType T>
Result<Verified<T>> Draft<T>::seal_successor(
    const Verified<T>& trusted) const requires std::same_as<T, model::Root> {
  return TRY(Unverified<T>::parse(wire(), Profile::Vehicle)).verify_successor(trusted);
}

// Member by member, not `template class`: clang 14 would make those of roots for every role.
// NOLINTBEGIN(bugprone-macro-parentheses): a type takes none
#define MAKE_DRAFT(Role)                                    \
  template Draft<Role>::Draft(const Role&);                 \
  template void Draft<Role>::attach(crypto::Signature);     \
  template Result<void> Draft<Role>::sign(crypto::Signer&); \
  template Bytes Draft<Role>::wire() const;                 \
  template Result<Verified<Role>> Draft<Role>::seal(const Authority&) const;
// NOLINTEND(bugprone-macro-parentheses)
MAKE_DRAFT(model::Root)
MAKE_DRAFT(model::Timestamp)
MAKE_DRAFT(model::Snapshot)
MAKE_DRAFT(model::Targets)
MAKE_DRAFT(model::TimeAttestation)
#undef MAKE_DRAFT
template Result<Verified<model::Root>> Draft<model::Root>::seal_anchor() const;
template Result<Verified<model::Root>> Draft<model::Root>::seal_successor(const Verified<model::Root>&) const;

}  // namespace cotter::trust
