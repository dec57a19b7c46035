// What comes with an image: what it is made of (CycloneDX), and where it comes from (in-toto, in a DSSE
// envelope). Never believed beyond what is asked of them here: which files they name, and who signed. Pure.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/crypto/public_key.h"
#include "common/crypto/signer.h"
#include "server/operations/submission.h"

namespace cotter::operations {

/// A CycloneDX bill of materials in JSON.
struct Sbom {
  std::set<Bytes> files;  ///< SHA-256 of whatever it names: the component it is about, and all in it

  /// `bomFormat`, a `specVersion` of 1.2 to 1.7, and `components`. Rejections: json-*, member-*.
  static Result<Sbom> decode(ByteView bytes);
};

/// An in-toto statement (v1) of SLSA provenance (v1, v0.2) in a DSSE envelope (v1).
struct Provenance {
  std::set<Bytes> subjects;  ///< SHA-256 of the files it is about
  std::string predicate;     ///< "https://slsa.dev/provenance/v1"
  Bytes signed_bytes;        ///< what the signatures are over (DSSE's PAE)
  std::vector<Bytes> signatures;

  /// Rejections: json-*, member-*.
  static Result<Provenance> decode(ByteView bytes);
  /// Whether one of these keys made one of the signatures.
  [[nodiscard]] bool is_signed_by(const std::vector<const crypto::PublicKey*>& keys) const;
};

/// SHA-256 of the files that a paper of this kind names. Rejections: as decode().
Result<std::set<Bytes>> named_in(FileKind kind, ByteView paper);

/// A statement, as its maker wrote it, in an envelope with these signatures. Faults of the signers.
Result<Bytes> seal_statement(ByteView statement, const std::vector<crypto::Signer*>& signers);

}  // namespace cotter::operations
