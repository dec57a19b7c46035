#include "server/http/descriptors.h"

#include <sys/resource.h>

#include <algorithm>

namespace cotter::http {
namespace {

constexpr rlim_t kOurs = 64;          // database, log, listener, threads
constexpr rlim_t kEach = 2;           // a socket, and the file that is sent over it
constexpr rlim_t kEnough = 1U << 20;  // a limit beyond it is none

}  // namespace

std::size_t connections_that_fit(std::size_t wanted) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
  if (limit.rlim_cur < limit.rlim_max) {
    rlimit raised = limit;
    raised.rlim_cur = std::min<rlim_t>(limit.rlim_max, std::max<rlim_t>(limit.rlim_cur, kEnough));
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  const rlim_t fit = limit.rlim_cur > kOurs + kEach ? (limit.rlim_cur - kOurs) / kEach : 1;
  return static_cast<std::size_t>(std::min<rlim_t>(wanted, fit));
}

}  // namespace cotter::http
