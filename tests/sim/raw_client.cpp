#include "tests/sim/raw_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>

#include "common/base/error.h"

namespace cotter::sim {
namespace {

constexpr timeval kPatience{20, 0};

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
  return result;
}

RawReply parse_head(const std::string& head) {
  RawReply reply;
  reply.head = head;
  reply.version = head.substr(0, head.find(' '));
  reply.status = std::atoi(head.c_str() + std::min(head.size(), reply.version.size()));
  std::string_view rest = head;
  for (auto end = rest.find("\r\n"); end != std::string_view::npos; end = rest.find("\r\n")) {
    rest.remove_prefix(end + 2);
    const std::string_view line = rest.substr(0, rest.find("\r\n"));
    const auto colon = line.find(": ");
    if (colon != std::string_view::npos) reply.headers[lower(line.substr(0, colon))] = line.substr(colon + 2);
  }
  return reply;
}

}  // namespace

RawClient::RawClient(std::uint16_t port, int receive_buffer) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
  COTTER_ASSERT(fd_ >= 0);
  if (receive_buffer > 0) ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof(kPatience));
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof(kPatience));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  COTTER_ASSERT(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
}

RawClient::~RawClient() { ::close(fd_); }

bool RawClient::send(std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void RawClient::end_sending() { ::shutdown(fd_, SHUT_WR); }

bool RawClient::receive() {
  std::array<char, 65536> chunk;
  const ssize_t got = ::recv(fd_, chunk.data(), chunk.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) timed_out_ = true;
  if (got <= 0) return false;
  buffer_.append(chunk.data(), static_cast<std::size_t>(got));
  return true;
}

RawReply RawClient::reply(bool of_head) {
  while (buffer_.find("\r\n\r\n") == std::string::npos) {
    if (!receive()) return {};
  }
  const std::size_t end = buffer_.find("\r\n\r\n") + 4;
  RawReply reply = parse_head(buffer_.substr(0, end));
  buffer_.erase(0, end);
  const auto length = reply.headers.find("content-length");
  const bool bodyless = of_head || reply.status == 304 || reply.status < 200;
  const std::size_t size = bodyless                        ? 0
                           : length == reply.headers.end() ? std::string::npos
                                                           : std::stoul(length->second);
  while (buffer_.size() < size && receive()) {
  }
  reply.body = buffer_.substr(0, size);
  buffer_.erase(0, reply.body.size());
  return reply;
}

bool RawClient::ended() {
  while (receive()) buffer_.clear();
  return !timed_out_;
}

}  // namespace cotter::sim
