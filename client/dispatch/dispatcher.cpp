#include "client/dispatch/dispatcher.h"

#include <algorithm>

namespace cotter::client {

Dispatcher::Dispatcher(Links& links, ImageShelf& shelf, EcuSerial primary)
    : links_(links), shelf_(shelf), primary_(std::move(primary)) {}

Result<EcuLink*> Dispatcher::link(const EcuSerial& ecu) {
  const auto found = links_.find(ecu);
  if (found == links_.end()) {
    return fault(Fault::Kind::NotFound, "no link to ECU " + ecu.value(),
                 "add its link to the primary's configuration");
  }
  return found->second.get();
}

std::vector<trust::Assignment> Dispatcher::ordered(std::vector<trust::Assignment> set) const {
  std::ranges::sort(set, [this](const trust::Assignment& a, const trust::Assignment& b) {
    return std::pair(a.ecu() == primary_, a.ecu()) < std::pair(b.ecu() == primary_, b.ecu());
  });
  return set;
}

Result<void> Dispatcher::stage_all(const std::vector<trust::Assignment>& set, MetadataSource& metadata) {
  const auto attempt = [&]() -> Result<void> {
    for (const trust::Assignment& assignment : set) TRY(TRY(link(assignment.ecu()))->put_metadata(metadata));
    for (const trust::Assignment& assignment : set) {
      const std::unique_ptr<ImageSource> image = TRY(shelf_.image(assignment));
      TRY(TRY(link(assignment.ecu()))->stage(assignment, *image));
    }
    return {};
  };
  Result<void> staged = attempt();
  if (!staged) {
    // An ECU that cannot be reached now forgets by itself when it is offered the next set.
    for (const trust::Assignment& assignment : set) {
      if (const auto ecu = link(assignment.ecu())) static_cast<void>((*ecu)->abort());
    }
  }
  return staged;
}

void Dispatcher::tell_the_others(const std::vector<trust::Assignment>& set, MetadataSource& metadata) {
  for (const auto& [serial, ecu] : links_) {
    const bool in_set = std::ranges::any_of(
        set, [&serial = serial](const trust::Assignment& assignment) { return assignment.ecu() == serial; });
    if (!in_set) static_cast<void>(ecu->put_metadata(metadata));
  }
}

Result<std::vector<EcuOutcome>> Dispatcher::commit_all(const std::vector<trust::Assignment>& set) {
  std::vector<EcuOutcome> outcomes;
  for (const trust::Assignment& assignment : ordered(set)) {
    InstallOutcome outcome = TRY(commit_one(assignment));
    outcomes.push_back({assignment.ecu(), std::move(outcome)});
  }
  return outcomes;
}

Result<InstallOutcome> Dispatcher::commit_one(const trust::Assignment& assignment) {
  EcuLink& ecu = *TRY(link(assignment.ecu()));
  const std::unique_ptr<ImageSource> image = TRY(shelf_.image(assignment));
  const EcuStatus status = TRY(ecu.report());
  return status.spare_slot ? ecu.commit(assignment, *image)
                           : commit_streamed(ecu, status.image_lost, assignment, *image);
}

Result<InstallOutcome> Dispatcher::commit_streamed(EcuLink& ecu, bool image_lost,
                                                   const trust::Assignment& assignment, ImageSource& image) {
  // After a power cut in mid-stream the backup is the only whole image left: never replace it by half of
  // another (GAP-35).
  if (!image_lost) {
    {
      const std::unique_ptr<ImageSink> sink = TRY(shelf_.new_backup(assignment.ecu()));
      TRY(ecu.back_up(*sink));
    }
    TRY(shelf_.keep_backup(assignment.ecu()));
  }
  InstallOutcome outcome = TRY(ecu.commit(assignment, image));
  if (!outcome.installed) {
    const std::unique_ptr<ImageSource> backup = TRY(shelf_.backup(assignment.ecu()));
    const InstallOutcome restored = TRY(ecu.restore(*backup));
    outcome.text += restored.installed ? "; the image before it runs again"
                                       : "; the backup did not take: " + restored.text;
  }
  return outcome;
}

}  // namespace cotter::client
