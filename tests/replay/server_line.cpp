#include "tests/replay/server_line.h"

#include <fcntl.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "common/json/strict_reader.h"

namespace cotter::replay {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kSendPatience{10};
constexpr std::size_t kMaxReply = std::size_t{64} * 1024 * 1024;

int milliseconds_left(Clock::time_point until) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
  return static_cast<int>(std::max<std::int64_t>(left, 0));
}

/// false: nothing happened in time.
bool wait_for(int fd, short events, Clock::time_point until) {
  pollfd what{fd, events, 0};
  return ::poll(&what, 1, milliseconds_left(until)) > 0;
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

Error network(const ServerAddress& address, const std::string& why) {
  return Fault{Fault::Kind::Network, "cannot reach " + address.host + ":" + address.port + ": " + why,
               "see that the server runs, and that --server names it"};
}

std::string tls_reason() {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return reason == nullptr ? "the handshake was broken off" : reason;
}

/// A connected socket that never blocks; -1 and `why` when there is none.
int connected_socket(const ServerAddress& address, Clock::time_point until, std::string& why) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int code = ::getaddrinfo(address.host.c_str(), address.port.c_str(), &hints, &found);
  if (code != 0) {
    why = ::gai_strerror(code);
    return -1;
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, &::freeaddrinfo);
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    const int fd = ::socket(each->ai_family, each->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
      why = std::string("no socket: ") + std::strerror(errno);
      return -1;
    }
    int error = ::connect(fd, each->ai_addr, each->ai_addrlen) == 0 ? 0 : errno;
    if (error == EINPROGRESS && wait_for(fd, POLLOUT, until)) {
      socklen_t size = sizeof(error);
      ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    }
    if (error == 0) return fd;
    why = std::strerror(error);
    ::close(fd);
  }
  return -1;
}

using TlsContext = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;

Result<TlsContext> make_context(const Credentials* who) {
  TlsContext context(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
  COTTER_ASSERT(context != nullptr);
  if (who == nullptr) return context;
  const auto use = [](bool used, const std::filesystem::path& file) -> Result<void> {
    if (used) return {};
    return fault(Fault::Kind::Io, "cannot use " + file.string() + ": " + tls_reason(),
                 "certificate and key are PEM files, the key not encrypted");
  };
  if (!who->certificate.empty()) {
    TRY(use(SSL_CTX_use_certificate_chain_file(context.get(), who->certificate.c_str()) == 1,
            who->certificate));
    TRY(use(SSL_CTX_use_PrivateKey_file(context.get(), who->key.c_str(), SSL_FILETYPE_PEM) == 1, who->key));
  }
  if (!who->ca.empty()) {
    TRY(use(SSL_CTX_load_verify_file(context.get(), who->ca.c_str()) == 1, who->ca));
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  }
  return context;
}

/// The certificate must be for this name or address; a name is said in the handshake too.
void expect_host(SSL& ssl, std::string host) {
  if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(&ssl), host.c_str()) == 1) return;
  SSL_set1_host(&ssl, host.c_str());
  SSL_ctrl(&ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, host.data());
}

/// The whole of a chunked body in `text`; nothing while it is not all there.
std::optional<std::string> dechunked(std::string_view text) {
  std::string body;
  for (;;) {
    const auto line = text.find("\r\n");
    if (line == std::string_view::npos) return std::nullopt;
    std::size_t size = 0;
    if (std::from_chars(text.data(), text.data() + line, size, 16).ec != std::errc()) return body;
    if (size == 0) return body;
    if (size > kMaxReply || text.size() < line + 2 + size + 2) return std::nullopt;
    body += text.substr(line + 2, size);
    text.remove_prefix(line + 2 + size + 2);
  }
}

}  // namespace

// --- where, and what came
// ------------------------------------------------------------------------------------

Result<ServerAddress> ServerAddress::parse(const std::string& url) {
  const auto wrong = [&] {
    return fault(Fault::Kind::Usage, "'" + url + "' is no server's address", "as https://127.0.0.1:8443");
  };
  ServerAddress address;
  std::string_view rest = url;
  address.tls = rest.starts_with("https://");
  if (!address.tls && !rest.starts_with("http://")) return wrong();
  rest.remove_prefix(rest.find("//") + 2);
  const auto slash = rest.find('/');
  if (slash != std::string_view::npos) address.base = rest.substr(slash);
  while (address.base.ends_with('/')) address.base.pop_back();
  rest = rest.substr(0, slash);
  const auto colon = rest.rfind(':');
  const bool has_port = colon != std::string_view::npos && rest.find(']', colon) == std::string_view::npos;
  address.host = rest.substr(0, has_port ? colon : std::string_view::npos);
  address.port = has_port ? std::string(rest.substr(colon + 1)) : (address.tls ? "443" : "80");
  if (address.host.starts_with('[') && address.host.ends_with(']'))
    address.host = address.host.substr(1, address.host.size() - 2);
  if (address.host.empty() || address.port.empty()) return wrong();
  return address;
}

