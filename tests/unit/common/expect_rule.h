// What a Result says, as one word that a test can compare.
#pragma once

#include <string>

#include "common/base/result.h"

namespace cotter::test {

/// The name of the rule that refused, "fault", or "accepted".
template <class T>
std::string verdict(const Result<T>& result) {
  if (result) return "accepted";
  const Rejection* rejection = rejection_in(result.error());
  return rejection == nullptr ? "fault" : std::string(rule_of(rejection->rule).name);
}

}  // namespace cotter::test
