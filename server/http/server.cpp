#include "server/http/server.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <fstream>
#include <utility>  // Asio 1.74 uses std::exchange without it
#include <vector>

#include "common/base/limits.h"
#include "common/model/file_names.h"
#include "server/http/problem.h"

namespace cotter::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::uint32_t kMaxHeader = 16 * 1024;
constexpr std::size_t kPiece = 256 * 1024;  // of a file, in memory at a time
constexpr int kDirectorThreads = 2;         // they wait for signers and the disk; the I/O thread must not

using Parser = bhttp::request_parser<bhttp::vector_body<std::uint8_t>>;

/// What all sessions share.
struct Shared {
  const Router& router;
  ServerOptions options;
  asio::thread_pool blocking{kDirectorThreads};
  std::size_t connections = 0;
};

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
    default:
      return Method::Other;
  }
}

std::string path_of(const Parser& parser) {
  const auto target = parser.get().target();
  const std::string_view whole(target.data(), target.size());
  return std::string(whole.substr(0, whole.find('?')));
}

Request request_of(Parser& parser, const std::optional<VehicleId>& caller) {
  Request request;
  request.method = method_of(parser.get().method());
  request.path = path_of(parser);
  for (const auto& field : parser.get()) {
    std::string name(field.name_string().data(), field.name_string().size());
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    request.headers[std::move(name)] = std::string(field.value().data(), field.value().size());
  }
  request.body = std::move(parser.get().body());
  request.caller = caller;
  return request;
}

/// Whom a verified client certificate names: the subject's common name.
std::optional<VehicleId> caller_of(SSL* ssl) {
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(SSL_get_peer_certificate(ssl), &X509_free);
  if (!certificate || SSL_get_verify_result(ssl) != X509_V_OK) return std::nullopt;
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return std::nullopt;
  unsigned char* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  if (size < 0) return std::nullopt;
  std::string name(reinterpret_cast<char*>(utf8), static_cast<std::size_t>(size));
  OPENSSL_free(utf8);
  if (!model::is_identifier(name)) return std::nullopt;
  return VehicleId(std::move(name));
}

template <class Stream>
class Session {
 public:
  Session(Stream stream, Shared& shared) : stream_(std::move(stream)), shared_(shared) {
    ++shared_.connections;
  }
  ~Session() { --shared_.connections; }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // No co_await within a condition: gcc 12 makes a trap of it.
  asio::awaitable<void> serve() {
    bool go_on = co_await open();
    const bool opened = go_on;
    while (go_on) go_on = co_await serve_one();
    if (opened) co_await close();
  }

 private:
  static constexpr bool kTls = !std::is_same_v<Stream, beast::tcp_stream>;
  auto& socket() { return beast::get_lowest_layer(stream_); }

  asio::awaitable<bool> open() {
    if constexpr (kTls) {
      error_code error;
      socket().expires_after(shared_.options.idle);
      co_await stream_.async_handshake(asio::ssl::stream_base::server,
                                       asio::redirect_error(asio::use_awaitable, error));
      if (error) co_return false;
      caller_ = caller_of(stream_.native_handle());
    }
    co_return true;
  }

  asio::awaitable<void> close() {
    error_code error;
    if constexpr (kTls) {
      socket().expires_after(std::chrono::seconds(1));
      co_await stream_.async_shutdown(asio::redirect_error(asio::use_awaitable, error));
    }
    socket().socket().shutdown(tcp::socket::shutdown_send, error);
  }

