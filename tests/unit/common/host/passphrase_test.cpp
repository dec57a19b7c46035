#include "common/host/passphrase.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <functional>

namespace cotter::host {
namespace {

std::string shown(const Result<crypto::Secret>& secret) {
  return secret ? std::string(as_text(secret->view())) : "fault: " + summary(secret.error());
}

/// A pipe that holds `text` and then ends.
class Input {
 public:
  explicit Input(std::string_view text) {
    EXPECT_EQ(::pipe(ends_), 0);
    EXPECT_EQ(::write(ends_[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
    ::close(ends_[1]);
  }
  ~Input() { ::close(ends_[0]); }
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;
  [[nodiscard]] int fd() const { return ends_[0]; }

 private:
  int ends_[2] = {-1, -1};
};

constexpr int kPatienceMs = 10'000;

struct AtTerminal {
  std::string screen;  ///< all that it showed
  int status = 0;      ///< how the child ended
};
/// Runs `work` in a child at a terminal of its own, and types `keys` once the child has asked. The child ends
/// with what `work` returns.
AtTerminal at_terminal(const std::string& keys, const std::function<int()>& work) {
  int terminal = -1;
  const pid_t child = ::forkpty(&terminal, nullptr, nullptr, nullptr);
  COTTER_ASSERT(child >= 0);  // kill(-1) below would end every process of this machine
  if (child == 0) ::_exit(work());
  AtTerminal seen;
  const auto read_some = [&] {
    pollfd output{terminal, POLLIN, 0};
    if (::poll(&output, 1, kPatienceMs) != 1) return false;
    char buffer[256];
    const ssize_t got = ::read(terminal, buffer, sizeof buffer);
    if (got > 0) seen.screen.append(buffer, static_cast<std::size_t>(got));
    return got > 0;
  };
  while (seen.screen.find(": ") == std::string::npos && read_some()) {
  }
  EXPECT_EQ(::write(terminal, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
  while (read_some()) {
  }
  ::kill(child, SIGKILL);  // where it still waits, the test has failed already
  EXPECT_EQ(::waitpid(child, &seen.status, 0), child);
  ::close(terminal);
  return seen;
}

class PassphraseAtTerminal : public ::testing::Test {
 protected:
  void SetUp() override {
    int terminal = -1;
    int program = -1;
    if (::openpty(&terminal, &program, nullptr, nullptr, nullptr) != 0) {
      GTEST_SKIP() << "no terminal can be made here: is /dev/pts mounted?";
    }
    ::close(terminal);
    ::close(program);
  }
};

TEST(Passphrase, FileDescriptorGivesOneLineEach) {
  const Input input("first pass\nsecond\n\nlast");
  const PassphraseSource source{input.fd(), "", "Passphrase"};
  EXPECT_EQ(shown(read_passphrase(source)), "first pass");
  EXPECT_EQ(shown(read_passphrase(source)), "second");
  EXPECT_EQ(shown(read_passphrase(source)), "fault: Passphrase: the passphrase is empty");
  EXPECT_EQ(shown(read_passphrase(source)), "last");
  EXPECT_NE(shown(read_passphrase(source)).find("no line left"), std::string::npos);
}

TEST(Passphrase, ClosedFileDescriptorIsToldNotWaitedFor) {
  EXPECT_NE(shown(read_passphrase({9999, "", "Passphrase"})).find("file descriptor 9999"), std::string::npos);
}

TEST(Passphrase, EnvironmentGivesTheWholeValue) {
  ::setenv("COTTER_TEST_PASSPHRASE", "two words", 1);
  EXPECT_EQ(shown(read_passphrase({std::nullopt, "COTTER_TEST_PASSPHRASE", "Passphrase"})), "two words");
  ::setenv("COTTER_TEST_PASSPHRASE", "", 1);
  const auto empty = read_passphrase({std::nullopt, "COTTER_TEST_PASSPHRASE", "Passphrase"});
  ASSERT_FALSE(empty);
  EXPECT_TRUE(is_fault(empty.error(), Fault::Kind::Usage));
  ::unsetenv("COTTER_TEST_PASSPHRASE");
}

TEST(Passphrase, ShortOneIsRefusedForSomethingNewAlone) {
  const Input input("seven77\nseven77\neight888\n");
  const PassphraseSource source{input.fd(), "", "Passphrase"};
  EXPECT_EQ(shown(read_passphrase(source)), "seven77");
  const auto fresh = read_new_passphrase(source);
  ASSERT_FALSE(fresh);
  EXPECT_TRUE(is_fault(fresh.error(), Fault::Kind::Usage));
  EXPECT_EQ(shown(read_new_passphrase(source)), "eight888");
}

TEST(Passphrase, WithoutATerminalSaysHowToGiveIt) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::setsid();  // whoever runs the tests may have a terminal
    const auto secret = read_passphrase({std::nullopt, "COTTER_TEST_UNSET", "Passphrase"});
    const bool right = !secret && is_fault(secret.error(), Fault::Kind::Usage) &&
                       std::get<Fault>(secret.error()).hint.find("COTTER_TEST_UNSET") != std::string::npos;
    ::_exit(right ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(PassphraseAtTerminal, TerminalNeverShowsWhatIsTyped) {
  const AtTerminal seen = at_terminal("hidden words\nhidden words\n", [] {
    return shown(read_new_passphrase({std::nullopt, "", "Passphrase of holder-1"})) == "hidden words" ? 0 : 1;
  });
  EXPECT_EQ(seen.status, 0) << seen.screen;
  EXPECT_NE(seen.screen.find("Passphrase of holder-1: "), std::string::npos) << seen.screen;
  EXPECT_NE(seen.screen.find("again"), std::string::npos) << seen.screen;
  EXPECT_EQ(seen.screen.find("hidden"), std::string::npos) << seen.screen;
}

TEST_F(PassphraseAtTerminal, TwoDifferentEntriesAreRefused) {
  const AtTerminal seen = at_terminal("hidden words\nhidden wordz\n", [] {
    const auto secret = read_new_passphrase({std::nullopt, "", "Passphrase"});
    return !secret && is_fault(secret.error(), Fault::Kind::Usage) ? 0 : 1;
  });
  EXPECT_EQ(seen.status, 0) << seen.screen;
}

TEST_F(PassphraseAtTerminal, InterruptLeavesTheTerminalWithItsEcho) {
  const AtTerminal seen = at_terminal("half a pass\x03", [] {
    std::signal(SIGINT, [](int) {
      termios state{};
      ::tcgetattr(STDIN_FILENO, &state);
      ::_exit((state.c_lflag & ECHO) != 0 ? 42 : 1);
    });
    (void)read_passphrase({std::nullopt, "", "Passphrase"});
    return 2;
  });
  ASSERT_TRUE(WIFEXITED(seen.status));
  EXPECT_EQ(WEXITSTATUS(seen.status), 42);
  EXPECT_EQ(seen.screen.find("half"), std::string::npos);
}

}  // namespace
}  // namespace cotter::host
