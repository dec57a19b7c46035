#include "client/links/socket.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

namespace cotter::client {
namespace {

using Milliseconds = std::chrono::milliseconds;
using Moment = std::chrono::steady_clock::time_point;

constexpr std::size_t kReadAtOnce = 64 * 1024;

tl::unexpected<Error> network_fault(const std::string& what, int error_number) {
  const bool denied = error_number == EACCES || error_number == EPERM;
  return fault(denied ? Fault::Kind::Denied : Fault::Kind::Network,
               what + ": " + std::strerror(error_number));
}

/// Waits until the socket is ready for `events`. Fault: Timeout, Network.
Result<void> wait_for(int fd, short events, std::optional<Moment> deadline, const std::string& what) {
  while (true) {
    int left = -1;
    if (deadline) {
      const auto rest = std::chrono::ceil<Milliseconds>(*deadline - std::chrono::steady_clock::now());
      if (rest.count() <= 0) return fault(Fault::Kind::Timeout, what + " took too long");
      left = static_cast<int>(std::min<Milliseconds::rep>(rest.count(), 1'000'000));
    }
    pollfd entry{fd, events, 0};
    const int ready = ::poll(&entry, 1, left);
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return network_fault(what, errno);
  }
}

struct FreeAddresses {
  void operator()(addrinfo* list) const noexcept { ::freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

Result<Addresses> resolve(const std::string& host, std::uint16_t port, int flags) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int code = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (code != 0) {
    return fault(Fault::Kind::Network, "cannot find the address of " + host + ": " + ::gai_strerror(code));
  }
  return Addresses(found);
}

int open_socket(const addrinfo& address) {
  return ::socket(address.ai_family, address.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, address.ai_protocol);
}

/// Requests and replies are small and wait for each other: nothing is won by holding them back.
void send_at_once(int fd) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

Result<void> finish_connecting(int fd, const addrinfo& address, Moment deadline, const std::string& what) {
  if (::connect(fd, address.ai_addr, address.ai_addrlen) == 0) return {};
  if (errno != EINPROGRESS) return network_fault(what, errno);
  TRY(wait_for(fd, POLLOUT, deadline, what));
  int error_number = 0;
  socklen_t size = sizeof error_number;
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error_number, &size);
  if (error_number != 0) return network_fault(what, error_number);
  return {};
}

}  // namespace

Socket::~Socket() { close(); }
Socket::Socket(Socket&& from) noexcept : fd_(std::exchange(from.fd_, -1)) {}
Socket& Socket::operator=(Socket&& from) noexcept {
  std::swap(fd_, from.fd_);
  return *this;
}

void Socket::close() noexcept {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

bool Socket::hung_up() const noexcept {
  std::uint8_t next = 0;
  const ssize_t came = ::recv(fd_, &next, 1, MSG_PEEK | MSG_DONTWAIT);
  return came >= 0 || (errno != EAGAIN && errno != EINTR);
}

Result<Socket> Socket::connect(const std::string& host, std::uint16_t port, Milliseconds timeout) {
  const Moment deadline = std::chrono::steady_clock::now() + timeout;
  const std::string what = "connecting to " + host + ":" + std::to_string(port);
  const Addresses addresses = TRY(resolve(host, port, 0));
  Result<void> last;
  for (const addrinfo* each = addresses.get(); each != nullptr; each = each->ai_next) {
    Socket socket(open_socket(*each));
    if (!socket.is_open()) return network_fault(what, errno);
    last = finish_connecting(socket.fd_, *each, deadline, what);
    if (!last) continue;
    send_at_once(socket.fd_);
    return socket;
  }
  return fail(last ? Error(Fault{Fault::Kind::Network, what + ": no address", ""}) : last.error());
}

Result<Socket> Socket::listen(const std::string& host, std::uint16_t port) {
  const std::string what = "listening on " + host + ":" + std::to_string(port);
  const Addresses addresses = TRY(resolve(host, port, AI_PASSIVE));
  Socket socket(open_socket(*addresses));
  if (!socket.is_open()) return network_fault(what, errno);
  const int on = 1;
  ::setsockopt(socket.fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(socket.fd_, addresses->ai_addr, addresses->ai_addrlen) != 0 || ::listen(socket.fd_, 4) != 0) {
    return network_fault(what, errno);
  }
  return socket;
}

Result<std::uint16_t> Socket::port() const {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return network_fault("asking for the port", errno);
  }
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  if (address.ss_family == AF_INET6) {
    std::memcpy(&v6, &address, sizeof v6);
    return ntohs(v6.sin6_port);
  }
  std::memcpy(&v4, &address, sizeof v4);
  return ntohs(v4.sin_port);
}

Result<Socket> Socket::accept() {
  while (true) {
    TRY(wait_for(fd_, POLLIN, std::nullopt, "waiting for a caller"));
    Socket caller(::accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (caller.is_open()) {
      send_at_once(caller.fd_);
      return caller;
    }
    // A caller that left again before it was answered is no failure of the listener.
    const bool passing = errno == EAGAIN || errno == EINTR || errno == ECONNABORTED || errno == EPROTO;
    if (!passing) return network_fault("answering a caller", errno);
  }
}

Result<void> Socket::send(ByteView bytes, Milliseconds timeout) {
  const Moment deadline = std::chrono::steady_clock::now() + timeout;
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN || errno == EINTR) {
      TRY(wait_for(fd_, POLLOUT, deadline, "sending"));
    } else {
      return network_fault("sending", errno);
    }
  }
  return {};
}

Result<Bytes> Socket::receive(std::size_t size, Milliseconds timeout) {
  const Moment deadline = std::chrono::steady_clock::now() + timeout;
  Bytes bytes;
  while (bytes.size() < size) {
    const std::size_t had = bytes.size();
    bytes.resize(had + std::min(kReadAtOnce, size - had));
    const ssize_t came = ::recv(fd_, bytes.data() + had, bytes.size() - had, 0);
    const int error_number = errno;
    bytes.resize(had + static_cast<std::size_t>(std::max<ssize_t>(came, 0)));
    if (came == 0) {
      return fault(had == 0 ? Fault::Kind::NotFound : Fault::Kind::Network, "the other side hung up");
    }
    if (came > 0) continue;
    if (error_number != EAGAIN && error_number != EINTR) return network_fault("receiving", error_number);
    TRY(wait_for(fd_, POLLIN, deadline, "receiving"));
  }
  return bytes;
}

}  // namespace cotter::client
