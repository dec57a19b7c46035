#include "server/http/session.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <cctype>
#include <ctime>
#include <limits>
#include <span>
#include <vector>

#include "common/host/system_clock.h"
#include "server/http/access_log.h"
#include "server/http/conditional.h"
#include "server/http/problem.h"
#include "server/http/tls.h"

namespace cotter::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::uint32_t kMaxHeader = 16 * 1024;
constexpr std::size_t kPiece = 256 * 1024;  // of a file, in memory at a time
constexpr std::size_t kSlice = 32 * 1024;   // in 30 s that is a kilobyte a second, as slow as a client may be
constexpr std::chrono::milliseconds kFarewell{1'000};
constexpr std::chrono::milliseconds kShortFarewell{100};  // when all are to go
constexpr std::size_t kAway = 64 * 1024;  // what is not wanted is read in pieces of this size…
constexpr std::size_t kMaxAway = 256;     // …this often at most
constexpr const char* kAmbiguous = "one Host, and one way to tell where the body ends, are needed";

using Parser = bhttp::request_parser<bhttp::vector_body<std::uint8_t>>;

Method method_of(bhttp::verb verb) {
  switch (verb) {
    case bhttp::verb::get:
      return Method::Get;
    case bhttp::verb::head:
      return Method::Head;
    case bhttp::verb::put:
      return Method::Put;
    case bhttp::verb::post:
      return Method::Post;
    case bhttp::verb::patch:
      return Method::Patch;
    case bhttp::verb::delete_:
      return Method::Delete;
    default:
      return Method::Other;
  }
}

std::string_view name_of(Method method) {
  switch (method) {
    case Method::Get:
      return "GET";
    case Method::Head:
      return "HEAD";
    case Method::Put:
      return "PUT";
    case Method::Post:
      return "POST";
    case Method::Patch:
      return "PATCH";
    case Method::Delete:
      return "DELETE";
    case Method::Other:
      break;
  }
  return "OTHER";
}

std::string path_of(const Parser& parser) {
  const auto target = parser.get().target();
  const std::string_view whole(target.data(), target.size());
  return std::string(whole.substr(0, whole.find('?')));
}

std::string query_of(const Parser& parser) {
  const auto target = parser.get().target();
  const std::string_view whole(target.data(), target.size());
  return std::string(whole.substr(std::min(whole.size(), path_of(parser).size() + 1)));
}

/// All but the body.
Request head_of(const Parser& parser, const std::optional<VehicleId>& caller) {
  Request request;
  request.method = method_of(parser.get().method());
  request.path = path_of(parser);
  request.query = query_of(parser);
  for (const auto& field : parser.get()) {
    std::string name(field.name_string().data(), field.name_string().size());
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    request.headers[std::move(name)] = std::string(field.value().data(), field.value().size());
  }
  request.caller = caller;
  return request;
}

/// RFC 9110 7.2: a name or an address, perhaps with a port. What a folded line or a second name left in it is
/// none.
bool is_host(std::string_view host) {
  return std::ranges::all_of(host, [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("-._~%!$&'()*+,;=:[]").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

/// RFC 9112 3.2 and 6.3: who is meant, and where the body ends, must be beyond doubt.
bool is_ambiguous(const Parser& parser) {
  const auto& head = parser.get();
  const bool needs_host = head.version() >= 11;
  const auto host = head[bhttp::field::host];
  return (needs_host && head.count(bhttp::field::host) != 1) || !is_host({host.data(), host.size()}) ||
         (head.count(bhttp::field::transfer_encoding) != 0 && !parser.chunked());
}

bool has_body(const Parser& parser) { return parser.chunked() || parser.content_length().value_or(0) > 0; }

Response busy() {
  Response response = problem(503, "busy", "too many ask at the moment; see Retry-After");
  response.headers["Retry-After"] = "1";
  return response;
}

std::string address_of(const tcp::socket& socket) {
  error_code error;
  const auto peer = socket.remote_endpoint(error);
  return error ? "somebody" : peer.address().to_string();
}

template <class Stream>
class Session final : Connection {
 public:
  Session(Stream stream, Shared& shared) : stream_(std::move(stream)), shared_(shared) {
    shared_.connections.insert(this);
  }
  ~Session() { shared_.connections.erase(this); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  asio::awaitable<void> serve() {
    // No co_await stands within a condition: g++ 12 makes a trap of it (docs/mistakes.md).
    bool goes_on = co_await open();
    if (!goes_on) co_return;
    while (goes_on && !shared_.stopping) goes_on = co_await serve_one();
    co_await close();
  }

  /// Its read, and any later one, is at an end; it closes by itself then.
  void end_if_idle() override {
    error_code ignored;
    if (!answering_) socket().socket().shutdown(tcp::socket::shutdown_receive, ignored);
  }
  void cut() override {
    waiting_since_.reset();
    socket().close();
  }
  [[nodiscard]] std::optional<Instant> waiting_since() const override { return waiting_since_; }

 private:
  static constexpr bool kTls = !std::is_same_v<Stream, beast::tcp_stream>;
  enum class Body : std::uint8_t { Read, TooLarge, Broken };
  auto& socket() { return beast::get_lowest_layer(stream_); }
  /// From here on it is the client's turn.
  void wait_for_client(std::chrono::milliseconds limit) {
    waiting_since_ = std::chrono::steady_clock::now();
    socket().expires_after(limit);
  }

  asio::awaitable<bool> open() {
    if constexpr (kTls) {
      error_code error;
      wait_for_client(shared_.options.idle);
      co_await stream_.async_handshake(asio::ssl::stream_base::server,
                                       asio::redirect_error(asio::use_awaitable, error));
      if (error) {
        const std::string why = certificate_complaint(stream_.native_handle());
        if (!why.empty()) {
          spdlog::warn("client at {} turned away: its certificate: {}", address_of(socket().socket()), why);
        }
        co_return false;
      }
      caller_ = named_by_certificate(stream_.native_handle());
    }
    co_return true;
  }

  /// Says farewell. The client gets a moment to take what we said last: a socket closed over unread bytes
  /// would take it back.
  asio::awaitable<void> close() {
    error_code error;
    socket().expires_after(shared_.stopping ? kShortFarewell : kFarewell);
    if constexpr (!kTls) socket().socket().shutdown(tcp::socket::shutdown_send, error);
    if (unread_) {
      std::vector<char> away(kAway);
      for (std::size_t piece = 0; piece < kMaxAway && !error; ++piece) {
        co_await stream_.async_read_some(asio::buffer(away),
                                         asio::redirect_error(asio::use_awaitable, error));
      }
    }
    if constexpr (kTls) co_await stream_.async_shutdown(asio::redirect_error(asio::use_awaitable, error));
  }

  /// One request and its answer; whether the connection goes on.
  asio::awaitable<bool> serve_one() {
    Parser parser;
    parser.header_limit(kMaxHeader);
    parser.body_limit(std::numeric_limits<std::uint64_t>::max());  // until we know what is asked for
    error_code error;
    asked_ = {};
    wait_for_client(shared_.options.idle);
    co_await bhttp::async_read_header(stream_, buffer_, parser,
                                      asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return co_await refuse_unreadable(error);
    answering_ = true;
    const bool goes_on = co_await answer_one(parser);
    answering_ = false;
    co_return goes_on;
  }

  asio::awaitable<bool> answer_one(Parser& parser) {
    version_ = parser.get().version();
    Request request = head_of(parser, caller_);
    asked_ = {name_of(request.method), request.path};
    request.peer = address_of(socket().socket());
    const bool head = request.method == Method::Head;
    if (is_ambiguous(parser)) co_return co_await refuse(problem(400, "bad request", kAmbiguous), head);
    auto too_soon = shared_.router.too_soon(request, std::chrono::steady_clock::now());
    // Whose token it is decides whether the body is read at all; who shows none is not waited for.
    if (shared_.router.bears_token(request)) {
      if (shared_.at_the_door >= shared_.options.max_operations) co_return co_await refuse(busy(), head);
      waiting_since_.reset();
      socket().expires_never();
      ++shared_.at_the_door;
      co_await asio::co_spawn(shared_.doorman, identify_blocking(request), asio::use_awaitable);
      --shared_.at_the_door;
    }
    std::unique_ptr<Turns::Place> place;
    if (Router::is_for_operations(request)) {
      place = shared_.turns.enter(request.bearer->name);
      if (!place) co_return co_await refuse(busy(), head);
    }
    const std::uint64_t limit = shared_.router.max_body(request);
    if (limit == 0 && has_body(parser)) {
      const Response response = co_await answer(request);
      co_return co_await refuse(response, head);
    }
    if (has_body(parser)) {
      const Body body = co_await read_body(parser, limit);
      if (body == Body::TooLarge) {
        const std::string words = "at most " + std::to_string(limit) + " bytes are taken here";
        co_return co_await refuse(problem(413, "too large", words), head);
      }
      if (body == Body::Broken) co_return false;
      request.body = std::move(parser.get().body());
    }
    // Who calls too often is told so on the same connection: a new one would cost us another handshake.
    Response response;
    if (too_soon) {
      response = *std::move(too_soon);
    } else {
      response = co_await answer(request);
    }
    place.reset();
    const bool keep_alive = parser.get().keep_alive() && !shared_.stopping;
    const bool written = co_await write(response, head, keep_alive);
    co_return written&& keep_alive;
  }

  asio::awaitable<Body> read_body(Parser& parser, std::uint64_t limit) {
    if (parser.content_length().value_or(0) > limit) co_return Body::TooLarge;
    parser.body_limit(limit);
    error_code error;
    wait_for_client(shared_.options.body);
    const auto expect = parser.get()[bhttp::field::expect];
    if (version_ >= 11 && beast::iequals(expect, "100-continue")) {
      static constexpr std::string_view kGoOn = "HTTP/1.1 100 Continue\r\n\r\n";
      co_await asio::async_write(stream_, asio::buffer(kGoOn),
                                 asio::redirect_error(asio::use_awaitable, error));
      if (error) co_return Body::Broken;
    }
    co_await bhttp::async_read(stream_, buffer_, parser, asio::redirect_error(asio::use_awaitable, error));
    if (error == bhttp::error::body_limit) co_return Body::TooLarge;
    co_return error ? Body::Broken : Body::Read;
  }

  /// An answer after which the connection ends, since what the client still sends is not read.
  asio::awaitable<bool> refuse(const Response& response, bool head) {
    unread_ = true;
    co_await write(response, head, false);
    co_return false;
  }

  asio::awaitable<bool> refuse_unreadable(error_code error) {
    const error_code any_of_http = bhttp::make_error_code(bhttp::error::bad_version);
    if (error == bhttp::error::header_limit) {
      const std::string words = "at most " + std::to_string(kMaxHeader) + " bytes";
      co_return co_await refuse(problem(431, "header too large", words), false);
    }
    const bool gone = error == bhttp::error::end_of_stream || error == bhttp::error::partial_message;
    if (error.category() != any_of_http.category() || gone) co_return false;
    co_return co_await refuse(problem(400, "bad request", "the request cannot be read"), false);
  }

  asio::awaitable<Response> answer(const Request& request) {
    // Signed files are read here and now; what may wait for a signer or the disk does so on a thread of its
    // own. `request` lives in a frame of this thread, which the loop keeps until that is done.
    waiting_since_.reset();
    if (!Router::may_block(request)) co_return shared_.router.handle(request);
    socket().expires_never();
    if (!Router::is_for_operations(request)) {
      co_return co_await asio::co_spawn(shared_.blocking, handle_blocking(request), asio::use_awaitable);
    }
    const auto turn = co_await shared_.turns.next(shared_.options.operations_wait);
    if (!turn) co_return busy();
    co_return co_await asio::co_spawn(shared_.operations, handle_blocking(request), asio::use_awaitable);
  }

  asio::awaitable<void> identify_blocking(Request& request) {
    shared_.router.identify(request);
    co_return;
  }

  asio::awaitable<Response> handle_blocking(const Request& request) {
    co_return shared_.router.handle(request);
  }

  asio::awaitable<bool> write(const Response& response, bool head, bool keep_alive) {
    sent_ = 0;
    const bool written = co_await send(response, head, keep_alive);
    if (shared_.options.access_log != nullptr) {
      AccessLine line{host::SystemClock().now(), asked_.method, asked_.path, response.status, sent_};
      const auto encoding = response.headers.find("Content-Encoding");
      if (encoding != response.headers.end()) line.encoding = encoding->second;
      shared_.options.access_log->add(line);
    }
    co_return written;
  }

  asio::awaitable<bool> send(const Response& response, bool head, bool keep_alive) {
    bhttp::response<bhttp::empty_body> header;
    header.version(version_);
    header.result(response.status);
    header.set(bhttp::field::date, http_date(std::time(nullptr)));
    for (const auto& [name, value] : response.headers) header.set(name, value);
    header.keep_alive(keep_alive);
    const std::uint64_t length = response.file ? response.file->length : response.body.size();
    if (response.status != 304) header.content_length(length);
    if (!head && !response.file && response.status != 304) {
      // One write for small answers: header and body in one segment.
      bhttp::response<bhttp::span_body<const std::uint8_t>> whole(std::move(header));
      whole.body() = {response.body.data(), response.body.size()};
      const bool written = co_await write_message(whole);
      if (written) sent_ = length;
      co_return written;
    }
    bhttp::response_serializer<bhttp::empty_body> serializer(header);
    error_code error;
    wait_for_client(shared_.options.body);
    co_await bhttp::async_write_header(stream_, serializer, asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return false;
    if (head || !response.file || response.status == 304) co_return true;
    co_return co_await write_file(*response.file);
  }

  template <class Message>
  asio::awaitable<bool> write_message(const Message& message) {
    error_code error;
    wait_for_client(shared_.options.body);
    co_await bhttp::async_write(stream_, message, asio::redirect_error(asio::use_awaitable, error));
    co_return !error;
  }

  asio::awaitable<bool> write_file(const FilePart& part) {
    std::vector<char> piece(std::min<std::uint64_t>(kPiece, part.length));
    for (std::uint64_t done = 0; done < part.length;) {
      const std::span<char> next(piece.data(), std::min<std::uint64_t>(piece.size(), part.length - done));
      if (!part.file.read(next, part.offset + done)) {
        spdlog::error("a file became shorter, or unreadable, while it was sent");
        co_return false;  // the client sees a short body, and knows
      }
      const bool taken = co_await write_piece(next);
      if (!taken) co_return false;
      done += next.size();
    }
    co_return true;
  }

  asio::awaitable<bool> write_piece(std::span<const char> piece) {
    while (!piece.empty()) {
      const auto slice = piece.first(std::min(kSlice, piece.size()));
      error_code error;
      wait_for_client(shared_.options.body);
      const asio::const_buffer bytes(slice.data(), slice.size());
      co_await asio::async_write(stream_, bytes, asio::redirect_error(asio::use_awaitable, error));
      if (error) co_return false;
      sent_ += slice.size();
      piece = piece.subspan(slice.size());
    }
    co_return true;
  }

  struct Asked {
    std::string_view method = "-";
    std::string path = "-";
  };

  Stream stream_;
  Shared& shared_;
  Asked asked_;             ///< the last request, for the access log
  std::uint64_t sent_ = 0;  ///< bytes of the last answer's body
  beast::flat_buffer buffer_;
  std::optional<VehicleId> caller_;
  std::optional<Instant> waiting_since_ = std::chrono::steady_clock::now();
  unsigned version_ = 11;   ///< of the last request
  bool answering_ = false;  ///< a request came, and is not answered yet
  bool unread_ = false;     ///< the client may still be sending what nobody wants
};

}  // namespace

asio::awaitable<void> serve_plain(tcp::socket socket, Shared& shared) {
  Session<beast::tcp_stream> session(beast::tcp_stream(std::move(socket)), shared);
  co_await session.serve();
}

asio::awaitable<void> serve_tls(tcp::socket socket, Shared& shared, asio::ssl::context& tls) {
  using TlsStream = beast::ssl_stream<beast::tcp_stream>;
  Session<TlsStream> session(TlsStream(beast::tcp_stream(std::move(socket)), tls), shared);
  co_await session.serve();
}

}  // namespace cotter::http
