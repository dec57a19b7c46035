// A secondary ECU as a pure state machine: a request in, a reply out (FVS-1 to FVS-10, PVS-1 to PVS-9).
// Never trusts the primary: what it installs follows from its own verification alone. Touches no socket,
// file or clock but through its seams; a bare-metal port writes those and nothing else. One thread.
#pragma once

#include <cstdint>
#include <optional>

#include "client/install/installer.h"
#include "client/install/media.h"
#include "client/secondary/ecu_time.h"
#include "client/secondary/intake.h"
#include "client/secondary/report_book.h"
#include "common/base/time.h"
#include "common/crypto/signer.h"
#include "common/wire/messages.h"

namespace cotter::client {

/// What an ECU stands on; all must outlive the core.
struct EcuSeams {
  trust::MetadataStore& metadata;
  Installer& installer;
  StateStore& state;
  TimeSeams time;
  crypto::Signer& signer;
  FloorStore& floors;
};

class SecondaryCore {
 public:
  SecondaryCore(EcuIdentity identity, EcuSeams seams);
  /// Once, before the first message: finishes what a power cut left. Faults: Io.
  Result<void> start();
  wire::Reply handle(const wire::Request& request);
  /// The largest payload worth reading next (ATK-22, ATK-23).
  [[nodiscard]] std::uint32_t max_payload() const noexcept;
  /// The connection ended, well or not; `why` is a broken rule of the link (frame-malformed,
  /// transfer-too-slow), which goes into the next report. What was staged stays.
  void disconnected(const Error* why = nullptr);
  /// A broken rule that the machine round this core saw, for the next report: a primary's own ECU tells what
  /// its primary met.
  void note_attack(const Rejection& rejection) { book_.note(rejection); }

  SecondaryCore(const SecondaryCore&) = delete;
  SecondaryCore& operator=(const SecondaryCore&) = delete;

 private:
  Result<wire::Reply> answer(const wire::ReportRequest&);
  Result<wire::Reply> answer(const wire::MetadataOffer&);
  Result<wire::Reply> answer(const wire::File& file);
  Result<wire::Reply> answer(const wire::Absent&);
  Result<wire::Reply> answer(const wire::StageBegin& begin);
  Result<wire::Reply> answer(const wire::Chunk& chunk);
  Result<wire::Reply> answer(const wire::TransferEnd&);
  Result<wire::Reply> answer(const wire::Commit&);
  Result<wire::Reply> answer(const wire::RestoreBegin& begin);
  Result<wire::Reply> answer(const wire::BackupRead& read);
  Result<wire::Reply> answer(const wire::Abort&);
  Result<wire::Reply> answer(const wire::NonceRequest&);
  Result<wire::Reply> answer(const wire::TimeOffer& offer);

  Result<wire::Reply> go_on_with_metadata();
  Result<void> adopt(Verdict verdict);
  [[nodiscard]] Result<bool> runs_permitted() const;
  wire::Reply refused(const Error& error);

  EcuIdentity identity_;
  EcuSeams seams_;
  ReportBook book_;
  EcuTime time_;
  std::optional<Intake> intake_;  ///< while metadata is being pulled
  std::optional<trust::Want> wanted_;
  std::optional<Permit> permit_;  ///< what this ECU itself decided to take
};

}  // namespace cotter::client
