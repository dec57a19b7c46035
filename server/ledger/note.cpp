#include "server/ledger/note.h"

#include <algorithm>
#include <optional>

#include "common/crypto/digest.h"
#include "common/crypto/verify_sodium.h"

namespace cotter::ledger {
namespace {

constexpr std::string_view kDash = "\xE2\x80\x94 ";  // an em dash and a space
constexpr std::uint8_t kEd25519 = 0x01;
constexpr std::size_t kKeyHashSize = 4;
constexpr std::string_view kMaterialPrefix = "ed25519:";

Error bad_note(std::string why) {
  return Fault{Fault::Kind::Denied, "not a signed checkpoint: " + std::move(why),
               "it was damaged on its way, or is of another log or key"};
}

Error bad_key(std::string why) {
  return Fault{Fault::Kind::Usage, "not a verifier key: " + std::move(why),
               "it reads NAME+HASH+KEY: `cotter audit verify` shows the log's"};
}

/// UTF-8's other spaces are refused with all that is not printable ASCII: no name of ours needs them.
bool is_key_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) { return c > ' ' && c <= '~' && c != '+'; });
}

std::optional<Bytes> raw_key(const crypto::PublicKey& key) {
  if (key.scheme() != crypto::Scheme::Ed25519) return std::nullopt;
  return from_hex(std::string_view(key.material()).substr(kMaterialPrefix.size()));
}

/// 0x01 || key
Bytes encoded(const Bytes& raw) {
  Bytes bytes{kEd25519};
  bytes.insert(bytes.end(), raw.begin(), raw.end());
  return bytes;
}

Bytes key_hash_of(std::string_view name, const Bytes& encoded_key) {
  Bytes hashed = to_bytes(name);
  hashed.push_back('\n');
  hashed.insert(hashed.end(), encoded_key.begin(), encoded_key.end());
  Bytes digest = crypto::sha256(hashed);
  digest.resize(kKeyHashSize);
  return digest;
}

/// Base64 that is the only spelling of its bytes.
std::optional<Bytes> from_strict_base64(std::string_view text) {
  std::optional<Bytes> bytes = from_base64(text);
  if (!bytes || to_base64(*bytes) != text) return std::nullopt;
  return bytes;
}

struct SignatureLine {
  std::string_view name;
  Bytes bytes;  ///< key hash || signature
};

Result<SignatureLine> parse_signature_line(std::string_view line) {
  if (!line.starts_with(kDash)) return fail(bad_note("a signature line without its dash"));
  line.remove_prefix(kDash.size());
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos || space == 0) return fail(bad_note("a signature line without a name"));
  std::optional<Bytes> bytes = from_strict_base64(line.substr(space + 1));
  if (!bytes || bytes->size() <= kKeyHashSize) return fail(bad_note("a signature that is no base64"));
  return SignatureLine{line.substr(0, space), *std::move(bytes)};
}

bool is_of(const SignatureLine& line, const VerifierKey& key) {
  return line.name == key.name() && std::equal(key.key_hash().begin(), key.key_hash().end(),
                                               line.bytes.begin(), line.bytes.begin() + kKeyHashSize);
}

}  // namespace

Result<VerifierKey> VerifierKey::create(std::string name, const crypto::PublicKey& key) {
  const std::optional<Bytes> raw = raw_key(key);
  if (!raw) return fail(bad_key("the key is not ed25519"));
  if (!is_key_name(name)) return fail(bad_key("its name is empty, or has a space or a plus in it"));
  Bytes key_hash = key_hash_of(name, encoded(*raw));
  return VerifierKey(std::move(name), key, std::move(key_hash));
}

Result<VerifierKey> VerifierKey::parse(std::string_view text) {
  const std::size_t first = text.find('+');
  const std::size_t second = first == std::string_view::npos ? first : text.find('+', first + 1);
  if (second == std::string_view::npos) return fail(bad_key("it has no two plus signs"));
  const std::optional<Bytes> key = from_strict_base64(text.substr(second + 1));
  if (!key || key->size() != 1 + crypto::kEd25519KeySize || key->front() != kEd25519) {
    return fail(bad_key("its last part is no ed25519 key"));
  }
  auto parsed =
      TRY(create(std::string(text.substr(0, first)), crypto::PublicKey::ed25519(ByteView(*key).subspan(1))));
  if (to_hex(parsed.key_hash()) != text.substr(first + 1, second - first - 1)) {
    return fail(bad_key("its hash is not that of its name and key"));
  }
  return parsed;
}

std::string VerifierKey::text() const {
  return name_ + "+" + to_hex(key_hash_) + "+" + to_base64(encoded(*raw_key(key_)));
}

Result<std::string> sign_note(std::string_view text, const std::string& name, crypto::Signer& signer) {
  COTTER_ASSERT(text.ends_with('\n'));
  const VerifierKey key = TRY(VerifierKey::create(name, signer.public_key()));
  const crypto::Signature signature = TRY(signer.sign(as_bytes(text)));
  Bytes bytes = key.key_hash();
  bytes.insert(bytes.end(), signature.bytes.begin(), signature.bytes.end());
  return std::string(text) + "\n" + std::string(kDash) + name + " " + to_base64(bytes) + "\n";
}

Result<std::string> open_note(std::string_view note, const VerifierKey& key) {
  if (note.size() > kMaxNoteBytes) return fail(bad_note("it is too long"));
  if (std::ranges::any_of(note, [](char c) { return static_cast<unsigned char>(c) < ' ' && c != '\n'; })) {
    return fail(bad_note("control characters stand in it"));
  }
  const std::size_t blank = note.rfind("\n\n");
  if (blank == std::string_view::npos || !note.ends_with('\n')) {
    return fail(bad_note("it has no text, blank line and signatures"));
  }
  const std::string_view text = note.substr(0, blank + 1);
  std::string_view lines = note.substr(blank + 2);
  if (lines.empty()) return fail(bad_note("nobody signed it"));
  bool is_signed = false;
  while (!lines.empty()) {
    const std::size_t end = lines.find('\n');
    const SignatureLine line = TRY(parse_signature_line(lines.substr(0, end)));
    lines.remove_prefix(end + 1);
    if (!is_of(line, key)) continue;
    if (!key.key().verifies(as_bytes(text), ByteView(line.bytes).subspan(kKeyHashSize))) {
      return fail(bad_note("the signature of " + key.name() + " is wrong"));
    }
    is_signed = true;
  }
  if (!is_signed) return fail(bad_note("key " + key.text() + " did not sign it"));
  return std::string(text);
}

}  // namespace cotter::ledger
