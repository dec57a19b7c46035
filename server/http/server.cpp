#include "server/http/server.h"

#include <spdlog/spdlog.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>

#include "server/http/session.h"
#include "server/http/tls.h"

namespace cotter::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::chrono::milliseconds kPause{100};

/// Turned away, or no descriptor left: waits before the next try, which would fail too.
asio::awaitable<void> pause(const asio::any_io_executor& executor) {
  asio::steady_timer timer(executor, kPause);
  error_code ignored;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

/// When all places are taken, whoever kept us waiting longest gives his up: else a few thousand silent
/// connections, which cost their owner nothing, would shut everybody out (ATK-50). false: we are at work for
/// all of them.
bool make_room(const Shared& shared) {
  Connection* slowest = nullptr;
  for (Connection* each : shared.connections) {
    if (!each->waiting_since()) continue;
    if (slowest == nullptr || *each->waiting_since() < *slowest->waiting_since()) slowest = each;
  }
  if (slowest != nullptr) slowest->cut();
  return slowest != nullptr;
}

asio::awaitable<void> accept_all(tcp::acceptor& acceptor, Shared& shared, asio::ssl::context* tls) {
  const auto executor = acceptor.get_executor();
  bool was_full = false;
  while (!shared.stopping) {
    error_code error;
    tcp::socket socket = co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
    if (shared.stopping) break;
    const bool full = error || shared.connections.size() >= shared.options.max_connections;
    const bool has_room = !full || (!error && make_room(shared));
    if (full && !was_full) {
      spdlog::warn("as many connections are open as may be: {}",
                   error ? error.message() : "the one idle longest gives way to each new one");
    }
    was_full = full;
    if (error) co_await pause(executor);
    if (!has_room) continue;  // the socket closes by itself
    socket.set_option(tcp::no_delay(true), error);
    if (tls != nullptr) {
      asio::co_spawn(executor, serve_tls(std::move(socket), shared, *tls), asio::detached);
    } else {
      asio::co_spawn(executor, serve_plain(std::move(socket), shared), asio::detached);
    }
  }
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
  State(const ServerOptions& options, const Router& router) : shared(router, options) {}
  void stop();

  Shared shared;
  std::optional<asio::ssl::context> tls;
  asio::io_context io{1};  // goes before what its coroutines refer to
  tcp::acceptor acceptor{io};
  asio::signal_set signals{io};
};

/// On the I/O thread.
void Server::State::stop() {
  if (shared.stopping) return;
  shared.stopping = true;
  error_code ignored;
  acceptor.close(ignored);
  signals.cancel(ignored);
  for (Connection* connection : shared.connections) connection->end_if_idle();
  io.stop();
}

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
  if (options.tls) state->tls.emplace(TRY(make_tls_context(*options.tls)).release());
  const tcp::endpoint endpoint(address, options.port);
  state->acceptor.open(endpoint.protocol(), error);
  if (!error) state->acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) state->acceptor.bind(endpoint, error);
  if (!error) state->acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return fail(listen_fault(options, error));
  for (const int signal : {SIGTERM, SIGINT}) state->signals.add(signal, error);
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

std::uint16_t Server::port() const {
  error_code error;
  return state_->acceptor.local_endpoint(error).port();
}

void Server::run() {
  State& state = *state_;
  state.signals.async_wait([&state](error_code error, int) {
    if (!error) state.stop();
  });
  asio::co_spawn(state.io, accept_all(state.acceptor, state.shared, state.tls ? &*state.tls : nullptr),
                 [](const std::exception_ptr& bug) { COTTER_ASSERT(bug == nullptr); });
  state.io.run();  // until State::stop()

  // Every coroutine is let run to its end: none is destroyed while a thread of `blocking` works for it.
  state.io.restart();
  state.io.run_for(state.shared.options.grace);
  for (Connection* connection : state.shared.connections) connection->cut();
  state.shared.turns.close();
  state.io.restart();
  state.io.run();
  state.shared.blocking.join();
  state.shared.operations.join();
  state.shared.doorman.join();
}

void Server::stop() {
  asio::post(state_->io, [state = state_.get()] { state->stop(); });
}

}  // namespace cotter::http
