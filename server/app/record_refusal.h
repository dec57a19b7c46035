// What the ledger says of what somebody at the workspace was refused: an assignment, a publication, a
// release, a ceremony's opening and its end, a supplier's terms. Vehicles' manifests and suppliers'
// submissions are refused, and recorded, where they come in. Never changes the answer: a refusal whose entry
// cannot be written is still one. One thread.
#pragma once

#include <functional>
#include <string>

#include "common/base/result.h"
#include "common/base/time.h"
#include "common/host/sqlite.h"
#include "common/json/value.h"
#include "server/app/workspace.h"
#include "server/ledger/entry.h"

namespace cotter::app {

struct Refused {
  std::string subject;     ///< a VIN, "image/targets", "director/root", a supplier
  std::string document;    ///< "assignment", "publication", "ceremony"
  json::Object details{};  ///< of what was wanted
};

/// Of a Rejection, and of a Fault that is a judgement (Denied, Conflict), the first of a row: whoever asks
/// the same again and again fills no disk. What the world failed at is no refusal. In a transaction of its
/// own.
void record_refusal(host::Db& db, const Refused& what, const Error& why, UtcTime now);

/// The same, opening the workspace's database for it: of who has closed it, or holds it no more.
void record_refusal(const Workspace& workspace, const Refused& what, const Error& why, UtcTime now);

/// The entry of it, by whomever it was wanted.
ledger::Entry refusal_entry(const Refused& what, const Error& why, std::string who, UtcTime now);

/// The keys that a use case asks for while it is at work. That there are none to be had (a mistyped
/// passphrase, a token that is not plugged in) is no judgement, though it is Denied.
class AskedKeys {
 public:
  /// Asks as `ask` does, and notes when there are none. Must not outlive this.
  template <class Keys, class... Of>
  [[nodiscard]] std::function<Result<Keys>(Of...)> noting(const std::function<Result<Keys>(Of...)>& ask) {
    return [this, ask](Of... of) -> Result<Keys> {
      Result<Keys> found = ask(of...);
      if (!found) are_missing_ = true;
      return found;
    };
  }
  [[nodiscard]] bool are_missing() const noexcept { return are_missing_; }

 private:
  bool are_missing_ = false;
};

/// What `attempt` comes to, which gets AskedKeys to ask for keys by, and has let go of the workspace when it
/// returns; where it is refused, the ledger tells of that as record_refusal() does.
template <class Attempt>
auto try_and_tell(const Workspace& workspace, const Refused& what, UtcTime now, const Attempt& attempt) {
  AskedKeys keys;
  auto done = attempt(keys);
  if (!done && !keys.are_missing()) record_refusal(workspace, what, done.error(), now);
  return done;
}

}  // namespace cotter::app
