// What suppliers send: lists of files, SBOMs, statements in envelopes, tokens, policies. What decodes as a
// list is written back the same; nothing counts as signed by a key that the input's author does not hold.
#include "common/crypto/secret.h"
#include "common/json/canonical.h"
#include "common/json/strict_reader.h"
#include "server/app/submission_bundle.h"
#include "server/operations/papers.h"
#include "server/operations/submission.h"
#include "server/operations/supplier.h"
#include "server/operations/token.h"
#include "tests/fuzz/fuzz.h"

namespace cotter::fuzz {
namespace {

/// Made in this process, and gone with it.
const crypto::PublicKey& honest_key() {
  static const auto key = crypto::PublicKey::ed25519(crypto::Ed25519Pair::generate().public_key);
  return key;
}

void submission(ByteView wire) {
  const auto read = operations::Submission::decode(wire);
  if (!read) return;
  const Bytes written = read->encode();
  const auto again = operations::Submission::decode(written);
  COTTER_ASSERT(again && again->encode() == written && again->total_length() == read->total_length());
  for (const auto& file : read->files) COTTER_ASSERT(read->find(file.sha256)->length == file.length);
}

void sbom(ByteView wire) {
  const auto read = operations::Sbom::decode(wire);
  if (!read) return;
  for (const Bytes& hash : read->files) COTTER_ASSERT(hash.size() == 32);
}

void provenance(ByteView wire) {
  const auto read = operations::Provenance::decode(wire);
  if (read) COTTER_ASSERT(!read->is_signed_by({&honest_key()}));
}

void token(ByteView wire) {
  const std::string_view text = as_text(wire);
  const auto hash = operations::bearer_hash(text);
  if (hash) COTTER_ASSERT(hash == operations::token_hash(text.substr(7)) && text.size() == 78);
}

void policy(ByteView wire) {
  const auto value = json::read(wire);
  const auto read = value ? operations::SupplierPolicy::decode(*value) : fail(value.error());
  if (!read) return;
  const json::Value written = read->encode();
  const auto again = operations::SupplierPolicy::decode(written);
  COTTER_ASSERT(again && json::Value(again->encode()) == written);
}

void bundle(ByteView wire) {
  const auto read = app::SubmissionBundle::decode(wire);
  if (!read) return;
  const std::string written = json::to_text(read->encode());
  const auto again = app::SubmissionBundle::decode(as_bytes(written));
  COTTER_ASSERT(again && json::to_text(again->encode()) == written &&
                again->metadata.size() == read->metadata.size());
  for (std::size_t at = 0; at < read->metadata.size(); ++at)
    COTTER_ASSERT(again->metadata[at].canonical() == read->metadata[at].canonical());
}

}  // namespace

void one(ByteView input) {
  if (input.empty()) return;
  const ByteView wire = input.subspan(1);
  switch (input.front() % 6) {
    case 0:
      return submission(wire);
    case 1:
      return sbom(wire);
    case 2:
      return provenance(wire);
    case 3:
      return token(wire);
    case 4:
      return bundle(wire);
    default:
      return policy(wire);
  }
}

}  // namespace cotter::fuzz
