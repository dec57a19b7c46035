#include "common/crypto/public_key.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "common/crypto/digest.h"
#include "common/crypto/verify_sodium.h"
#include "common/json/canonical.h"
#include "common/json/object_view.h"
#ifdef COTTER_OPENSSL
#include "common/crypto/verify_openssl.h"
#endif

namespace cotter::crypto {
namespace {

constexpr int kMinRsaBits = 2048;  // FMT-7

bool known_to_vehicles(Scheme scheme) {
  return scheme == Scheme::Ed25519 || scheme == Scheme::EcdsaP256 || scheme == Scheme::RsaPssSha256 ||
         post_quantum_name(scheme) != nullptr;
}

/// Rejection: key-scheme-mismatch, when both names are known and do not fit each other (FMT-7).
Result<Scheme> scheme_of(std::string_view keytype, std::string_view scheme, Profile profile) {
  const bool old_spelling = keytype == "ecdsa-sha2-nistp256" || keytype == "ecdsa-sha2-nistp384";
  if (profile == Profile::Tuf && old_spelling) keytype = "ecdsa";
  const auto same_type = [&](const KnownScheme& known) { return known.keytype == keytype; };
  if (std::none_of(known_schemes().begin(), known_schemes().end(), same_type)) return Scheme::Unsupported;
  const KnownScheme* found = scheme_named(scheme);
  if (found == nullptr) return Scheme::Unsupported;
  if (found->keytype != keytype) {
    TRY(refuse(RuleId::KeySchemeMismatch, "a scheme of key type " + std::string(keytype),
               std::string(scheme)));
    return Scheme::Unsupported;
  }
  const bool wanted = profile == Profile::Tuf || known_to_vehicles(found->scheme);
  return wanted && is_supported(found->scheme) ? found->scheme : Scheme::Unsupported;
}

/// What is left of a KEY object once its `keyval` has been understood.
struct Material {
  Scheme scheme = Scheme::Unsupported;
  std::string text;
  Bytes raw;
  std::shared_ptr<const void> handle;
};

Material unsupported(const json::Value& keyval) {
  return {Scheme::Unsupported, "unsupported:" + std::string(as_text(json::canonical(keyval))), {}, nullptr};
}

std::string ed25519_material(ByteView raw) { return "ed25519:" + to_hex(raw); }

Result<Material> malformed(std::string_view expected, std::string_view got, const json::Value& keyval) {
  TRY(refuse(RuleId::KeyMalformed, std::string(expected), std::string(got.substr(0, 40))));
  return unsupported(keyval);
}

Result<Material> read_ed25519(const std::string& text, const json::Value& keyval) {
  std::optional<Bytes> raw = from_hex(text);
  if (!raw || raw->size() != kEd25519KeySize)
    return malformed("64 hex characters of an ed25519 key", text, keyval);
  std::string material = ed25519_material(*raw);
  return Material{Scheme::Ed25519, std::move(material), *std::move(raw), nullptr};
}

#ifdef COTTER_OPENSSL

Result<Material> read_rsa(Scheme scheme, const std::string& text, const json::Value& keyval,
                          Profile profile) {
  std::optional<OpensslKey> key = read_public_pem(text);
  if (!key && profile == Profile::Tuf) key = read_pkcs1_pem(text);
  if (!key || key->kind != OpensslKey::Kind::Rsa)
    return malformed("the PEM of an RSA public key", text, keyval);
  if (key->bits < kMinRsaBits) {
    TRY(refuse(RuleId::KeyTooWeak, "2048 bits of RSA or more", std::to_string(key->bits)));
  }
  if (!key->sound_exponent) TRY(refuse(RuleId::KeyTooWeak, "an odd RSA exponent above 1", "another"));
  return Material{scheme, std::move(key->material), {}, std::move(key->handle)};
}

Result<Material> read_ecdsa(Scheme scheme, const std::string& text, const json::Value& keyval,
                            Profile profile) {
  std::optional<OpensslKey> key = read_public_pem(text);
  // The first years of sigstore's repository list the bare point.
  const std::optional<Bytes> point = key || profile != Profile::Tuf ? std::nullopt : from_hex(text);
  if (point) key = read_p256_point(*point);
  if (!key || key->kind == OpensslKey::Kind::Rsa)
    return malformed("the PEM of an ECDSA public key", text, keyval);
  const auto wanted = scheme == Scheme::EcdsaP256 ? OpensslKey::Kind::EcP256 : OpensslKey::Kind::EcP384;
  if (key->kind != wanted) return unsupported(keyval);
  return Material{scheme, std::move(key->material), {}, std::move(key->handle)};
}

Result<Material> read_post_quantum(Scheme scheme, const std::string& text, const json::Value& keyval) {
  const char* name = post_quantum_name(scheme);
  std::optional<OpensslKey> key = read_post_quantum_pem(text, name);
  if (!key) return malformed("the PEM of a public key of " + std::string(name), text, keyval);
  return Material{scheme, std::move(key->material), {}, std::move(key->handle)};
}

bool verify_by_openssl(Scheme scheme, const void* handle, ByteView message, ByteView signature) {
  switch (scheme) {
    case Scheme::EcdsaP256:
      return verify_ecdsa(handle, Digest::Sha256, message, signature);
    case Scheme::EcdsaP384:
      return verify_ecdsa(handle, Digest::Sha384, message, signature);
    case Scheme::RsaPssSha256:
      return verify_rsa_pss(handle, Digest::Sha256, message, signature);
    case Scheme::RsaPssSha384:
      return verify_rsa_pss(handle, Digest::Sha384, message, signature);
    case Scheme::RsaPssSha512:
      return verify_rsa_pss(handle, Digest::Sha512, message, signature);
    case Scheme::RsaPkcs1Sha256:
      return verify_rsa_pkcs1(handle, Digest::Sha256, message, signature);
    case Scheme::RsaPkcs1Sha384:
      return verify_rsa_pkcs1(handle, Digest::Sha384, message, signature);
    case Scheme::RsaPkcs1Sha512:
      return verify_rsa_pkcs1(handle, Digest::Sha512, message, signature);
    case Scheme::MlDsa44:
    case Scheme::MlDsa65:
    case Scheme::MlDsa87:
    case Scheme::SlhDsaSha2Small128:
      return verify_post_quantum(handle, post_quantum_input(message), signature);
    case Scheme::Ed25519:
    case Scheme::Unsupported:
      break;
  }
  return false;
}

#else

Result<Material> read_rsa(Scheme, const std::string&, const json::Value& keyval, Profile) {
  return unsupported(keyval);
}
Result<Material> read_ecdsa(Scheme, const std::string&, const json::Value& keyval, Profile) {
  return unsupported(keyval);
}
Result<Material> read_post_quantum(Scheme, const std::string&, const json::Value& keyval) {
  return unsupported(keyval);
}
bool verify_by_openssl(Scheme, const void*, ByteView, ByteView) { return false; }

#endif

Result<Material> read_material(Scheme scheme, const json::ObjectView& keyval, const json::Value& json,
                               Profile profile) {
  if (scheme == Scheme::Unsupported) return unsupported(json);
  const std::string text = TRY(keyval.string("public"));
  if (scheme == Scheme::Ed25519) return read_ed25519(text, json);
  if (post_quantum_name(scheme) != nullptr) return read_post_quantum(scheme, text, json);
  const bool ecdsa = scheme == Scheme::EcdsaP256 || scheme == Scheme::EcdsaP384;
  return ecdsa ? read_ecdsa(scheme, text, json, profile) : read_rsa(scheme, text, json, profile);
}

}  // namespace

Result<PublicKey> PublicKey::decode(const json::Value& key, Profile profile) {
  const json::ObjectView view = TRY(json::ObjectView::of(key, "key"));
  const std::string keytype = TRY(view.string("keytype"));
  const std::string scheme_name = TRY(view.string("scheme"));
  const json::ObjectView keyval = TRY(view.object("keyval"));
  const json::Value* keyval_json = TRY(view.value("keyval"));
  const Scheme scheme = TRY(scheme_of(keytype, scheme_name, profile));
  Material material = TRY(read_material(scheme, keyval, *keyval_json, profile));

  PublicKey decoded;
  decoded.scheme_ = material.scheme;
  decoded.json_ = key;
  decoded.material_ = std::move(material.text);
  decoded.raw_ = std::move(material.raw);
  decoded.handle_ = std::move(material.handle);
  return decoded;
}

PublicKey PublicKey::ed25519(ByteView raw32) {
  COTTER_ASSERT(raw32.size() == kEd25519KeySize);
  PublicKey key;
  key.scheme_ = Scheme::Ed25519;
  key.json_ = json::Object{
      {"keytype", "ed25519"}, {"keyval", json::Object{{"public", to_hex(raw32)}}}, {"scheme", "ed25519"}};
  key.material_ = ed25519_material(raw32);
  key.raw_.assign(raw32.begin(), raw32.end());
  return key;
}

Scheme PublicKey::listed_scheme() const noexcept {
  const json::Value* name = json_.as_object()->find("scheme");
  const KnownScheme* known = scheme_named(name->as_string()->view());
  return known == nullptr ? Scheme::Unsupported : known->scheme;
}

KeyId PublicKey::computed_id() const {
  std::vector<json::Member> identifying;
  for (const std::string_view name : {"keytype", "keyval", "scheme"}) {
    const json::Value* member = json_.as_object()->find(name);
    if (member != nullptr) identifying.push_back({std::string(name), *member});
  }
  return KeyId(to_hex(sha256(json::canonical(json::Object(std::move(identifying))))));
}

bool PublicKey::verifies(ByteView message, ByteView signature) const {
  if (scheme_ == Scheme::Ed25519) return verify_ed25519(raw_, message, signature);
  return verify_by_openssl(scheme_, handle_.get(), message, signature);
}

}  // namespace cotter::crypto
