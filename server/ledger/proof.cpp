#include "server/ledger/proof.h"

#include <algorithm>
#include <optional>

#include "common/json/canonical.h"
#include "common/json/object_view.h"
#include "common/json/strict_reader.h"

namespace cotter::ledger {
namespace {

constexpr std::string_view kProofType = "cotter-ledger-proof";
constexpr std::size_t kMaxPath = 62;  // of a log of kMaxSize

Error malformed_proof(std::string_view what) {
  return Fault{Fault::Kind::Denied, "not a proof of the log: " + std::string(what),
               "`cotter audit prove INDEX` writes one"};
}

Result<std::vector<Hash>> decode_path(const json::Array& array) {
  if (array.size() > kMaxPath) return fail(malformed_proof("its path is too long"));
  std::vector<Hash> path;
  for (const json::Value& each : array) {
    const std::optional<Bytes> bytes = from_base64(TRY(json::string_of(each, "path[]")));
    if (!bytes || bytes->size() != kHashSize) return fail(malformed_proof("its path holds what is no hash"));
    std::copy(bytes->begin(), bytes->end(), path.emplace_back().begin());
  }
  return path;
}

}  // namespace

json::Value Proof::encode() const {
  json::Array hashes;
  for (const Hash& hash : path) hashes.emplace_back(to_base64(hash));
  const auto bytes = entry.encode();
  COTTER_ASSERT(bytes);  // it was read from a log or from a proof
  auto body = json::read(*bytes);
  COTTER_ASSERT(body);
  return json::Object{{"_type", kProofType},
                      {"index", index},
                      {"entry", *std::move(body)},
                      {"path", std::move(hashes)},
                      {"checkpoint", checkpoint}};
}

Result<Proof> Proof::decode(ByteView document) {
  if (document.size() > kMaxProofBytes) return fail(malformed_proof("it is too long"));
  const json::Value value = TRY(json::read(document));
  const auto view = TRY(json::ObjectView::of(value, "proof"));
  if (TRY(view.string("_type")) != kProofType) return fail(malformed_proof("it is of another type"));
  Proof proof;
  proof.index = TRY(view.integer("index"));
  const json::Value* entry = TRY(view.value("entry"));
  const std::string body = json::to_text(*entry);
  proof.entry = TRY(Entry::decode(as_bytes(body)));
  const json::Array* path = TRY(view.array("path"));
  proof.path = TRY(decode_path(*path));
  proof.checkpoint = TRY(view.string("checkpoint"));
  return proof;
}

Result<Checkpoint> Proof::verify(const VerifierKey& key) const {
  Checkpoint signed_head = TRY(open_checkpoint(checkpoint, key));
  const Bytes body = TRY(entry.encode());
  if (verify_inclusion(index, signed_head.size, leaf_hash(body), path, signed_head.root)) return signed_head;
  return fault(Fault::Kind::Denied,
               "the proof does not hold: entry " + std::to_string(index) +
                   " as it stands there is not in the log of " + std::to_string(signed_head.size) +
                   " entries",
               "the proof was altered; ask for it anew");
}

}  // namespace cotter::ledger
