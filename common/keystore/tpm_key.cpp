#include "common/keystore/tpm_key.h"

#include <tss2/tss2_mu.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "common/crypto/digest.h"
#include "common/keystore/openssl_key.h"
#include "common/tpm/connection.h"

namespace cotter::keystore {
namespace {

using tpm::Owned;

constexpr const char* kDefaultTcti = "device:/dev/tpmrm0";
constexpr std::string_view kStore = "tpm";
constexpr std::string_view kPinSource = "?pin-source=file:";
constexpr std::size_t kCoordinate = 32;
constexpr std::uint8_t kUncompressed = 4;

Result<void> done(TSS2_RC code, const std::string& doing) { return tpm::done(code, doing); }

/// What the storage root and our keys have in common: made in this TPM on P-256, and staying there.
TPM2B_PUBLIC p256_template(TPMA_OBJECT more) {
  TPM2B_PUBLIC area{};
  TPMT_PUBLIC& key = area.publicArea;
  key.type = TPM2_ALG_ECC;
  key.nameAlg = TPM2_ALG_SHA256;
  key.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                         TPMA_OBJECT_USERWITHAUTH | more;
  key.parameters.eccDetail.symmetric.algorithm = TPM2_ALG_NULL;
  key.parameters.eccDetail.scheme.scheme = TPM2_ALG_NULL;
  key.parameters.eccDetail.curveID = TPM2_ECC_NIST_P256;
  key.parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
  return area;
}

/// The storage root: the same on one TPM every time, until its owner clears it.
TPM2B_PUBLIC root_template() {
  TPM2B_PUBLIC area = p256_template(TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT | TPMA_OBJECT_NODA);
  area.publicArea.parameters.eccDetail.symmetric = {TPM2_ALG_AES, {.aes = 128}, {.aes = TPM2_ALG_CFB}};
  return area;
}

TPM2B_PUBLIC key_template() {
  TPM2B_PUBLIC area = p256_template(TPMA_OBJECT_SIGN_ENCRYPT);  // dictionary attacks count
  area.publicArea.parameters.eccDetail.scheme.scheme = TPM2_ALG_ECDSA;
  area.publicArea.parameters.eccDetail.scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
  return area;
}

/// A TPM takes no more than a digest; whatever people choose becomes one.
void put_auth(TPM2B_AUTH& auth, const crypto::Secret& pin) {
  Bytes digest = crypto::sha256(pin.view());
  auth.size = static_cast<UINT16>(digest.size());
  std::copy(digest.begin(), digest.end(), auth.buffer);
  const crypto::Secret wiped = crypto::Secret::taking(digest);
}

Bytes padded(const TPM2B_ECC_PARAMETER& number) {
  Bytes bytes(kCoordinate);
  const std::size_t size = std::min<std::size_t>(number.size, kCoordinate);
  std::copy_n(number.buffer, size, bytes.end() - static_cast<std::ptrdiff_t>(size));
  return bytes;
}

Bytes both(const TPM2B_ECC_PARAMETER& first, const TPM2B_ECC_PARAMETER& second) {
  Bytes bytes = padded(first);
  const Bytes more = padded(second);
  bytes.insert(bytes.end(), more.begin(), more.end());
  return bytes;
}

/// Something loaded, or a session: out again when this goes, for a TPM has room for three.
class Loaded {
 public:
  Loaded(ESYS_CONTEXT* esys, ESYS_TR handle) : esys_(esys), handle_(handle) {}
  ~Loaded() {
    if (handle_ != ESYS_TR_NONE) Esys_FlushContext(esys_, handle_);
  }
  Loaded(Loaded&& other) noexcept : esys_(other.esys_), handle_(std::exchange(other.handle_, ESYS_TR_NONE)) {}
  Loaded& operator=(Loaded&&) = delete;
  [[nodiscard]] ESYS_TR handle() const noexcept { return handle_; }

