// Text that somebody else wrote, made fit for a terminal, a log or a message. Pure.
#pragma once

#include <string>

namespace cotter {

/// What is quoted can be hostile: it may not steer a terminal, add a line to a log, or end in half a
/// character. Each byte that is no printable ASCII is a question mark.
inline std::string printable(std::string text) {
  for (char& c : text) {
    if (c < ' ' || c > '~') c = '?';
  }
  return text;
}

}  // namespace cotter