  /// One request and its answer; whether the connection goes on.
  asio::awaitable<bool> serve_one() {
    Parser parser;
    parser.header_limit(kMaxHeader);
    parser.body_limit(kMaxManifestBytes);
    error_code error;
    socket().expires_after(shared_.options.idle);
    co_await bhttp::async_read_header(stream_, buffer_, parser,
                                      asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return co_await refuse_unreadable(error);
    const std::uint64_t limit = Router::max_body(method_of(parser.get().method()), path_of(parser));
    const auto length = parser.content_length();
    if (length && *length > limit) co_return co_await refuse_body(limit);
    socket().expires_after(shared_.options.body);
    co_await bhttp::async_read(stream_, buffer_, parser, asio::redirect_error(asio::use_awaitable, error));
    if (error == bhttp::error::body_limit) co_return co_await refuse_body(limit);
    if (error) co_return false;
    if (parser.get().body().size() > limit) co_return co_await refuse_body(limit);
    const bool keep_alive = parser.get().keep_alive();
    const Request request = request_of(parser, caller_);
    const Response response = co_await answer(request);
    const bool written = co_await write(response, request.method == Method::Head, keep_alive);
    co_return written && keep_alive;
  }

  asio::awaitable<bool> refuse_body(std::uint64_t limit) {
    co_await write(problem(413, "too large", "at most " + std::to_string(limit) + " bytes are taken here"),
                   false, false);
    co_return false;
  }

  asio::awaitable<bool> refuse_unreadable(error_code error) {
    if (error == bhttp::error::header_limit) {
      co_await write(problem(431, "header too large", "at most " + std::to_string(kMaxHeader) + " bytes"),
                     false, false);
    } else if (error.category() == bhttp::make_error_code(bhttp::error::bad_version).category() &&
               error != bhttp::error::end_of_stream && error != bhttp::error::partial_message) {
      co_await write(problem(400, "not HTTP", "the request cannot be read"), false, false);
    }
    co_return false;
  }

  asio::awaitable<Response> answer(const Request& request) {
    // Signed files are read here and now; the director may wait for a signer or the disk, on a thread of its
    // own.
    if (!request.path.starts_with("/director/")) co_return shared_.router.handle(request);
    socket().expires_never();
    co_return co_await asio::co_spawn(shared_.blocking, handle_blocking(request), asio::use_awaitable);
  }

  asio::awaitable<Response> handle_blocking(const Request& request) {
    co_return shared_.router.handle(request);
  }

  asio::awaitable<bool> write(const Response& response, bool head, bool keep_alive) {
    bhttp::response<bhttp::empty_body> header;
    header.result(response.status);
    for (const auto& [name, value] : response.headers) header.set(name, value);
    header.keep_alive(keep_alive);
    const std::uint64_t length = response.file ? response.file->length : response.body.size();
    if (response.status != 304) header.content_length(length);
    if (!head && !response.file && response.status != 304) {
      // One write for small answers: header and body in one segment.
      bhttp::response<bhttp::span_body<const std::uint8_t>> whole(std::move(header));
      whole.body() = {response.body.data(), response.body.size()};
      co_return co_await write_message(whole);
    }
    bhttp::response_serializer<bhttp::empty_body> serializer(header);
    error_code error;
    socket().expires_after(shared_.options.body);
    co_await bhttp::async_write_header(stream_, serializer, asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return false;
    if (head || !response.file || response.status == 304) co_return true;
    co_return co_await write_file(*response.file);
  }

  template <class Message>
  asio::awaitable<bool> write_message(const Message& message) {
    error_code error;
    socket().expires_after(shared_.options.body);
    co_await bhttp::async_write(stream_, message, asio::redirect_error(asio::use_awaitable, error));
    co_return !error;
  }

  asio::awaitable<bool> write_file(const FilePart& part) {
    std::ifstream file(part.path, std::ios::binary);
    file.seekg(static_cast<std::streamoff>(part.offset));
    std::vector<char> piece(std::min<std::uint64_t>(kPiece, part.length));
    for (std::uint64_t left = part.length; left > 0;) {
      const auto size = static_cast<std::streamsize>(std::min<std::uint64_t>(piece.size(), left));
      if (!file.read(piece.data(), size))
        co_return false;  // cut short: the client sees a short body, and knows
      error_code error;
      socket().expires_after(shared_.options.body);
      const asio::const_buffer bytes(piece.data(), static_cast<std::size_t>(size));
      co_await asio::async_write(stream_, bytes, asio::redirect_error(asio::use_awaitable, error));
      if (error) co_return false;
      left -= static_cast<std::uint64_t>(size);
    }
    co_return true;
  }

  Stream stream_;
  Shared& shared_;
  beast::flat_buffer buffer_;
  std::optional<VehicleId> caller_;
};

asio::awaitable<void> serve_plain(tcp::socket socket, Shared& shared) {
  Session<beast::tcp_stream> session(beast::tcp_stream(std::move(socket)), shared);
  co_await session.serve();
}

asio::awaitable<void> serve_tls(tcp::socket socket, Shared& shared, asio::ssl::context& tls) {
  using TlsStream = beast::ssl_stream<beast::tcp_stream>;
  Session<TlsStream> session(TlsStream(beast::tcp_stream(std::move(socket)), tls), shared);
  co_await session.serve();
}

asio::awaitable<void> accept_all(tcp::acceptor& acceptor, Shared& shared, asio::ssl::context* tls) {
  const auto executor = acceptor.get_executor();
  for (;;) {
    error_code error;
    tcp::socket socket = co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
    if (error == asio::error::operation_aborted) co_return;
    if (error || shared.connections >= shared.options.max_connections)
      continue;  // the socket closes by itself
    socket.set_option(tcp::no_delay(true), error);
    if (tls != nullptr) {
      asio::co_spawn(executor, serve_tls(std::move(socket), shared, *tls), asio::detached);
    } else {
      asio::co_spawn(executor, serve_plain(std::move(socket), shared), asio::detached);
    }
  }
}

Result<void> load(asio::ssl::context& context, const TlsMaterial& material) {
  error_code error;
  context.set_password_callback(
      [&material](std::size_t, asio::ssl::context::password_purpose) {
        return std::string(as_text(material.passphrase->view()));
      },
      error);
  const auto check = [&](const std::filesystem::path& file) -> Result<void> {
    if (!error) return {};
    return fault(Fault::Kind::Denied, "cannot use " + file.string() + ": " + error.message(),
                 "check the file and the workspace's passphrase");
  };
  context.use_certificate_chain_file(material.certificate.string(), error);
  TRY(check(material.certificate));
  context.use_private_key_file(material.key.string(), asio::ssl::context::pem, error);
  TRY(check(material.key));
  context.load_verify_file(material.ca.string(), error);
  TRY(check(material.ca));
  // A client without a certificate may still ask for health, and is told what it lacks; a bad certificate
  // ends the handshake.
  context.set_verify_mode(asio::ssl::verify_peer, error);
  return check(material.ca);
}

Result<std::unique_ptr<asio::ssl::context>> make_tls(const TlsMaterial& material) {
  auto context = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_server);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  // No resumption: a certificate is judged anew on every connection, so that taking one back works at once.
  SSL_CTX_set_options(context->native_handle(), SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(context->native_handle(), SSL_SESS_CACHE_OFF);
  TRY(load(*context, material));
  return context;
}

Fault listen_fault(const ServerOptions& options, error_code error) {
  const std::string where = options.host + ":" + std::to_string(options.port);
  if (error == asio::error::address_in_use) {
    return {Fault::Kind::Busy, "cannot listen on " + where + ": the port is in use",
            "stop the other program, or choose another port with --listen"};
  }
  if (error == asio::error::access_denied) {
    return {Fault::Kind::Denied, "cannot listen on " + where + ": not allowed", "choose a port above 1023"};
  }
  return {Fault::Kind::Io, "cannot listen on " + where + ": " + error.message(), ""};
}

}  // namespace

struct Server::State {
  State(const ServerOptions& options, const Router& router) : shared{router, options} {}
  asio::io_context io{1};
  Shared shared;
  std::unique_ptr<asio::ssl::context> tls;
  tcp::acceptor acceptor{io};
  asio::signal_set signals{io};
};

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::listen(const ServerOptions& options, const Router& router) {
  error_code error;
  const auto address = asio::ip::make_address(options.host, error);
  if (error) {
    return fault(Fault::Kind::Usage, "'" + options.host + "' is no address to listen on",
                 "give a numeric one, as 127.0.0.1:8443 or [::]:8443");
  }
  auto state = std::make_unique<State>(options, router);
  if (options.tls) state->tls = TRY(make_tls(*options.tls));
  const tcp::endpoint endpoint(address, options.port);
  state->acceptor.open(endpoint.protocol(), error);
  if (!error) state->acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) state->acceptor.bind(endpoint, error);
  if (!error) state->acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return fail(listen_fault(options, error));
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

std::uint16_t Server::port() const {
  error_code error;
  return state_->acceptor.local_endpoint(error).port();
}

void Server::run() {
  error_code error;
  state_->signals.add(SIGTERM, error);
  state_->signals.add(SIGINT, error);
  state_->signals.async_wait([this](error_code wait_error, int) {
    if (!wait_error) stop();
  });
  asio::co_spawn(state_->io, accept_all(state_->acceptor, state_->shared, state_->tls.get()), asio::detached);
  state_->io.run();
  state_->shared.blocking.join();
}

void Server::stop() {
  asio::post(state_->io, [this] {
    error_code error;
    state_->acceptor.close(error);
    state_->signals.cancel(error);
    // Idle connections end now; a vehicle that is cut off in mid-answer asks again.
    state_->io.stop();
  });
}

}  // namespace cotter::http
