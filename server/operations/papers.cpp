#include "server/operations/papers.h"

#include <algorithm>
#include <array>

#include "common/json/canonical.h"
#include "common/json/object_view.h"
#include "common/json/strict_reader.h"

namespace cotter::operations {
namespace {

constexpr std::array<std::string_view, 6> kSpecVersions = {"1.2", "1.3", "1.4", "1.5", "1.6", "1.7"};
constexpr std::string_view kStatement = "https://in-toto.io/Statement/v1";
constexpr std::array<std::string_view, 2> kPredicates = {"https://slsa.dev/provenance/v1",
                                                         "https://slsa.dev/provenance/v0.2"};
constexpr std::string_view kPayloadType = "application/vnd.in-toto+json";
constexpr std::size_t kMaxSignaturesOfOne = 16;
constexpr std::size_t kSha256 = 32;

Result<void> expect(bool holds, std::string expected, std::string_view got) {
  if (!holds) TRY(refuse(RuleId::MemberWrongKind, std::move(expected), shown(got)));
  return {};
}

void add_hash(std::string_view hex, std::set<Bytes>& files) {
  auto hash = from_hex(hex);
  if (hash && hash->size() == kSha256) files.insert(*std::move(hash));
}

/// Its hashes, and those of the components within. As deep as the reader lets it be.
Result<void> add_component(const json::ObjectView& component, std::set<Bytes>& files) {
  if (component.find("hashes") != nullptr) {
    for (const json::Value& each : *TRY(component.array("hashes"))) {
      const auto hash = TRY(json::ObjectView::of(each, "hashes[]"));
      if (TRY(hash.string("alg")) == "SHA-256") add_hash(TRY(hash.string("content")), files);
    }
  }
  if (component.find("components") != nullptr) {
    for (const json::Value& each : *TRY(component.array("components")))
      TRY(add_component(TRY(json::ObjectView::of(each, "components[]")), files));
  }
  return {};
}

Bytes pre_authentication(std::string_view type, ByteView payload) {
  Bytes bytes = to_bytes("DSSEv1 " + std::to_string(type.size()) + ' ' + std::string(type) + ' ' +
                         std::to_string(payload.size()) + ' ');
  bytes.insert(bytes.end(), payload.begin(), payload.end());
  return bytes;
}

Result<Bytes> base64_member(const json::ObjectView& view, const char* name) {
  const std::string text = TRY(view.string(name));
  auto bytes = from_base64(text);
  TRY(expect(bytes.has_value(), "base64", text));
  return std::move(bytes).value_or(Bytes());
}

Result<void> read_statement(ByteView payload, Provenance& provenance) {
  const json::Value value = TRY(json::read_foreign(payload));
  const auto view = TRY(json::ObjectView::of(value, "statement"));
  const std::string type = TRY(view.string("_type"));
  TRY(expect(type == kStatement, std::string(kStatement), type));
  provenance.predicate = TRY(view.string("predicateType"));
  TRY(expect(std::ranges::find(kPredicates, provenance.predicate) != kPredicates.end(),
             "a predicateType of " + std::string(kPredicates[0]) + " or " + std::string(kPredicates[1]),
             provenance.predicate));
  TRY(view.object("predicate"));
  for (const json::Value& each : *TRY(view.array("subject"))) {
    const auto subject = TRY(json::ObjectView::of(each, "subject[]"));
    const auto digest = TRY(subject.object("digest"));
    if (digest.find("sha256") != nullptr) add_hash(TRY(digest.string("sha256")), provenance.subjects);
  }
  return {};
}

}  // namespace

Result<Sbom> Sbom::decode(ByteView bytes) {
  const json::Value value = TRY(json::read_foreign(bytes));
  const auto view = TRY(json::ObjectView::of(value, "SBOM"));
  const std::string format = TRY(view.string("bomFormat"));
  TRY(expect(format == "CycloneDX", "CycloneDX", format));
  const std::string version = TRY(view.string("specVersion"));
  TRY(expect(std::ranges::find(kSpecVersions, version) != kSpecVersions.end(), "a specVersion of 1.2 to 1.7",
             version));
  TRY(view.array("components"));
  Sbom sbom;
  TRY(add_component(view, sbom.files));
  if (view.find("metadata") != nullptr) {
    const auto metadata = TRY(view.object("metadata"));
    if (metadata.find("component") != nullptr)
      TRY(add_component(TRY(metadata.object("component")), sbom.files));
  }
  return sbom;
}

Result<Provenance> Provenance::decode(ByteView bytes) {
  const json::Value value = TRY(json::read_foreign(bytes));
  const auto view = TRY(json::ObjectView::of(value, "envelope"));
  const std::string type = TRY(view.string("payloadType"));
  TRY(expect(type == kPayloadType, std::string(kPayloadType), type));
  const Bytes payload = TRY(base64_member(view, "payload"));
  Provenance provenance;
  provenance.signed_bytes = pre_authentication(type, payload);
  const json::Array* signatures = TRY(view.array("signatures"));
  TRY(expect(signatures->size() <= kMaxSignaturesOfOne, "at most 16 signatures",
             std::to_string(signatures->size())));
  for (const json::Value& each : *signatures) {
    const auto signature = TRY(json::ObjectView::of(each, "signatures[]"));
    provenance.signatures.push_back(TRY(base64_member(signature, "sig")));
  }
  TRY(read_statement(payload, provenance));
  return provenance;
}

bool Provenance::is_signed_by(const std::vector<const crypto::PublicKey*>& keys) const {
  return std::ranges::any_of(signatures, [&](const Bytes& signature) {
    return std::ranges::any_of(keys, [&](const auto* key) { return key->verifies(signed_bytes, signature); });
  });
}

Result<std::set<Bytes>> named_in(FileKind kind, ByteView paper) {
  COTTER_ASSERT(is_about_images(kind));
  if (kind == FileKind::Sbom) return TRY(Sbom::decode(paper)).files;
  return TRY(Provenance::decode(paper)).subjects;
}

Result<Bytes> seal_statement(ByteView statement, const std::vector<crypto::Signer*>& signers) {
  const Bytes signed_bytes = pre_authentication(kPayloadType, statement);
  json::Array signatures;
  for (crypto::Signer* signer : signers) {
    const crypto::Signature signature = TRY(signer->sign(signed_bytes));
    signatures.emplace_back(
        json::Object{{"keyid", signature.keyid.value()}, {"sig", to_base64(signature.bytes)}});
  }
  return to_bytes(json::to_text(json::Object{{"payloadType", kPayloadType},
                                             {"payload", to_base64(statement)},
                                             {"signatures", std::move(signatures)}}));
}

}  // namespace cotter::operations
