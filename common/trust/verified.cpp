#include "common/trust/verified.h"

#include <algorithm>
#include <set>
#include <string>

#include "common/base/limits.h"
#include "common/json/canonical.h"
#include "common/json/object_view.h"
#include "common/json/strict_reader.h"

namespace cotter::trust {

Authority::Authority(const model::KeyRing& keys, const model::RoleKeys& role)
    : threshold_(role.threshold), classes_(role.required_classes()) {
  for (const KeyId& id : role.keyids) {
    if (const auto key = keys.find(id); key != keys.end()) keys_.emplace(id, key->second);
  }
}

Authority Authority::of_root(const Verified<model::Root>& root, const RoleName& role) {
  const auto found = root->roles.find(role);
  COTTER_ASSERT(found != root->roles.end());
  return {root->keys, found->second};
}

Result<Authority> Authority::of_delegation(const Verified<model::Targets>& delegator, const RoleName& role) {
  return of_draft(*delegator, role);
}

Result<Authority> Authority::of_draft(const model::Targets& delegator, const RoleName& role) {
  if (delegator.delegations) {
    const model::Delegations& delegations = *delegator.delegations;
    if (const model::RoleKeys* keys = delegations.keys_of(role)) return Authority(delegations.keys, *keys);
  }
  return fail(
      Rejection{std::nullopt, role.value(), RuleId::RoleMissing, "a delegation of this role", "none"});
}

namespace {

/// Outside vehicles an offline key's place may be held by null, or by a signature of another kind.
Result<std::string> signature_text(const json::ObjectView& signature, Profile profile) {
  const json::Value* sig = TRY(signature.value("sig"));
  if (profile == Profile::Tuf && sig->as_string() == nullptr) return std::string();
  return signature.string("sig");
}

}  // namespace

template <RoleType T>
Result<Unverified<T>> Unverified<T>::parse(Bytes wire, Profile profile) {
  Unverified file = TRY(of_envelope(TRY(json::read(wire)), profile));
  file.wire_ = std::move(wire);
  file.find_canonical();
  return file;
}

/// The envelope is read with null for what was read before: whatever JSON stands there, it is as good JSON as
/// null is, and its last brace is the envelope's.
template <RoleType T>
Result<Unverified<T>> Unverified<T>::parse(Bytes wire, Profile profile, ContentAhead content) {
  const auto at = content.place_in(wire);
  if (!at) return parse(std::move(wire), profile);
  auto document = json::read(as_bytes(std::string(as_text(wire).substr(0, *at)) + "null}"));
  json::Object* const envelope = document ? document->as_object() : nullptr;
  json::Value* const part = envelope == nullptr ? nullptr : envelope->find("signed");
  if (part == nullptr) return parse(std::move(wire), profile);  // says what is wrong with it
  const auto in_wire = content.is_canonical() ? std::optional(Part{*at, content.length()}) : std::nullopt;
  *part = std::move(content).take();
  Unverified file = TRY(of_envelope(*std::move(document), profile));
  file.wire_ = std::move(wire);
  if (in_wire) {
    file.in_wire_ = in_wire;
  } else {
    file.canonical_ = json::canonical(file.signed_);
  }
  return file;
}

template <RoleType T>
Result<Unverified<T>> Unverified<T>::of_envelope(json::Value document, Profile profile) {
  const json::ObjectView envelope = TRY(json::ObjectView::of(document, "envelope"));
  Unverified file;
  std::set<std::string> seen;
  const json::Array* signatures = TRY(envelope.array("signatures"));
  if (signatures->size() > kMaxSignatures) {
    TRY(refuse(RuleId::MemberWrongKind, "at most " + std::to_string(kMaxSignatures) + " signatures",
               std::to_string(signatures->size())));
  }
  for (const json::Value& entry : *signatures) {
    const json::ObjectView view = TRY(json::ObjectView::of(entry, "signature"));
    std::string keyid = TRY(view.string("keyid"));
    // One id twice refuses the whole file: a counter that forgets to deduplicate must not be reachable
    // (FMT-6).
    if (!seen.insert(keyid).second) TRY(refuse(RuleId::SignatureKeyRepeated, "each key id once", keyid));
    // A signature that is no hex is one bad signature among others: it counts for nothing (VER-T).
    const std::string text = TRY(signature_text(view, profile));
    file.signatures_.push_back({KeyId(std::move(keyid)), from_hex(text).value_or(Bytes{})});
  }
  TRY(envelope.value("signed"));
  // Moved: a copy would double what a hostile file takes.
  json::Object* const whole = document.as_object();
  if (json::Value* part = whole == nullptr ? nullptr : whole->find("signed")) file.signed_ = std::move(*part);
  file.profile_ = profile;
  return file;
}

/// Most files were written in canonical form: then what was signed is a part of them, and no copy is made.
template <RoleType T>
void Unverified<T>::find_canonical() {
  const auto at = content_begin(wire_);
  const auto length = at ? json::canonical_length_in(signed_, as_text(wire_).substr(*at)) : std::nullopt;
  if (length) {
    in_wire_ = {*at, *length};
  } else {
    canonical_ = json::canonical(signed_);
  }
}

template <RoleType T>
ByteView Unverified<T>::canonical() const noexcept {
  return in_wire_ ? ByteView(wire_).subspan(in_wire_->at, in_wire_->length) : ByteView(canonical_);
}

/// The one threshold loop: distinct key material counts, not key ids (FMT-22, VER-T).
template <RoleType T>
Result<void> Unverified<T>::meets(const Authority& authority, RuleId otherwise) const {
  const ByteView message = canonical();
  std::set<std::string> valid;
  std::vector<std::optional<crypto::KeyClass>> classes;
  for (const Signed& signature : signatures_) {
    const auto key = authority.keys_.find(signature.keyid);
    if (key == authority.keys_.end() || valid.contains(key->second.material())) continue;
    if (!key->second.verifies(message, signature.signature)) continue;
    valid.insert(key->second.material());
    classes.push_back(crypto::class_of(key->second.scheme()));
  }
  if (valid.size() < authority.threshold_) {
    return refuse(otherwise, std::to_string(authority.threshold_) + " valid signatures",
                  std::to_string(valid.size()));
  }
  if (const auto lacking = authority.classes_ ? authority.classes_->lacking(classes) : std::nullopt)
    TRY(refuse(RuleId::ClassThresholdNotMet, "a threshold of each class of keys", *lacking));
  return {};
}

template <RoleType T>
Result<T> Unverified<T>::decode() const {
  return T::decode(signed_, profile_);
}

template <RoleType T>
Result<Verified<T>> Unverified<T>::verify(const Authority& authority) && {
  TRY(meets(authority, RuleId::ThresholdNotMet));
  return Verified<T>(TRY(decode()), std::move(wire_));
}

template <RoleType T>
    Result<Verified<T>> Unverified<T>::verify_successor(const Verified<T>& trusted) && requires
    std::same_as<T, model::Root> {
  TRY(meets(Authority::of_root(trusted, model::root_role()), RuleId::ThresholdNotMet));
  return std::move(*this).verify_anchor();
}

template <RoleType T>
    Result<Verified<T>> Unverified<T>::verify_anchor() && requires std::same_as<T, model::Root> {
  Verified<T> root(TRY(decode()), Bytes{});
  TRY(meets(Authority::of_root(root, model::root_role()), RuleId::RootSelfThresholdNotMet));
  root.wire_ = std::move(wire_);
  return root;
}

// Member by member, not `template class`: clang 14 would make those of roots for every role.
// NOLINTBEGIN(bugprone-macro-parentheses): a type takes none
#define MAKE_UNVERIFIED(Role)                                                              \
  template Result<Unverified<Role>> Unverified<Role>::parse(Bytes, Profile);               \
  template Result<Unverified<Role>> Unverified<Role>::parse(Bytes, Profile, ContentAhead); \
  template Result<Verified<Role>> Unverified<Role>::verify(const Authority&)&&;
// NOLINTEND(bugprone-macro-parentheses)
MAKE_UNVERIFIED(model::Root)
MAKE_UNVERIFIED(model::Timestamp)
MAKE_UNVERIFIED(model::Snapshot)
MAKE_UNVERIFIED(model::Targets)
MAKE_UNVERIFIED(model::TimeAttestation)
#undef MAKE_UNVERIFIED
template Result<Verified<model::Root>> Unverified<model::Root>::verify_successor(
    const Verified<model::Root>&) &&;
template Result<Verified<model::Root>> Unverified<model::Root>::verify_anchor() &&;

}  // namespace cotter::trust
