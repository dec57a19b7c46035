#include "tests/bench/loopback_http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <vector>

#include "common/host/atomic_file.h"

namespace cotter::bench {
namespace {

using Steady = std::chrono::steady_clock;

constexpr int kThreads = 2;
constexpr int kConnections = 8;     // of each thread
constexpr timeval kPatience{5, 0};  // for an answer
constexpr int kStopMs = 50;         // between looks at the wish to stop

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

class Connection {
 public:
  explicit Connection(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const sockaddr_in address = loopback(port);
    const int yes = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof(kPatience));
    good_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  }
  ~Connection() { ::close(fd_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  bool send(const std::string& text) {
    good_ = good_ && ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
    return good_;
  }
  bool skip(std::size_t bytes) {
    std::array<char, 16 * 1024> chunk{};
    while (good_ && bytes > 0) {
      const ssize_t got = ::recv(fd_, chunk.data(), std::min(bytes, chunk.size()), 0);
      good_ = got > 0;
      if (good_) bytes -= static_cast<std::size_t>(got);
    }
    return good_;
  }
  /// One answer, by its Content-Length; cut short where there is none.
  std::string read_answer() {
    std::string text;
    std::array<char, 16 * 1024> chunk{};
    for (std::size_t whole = std::string::npos; text.size() < whole;) {
      const ssize_t got = ::recv(fd_, chunk.data(), chunk.size(), 0);
      if (got <= 0) break;
      text.append(chunk.data(), static_cast<std::size_t>(got));
      if (const auto head = text.find("\r\n\r\n"); head != std::string::npos)
        whole = head + 4 + body_bytes(text);
    }
    return text;
  }

 private:
  static std::size_t body_bytes(const std::string& head) {
    constexpr std::string_view kLength = "Content-Length: ";
    const auto at = head.find(kLength);
    return at == std::string::npos ? 0 : std::stoul(head.substr(at + kLength.size(), 10));
  }
  int fd_;
  bool good_;
};

std::string request_for(const std::string& path) {
  return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
}

/// Answers that this thread got; -1: a connection broke.
std::int64_t ask_until(Steady::time_point end, std::uint16_t port, const std::string& request,
                       std::size_t bytes) {
  std::vector<std::unique_ptr<Connection>> connections;
  connections.reserve(kConnections);
  for (int i = 0; i < kConnections; ++i) connections.push_back(std::make_unique<Connection>(port));
  std::int64_t answers = 0;
  while (Steady::now() < end) {
    for (const auto& each : connections) {
      if (!each->send(request)) return -1;
    }
    for (const auto& each : connections) {
      if (!each->skip(bytes)) return -1;
    }
    answers += kConnections;
  }
  return answers;
}

}  // namespace

Result<std::string> first_answer(std::uint16_t port, const std::string& path) {
  Connection connection(port);
  connection.send(request_for(path));
  std::string answer = connection.read_answer();
  if (answer.find(" 200 ") != std::string::npos) return answer;
  return fault(Fault::Kind::Network, "no good answer to GET " + path + ": " + answer.substr(0, 80));
}

Result<double> gets_per_second(std::uint16_t port, const std::string& path, std::size_t answer_bytes,
                               std::chrono::milliseconds time) {
  const std::string request = request_for(path);
  std::array<std::int64_t, kThreads> answers{};
  const auto start = Steady::now();
  std::vector<std::thread> threads;
  threads.reserve(answers.size());
  for (std::int64_t& mine : answers) {
    threads.emplace_back([&, end = start + time] { mine = ask_until(end, port, request, answer_bytes); });
  }
  for (std::thread& thread : threads) thread.join();
  const double seconds = std::chrono::duration<double>(Steady::now() - start).count();
  double sum = 0;
  for (const std::int64_t mine : answers) {
    if (mine < 0) return fault(Fault::Kind::Network, "the server ended a connection that was to be kept");
    sum += static_cast<double>(mine);
  }
  return sum / seconds;
}

Result<std::unique_ptr<FixedAnswer>> FixedAnswer::listen(std::string answer) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof(address);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(fd, SOMAXCONN) != 0 ||
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    ::close(fd);
    return fail(host::errno_fault("cannot listen", errno));
  }
  return std::unique_ptr<FixedAnswer>(new FixedAnswer(fd, ntohs(address.sin_port), std::move(answer)));
}

FixedAnswer::FixedAnswer(int listener, std::uint16_t port, std::string answer)
    : listener_(listener), port_(port), answer_(std::move(answer)), thread_([this] { serve(); }) {}

FixedAnswer::~FixedAnswer() {
  stopping_ = true;
  thread_.join();
  ::close(listener_);
}

void FixedAnswer::serve() {
  std::vector<pollfd> watched{{listener_, POLLIN, 0}};
  std::array<char, 4096> request{};
  while (!stopping_) {
    ::poll(watched.data(), watched.size(), kStopMs);
    if (watched[0].revents != 0) watched.push_back({::accept(listener_, nullptr, nullptr), POLLIN, 0});
    for (std::size_t i = 1; i < watched.size(); ++i) {
      pollfd& each = watched[i];
      if (each.revents == 0) continue;
      if (::recv(each.fd, request.data(), request.size(), 0) > 0) {
        ::send(each.fd, answer_.data(), answer_.size(), MSG_NOSIGNAL);
      } else {
        ::close(each.fd);
        each.fd = -1;  // poll passes over it
      }
    }
  }
  for (std::size_t i = 1; i < watched.size(); ++i) {
    if (watched[i].fd >= 0) ::close(watched[i].fd);
  }
}

}  // namespace cotter::bench