bool ServerAddress::is_loopback() const {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

std::string ServerAddress::authority() const {
  return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + port;
}

std::string HttpReply::member(const std::string& name) const {
  const auto document = json::read(as_bytes(body));
  if (!document || document->as_object() == nullptr) return "";
  const json::Value* found = document->as_object()->find(name);
  return found == nullptr || found->as_string() == nullptr ? "" : *found->as_string();
}

HttpReply parse_reply_head(std::string_view head) {
  HttpReply reply;
  const auto space = head.find(' ');
  if (!head.starts_with("HTTP/1.") || space == std::string_view::npos) return reply;
  std::from_chars(head.data() + space + 1, head.data() + head.size(), reply.status);
  for (auto end = head.find("\r\n"); end != std::string_view::npos; end = head.find("\r\n")) {
    head.remove_prefix(end + 2);
    const std::string_view line = head.substr(0, head.find("\r\n"));
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    std::string_view value = line.substr(colon + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    reply.headers[lower(line.substr(0, colon))] = value;
  }
  return reply;
}

// --- the connection
// ------------------------------------------------------------------------------------------

struct Line::Channel {
  Channel() = default;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  ~Channel() {
    ssl.reset();
    if (fd >= 0) ::close(fd);
  }
  /// What to wait for after a call that came to nothing; 0: it is over.
  [[nodiscard]] short wanted(int result) const {
    const int why = SSL_get_error(ssl.get(), result);
    if (why == SSL_ERROR_WANT_READ) return POLLIN;
    if (why == SSL_ERROR_WANT_WRITE) return POLLOUT;
    ERR_clear_error();
    return 0;
  }
  Result<void> shake_hands(const ServerAddress& address, Clock::time_point until) {
    for (;;) {
      const int result = SSL_connect(ssl.get());
      if (result == 1) return {};
      const int why = SSL_get_error(ssl.get(), result);
      if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
        return fail(network(address, tls_reason()));
      if (!wait_for(fd, why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, until))
        return fault(Fault::Kind::Timeout, address.host + ":" + address.port + " does not answer");
    }
  }

  int fd = -1;
  TlsContext context{nullptr, &SSL_CTX_free};
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl{nullptr, &SSL_free};
};

Line::Line(std::unique_ptr<Channel> channel) : channel_(std::move(channel)) {}
Line::~Line() = default;

Result<std::unique_ptr<Line>> Line::open(const ServerAddress& address, const Credentials* who, Limit limit) {
  const Clock::time_point until = Clock::now() + limit;
  auto channel = std::make_unique<Channel>();
  std::string why = "no answer";
  channel->fd = connected_socket(address, until, why);
  if (channel->fd < 0) return fail(network(address, why));
  if (address.tls) {
    channel->context = TRY(make_context(who));
    channel->ssl.reset(SSL_new(channel->context.get()));
    COTTER_ASSERT(channel->ssl != nullptr && SSL_set_fd(channel->ssl.get(), channel->fd) == 1);
    expect_host(*channel->ssl, address.host);
    TRY(channel->shake_hands(address, until));
  }
  return std::unique_ptr<Line>(new Line(std::move(channel)));
}

bool Line::send(std::string_view bytes) {
  const Clock::time_point until = Clock::now() + kSendPatience;
  while (!bytes.empty()) {
    ssize_t sent = 0;
    short wait = POLLOUT;
    if (channel_->ssl) {
      const auto piece = static_cast<int>(std::min<std::size_t>(bytes.size(), 16 * 1024));
      sent = SSL_write(channel_->ssl.get(), bytes.data(), piece);
      if (sent <= 0) wait = channel_->wanted(static_cast<int>(sent));
    } else {
      sent = ::send(channel_->fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0 && errno != EAGAIN) wait = 0;
    }
    if (sent > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (wait == 0 || !wait_for(channel_->fd, wait, until)) {
      return false;
    }
  }
  return true;
}

void Line::end_sending() {
  if (channel_->ssl) SSL_shutdown(channel_->ssl.get());
  ::shutdown(channel_->fd, SHUT_WR);
}

/// More into the buffer; false: the end, or the limit.
bool Line::receive(Clock::time_point until) {
  std::array<char, 32768> piece;
  while (!ended_) {
    ssize_t got = 0;
    short wait = POLLIN;
    if (channel_->ssl) {
      got = SSL_read(channel_->ssl.get(), piece.data(), static_cast<int>(piece.size()));
      if (got <= 0) wait = channel_->wanted(static_cast<int>(got));
    } else {
      got = ::recv(channel_->fd, piece.data(), piece.size(), 0);
      if (got == 0 || (got < 0 && errno != EAGAIN)) wait = 0;
    }
    if (got > 0) {
      buffer_.append(piece.data(), static_cast<std::size_t>(got));
      return buffer_.size() <= kMaxReply;
    }
    if (wait == 0) {
      ended_ = true;
    } else if (!wait_for(channel_->fd, wait, until)) {
      return false;
    }
  }
  return false;
}

HttpReply Line::reply(bool of_head, Limit limit) {
  const Clock::time_point until = Clock::now() + limit;
  for (;;) {
    while (buffer_.find("\r\n\r\n") == std::string::npos) {
      if (!receive(until)) return {};
    }
    const std::size_t end = buffer_.find("\r\n\r\n") + 4;
    HttpReply reply = parse_reply_head(buffer_.substr(0, end));
    buffer_.erase(0, end);
    if (reply.status != 100) return take_body(std::move(reply), of_head, until);
  }
}

HttpReply Line::take_body(HttpReply reply, bool of_head, Clock::time_point until) {
  if (of_head || reply.status == 304 || reply.status == 204) return reply;
  if (reply.headers["transfer-encoding"] == "chunked") {
    auto body = dechunked(buffer_);
    while (!body && receive(until)) body = dechunked(buffer_);
    reply.body = body.value_or("");
    buffer_.clear();
    return reply;
  }
  std::size_t size = kMaxReply;
  const auto length = reply.headers.find("content-length");
  if (length != reply.headers.end())
    std::from_chars(length->second.data(), length->second.data() + length->second.size(), size);
  while (buffer_.size() < size && receive(until)) {
  }
  reply.body = buffer_.substr(0, size);
  buffer_.erase(0, reply.body.size());
  return reply;
}

std::string Line::read_all(Limit limit, bool& ended) {
  const Clock::time_point until = Clock::now() + limit;
  while (receive(until)) {
  }
  ended = ended_;
  return std::exchange(buffer_, {});
}

}  // namespace cotter::replay
