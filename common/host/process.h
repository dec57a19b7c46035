// How a program ends: its exit code, and its last words on stderr.
// Never exits by itself, never prints a secret. One thread.
#pragma once

#include <cstdint>

#include "common/base/result.h"

namespace cotter::host {

/// What every Cotter program but cotter-tuf answers with.
enum class Exit : std::uint8_t { Done = 0, Failed = 1, Usage = 2, Refused = 3, NotFound = 4 };

/// Rejection and Denied -> Refused, NotFound -> NotFound, Usage -> Usage, all else -> Failed.
Exit exit_of(const Error& error) noexcept;
inline int exit_code_of(const Error& error) noexcept { return static_cast<int>(exit_of(error)); }

/// "error: WHAT: WHY" and, where there is something to do, "hint: …" on stderr; a Rejection with its whole
/// story.
void print_error(const Error& error);

/// Prints the error, if there is one; the exit code either way.
template <class T>
int finish(const Result<T>& result) {
  if (result) return static_cast<int>(Exit::Done);
  print_error(result.error());
  return exit_code_of(result.error());
}

}  // namespace cotter::host
