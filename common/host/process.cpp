#include "common/host/process.h"

#include <fmt/format.h>

#include <cstdio>

namespace cotter::host {

Exit exit_of(const Error& error) noexcept {
  const Fault* fault = std::get_if<Fault>(&error);
  if (fault == nullptr) return Exit::Refused;
  switch (fault->kind) {
    case Fault::Kind::Denied:
      return Exit::Refused;
    case Fault::Kind::NotFound:
      return Exit::NotFound;
    case Fault::Kind::Usage:
      return Exit::Usage;
    default:
      return Exit::Failed;
  }
}

void print_error(const Error& error) {
  fmt::print(stderr, "error: {}\n", explain(error));
  const Fault* fault = std::get_if<Fault>(&error);
  if (fault != nullptr && !fault->hint.empty()) fmt::print(stderr, "hint: {}\n", fault->hint);
}

}  // namespace cotter::host
