#include "server/app/targets_ceremony.h"

#include <string>
#include <utility>

#include "server/app/record_key.h"
#include "server/app/record_refusal.h"
#include "server/ceremony/words.h"

namespace cotter::app {
namespace {

std::string summary_line(const ceremony::KeyChange& change) {
  if (change.empty()) return "renew the list of images";
  std::string line = "change the keys of delegations:";
  for (const auto& removed : change.remove)
    line += " " + removed.role.value() + " without " + removed.key.value();
  for (const auto& added : change.add) {
    line += " " + added.role.value() + " with " + added.key.computed_id().value();
  }
  for (const auto& [role, threshold] : change.thresholds) {
    line += " " + role.value() + " by " + std::to_string(threshold);
  }
  for (const auto& [role, classes] : change.classes) line += " " + role.value() + " by classes";
  return line;
}

/// `listed` may be what waits: whoever comes second hears that, where his change fits what is published.
Result<model::Targets> changed(const model::Targets& listed, const model::Targets& published,
                               const ceremony::KeyChange& change) {
  auto next = ceremony::with_delegation_keys(listed, change);
  if (next || !ceremony::with_delegation_keys(published, change)) return next;
  return fault(Fault::Kind::Conflict,
               "a change that waits for its signatures is in the way: " + summary(next.error()),
               "cotter ceremony status shows it; wait until it is closed");
}

/// With another way to the online keys.
TargetsSigning asking(const TargetsSigning& signing, AskedKeys& keys) {
  TargetsSigning next = signing;
  next.online = keys.noting(signing.online);
  return next;
}

Result<TargetsOutcome> try_to_open(const Workspace& workspace, const TargetsSigning& signing,
                                   const ceremony::KeyChange& delegations, UtcTime now) {
  RepositoryWriter writer = TRY(RepositoryWriter::open(workspace, now));
  auto change = TRY(TargetsChange::begin(workspace, writer, signing));
  model::Targets next = change.listed();
  if (!delegations.empty()) next = TRY(changed(next, **writer.published().targets(), delegations));
  auto transaction = TRY(host::Transaction::begin(writer.db()));
  TRY(record_proposed(writer.db(), workspace, Repository::Image, delegations, now));
  TRY(transaction.commit());
  return change.finish(std::move(next), summary_line(delegations));
}

Result<TargetsOutcome> try_to_close(const Workspace& workspace, const TargetsSigning& signing,
                                    const std::vector<ceremony::OfflineBundle>& copies, UtcTime now) {
  RepositoryWriter writer = TRY(RepositoryWriter::open(workspace, now));
  auto change = TRY(TargetsChange::begin(workspace, writer, signing));
  for (const ceremony::OfflineBundle& copy : copies) TRY(change.take(copy));
  model::Targets waiting = change.listed();
  TargetsOutcome outcome = TRY(change.finish(std::move(waiting), std::nullopt));
  // What waited may be the end of a supplier.
  if (outcome.state == TargetsOutcome::State::Published) TRY(writer.clear_let_go());
  return outcome;
}

}  // namespace

Result<TargetsOutcome> open_targets_ceremony(const Workspace& workspace, const TargetsSigning& signing,
                                             const ceremony::KeyChange& delegations, UtcTime now) {
  return try_and_tell(workspace, {"image/targets", "opening"}, now, [&](AskedKeys& keys) {
    return try_to_open(workspace, asking(signing, keys), delegations, now);
  });
}

Result<TargetsOutcome> close_targets_ceremony(const Workspace& workspace, const TargetsSigning& signing,
                                              const std::vector<ceremony::OfflineBundle>& copies,
                                              UtcTime now) {
  return try_and_tell(workspace, {"image/targets", "ceremony"}, now, [&](AskedKeys& keys) {
    return try_to_close(workspace, asking(signing, keys), copies, now);
  });
}

}  // namespace cotter::app
