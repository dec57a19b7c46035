// Result<T>: a value or the Error that kept us from it; TRY hands errors upward; refuse() breaks off at a
// rule. Never throws. Values only: safe on any thread.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "common/base/error.h"

namespace cotter {

template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
};

inline tl::unexpected<Error> fail(Error error) { return tl::unexpected<Error>(std::move(error)); }
inline tl::unexpected<Error> fault(Fault::Kind kind, std::string detail, std::string hint = {}) {
  return fail(Fault{kind, std::move(detail), std::move(hint)});
}

/// The one door through which a check of the core refuses; call it only when the check has failed:
///   `if (broken) TRY(refuse(RuleId::X, expected, got));`
/// `expected` and `got` may quote the refused bytes; all but printable ASCII is replaced in them.
/// Always an error, but in the `mutants` build for the one rule that COTTER_MUTANT names.
Result<void> refuse(RuleId rule, std::string expected, std::string got);

/// Fills in which file a Rejection is about, where that is not known yet.
Error located(Error error, Repository repository, std::string_view role);
template <class T>
Result<T> located(Result<T> result, Repository repository, std::string_view role) {
  if (result) return result;
  return fail(located(std::move(result).error(), repository, role));
}

/// Adds to a Rejection what it is about within its file: an image's name.
Error concerning(Error error, std::string_view what);

inline const Rejection* rejection_in(const Error& error) noexcept { return std::get_if<Rejection>(&error); }
inline bool is_fault(const Error& error, Fault::Kind kind) noexcept {
  const Fault* fault = std::get_if<Fault>(&error);
  return fault != nullptr && fault->kind == kind;
}

namespace detail {
template <class T>
T unwrap(Result<T>&& result) {
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}
}  // namespace detail

}  // namespace cotter

/// The value of a Result, or an early return of its error. Nests: each use has a name of its own. Never
/// within the braces of an initialiser: compilers leak the members built before it when it returns
/// (tests/unit/layering_test.cpp looks).
#define TRY(...) COTTER_TRY_COUNTED(__COUNTER__, __VA_ARGS__)
#define COTTER_TRY_COUNTED(id, ...) COTTER_TRY_AS(id, __VA_ARGS__)
#define COTTER_TRY_AS(id, ...) COTTER_TRY_NAMED(try_result_##id, __VA_ARGS__)
#define COTTER_TRY_NAMED(name, ...)                            \
  __extension__({                                              \
    auto name = (__VA_ARGS__);                                 \
    if (!name) return ::cotter::fail(std::move(name).error()); \
    ::cotter::detail::unwrap(std::move(name));                 \
  })
