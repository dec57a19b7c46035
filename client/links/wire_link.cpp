#include "client/links/wire_link.h"

#include <algorithm>

namespace cotter::client {
namespace {

constexpr std::size_t kPiece = 32 * 1024;
/// No honest ECU asks for more in one pull: a few hundred roots of two repositories, and one image's roles.
constexpr int kMaxWants = 1024;

Error unexpected_reply() {
  return Rejection{std::nullopt, "ecu-link", RuleId::MessageOutOfOrder, "the reply to what was asked",
                   "another"};
}

/// The error that a reply means, where it means one.
std::optional<Error> error_in(const wire::Reply& reply) {
  if (const auto* refused = std::get_if<wire::Refused>(&reply)) return wire::error_of(*refused);
  if (const auto* failed = std::get_if<wire::Failed>(&reply)) return wire::error_of(*failed);
  return std::nullopt;
}

/// A broken ECU's words go no further than an outcome has room for.
InstallOutcome outcome_of(wire::Outcome outcome) {
  return {outcome.installed, std::move(outcome.code), std::move(outcome.text)};
}

}  // namespace

template <class Expected>
Result<Expected> WireLink::ask(const wire::Request& request) {
  wire::Reply reply = TRY(exchange(request));
  if (auto error = error_in(reply)) return fail(*std::move(error));
  if (auto* expected = std::get_if<Expected>(&reply)) return std::move(*expected);
  return fail(unexpected_reply());
}

Result<EcuStatus> WireLink::report() {
  wire::Report report = TRY(ask<wire::Report>(wire::ReportRequest{}));
  EcuStatus status;
  status.spare_slot = report.spare_slot;
  status.image_lost = report.image_lost;
  status.report = std::move(report.report);
  return status;
}

Result<model::Nonce> WireLink::nonce() {
  wire::Nonce reply = TRY(ask<wire::Nonce>(wire::NonceRequest{}));
  if (!model::is_nonce(reply.nonce)) return fail(unexpected_reply());
  return model::Nonce(std::move(reply.nonce));
}

Result<void> WireLink::put_time(ByteView attestation) {
  TRY(ask<wire::Done>(wire::TimeOffer{Bytes(attestation.begin(), attestation.end())}));
  return {};
}

Result<void> WireLink::put_metadata(MetadataSource& source) {
  wire::Reply reply = TRY(exchange(wire::MetadataOffer{}));
  for (int wants = 0; wants < kMaxWants; ++wants) {
    if (std::holds_alternative<wire::Verified>(reply)) return {};
    if (auto error = error_in(reply)) return fail(*std::move(error));
    const auto* want = std::get_if<wire::Want>(&reply);
    if (want == nullptr) return fail(unexpected_reply());
    std::optional<Bytes> file = TRY(source.file(want->repository, want->role, want->version));
    reply = TRY(exchange(file ? wire::Request(wire::File{*std::move(file)}) : wire::Request(wire::Absent{})));
  }
  return fail(Rejection{std::nullopt, "ecu-link", RuleId::MessageOutOfOrder, "an end of what it wants",
                        "more than " + std::to_string(kMaxWants) + " files"});
}

Result<void> WireLink::send(ImageSource& image, std::uint64_t from) {
  for (std::uint64_t offset = from; offset < image.size();) {
    Bytes piece = TRY(image.read(offset, kPiece));
    if (piece.empty()) return fault(Fault::Kind::Io, "the image ends before its size");
    const std::uint64_t after = offset + piece.size();
    const wire::Ack ack = TRY(ask<wire::Ack>(wire::Chunk{offset, std::move(piece)}));
    if (ack.offset != after) return fail(unexpected_reply());
    offset = after;
  }
  return {};
}

Result<void> WireLink::stage(const trust::Assignment& assignment, ImageSource& image) {
  const wire::Reply reply = TRY(exchange(wire::StageBegin{assignment.name(), assignment.target().length}));
  if (auto error = error_in(reply)) return fail(*std::move(error));
  if (std::holds_alternative<wire::Willing>(reply)) return {};
  const auto* ready = std::get_if<wire::Ready>(&reply);
  if (ready == nullptr) return fail(unexpected_reply());
  TRY(send(image, ready->offset));
  TRY(ask<wire::Staged>(wire::TransferEnd{}));
  return {};
}

Result<void> WireLink::back_up(ImageSink& sink) {
  for (std::uint64_t offset = 0;;) {
    const wire::Data data = TRY(ask<wire::Data>(wire::BackupRead{offset, kPiece}));
    if (data.bytes.empty()) return {};
    TRY(sink.write(data.bytes));
    offset += data.bytes.size();
  }
}

Result<InstallOutcome> WireLink::commit(const trust::Assignment& /*assignment*/, ImageSource& image) {
  wire::Reply reply = TRY(exchange(wire::Commit{}));
  if (auto error = error_in(reply)) return fail(*std::move(error));
  if (auto* outcome = std::get_if<wire::Outcome>(&reply)) return outcome_of(std::move(*outcome));
  const auto* ready = std::get_if<wire::Ready>(&reply);
  if (ready == nullptr) return fail(unexpected_reply());
  TRY(send(image, ready->offset));
  return outcome_of(TRY(ask<wire::Outcome>(wire::TransferEnd{})));
}

Result<InstallOutcome> WireLink::restore(ImageSource& backup) {
  const auto ready = TRY(ask<wire::Ready>(wire::RestoreBegin{backup.size()}));
  TRY(send(backup, ready.offset));
  return outcome_of(TRY(ask<wire::Outcome>(wire::TransferEnd{})));
}

Result<void> WireLink::abort() {
  TRY(ask<wire::Done>(wire::Abort{}));
  return {};
}

}  // namespace cotter::client
