// What primary and secondary say to each other: each request of the primary gets one reply
// (schemas/secondary-protocol.md). Never carries a decision: an ECU verifies for itself. Values only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/wire/frame.h"

namespace cotter::wire {

// --- the primary's requests -----------------------------------------------------------------------------

/// -> Report
struct ReportRequest {};
/// New metadata is there to be pulled -> Want, Verified
struct MetadataOffer {};
/// The file last wanted, byte for byte -> Want, Verified
struct File {
  Bytes bytes;
};
/// The primary has no such file -> Want, Verified
struct Absent {};
/// "I have this image for you" -> Ready where to go on; Willing, of an ECU without a spare slot
struct StageBegin {
  TargetName name;
  std::uint64_t length = 0;
};
/// The next bytes of the open transfer -> Ack
struct Chunk {
  std::uint64_t offset = 0;
  Bytes bytes;
};
/// All bytes were sent -> Staged; Outcome, of an ECU without a spare slot
struct TransferEnd {};
/// Run the staged image -> Outcome; Ready, of an ECU without a spare slot: it overwrites what it runs
struct Commit {};
/// The backup of what the ECU last confirmed -> Ready
struct RestoreBegin {
  std::uint64_t length = 0;
};
/// A piece of the running image, of an ECU without a spare slot -> Data
struct BackupRead {
  std::uint64_t offset = 0;
  std::uint64_t max_bytes = kMaxChunk;
};
/// Forget what was staged -> Done
struct Abort {};

/// Begins a cycle: the nonce by which the ECU will know the answer to its own question -> Nonce
struct NonceRequest {};
/// What the time source answered, byte for byte -> Done
struct TimeOffer {
  Bytes attestation;
};

using Request = std::variant<ReportRequest, MetadataOffer, File, Absent, StageBegin, Chunk, TransferEnd,
                             Commit, RestoreBegin, BackupRead, Abort, NonceRequest, TimeOffer>;

// --- the secondary's replies ----------------------------------------------------------------------------

struct Report {
  bool spare_slot = true;
  bool image_lost = false;  ///< an interrupted overwrite: it needs the image again, or its backup
  Bytes report;             ///< the signed ECU version report
};
/// Roots by version; of other roles the file that the primary trusts now.
struct Want {
  Repository repository = Repository::Director;
  RoleName role;
  std::optional<Version> version;
  std::uint64_t max_bytes = 0;
};
/// The metadata passed: what the ECU will take now, or nothing to do.
struct Verified {
  struct Image {
    TargetName name;
    std::uint64_t length = 0;
  };
  std::optional<Image> image;
};
struct Willing {};
struct Ready {
  std::uint64_t offset = 0;  ///< bytes that are there already
};
struct Ack {
  std::uint64_t offset = 0;  ///< bytes that are there now
};
struct Staged {};
struct Outcome {
  bool installed = false;  ///< the ECU runs what this exchange brought
  std::string code;        ///< "installed", "restored", "rolled-back", "image-lost"
  std::string text;
};
struct Data {
  Bytes bytes;  ///< empty at the end of the image
};
struct Done {};
/// A broken rule, in the ECU's own judgement. `rule` may be one that a later protocol knows.
struct Refused {
  std::optional<Repository> repository;
  std::string role;
  std::string rule;
  std::string expected;
  std::string got;
};
/// The ECU could not: its storage failed, a file was missing.
struct Failed {
  Fault::Kind kind = Fault::Kind::Io;
  std::string detail;
};

struct Nonce {
  std::string nonce;  ///< 32 hex digits
};

using Reply = std::variant<Report, Want, Verified, Willing, Ready, Ack, Staged, Outcome, Data, Done, Refused,
                           Failed, Nonce>;

/// A whole frame.
Bytes encode(const Request& request);
Bytes encode(const Reply& reply);

/// One message from its frame's parts. Rejections: frame-malformed, which of a type we do not know too.
Result<Request> decode_request(std::uint8_t type, ByteView payload);
Result<Reply> decode_reply(std::uint8_t type, ByteView payload);

/// How a secondary tells an error, and how a primary reads it again: a Rejection stays one. A rule that this
/// build does not know comes back as Fault::Denied.
Reply reply_of(const Error& error);
Error error_of(const Refused& refused);
Error error_of(const Failed& failed);

}  // namespace cotter::wire
