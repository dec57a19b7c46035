#include "common/host/passphrase.h"

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string_view>

#include "common/host/atomic_file.h"

namespace cotter::host {
namespace {

constexpr std::size_t kMaxPassphrase = 1024;

/// One line, byte by byte: what follows it belongs to the next reader. Nothing when the input ends before a
/// byte.
Result<std::optional<crypto::Secret>> read_line(int fd, const std::string& what) {
  crypto::Secret line(kMaxPassphrase);
  std::size_t size = 0;
  for (;;) {
    std::uint8_t byte = 0;
    const ssize_t got = ::read(fd, &byte, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(errno_fault(what, errno));
    if (got == 0 && size == 0) return std::optional<crypto::Secret>();
    if (got == 0 || byte == '\n') break;
    if (size == kMaxPassphrase) return fault(Fault::Kind::Usage, what + ": more than 1024 bytes in a line");
    line.bytes()[size++] = byte;
  }
  return std::optional(crypto::Secret::taking(line.bytes().first(size)));
}

volatile std::sig_atomic_t caught_signal = 0;

/// Holds a keyboard's signals up until the terminal is itself again: else Ctrl-C would leave it mute. Then
/// they take effect. They come through in wait_for() alone, so that none is lost between two system calls.
class SignalsAfterwards {
 public:
  SignalsAfterwards() {
    caught_signal = 0;
    sigset_t ours;
    ::sigemptyset(&ours);
    for (const int number : kSignals) ::sigaddset(&ours, number);
    ::pthread_sigmask(SIG_BLOCK, &ours, &mask_before_);
    struct sigaction note {};
    note.sa_handler = [](int number) { caught_signal = number; };
    for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &note, &before_[i]);
  }
  ~SignalsAfterwards() {
    for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &before_[i], nullptr);
    ::pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
    if (caught_signal != 0) std::raise(caught_signal);
  }
  SignalsAfterwards(const SignalsAfterwards&) = delete;
  SignalsAfterwards& operator=(const SignalsAfterwards&) = delete;

  /// Until `fd` has something to read; false when one of the signals came first.
  [[nodiscard]] bool wait_for(int fd) const {
    pollfd input{fd, POLLIN, 0};
    while (caught_signal == 0) {
      if (::ppoll(&input, 1, nullptr, &mask_before_) >= 0) return true;
    }
    return false;
  }

 private:
  static constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
  std::array<struct sigaction, kSignals.size()> before_{};
  sigset_t mask_before_{};
};

/// The person's terminal with its echo off; as it was before when this goes.
class QuietTerminal {
 public:
  QuietTerminal() : fd_(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)) {
    if (fd_ < 0 || ::tcgetattr(fd_, &before_) != 0) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    quiet.c_lflag |= ECHONL;
    quiet_ = ::tcsetattr(fd_, TCSAFLUSH, &quiet) == 0;
  }
  ~QuietTerminal() {
    if (quiet_) ::tcsetattr(fd_, TCSAFLUSH, &before_);
    if (fd_ >= 0) ::close(fd_);
  }
  QuietTerminal(const QuietTerminal&) = delete;
  QuietTerminal& operator=(const QuietTerminal&) = delete;
  [[nodiscard]] bool usable() const noexcept { return quiet_; }

  Result<std::optional<crypto::Secret>> ask(const std::string& prompt) const {
    const std::string text = prompt + ": ";
    if (::write(fd_, text.data(), text.size()) < 0)
      return fail(errno_fault("cannot ask on the terminal", errno));
    if (!signals_.wait_for(fd_))
      return fault(Fault::Kind::Io, "interrupted while a passphrase was asked for");
    return read_line(fd_, "cannot read from the terminal");
  }

 private:
  SignalsAfterwards signals_;  // first made, last gone: after the terminal is restored
  int fd_;
  termios before_{};
  bool quiet_ = false;
};

tl::unexpected<Error> nothing_given(const PassphraseSource& source) {
  std::string hint = "run it on a terminal";
  if (!source.variable.empty()) hint = "set " + source.variable + ", or " + hint;
  return fault(Fault::Kind::Usage, source.prompt + ": no passphrase given", std::move(hint));
}

enum class Ask { Once, Twice };

Result<crypto::Secret> from_terminal(const PassphraseSource& source, Ask ask) {
  const QuietTerminal terminal;
  if (!terminal.usable()) return nothing_given(source);
  std::optional<crypto::Secret> first = TRY(terminal.ask(source.prompt));
  if (!first) return nothing_given(source);
  if (ask == Ask::Twice) {
    const std::optional<crypto::Secret> second = TRY(terminal.ask(source.prompt + ", again"));
    if (!second || !equal_in_constant_time(first->view(), second->view())) {
      return fault(Fault::Kind::Usage, source.prompt + ": the two differ", "try again");
    }
  }
  return *std::move(first);
}

Result<crypto::Secret> read(const PassphraseSource& source, Ask ask) {
  if (source.fd) {
    const std::string what = "cannot read a passphrase from file descriptor " + std::to_string(*source.fd);
    std::optional<crypto::Secret> line = TRY(read_line(*source.fd, what));
    if (!line) {
      return fault(Fault::Kind::Usage, what + ": no line left",
                   "give one line for each passphrase that is asked for");
    }
    return *std::move(line);
  }
  if (!source.variable.empty()) {
    if (const char* value = std::getenv(source.variable.c_str()); value != nullptr) {
      const ByteView bytes = as_bytes(value);
      crypto::Secret secret(bytes.size());
      std::copy(bytes.begin(), bytes.end(), secret.bytes().begin());
      return secret;
    }
  }
  return from_terminal(source, ask);
}

Result<crypto::Secret> not_empty(crypto::Secret secret, const PassphraseSource& source) {
  if (secret.view().empty()) return fault(Fault::Kind::Usage, source.prompt + ": the passphrase is empty");
  return secret;
}

}  // namespace

Result<crypto::Secret> read_passphrase(const PassphraseSource& source) {
  return not_empty(TRY(read(source, Ask::Once)), source);
}

Result<crypto::Secret> read_new_passphrase(const PassphraseSource& source) {
  crypto::Secret secret = TRY(not_empty(TRY(read(source, Ask::Twice)), source));
  if (secret.view().size() < kMinNewPassphrase) {
    return fault(
        Fault::Kind::Usage,
        source.prompt + ": a new passphrase has at least " + std::to_string(kMinNewPassphrase) + " bytes",
        "choose a longer one; five random words are a good one");
  }
  return secret;
}

}  // namespace cotter::host
