#include "tests/sim/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "common/base/error.h"

namespace cotter::sim {
namespace {

bool send_all(int connection, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(connection, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

/// More bytes from the connection; false at its end.
bool receive(int connection, std::string& buffer) {
  std::array<char, 16384> chunk;
  const ssize_t got = ::recv(connection, chunk.data(), chunk.size(), 0);
  if (got <= 0) return false;
  buffer.append(chunk.data(), static_cast<std::size_t>(got));
  return true;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
  return text;
}

/// The head of a request, up to its blank line.
HttpRequest parse_head(std::string_view head) {
  HttpRequest request;
  const std::string_view first = head.substr(0, head.find("\r\n"));
  const auto blank = first.find(' ');
  request.method = first.substr(0, blank);
  request.target = first.substr(blank + 1, first.rfind(' ') - blank - 1);
  for (auto end = head.find("\r\n"); end != std::string_view::npos; end = head.find("\r\n")) {
    head.remove_prefix(end + 2);
    const std::string_view line = head.substr(0, head.find("\r\n"));
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const auto value = line.find_first_not_of(' ', colon + 1);
    request.headers[lower(std::string(line.substr(0, colon)))] =
        value == std::string_view::npos ? "" : line.substr(value);
  }
  return request;
}

/// The next request of a connection; nothing at its end. `buffer` keeps what came after it.
std::optional<HttpRequest> read_request(int connection, std::string& buffer) {
  std::size_t end = buffer.find("\r\n\r\n");
  while (end == std::string::npos) {
    if (!receive(connection, buffer)) return std::nullopt;
    end = buffer.find("\r\n\r\n");
  }
  HttpRequest request = parse_head(std::string_view(buffer).substr(0, end));
  buffer.erase(0, end + 4);
  const auto length = request.headers.find("content-length");
  const std::size_t size = length == request.headers.end() ? 0 : std::stoul(length->second);
  while (buffer.size() < size) {
    if (!receive(connection, buffer)) return std::nullopt;
  }
  request.body = to_bytes(std::string_view(buffer).substr(0, size));
  buffer.erase(0, size);
  return request;
}

}  // namespace

HttpServer::HttpServer(Handler handler, const std::string& where, std::uint16_t port)
    : handler_(std::move(handler)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  COTTER_ASSERT(::inet_pton(AF_INET, where.c_str(), &address.sin_addr) == 1);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  const int again = port == 0 ? 0 : 1;  // a port asked for may still be remembered by its last owner
  ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &again, sizeof again);
  COTTER_ASSERT(::bind(listener_, generic, size) == 0);
  COTTER_ASSERT(::listen(listener_, 64) == 0);
  COTTER_ASSERT(::getsockname(listener_, generic, &size) == 0);
  url_ = "http://" + where + ":" + std::to_string(ntohs(address.sin_port));
  acceptor_ = std::thread([this] { accept_all(); });
}

HttpServer::~HttpServer() {
  stopping_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  {
    const std::lock_guard lock(guard_);
    for (const int connection : connections_) ::shutdown(connection, SHUT_RDWR);
  }
  for (std::thread& thread : threads_) thread.join();
  ::close(listener_);
}

void HttpServer::accept_all() {
  while (!stopping_) {
    const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) continue;
    const int at_once = 1;  // else a body waits for its head to be acknowledged
    ::setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
    const std::lock_guard lock(guard_);
    connections_.insert(connection);
    threads_.emplace_back([this, connection] { serve(connection); });
  }
}

void HttpServer::serve(int connection) {
  std::string buffer;
  while (!stopping_) {
    const std::optional<HttpRequest> request = read_request(connection, buffer);
    if (!request || !answer(connection, *request)) break;
  }
  const std::lock_guard lock(guard_);
  connections_.erase(connection);
  ::close(connection);
}

bool HttpServer::answer(int connection, const HttpRequest& request) {
  {
    const std::lock_guard lock(guard_);
    requests_.push_back(request.method + " " + request.target);
  }
  HttpResponse response;
  {
    const std::lock_guard lock(handler_guard_);
    response = handler_(request);
  }
  if (response.dropped || !pause(response.silent_for)) return false;
  std::string head = response.http_1_0 ? "HTTP/1.0 " : "HTTP/1.1 ";
  head += std::to_string(response.status) + " Whatever\r\n";
  for (const auto& [name, value] : response.headers) head.append(name).append(": ").append(value) += "\r\n";
  const bool has_length = !response.http_1_0 && !response.endless;
  if (has_length || response.claimed_length) {
    head +=
        "Content-Length: " + std::to_string(response.claimed_length.value_or(response.body.size())) + "\r\n";
  }
  if (!has_length) head += "Connection: close\r\n";
  return send_all(connection, head + "\r\n") && send_body(connection, response) && has_length;
}

bool HttpServer::send_body(int connection, const HttpResponse& response) {
  std::string_view body = as_text(response.body);
  if (response.cut_after) {
    send_all(connection, body.substr(0, *response.cut_after));
    return false;
  }
  std::uint64_t sent_in_all = 0;
  do {
    const std::size_t piece = response.bytes_a_piece == 0 ? body.size() : response.bytes_a_piece;
    for (std::size_t sent = 0; sent < body.size() && !stopping_; sent += piece) {
      if (!send_all(connection, body.substr(sent, piece)) || !pause(response.between_pieces)) return false;
      sent_in_all += std::min(piece, body.size() - sent);
      if (response.endless && sent_in_all > longest_answer_) longest_answer_ = sent_in_all;
    }
  } while (response.endless && !stopping_ && sent_in_all < kEndless);
  return !response.claimed_length || *response.claimed_length == body.size();
}

bool HttpServer::pause(std::chrono::milliseconds time) const {
  constexpr std::chrono::milliseconds kLook(20);  // as often as that, whether to stop
  for (; time > kLook && !stopping_; time -= kLook) std::this_thread::sleep_for(kLook);
  if (!stopping_) std::this_thread::sleep_for(time);
  return !stopping_;
}

std::vector<std::string> HttpServer::requests() const {
  const std::lock_guard lock(guard_);
  return requests_;
}

HttpResponse ok_or_404(const std::optional<Bytes>& found) {
  HttpResponse response;
  response.status = found ? 200 : 404;
  response.body = found.value_or(to_bytes("nothing here"));
  return response;
}

HttpServer::Handler serving(std::map<std::string, RepositorySim*> repositories) {
  return [repositories = std::move(repositories)](const HttpRequest& request) {
    for (const auto& [name, repository] : repositories) {
      const std::string prefix = "/" + name + "/";
      if (request.target.starts_with(prefix)) {
        return ok_or_404(repository->file(std::string_view(request.target).substr(prefix.size())));
      }
    }
    return ok_or_404(std::nullopt);
  };
}

}  // namespace cotter::sim
