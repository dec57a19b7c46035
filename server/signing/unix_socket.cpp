#include "server/signing/unix_socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "common/disk/posix_disk.h"

namespace cotter::signing {
namespace {

namespace fs = std::filesystem;
using Milliseconds = std::chrono::milliseconds;
using Moment = std::chrono::steady_clock::time_point;

constexpr std::size_t kReadAtOnce = std::size_t{64} * 1024;
constexpr int kBacklog = 64;

Result<sockaddr_un> address_of(const fs::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string& text = path.native();
  if (text.empty() || text.size() >= sizeof address.sun_path) {
    return fault(Fault::Kind::Usage, "no path for a socket: " + text,
                 "give one of at most " + std::to_string(sizeof address.sun_path - 1) + " bytes");
  }
  std::memcpy(address.sun_path, text.data(), text.size());
  return address;
}

/// `error_number` of a failed connect().
tl::unexpected<Error> nobody_there(const fs::path& path, int error_number) {
  switch (error_number) {
    case ENOENT:
    case ECONNREFUSED:
      return fault(Fault::Kind::NotFound, "no signing process answers at " + path.string(),
                   "start it: cotterd --role sign --socket " + path.string());
    case EAGAIN:
      return fault(Fault::Kind::Busy, "too many wait for the signing process at " + path.string(),
                   "try again later");
    default:
      return fail(
          disk::errno_fault("cannot connect to the signing process at " + path.string(), error_number));
  }
}

Result<UnixSocket> new_socket() {
  UnixSocket socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) return fail(disk::errno_fault("cannot make a socket", errno));
  return socket;
}

/// A socket that nobody listens at is what a killed process left.
Result<void> remove_stale(const fs::path& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) return {};
  if (!S_ISSOCK(found.st_mode)) {
    return fault(Fault::Kind::Conflict, path.string() + " is there already, and it is no socket",
                 "choose another path with --socket");
  }
  const auto other = UnixSocket::connect(path);
  if (other || is_fault(other.error(), Fault::Kind::Busy)) {
    return fault(Fault::Kind::Busy, "another process listens at " + path.string(),
                 "stop it first, or choose another path with --socket");
  }
  if (!is_fault(other.error(), Fault::Kind::NotFound)) return fail(other.error());
  if (::unlink(path.c_str()) == 0) return {};
  return fail(disk::errno_fault("cannot remove the stale socket " + path.string(), errno));
}

Result<void> give(const fs::path& path, mode_t mode, std::optional<gid_t> group) {
  struct stat made {};
  if (::lstat(path.c_str(), &made) != 0) return fail(disk::errno_fault("cannot see " + path.string(), errno));
  if (group && made.st_gid != *group && ::lchown(path.c_str(), static_cast<uid_t>(-1), *group) != 0) {
    return fault(Fault::Kind::Denied,
                 "cannot give " + path.string() + " to group " + std::to_string(*group) + " of its callers",
                 "let the signing process be in that group, or set its folder's group and set-group-id bit");
  }
  if (::chmod(path.c_str(), mode) == 0) return {};
  return fail(disk::errno_fault("cannot set the mode of " + path.string(), errno));
}

/// Waits until the socket is ready for `events`.
Result<void> wait_for(int fd, short events, Moment deadline) {
  while (true) {
    const auto rest = std::chrono::ceil<Milliseconds>(deadline - std::chrono::steady_clock::now());
    if (rest.count() <= 0) {
      return fault(Fault::Kind::Timeout, "the signing process takes too long to answer",
                   "its log says what it waits for");
    }
    pollfd entry{fd, events, 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(rest.count()));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return fail(disk::errno_fault("cannot wait for a socket", errno));
  }
}

tl::unexpected<Error> hung_up_fault() {
  return fault(Fault::Kind::Io, "the signing process hung up", "its log says why");
}

}  // namespace

UnixSocket::~UnixSocket() { close(); }
UnixSocket::UnixSocket(UnixSocket&& from) noexcept : fd_(std::exchange(from.fd_, -1)) {}
UnixSocket& UnixSocket::operator=(UnixSocket&& from) noexcept {
  std::swap(fd_, from.fd_);
  return *this;
}

void UnixSocket::close() noexcept {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

bool UnixSocket::hung_up() const noexcept {
  std::uint8_t next = 0;
  const ssize_t came = ::recv(fd_, &next, 1, MSG_PEEK | MSG_DONTWAIT);
  return came >= 0 || (errno != EAGAIN && errno != EINTR);
}

Result<UnixSocket> UnixSocket::connect(const fs::path& path) {
  const sockaddr_un address = TRY(address_of(path));
  UnixSocket socket = TRY(new_socket());
  if (::connect(socket.fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return nobody_there(path, errno);
  }
  return socket;
}

Result<UnixSocket> UnixSocket::listen(const fs::path& path, mode_t mode, std::optional<gid_t> group) {
  const sockaddr_un address = TRY(address_of(path));
  TRY(remove_stale(path));
  UnixSocket socket = TRY(new_socket());
  // Nobody's until its mode is what it shall be: before listen() nobody gets in either.
  if (::bind(socket.fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return fail(disk::errno_fault("cannot make the socket " + path.string(), errno));
  }
  if (auto given = give(path, mode, group); !given) {
    ::unlink(path.c_str());
    return fail(given.error());
  }
  if (::listen(socket.fd_, kBacklog) != 0) {
    return fail(disk::errno_fault("cannot listen at " + path.string(), errno));
  }
  return socket;
}

Result<void> UnixSocket::send(ByteView bytes, Milliseconds timeout) {
  const Moment deadline = std::chrono::steady_clock::now() + timeout;
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN || errno == EINTR) {
      TRY(wait_for(fd_, POLLOUT, deadline));
    } else {
      return hung_up_fault();
    }
  }
  return {};
}

Result<Bytes> UnixSocket::receive(std::size_t size, Milliseconds timeout) {
  const Moment deadline = std::chrono::steady_clock::now() + timeout;
  Bytes bytes;
  while (bytes.size() < size) {
    const std::size_t had = bytes.size();
    bytes.resize(had + std::min(kReadAtOnce, size - had));
    const ssize_t came = ::recv(fd_, bytes.data() + had, bytes.size() - had, 0);
    const int error_number = errno;
    bytes.resize(had + static_cast<std::size_t>(std::max<ssize_t>(came, 0)));
    if (came > 0) continue;
    if (came == 0 || (error_number != EAGAIN && error_number != EINTR)) return hung_up_fault();
    TRY(wait_for(fd_, POLLIN, deadline));
  }
  return bytes;
}

}  // namespace cotter::signing
