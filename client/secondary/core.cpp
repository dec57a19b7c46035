#include "client/secondary/core.h"

#include <algorithm>
#include <utility>

namespace cotter::client {
namespace {

/// Ties a Rejection of this ECU's own doing to what it was about, where no metadata file is to blame.
Error about(Error error, std::string_view what) {
  if (auto* rejection = std::get_if<Rejection>(&error); rejection != nullptr && rejection->role.empty()) {
    rejection->role = what;
  }
  return error;
}

template <class T>
Result<T> about(Result<T> result, std::string_view what) {
  if (result) return result;
  return fail(about(std::move(result).error(), what));
}

bool is_file(const wire::Request& request) {
  return std::holds_alternative<wire::File>(request) || std::holds_alternative<wire::Absent>(request);
}

wire::Outcome outcome_of(InstallOutcome outcome) {
  return {outcome.installed, std::move(outcome.code), std::move(outcome.text)};
}

/// An early answer: nothing was asked for that this could be.
Result<void> out_of_order(std::string expected, std::string got) {
  return about(refuse(RuleId::MessageOutOfOrder, std::move(expected), std::move(got)), "message");
}

}  // namespace

SecondaryCore::SecondaryCore(EcuIdentity identity, EcuSeams seams)
    : identity_(std::move(identity)),
      seams_(seams),
      book_(seams.state, seams.floors, identity_.serial),
      time_(seams.state, seams.time, identity_.vin, [this](const Rejection& why) { book_.note(why); }) {}

Result<void> SecondaryCore::start() {
  TRY(seams_.installer.recover());
  TRY(time_.open());
  // Without a root that verifies this ECU takes nothing, and says so when it is offered something.
  if (const auto root = Intake::director_root(identity_, seams_.metadata)) time_.begin(*root);
  return book_.open(time_.for_report().time);
}

std::uint32_t SecondaryCore::max_payload() const noexcept {
  if (!wanted_) return wire::kMaxPayload;
  constexpr std::uint64_t kMost = UINT32_MAX - wire::kFieldRoom;
  const std::uint64_t file = std::clamp<std::uint64_t>(wanted_->max_bytes, wire::kMaxChunk, kMost);
  return static_cast<std::uint32_t>(file) + wire::kFieldRoom;
}

void SecondaryCore::disconnected(const Error* why) {
  intake_.reset();
  wanted_.reset();
  seams_.installer.suspend();
  if (why == nullptr) return;
  if (const Error named = about(*why, "message"); const Rejection* rejection = rejection_in(named)) {
    book_.note(*rejection);
  }
}

wire::Reply SecondaryCore::handle(const wire::Request& request) {
  if (!is_file(request)) {  // whatever else it says, it has broken off the pull
    intake_.reset();
    wanted_.reset();
  }
  auto reply = std::visit([this](const auto& message) { return answer(message); }, request);
  if (!reply) return refused(reply.error());
  return *std::move(reply);
}

wire::Reply SecondaryCore::refused(const Error& error) {
  if (const Rejection* rejection = rejection_in(error)) book_.note(*rejection);
  return wire::reply_of(error);
}

Result<wire::Reply> SecondaryCore::answer(const wire::ReportRequest& /*request*/) {
  const Running running = TRY(seams_.installer.running());
  const EcuTime::ForReport when = time_.for_report();
  Bytes report = TRY(book_.report(identity_, running, when.time, seams_.signer, when.ahead));
  const bool spare = seams_.installer.has_spare_slot();
  return wire::Reply(wire::Report{spare, !spare && !running.sound, std::move(report)});
}

// --- time -------------------------------------------------------------------------------------------------

Result<wire::Reply> SecondaryCore::answer(const wire::NonceRequest& /*request*/) {
  return wire::Reply(wire::Nonce{time_.ask().value()});
}

Result<wire::Reply> SecondaryCore::answer(const wire::TimeOffer& offer) {
  TRY(time_.take(offer.attestation));
  return wire::Reply(wire::Done{});
}

// --- metadata ---------------------------------------------------------------------------------------------

Result<wire::Reply> SecondaryCore::answer(const wire::MetadataOffer& /*offer*/) {
  permit_.reset();
  seams_.installer.suspend();
  const Running running = TRY(seams_.installer.running());
  const ReleaseCounter floor = TRY(seams_.installer.floor());
  trust::ProvisionedEcu self{identity_.serial, identity_.hardware_id, floor, running.image};
  intake_.emplace(TRY(Intake::open(identity_, seams_.metadata, time_, std::move(self))));
  return go_on_with_metadata();
}

Result<wire::Reply> SecondaryCore::answer(const wire::File& file) {
  if (!wanted_) {
    TRY(out_of_order("a metadata offer", "a file that was not wanted"));
    return wire::Reply(wire::Done{});
  }
  wanted_.reset();
  if (Result<void> taken = intake_->give(file.bytes); !taken) {
    intake_.reset();
    return fail(std::move(taken).error());
  }
  return go_on_with_metadata();
}

Result<wire::Reply> SecondaryCore::answer(const wire::Absent& /*absent*/) {
  if (!wanted_) {
    TRY(out_of_order("a metadata offer", "the lack of a file that was not wanted"));
    return wire::Reply(wire::Done{});
  }
  wanted_.reset();
  if (Result<void> taken = intake_->absent(); !taken) {
    intake_.reset();
    return fail(std::move(taken).error());
  }
  return go_on_with_metadata();
}

Result<wire::Reply> SecondaryCore::go_on_with_metadata() {
  auto need = intake_->next();
  if (!need) {
    intake_.reset();
    return fail(std::move(need).error());
  }
  if (*need) {
    const Intake::Need& file = **need;
    wanted_ = file.want;
    return wire::Reply(wire::Want{file.repository, file.want.role, file.want.version, file.want.max_bytes});
  }
  Verdict verdict = intake_->verdict();
  intake_.reset();
  TRY(adopt(std::move(verdict)));
  wire::Verified verified;
  if (permit_) verified.image = wire::Verified::Image{permit_->name(), permit_->target().length};
  return wire::Reply(std::move(verified));
}

/// From here on the ECU takes this image and no other; what was staged of another is forgotten.
Result<void> SecondaryCore::adopt(Verdict verdict) {
  const auto staged = TRY(seams_.installer.staged());
  const bool same = staged && verdict.permit &&
                    *staged == model::InstalledImage{verdict.permit->name(), verdict.permit->target().length,
                                                     verdict.permit->target().hashes};
  if (staged && !same) TRY(seams_.installer.discard());
  permit_ = std::move(verdict.permit);
  return book_.accepted(verdict.director_targets);
}

// --- images -----------------------------------------------------------------------------------------------

Result<wire::Reply> SecondaryCore::answer(const wire::StageBegin& begin) {
  if (!permit_) {
    TRY(out_of_order("verified metadata that assigns an image", "an image"));
    return wire::Reply(wire::Willing{});
  }
  // The primary says what it is about to send; what this ECU takes was decided without it (ATK-29).
  if (begin.name != permit_->name() || begin.length != permit_->target().length) {
    TRY(about(refuse(RuleId::EcuOtherImage,
                     permit_->name().value() + ", " + std::to_string(permit_->target().length) + " bytes",
                     begin.name.value() + ", " + std::to_string(begin.length) + " bytes"),
              "image"));
  }
  if (!seams_.installer.has_spare_slot()) return wire::Reply(wire::Willing{});
  const std::uint64_t there = TRY(about(seams_.installer.begin(*permit_), "image"));
  return wire::Reply(wire::Ready{there});
}

Result<wire::Reply> SecondaryCore::answer(const wire::Chunk& chunk) {
  TRY(about(seams_.installer.write(chunk.offset, chunk.bytes), "image"));
  return wire::Reply(wire::Ack{chunk.offset + chunk.bytes.size()});
}

Result<wire::Reply> SecondaryCore::answer(const wire::TransferEnd& /*end*/) {
  auto outcome = about(seams_.installer.finish(), "image");
  if (seams_.installer.has_spare_slot()) {
    TRY(std::move(outcome));
    return wire::Reply(wire::Staged{});
  }
  if (outcome) return wire::Reply(outcome_of(*std::move(outcome)));
  const Rejection* rejection = rejection_in(outcome.error());
  if (rejection == nullptr || TRY(seams_.installer.running()).sound) {
    return fail(std::move(outcome).error());
  }
  book_.note(*rejection);
  return wire::Reply(wire::Outcome{false, "image-lost", summary(outcome.error())});
}

Result<wire::Reply> SecondaryCore::answer(const wire::Commit& /*commit*/) {
  if (seams_.installer.has_spare_slot()) {
    // A reply may have been lost after the image was confirmed: asked again, the answer is the same.
    if (permit_ && !TRY(seams_.installer.staged()) && TRY(runs_permitted())) {
      return wire::Reply(wire::Outcome{true, "installed", permit_->name().value() + " runs already"});
    }
    return wire::Reply(outcome_of(TRY(about(seams_.installer.activate(), "image"))));
  }
  if (!permit_) {
    TRY(out_of_order("verified metadata that assigns an image", "a commit"));
    return wire::Reply(wire::Willing{});
  }
  return wire::Reply(wire::Ready{TRY(about(seams_.installer.begin(*permit_), "image"))});
}

Result<bool> SecondaryCore::runs_permitted() const {
  const Running running = TRY(seams_.installer.running());
  return running.image.length == permit_->target().length &&
         running.image.hashes.agrees_with(permit_->target().hashes);
}

Result<wire::Reply> SecondaryCore::answer(const wire::RestoreBegin& begin) {
  return wire::Reply(wire::Ready{TRY(about(seams_.installer.begin_restore(begin.length), "backup"))});
}

Result<wire::Reply> SecondaryCore::answer(const wire::BackupRead& read) {
  // An ECU that can go back by itself needs no backup, and its software is nobody else's business.
  if (seams_.installer.has_spare_slot()) TRY(out_of_order("an ECU without a spare slot", "a backup"));
  const auto max = static_cast<std::size_t>(std::min<std::uint64_t>(read.max_bytes, wire::kMaxChunk));
  return wire::Reply(wire::Data{TRY(seams_.installer.read(read.offset, max))});
}

Result<wire::Reply> SecondaryCore::answer(const wire::Abort& /*abort*/) {
  seams_.installer.suspend();
  TRY(seams_.installer.discard());
  return wire::Reply(wire::Done{});
}

}  // namespace cotter::client