 private:
  ESYS_CONTEXT* esys_;
  ESYS_TR handle_;
};

Result<Loaded> load_root(const tpm::Connection& tpm) {
  const TPM2B_SENSITIVE_CREATE nothing{};
  const TPM2B_PUBLIC root = root_template();
  const TPM2B_DATA no_data{};
  const TPML_PCR_SELECTION no_pcr{};
  ESYS_TR handle = ESYS_TR_NONE;
  TPM2B_PUBLIC* area = nullptr;
  TPM2B_CREATION_DATA* data = nullptr;
  TPM2B_DIGEST* hash = nullptr;
  TPMT_TK_CREATION* ticket = nullptr;
  TRY(done(Esys_CreatePrimary(tpm.esys(), ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                              &nothing, &root, &no_data, &no_pcr, &handle, &area, &data, &hash, &ticket),
           "cannot use the TPM's storage root"));
  const Owned<TPM2B_PUBLIC> area_owner(area);
  const Owned<TPM2B_CREATION_DATA> data_owner(data);
  const Owned<TPM2B_DIGEST> hash_owner(hash);
  const Owned<TPMT_TK_CREATION> ticket_owner(ticket);
  return Loaded(tpm.esys(), handle);
}

/// Salted by the root, so that neither the PIN nor what derives from it crosses the bus.
Result<Loaded> open_session(const tpm::Connection& tpm, const Loaded& root, TPMA_SESSION attributes) {
  const TPMT_SYM_DEF cipher{TPM2_ALG_AES, {.aes = 128}, {.aes = TPM2_ALG_CFB}};
  ESYS_TR handle = ESYS_TR_NONE;
  TRY(done(Esys_StartAuthSession(tpm.esys(), root.handle(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                 ESYS_TR_NONE, nullptr, TPM2_SE_HMAC, &cipher, TPM2_ALG_SHA256, &handle),
           "cannot open a session with the TPM"));
  Loaded session(tpm.esys(), handle);
  TRY(done(Esys_TRSess_SetAttributes(tpm.esys(), handle, attributes | TPMA_SESSION_CONTINUESESSION, 0xFF),
           "cannot open a session with the TPM"));
  return session;
}

Result<crypto::PublicKey> public_key_in(const TPM2B_PUBLIC& area) {
  const TPMS_ECC_POINT& unique = area.publicArea.unique.ecc;
  Bytes point = both(unique.x, unique.y);
  point.insert(point.begin(), kUncompressed);
  return p256_public_key(point);
}

Result<Tpm::Wrapped> marshalled(const TPM2B_PUBLIC& area, const TPM2B_PRIVATE& secret) {
  Tpm::Wrapped wrapped{Bytes(sizeof area), Bytes(sizeof secret)};
  std::size_t used = 0;
  TRY(done(Tss2_MU_TPM2B_PUBLIC_Marshal(&area, wrapped.public_part.data(), wrapped.public_part.size(), &used),
           "cannot write down a TPM's key"));
  wrapped.public_part.resize(used);
  used = 0;
  TRY(done(
      Tss2_MU_TPM2B_PRIVATE_Marshal(&secret, wrapped.private_part.data(), wrapped.private_part.size(), &used),
      "cannot write down a TPM's key"));
  wrapped.private_part.resize(used);
  return wrapped;
}

Result<std::uint32_t> property(const tpm::Connection& tpm, TPM2_PT which) {
  TPMI_YES_NO more = TPM2_NO;
  TPMS_CAPABILITY_DATA* came = nullptr;
  TRY(done(Esys_GetCapability(tpm.esys(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CAP_TPM_PROPERTIES,
                              which, 1, &more, &came),
           "cannot ask the TPM how often it was tried"));
  const Owned<TPMS_CAPABILITY_DATA> has(came);
  const TPML_TAGGED_TPM_PROPERTY& found = has->data.tpmProperties;
  return found.count == 1 && found.tpmProperty[0].property == which ? found.tpmProperty[0].value : 0;
}

}  // namespace

Result<TpmName> TpmName::parse(const std::string& store) {
  TpmName name;
  std::string rest = store;
  if (const auto at = rest.find(kPinSource); at != std::string::npos) {
    name.pin_source = rest.substr(at + kPinSource.size());
    rest.resize(at);
  }
  name.tcti = rest == kStore ? kDefaultTcti : "";
  if (rest.starts_with("tpm:")) name.tcti = rest.substr(kStore.size() + 1);
  const bool odd = name.tcti.empty() || name.tcti.find('?') != std::string::npos ||
                   (name.pin_source && !name.pin_source->is_absolute());
  if (!odd) return name;
  return fault(Fault::Kind::Usage, "this names no TPM",
               "use tpm, or tpm:device:/dev/tpmrm0, with ?pin-source=file:/PATH for a service");
}

struct Tpm::State {
  State(TpmName named, AskPin ask) : name(std::move(named)), ask_pin(std::move(ask)) {}

  TpmName name;
  AskPin ask_pin;
  std::mutex mutex;
  std::optional<crypto::Secret> pin;
  bool proven = false;           ///< the PIN opened a key
  std::optional<Fault> refused;  ///< why no PIN is tried any more

  [[nodiscard]] bool is_attended() const { return !name.pin_source && ask_pin.attended; }

  /// Whoever else gave it wrong ones: a service stops half way to the lock.
  Result<void> check_tries(const tpm::Connection& tpm) const {
    if (is_attended()) return {};
    const std::uint32_t failed = TRY(property(tpm, TPM2_PT_LOCKOUT_COUNTER));
    const std::uint32_t most = TRY(property(tpm, TPM2_PT_MAX_AUTH_FAIL));
    if (failed == 0 || failed < most / 2) return {};
    return fault(Fault::Kind::Denied,
                 "the TPM has seen " + std::to_string(failed) + " wrong passwords of the " +
                     std::to_string(most) + " that lock it: none is tried unattended",
                 "put the PIN right, and sign once by hand");
  }

  Result<void> need_pin(const tpm::Connection& tpm) {
    if (refused) return fail(*refused);
    if (pin) return {};
    TRY(check_tries(tpm));
    pin = TRY(read_pin(name.pin_source, ask_pin, "TPM " + name.tcti));
    return {};
  }

  /// Before a key that is there is tried with it: a person may, who has just typed it.
  Result<void> check_last(const std::string& of) {
    if (proven || is_attended()) return {};
    auto checked = ask_pin.mark.check(*pin, of);
    if (checked) return {};
    pin.reset();
    refused = std::get<Fault>(checked.error());
    return checked;
  }

  /// What the TPM said to a command that needed the PIN.
  Result<void> judged(TSS2_RC code, const std::string& doing) {
    if (code == TSS2_RC_SUCCESS) {
      if (!std::exchange(proven, true)) ask_pin.mark.clear();
      return {};
    }
    Fault why = tpm::fault_of(code, doing);
    if (why.kind == Fault::Kind::Denied) {
      if ((code & (TPM2_RC_FMT1 | 0x3FU)) == TPM2_RC_AUTH_FAIL) {
        why = {Fault::Kind::Denied, "wrong PIN for the key in TPM " + name.tcti,
               "it was tried once and is not tried again: a TPM locks after some mistakes"};
        // Where that cannot be written down, what the TPM itself counts still stops a service half way.
        static_cast<void>(ask_pin.mark.note(*pin));
      }
      pin.reset();
      refused = why;
    }
    return fail(std::move(why));
  }
};

Tpm::Tpm(TpmName name, AskPin ask_pin)
    : state_(std::make_unique<State>(std::move(name), std::move(ask_pin))) {}
Tpm::~Tpm() = default;

Result<Tpm::Key> Tpm::generate() {
  const std::scoped_lock lock(state_->mutex);
  const tpm::Connection tpm = TRY(tpm::Connection::open(state_->name.tcti));
  TRY(state_->need_pin(tpm));
  const Loaded root = TRY(load_root(tpm));
  const Loaded session = TRY(open_session(tpm, root, TPMA_SESSION_DECRYPT));
  TPM2B_SENSITIVE_CREATE secret{};
  put_auth(secret.sensitive.userAuth, *state_->pin);
  const TPM2B_PUBLIC wish = key_template();
  const TPM2B_DATA no_data{};
  const TPML_PCR_SELECTION no_pcr{};
  TPM2B_PRIVATE* private_part = nullptr;
  TPM2B_PUBLIC* public_part = nullptr;
  TPM2B_CREATION_DATA* data = nullptr;
  TPM2B_DIGEST* hash = nullptr;
  TPMT_TK_CREATION* ticket = nullptr;
  TRY(done(Esys_Create(tpm.esys(), root.handle(), session.handle(), ESYS_TR_NONE, ESYS_TR_NONE, &secret,
                       &wish, &no_data, &no_pcr, &private_part, &public_part, &data, &hash, &ticket),
           "the TPM cannot make a key"));
  const Owned<TPM2B_PRIVATE> private_owner(private_part);
  const Owned<TPM2B_PUBLIC> public_owner(public_part);
  const Owned<TPM2B_CREATION_DATA> data_owner(data);
  const Owned<TPM2B_DIGEST> hash_owner(hash);
  const Owned<TPMT_TK_CREATION> ticket_owner(ticket);
  crypto::PublicKey public_key = TRY(public_key_in(*public_part));
  Wrapped wrapped = TRY(marshalled(*public_part, *private_part));
  return Key{std::move(wrapped), std::move(public_key)};
}

Result<Bytes> Tpm::sign(const Wrapped& key, const crypto::PublicKey& public_key, ByteView message) {
  const std::scoped_lock lock(state_->mutex);
  if (state_->refused) return fail(*state_->refused);
  TPM2B_PUBLIC public_part{};
  TPM2B_PRIVATE private_part{};
  std::size_t at = 0;
  TRY(done(Tss2_MU_TPM2B_PUBLIC_Unmarshal(key.public_part.data(), key.public_part.size(), &at, &public_part),
           "this is no key of a TPM"));
  at = 0;
  TRY(done(
      Tss2_MU_TPM2B_PRIVATE_Unmarshal(key.private_part.data(), key.private_part.size(), &at, &private_part),
      "this is no key of a TPM"));
  const tpm::Connection tpm = TRY(tpm::Connection::open(state_->name.tcti));
  const Loaded root = TRY(load_root(tpm));
  ESYS_TR handle = ESYS_TR_NONE;
  const auto loaded = done(Esys_Load(tpm.esys(), root.handle(), ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                                     &private_part, &public_part, &handle),
                           "the TPM does not take the key");
  if (!loaded && is_fault(loaded.error(), Fault::Kind::Io)) {
    return fault(Fault::Kind::Io, summary(loaded.error()),
                 "is this the TPM that made it, and was it never cleared?");
  }
  TRY(loaded);
  const Loaded signing(tpm.esys(), handle);
  TRY(state_->need_pin(tpm));
  TRY(state_->check_last("TPM " + state_->name.tcti));
  TPM2B_AUTH auth{};
  put_auth(auth, *state_->pin);
  TRY(done(Esys_TR_SetAuth(tpm.esys(), handle, &auth), "cannot use the TPM's key"));
  const Loaded session = TRY(open_session(tpm, root, 0));
  TPM2B_DIGEST digest{};
  const Bytes hashed = crypto::sha256(message);
  digest.size = static_cast<UINT16>(hashed.size());
  std::copy(hashed.begin(), hashed.end(), digest.buffer);
  TPMT_SIG_SCHEME scheme{};
  scheme.scheme = TPM2_ALG_ECDSA;
  scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
  TPMT_TK_HASHCHECK unrestricted{};
  unrestricted.tag = TPM2_ST_HASHCHECK;
  unrestricted.hierarchy = TPM2_RH_NULL;
  TPMT_SIGNATURE* came = nullptr;
  TRY(state_->judged(Esys_Sign(tpm.esys(), handle, session.handle(), ESYS_TR_NONE, ESYS_TR_NONE, &digest,
                               &scheme, &unrestricted, &came),
                     "the TPM cannot sign"));
  const Owned<TPMT_SIGNATURE> signature(came);
  Bytes der =
      TRY(ecdsa_der(both(signature->signature.ecdsa.signatureR, signature->signature.ecdsa.signatureS)));
  if (!public_key.verifies(message, der)) {
    return fault(Fault::Kind::Io, "the TPM signed, but not with the key that its key file names");
  }
  return der;
}

}  // namespace cotter::keystore
