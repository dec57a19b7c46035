// How many connections this process has descriptors for.
// Never lets connections take the last ones: files and the database need some too. Call it before threads.
#pragma once

#include <cstddef>

namespace cotter::http {

/// Raises the limit of open files as far as it may, and says how many connections leave enough of them for
/// the file that each may be sent, and for what is ours: `wanted`, or fewer.
std::size_t connections_that_fit(std::size_t wanted);

}  // namespace cotter::http
