#include "common/keystore/pkcs11_token.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "common/crypto/digest.h"
#include "common/keystore/openssl_key.h"
#include "common/keystore/pkcs11_modules.h"
#include "common/keystore/pkcs11_uri.h"

namespace cotter::keystore {
namespace {

using crypto::Scheme;

constexpr std::size_t kIdBytes = 16;
constexpr std::size_t kMaxSignature = 1024;  // RSA of 8192 bits
constexpr std::size_t kMaxObjects = 16;
constexpr CK_ULONG kPssSaltBytes = 32;
constexpr CK_ULONG kTokenRsaBits = 3072;
constexpr CK_RV kDone = CKR_OK;

// Object identifiers in DER: RFC 5480, RFC 8410.
constexpr std::array<std::uint8_t, 10> kP256{0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
constexpr std::array<std::uint8_t, 5> kEd25519{0x06, 0x03, 0x2b, 0x65, 0x70};

std::string trimmed(const unsigned char* padded, std::size_t size) {
  std::string text(padded, padded + size);
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

struct Pair {
  CK_OBJECT_HANDLE public_half = 0;
  CK_OBJECT_HANDLE private_half = 0;
};

/// How a key of a scheme is made.
struct Making {
  Scheme scheme;
  CK_MECHANISM_TYPE make;
  CK_MECHANISM_TYPE sign;
};
constexpr std::array kMakings = {
    Making{Scheme::Ed25519, CKM_EC_EDWARDS_KEY_PAIR_GEN, CKM_EDDSA},
    Making{Scheme::EcdsaP256, CKM_EC_KEY_PAIR_GEN, CKM_ECDSA},
    Making{Scheme::RsaPssSha256, CKM_RSA_PKCS_KEY_PAIR_GEN, CKM_RSA_PKCS_PSS},
};

}  // namespace

/// All under the mutex of the token.
struct Pkcs11Token::State {
  State(Pkcs11Uri name, Pkcs11Modules loaded, Pkcs11Slot there, AskPin ask)
      : uri(std::move(name)), ask_pin(std::move(ask)), modules(std::move(loaded)), slot(there) {
    label = trimmed(slot.info.label, sizeof slot.info.label);
  }
  ~State() { close(); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  std::mutex mutex;
  Pkcs11Uri uri;
  AskPin ask_pin;
  std::optional<Pkcs11Modules> modules;  ///< nothing: they could not be started again
  Pkcs11Slot slot;
  std::string label;
  std::optional<CK_SESSION_HANDLE> session;
  std::optional<crypto::Secret> pin;  ///< that opened the token: it may have to be opened again
  bool lost = false;                  ///< the last call found the token gone, or its session
  std::optional<Fault> refused;       ///< why nobody logs in any more
  std::map<std::string, CK_OBJECT_HANDLE> private_keys;

  Result<void> done(CK_RV code, const std::string& doing) {
    if (code == kDone) return {};
    lost = lost || is_loss(code);
    return fail(token_fault(code, doing));
  }

  void close() {
    private_keys.clear();
    if (session) slot.module->C_CloseSession(*session);
    session.reset();
  }

  /// Modules learn of tokens when they start: so they start anew.
  Result<void> find_again() {
    close();
    modules.reset();
    modules = TRY(Pkcs11Modules::load(uri.module_path()));
    slot = TRY(find_slot(*modules, uri));
    lost = false;
    return {};
  }

  [[nodiscard]] std::string about(const char* doing) const { return std::string(doing) + " token " + label; }

  [[nodiscard]] bool is_attended() const { return !uri.pin_source() && ask_pin.attended; }

  /// Somebody who has just mistyped it may try again; a program that starts again and again may not, and
  /// nobody may spend the last try here.
  Result<void> check_tries() {
    TRY(done(slot.module->C_GetTokenInfo(slot.id, &slot.info), about("cannot ask")));
    const CK_FLAGS flags = slot.info.flags;
    if ((flags & CKF_USER_PIN_LOCKED) != 0) {
      return fault(Fault::Kind::Denied, "the PIN of token " + label + " is locked",
                   "its security officer can unlock it, with the token's own tool");
    }
    if ((flags & CKF_USER_PIN_FINAL_TRY) != 0) {
      return fault(Fault::Kind::Denied, "one more wrong PIN would lock token " + label,
                   "log in once with the token's own tool, then try again");
    }
    if ((flags & CKF_USER_PIN_COUNT_LOW) != 0 && !is_attended()) {
      return fault(Fault::Kind::Denied,
                   "the last PIN given to token " + label + " was wrong: it is not tried again unattended",
                   "put the PIN right, and log in once with the token's own tool");
    }
    return {};
  }

  Result<void> log_in() {
    if (refused) return fail(*refused);
    const bool proven = pin.has_value();
    if (!proven) TRY(check_tries());
    crypto::Secret given = proven ? *std::exchange(pin, std::nullopt)
                                  : TRY(read_pin(uri.pin_source(), ask_pin, "token " + label));
    if (!proven && !is_attended()) {
      if (auto checked = ask_pin.mark.check(given, "token " + label); !checked) {
        refused = std::get<Fault>(checked.error());
        return checked;
      }
    }
    const CK_RV code = slot.module->C_Login(*session, CKU_USER, given.bytes().data(), given.bytes().size());
    const bool is_in = code == kDone || code == CKR_USER_ALREADY_LOGGED_IN;
    if (is_in || (proven && is_loss(code))) {
      pin = std::move(given);
      if (code == kDone && !proven) ask_pin.mark.clear();
      return is_in ? Result<void>() : done(code, about("cannot log in to"));
    }
    if (code == CKR_PIN_INCORRECT || code == CKR_PIN_INVALID || code == CKR_PIN_LEN_RANGE) {
      refused = Fault{Fault::Kind::Denied, "wrong PIN for token " + label,
                      "it was tried once and is not tried again: tokens lock after a few mistakes"};
      // Where that cannot be written down, most tokens still say by a flag that the last one was wrong.
      static_cast<void>(ask_pin.mark.note(given));
    } else {
      refused = token_fault(code, about("cannot log in to"));
    }
    return fail(*refused);
  }

  /// A session in which private keys can be seen.
  Result<void> open() {
    if (lost) TRY(find_again());
    if (session) return {};
    CK_SESSION_HANDLE fresh = 0;
    TRY(done(
        slot.module->C_OpenSession(slot.id, CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr, nullptr, &fresh),
        about("cannot open")));
    session = fresh;
    if ((slot.info.flags & CKF_LOGIN_REQUIRED) == 0) return {};
    auto logged_in = log_in();
    if (!logged_in) close();
    return logged_in;
  }

  Result<std::vector<CK_OBJECT_HANDLE>> objects(std::vector<CK_ATTRIBUTE> like) {
    std::vector<CK_OBJECT_HANDLE> found(kMaxObjects);
    CK_ULONG count = 0;
    TRY(done(slot.module->C_FindObjectsInit(*session, like.data(), like.size()), about("cannot search")));
    const CK_RV code = slot.module->C_FindObjects(*session, found.data(), found.size(), &count);
    slot.module->C_FindObjectsFinal(*session);
    TRY(done(code, about("cannot search")));
    found.resize(count);
    return found;
  }

  Result<CK_OBJECT_HANDLE> find_half(const Pkcs11Uri& key, CK_OBJECT_CLASS half) {
    std::optional<Bytes> id = key.id(), name = key.object();
    if (!id && !name)
      return fault(Fault::Kind::Usage, "the PKCS #11 URI names a token and no key on it", "add object=LABEL");
    std::vector<CK_ATTRIBUTE> like{{CKA_CLASS, &half, sizeof half}};
    if (id) like.push_back({CKA_ID, id->data(), id->size()});
    if (name && half == CKO_PRIVATE_KEY) like.push_back({CKA_LABEL, name->data(), name->size()});
    if (name && !id && half == CKO_PUBLIC_KEY) like.push_back({CKA_LABEL, name->data(), name->size()});
    const auto found = TRY(objects(like));
    const std::string what = half == CKO_PRIVATE_KEY ? "private" : "public";
    if (found.empty()) {
      return fault(Fault::Kind::NotFound, "no such " + what + " key is on token " + label,
                   "is this the token, or another with its label?");
    }
    if (found.size() > 1) {
      return fault(Fault::Kind::Usage, "several " + what + " keys on token " + label + " fit",
                   "name one by id=…");
    }
    return found.front();
  }

  Result<Bytes> bytes_of(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) {
    CK_ATTRIBUTE wanted{type, nullptr, 0};
    TRY(done(slot.module->C_GetAttributeValue(*session, object, &wanted, 1), about("cannot read a key on")));
    Bytes value(wanted.ulValueLen);
    wanted.pValue = value.data();
    TRY(done(slot.module->C_GetAttributeValue(*session, object, &wanted, 1), about("cannot read a key on")));
    value.resize(wanted.ulValueLen);
    return value;
  }

  /// CKA_EC_POINT is an OCTET STRING in DER; some tokens leave that away.
  Result<Bytes> point_of(CK_OBJECT_HANDLE object) {
    Bytes point = TRY(bytes_of(object, CKA_EC_POINT));
    if (point.size() > 2 && point[0] == 0x04 && point[1] == point.size() - 2)
      point.erase(point.begin(), point.begin() + 2);
    return point;
  }

  Result<crypto::PublicKey> public_key_at(CK_OBJECT_HANDLE object) {
    CK_KEY_TYPE type = 0;
    CK_ATTRIBUTE wanted{CKA_KEY_TYPE, &type, sizeof type};
    TRY(done(slot.module->C_GetAttributeValue(*session, object, &wanted, 1), about("cannot read a key on")));
    if (type == CKK_RSA)
      return rsa_public_key(TRY(bytes_of(object, CKA_MODULUS)), TRY(bytes_of(object, CKA_PUBLIC_EXPONENT)));
    if (type == CKK_EC) return p256_public_key(TRY(point_of(object)));
    const Bytes point = TRY(point_of(object));
    if (type == CKK_EC_EDWARDS && point.size() == kEd25519Size) return crypto::PublicKey::ed25519(point);
    return fault(Fault::Kind::Usage, "the key on token " + label + " is of a kind that we do not sign with",
                 "use ed25519, ECDSA on P-256, or RSA of 2048 bits or more");
  }
  static constexpr std::size_t kEd25519Size = 32;

  [[nodiscard]] bool can(CK_MECHANISM_TYPE mechanism) const {
    CK_MECHANISM_INFO info{};
    return slot.module->C_GetMechanismInfo(slot.id, mechanism, &info) == kDone;
  }

  Result<Making> making_of(std::optional<Scheme> wish) const {
    for (const Making& making : kMakings) {
      if ((!wish || *wish == making.scheme) && can(making.make) && can(making.sign)) return making;
    }
    return fault(Fault::Kind::Usage,
                 "token " + label + " cannot make " +
                     (wish ? std::string(crypto::name_of(*wish)) : "a key that we sign with"),
                 "leave --scheme out to take what it can: ed25519, ecdsa-sha2-nistp256 or rsassa-pss-sha256");
  }

  Result<Pair> make(const Making& making, Bytes& id, std::string& name) {
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_ULONG bits = kTokenRsaBits;
    std::array<std::uint8_t, 3> exponent{0x01, 0x00, 0x01};
    Bytes curve = making.scheme == Scheme::Ed25519 ? Bytes(kEd25519.begin(), kEd25519.end())
                                                   : Bytes(kP256.begin(), kP256.end());
    std::vector<CK_ATTRIBUTE> for_public{{CKA_TOKEN, &yes, sizeof yes},
                                         {CKA_VERIFY, &yes, sizeof yes},
                                         {CKA_ID, id.data(), id.size()},
                                         {CKA_LABEL, name.data(), name.size()}};
    if (making.scheme == Scheme::RsaPssSha256) {
      for_public.push_back({CKA_MODULUS_BITS, &bits, sizeof bits});
      for_public.push_back({CKA_PUBLIC_EXPONENT, exponent.data(), exponent.size()});
    } else {
      for_public.push_back({CKA_EC_PARAMS, curve.data(), curve.size()});
    }
    std::vector<CK_ATTRIBUTE> for_private{
        {CKA_TOKEN, &yes, sizeof yes},        {CKA_PRIVATE, &yes, sizeof yes},
        {CKA_SIGN, &yes, sizeof yes},         {CKA_SENSITIVE, &yes, sizeof yes},
        {CKA_EXTRACTABLE, &no, sizeof no},    {CKA_ID, id.data(), id.size()},
        {CKA_LABEL, name.data(), name.size()}};
    CK_MECHANISM mechanism{making.make, nullptr, 0};
    Pair pair;
    TRY(done(slot.module->C_GenerateKeyPair(*session, &mechanism, for_public.data(), for_public.size(),
                                            for_private.data(), for_private.size(), &pair.public_half,
                                            &pair.private_half),
             about("cannot make a key on")));
    return pair;
  }

  Result<CK_OBJECT_HANDLE> private_key(const std::string& key_uri) {
    if (const auto known = private_keys.find(key_uri); known != private_keys.end()) return known->second;
    const Pkcs11Uri key = TRY(Pkcs11Uri::parse(key_uri));
    const CK_OBJECT_HANDLE handle = TRY(find_half(key, CKO_PRIVATE_KEY));
    private_keys.emplace(key_uri, handle);
    return handle;
  }

  /// The signature as metadata wants it.
  Result<Bytes> sign(const std::string& key_uri, Scheme scheme, ByteView message) {
    TRY(open());
    const CK_OBJECT_HANDLE key = TRY(private_key(key_uri));
    CK_RSA_PKCS_PSS_PARAMS pss{CKM_SHA256, CKG_MGF1_SHA256, kPssSaltBytes};
    CK_MECHANISM mechanism{CKM_EDDSA, nullptr, 0};
    Bytes input(message.begin(), message.end());
    if (scheme != Scheme::Ed25519) input = crypto::sha256(message);
    if (scheme == Scheme::EcdsaP256) mechanism.mechanism = CKM_ECDSA;
    if (scheme == Scheme::RsaPssSha256) mechanism = {CKM_RSA_PKCS_PSS, &pss, sizeof pss};
    TRY(done(slot.module->C_SignInit(*session, &mechanism, key), about("cannot sign with")));
    Bytes signature(kMaxSignature);
    CK_ULONG size = signature.size();
    TRY(done(slot.module->C_Sign(*session, input.data(), input.size(), signature.data(), &size),
             about("cannot sign with")));
    signature.resize(size);
    return scheme == Scheme::EcdsaP256 ? ecdsa_der(signature) : Result<Bytes>(std::move(signature));
  }
};

Pkcs11Token::Pkcs11Token(std::unique_ptr<State> state) : state_(std::move(state)) {}
Pkcs11Token::~Pkcs11Token() = default;

Result<std::shared_ptr<Pkcs11Token>> Pkcs11Token::find(const std::string& uri, AskPin ask_pin) {
  Pkcs11Uri parsed = TRY(Pkcs11Uri::parse(uri));
  Pkcs11Modules modules = TRY(Pkcs11Modules::load(parsed.module_path()));
  const Pkcs11Slot slot = TRY(find_slot(modules, parsed));
  return std::shared_ptr<Pkcs11Token>(new Pkcs11Token(
      std::make_unique<State>(std::move(parsed), std::move(modules), slot, std::move(ask_pin))));
}

const std::string& Pkcs11Token::label() const noexcept { return state_->label; }

Result<std::string> Pkcs11Token::identity_of(const std::string& uri) {
  return TRY(Pkcs11Uri::parse(uri)).of_token();
}

Result<std::optional<std::filesystem::path>> Pkcs11Token::pin_source_of(const std::string& uri) {
  return TRY(Pkcs11Uri::parse(uri)).pin_source();
}

Result<Pkcs11Token::Key> Pkcs11Token::generate(const std::string& label, std::optional<Scheme> scheme) {
  const std::scoped_lock lock(state_->mutex);
  TRY(state_->open());
  std::string name = label;
  CK_OBJECT_CLASS half = CKO_PRIVATE_KEY;
  if (!TRY(state_->objects({{CKA_CLASS, &half, sizeof half}, {CKA_LABEL, name.data(), name.size()}}))
           .empty()) {
    return fault(
        Fault::Kind::Conflict, "token " + state_->label + " has a key named " + label + " already",
        "choose another name; or, if a key file for it is missing, cotter key import --store names it");
  }
  Bytes id(kIdBytes);
  randombytes_buf(id.data(), id.size());
  const Making making = TRY(state_->making_of(scheme));
  const Pair pair = TRY(state_->make(making, id, name));
  std::string whole = TRY(state_->uri.of_key(state_->slot.info, id, label));
  crypto::PublicKey public_key = TRY(state_->public_key_at(pair.public_half));
  return Key{std::move(whole), std::move(public_key)};
}

Result<Pkcs11Token::Key> Pkcs11Token::key(const std::string& uri) {
  const std::scoped_lock lock(state_->mutex);
  TRY(state_->open());
  const Pkcs11Uri parsed = TRY(Pkcs11Uri::parse(uri));
  const CK_OBJECT_HANDLE private_half = TRY(state_->find_half(parsed, CKO_PRIVATE_KEY));
  const Bytes id = TRY(state_->bytes_of(private_half, CKA_ID));
  const Bytes name = TRY(state_->bytes_of(private_half, CKA_LABEL));
  std::string whole = TRY(state_->uri.of_key(state_->slot.info, id, std::string(as_text(name))));
  const CK_OBJECT_HANDLE public_half = TRY(state_->find_half(TRY(Pkcs11Uri::parse(whole)), CKO_PUBLIC_KEY));
  crypto::PublicKey public_key = TRY(state_->public_key_at(public_half));
  return Key{std::move(whole), std::move(public_key)};
}

Result<void> Pkcs11Token::destroy(const std::string& uri) {
  const std::scoped_lock lock(state_->mutex);
  TRY(state_->open());
  const Pkcs11Uri parsed = TRY(Pkcs11Uri::parse(uri));
  const CK_OBJECT_HANDLE public_half = TRY(state_->find_half(parsed, CKO_PUBLIC_KEY));
  const CK_OBJECT_HANDLE private_half = TRY(state_->find_half(parsed, CKO_PRIVATE_KEY));
  state_->private_keys.erase(uri);
  TRY(state_->done(state_->slot.module->C_DestroyObject(*state_->session, private_half),
                   state_->about("cannot remove a key from")));
  return state_->done(state_->slot.module->C_DestroyObject(*state_->session, public_half),
                      state_->about("cannot remove a key from"));
}

Result<Bytes> Pkcs11Token::sign(const std::string& uri, const crypto::PublicKey& public_key,
                                ByteView message) {
  const std::scoped_lock lock(state_->mutex);
  Result<Bytes> signature = state_->sign(uri, public_key.scheme(), message);
  // Once more: the session may be gone, and the token there.
  if (!signature && state_->lost) signature = state_->sign(uri, public_key.scheme(), message);
  if (!signature) return signature;
  // A token that was exchanged, or one that errs, must not have its signature published.
  if (!public_key.verifies(message, *signature)) {
    return fault(Fault::Kind::Io,
                 "token " + state_->label + " signed, but not with the key that its key file names",
                 "is this the token, or another with its label?");
  }
  return signature;
}

}  // namespace cotter::keystore
