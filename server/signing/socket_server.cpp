#include "server/signing/socket_server.h"

#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <list>
#include <utility>
#include <vector>

#include "common/disk/posix_disk.h"

namespace cotter::signing {
namespace {

using Moment = std::chrono::steady_clock::time_point;

constexpr std::size_t kPiece = std::size_t{64} * 1024;
constexpr mode_t kOwnersSocket = 0600;
constexpr mode_t kGroupsSocket = 0660;

Moment moment() { return std::chrono::steady_clock::now(); }

/// One caller. A request is read, answered, and its answer taken, before the next is read.
class Line {
 public:
  Line(UnixSocket socket, uid_t caller) : socket_(std::move(socket)), caller_(caller), since_(moment()) {}

  [[nodiscard]] pollfd waits_for() const {
    return {socket_.fd(), static_cast<short>(out_.empty() ? POLLIN : POLLOUT), 0};
  }
  /// When it last did something that was whole: sent a request, took an answer.
  [[nodiscard]] Moment since() const { return since_; }
  /// In the middle of a request or an answer.
  [[nodiscard]] bool is_under_way() const { return !in_.empty() || !out_.empty(); }

  /// What can be done without waiting. false: it is over.
  bool go_on(const SocketServer::Answering& answering) {
    if (!out_.empty()) return send();
    if (!receive()) return false;
    if (in_.size() < kLengthBytes) return true;
    const auto length = read_length(ByteView(in_).first(kLengthBytes));
    if (!length) return hang_up(length.error());
    if (in_.size() < kLengthBytes + *length) return true;
    const auto request = decode_request(ByteView(in_).subspan(kLengthBytes, *length));
    if (!request) return hang_up(request.error());
    out_ = encode(answering(*request, caller_));
    in_ = {};  // gives its memory back too
    since_ = moment();
    return send();
  }

 private:
  /// Never beyond the request that is being read: there is room for one.
  [[nodiscard]] std::size_t missing() const {
    if (in_.size() < kLengthBytes) return kLengthBytes - in_.size();
    const auto length = read_length(ByteView(in_).first(kLengthBytes));
    return length ? kLengthBytes + *length - in_.size() : 0;
  }

  bool receive() {
    std::array<std::uint8_t, kPiece> piece;
    while (const std::size_t wanted = std::min(missing(), piece.size())) {
      const ssize_t came = ::recv(socket_.fd(), piece.data(), wanted, 0);
      if (came == 0) return false;
      if (came < 0) return errno == EAGAIN || errno == EINTR;
      if (in_.empty()) since_ = moment();
      in_.insert(in_.end(), piece.begin(), piece.begin() + came);
    }
    return true;
  }

  bool send() {
    const ByteView rest = ByteView(out_).subspan(sent_);
    const ssize_t sent = ::send(socket_.fd(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN || errno == EINTR;
    sent_ += static_cast<std::size_t>(sent);
    if (sent_ < out_.size()) return true;
    out_ = {};
    sent_ = 0;
    since_ = moment();
    return true;
  }

  /// After a frame that makes no sense, the next one has no beginning.
  bool hang_up(const Error& error) const {
    spdlog::warn("user {} sent no request, and is hung up on: {}", caller_, summary(error));
    return false;
  }

  UnixSocket socket_;
  uid_t caller_;
  Moment since_;
  Bytes in_;
  Bytes out_;
  std::size_t sent_ = 0;
};

class Door {
 public:
  Door(const DoorOptions& options, const SocketServer::Answering& answering, const UnixSocket& listener)
      : options_(options), answering_(answering), listener_(listener) {}

  Result<void> run(int stop) {
    while (true) {
      std::vector<pollfd> polled{{stop, POLLIN, 0}, {listener_.fd(), POLLIN, 0}};
      for (const Line& line : lines_) polled.push_back(line.waits_for());
      const int ready = ::poll(polled.data(), polled.size(), patience_left());
      if (ready < 0 && errno != EINTR) return fail(disk::errno_fault("cannot wait for callers", errno));
      if (ready < 0) continue;
      if (polled[0].revents != 0) return {};
      auto entry = polled.begin() + 2;
      // One request of each at most: nobody has to wait until another has asked all he wants.
      std::erase_if(lines_, [&](Line& line) { return (entry++)->revents != 0 && !line.go_on(answering_); });
      std::erase_if(lines_, [&](const Line& line) { return is_too_slow(line); });
      if (polled[1].revents != 0) accept();
    }
  }

 private:
  [[nodiscard]] bool is_too_slow(const Line& line) const {
    return line.is_under_way() && moment() - line.since() >= options_.patience;
  }

  /// Until the first of those that are in the middle of something is too slow; -1: nobody is.
  [[nodiscard]] int patience_left() const {
    int least = -1;
    for (const Line& line : lines_) {
      if (!line.is_under_way()) continue;
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(line.since() + options_.patience - moment());
      const int waiting = static_cast<int>(std::max<std::int64_t>(left.count(), 0));
      if (least < 0 || waiting < least) least = waiting;
    }
    return least;
  }

  void accept() {
    UnixSocket socket(::accept4(listener_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket.is_open()) return;  // it left again
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(socket.fd(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return;
    if (!options_.callers.contains(peer.uid)) {
      spdlog::warn("turned away user {}, process {}: no key is for this account", peer.uid, peer.pid);
      const Bytes answer = encode(Answer(Refused{"caller-not-allowed", "no key is for this account"}));
      static_cast<void>(::send(socket.fd(), answer.data(), answer.size(), MSG_NOSIGNAL));
      return;
    }
    if (lines_.size() >= options_.max_connections) {
      lines_.erase(std::ranges::min_element(lines_, {}, &Line::since));
    }
    lines_.emplace_back(std::move(socket), peer.uid);
  }

  const DoorOptions& options_;
  const SocketServer::Answering& answering_;
  const UnixSocket& listener_;
  std::list<Line> lines_;
};

}  // namespace

Result<SocketServer> SocketServer::listen(DoorOptions options, Answering answering) {
  const bool for_others = std::ranges::any_of(options.callers, [](uid_t uid) { return uid != ::geteuid(); });
  const mode_t mode = for_others ? kGroupsSocket : kOwnersSocket;
  UnixSocket listener =
      TRY(UnixSocket::listen(options.socket, mode, for_others ? options.group : std::nullopt));
  return SocketServer(std::move(options), std::move(answering), std::move(listener));
}

SocketServer::~SocketServer() {
  if (listener_.is_open()) ::unlink(options_.socket.c_str());
}

Result<void> SocketServer::run(int stop) { return Door(options_, answering_, listener_).run(stop); }

}  // namespace cotter::signing
