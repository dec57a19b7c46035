#include "common/host/output.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <memory>

#include "common/host/process.h"

namespace cotter::host {
namespace {

TEST(Table, AlignsColumnsAndLeavesNoBlankAtTheEnd) {
  Table table({"NAME", "ROLE"});
  table.add_row({"image-root-1", "root"});
  table.add_row({"übung", "x"});
  EXPECT_EQ(table.text(),
            "NAME          ROLE\n"
            "image-root-1  root\n"
            "übung         x\n");
}

TEST(Table, HasEscapesForATerminalAlone) {
  const Table table({"NAME"});
  EXPECT_EQ(table.text(), "NAME\n");
  EXPECT_EQ(table.text(true), "\033[1mNAME\033[0m\n");
}

TEST(Table, CellNeverMovesTheCursor) {
  Table table({"ECU"});
  table.add_row({"\033[2Jgone\n\r\x7F"});
  EXPECT_EQ(table.text(), "ECU\n?[2Jgone???\n");
}

TEST(HumanBytes, SaysPowersOfThousand) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(999), "999 B");
  EXPECT_EQ(human_bytes(1000), "1.0 kB");
  EXPECT_EQ(human_bytes(999'949), "999.9 kB");
  EXPECT_EQ(human_bytes(999'999), "1.0 MB");
  EXPECT_EQ(human_bytes(4'194'304), "4.2 MB");
}

TEST(Pace, SaysHowFastItWentAndHowLongItTakesOn) {
  EXPECT_EQ(pace(10'000'000, 30'000'000, 2), ", 5.0 MB/s, 0:04 left");
  EXPECT_EQ(pace(1'000, 66'000, 1), ", 1.0 kB/s, 1:05 left");
  EXPECT_EQ(pace(25, 100, 2, Unit::Pieces), ", 12.5/s, 0:06 left");
  EXPECT_EQ(pace(30, 30, 1), ", 30 B/s, 0:00 left");
  EXPECT_EQ(pace(40, 30, 1), ", 40 B/s, 0:00 left");  // a file that grew
}

TEST(Pace, SaysNothingWhileItIsTooSoonToTell) {
  EXPECT_EQ(pace(10, 30, 0.49), "");
  EXPECT_EQ(pace(0, 30, 60), "");
}

class ProgressLines : public testing::Test {
 protected:
  using milliseconds = std::chrono::milliseconds;
  ProgressLine::Time now{std::chrono::hours(5)};
  ProgressLine line{now};
};

TEST_F(ProgressLines, AreNotDrawnBeforeTwoSecondsOfWork) {
  line.begin("reading", 100, Unit::Bytes, now);
  EXPECT_FALSE(line.at(50, now));
  EXPECT_FALSE(line.at(50, now += milliseconds(1999)));
  EXPECT_EQ(line.at(50, now += milliseconds(1)),
            "reading [###############               ] 50 B of 100 B, 25 B/s, 0:02 left");
}

TEST_F(ProgressLines, AreDrawnTenTimesASecondAtMost) {
  line.begin("reading", 100, Unit::Bytes, now);
  EXPECT_TRUE(line.at(1, now += milliseconds(2000)));
  EXPECT_FALSE(line.at(2, now += milliseconds(99)));
  EXPECT_TRUE(line.at(3, now += milliseconds(1)));
  EXPECT_FALSE(line.at(4, now));
}

TEST_F(ProgressLines, GoOnWithTheNextPartAtItsOwnPace) {
  line.begin("reading", 1000, Unit::Bytes, now);
  EXPECT_TRUE(line.at(1000, now += milliseconds(10'000)));
  line.begin("signing bins", 128, Unit::Pieces, now);
  EXPECT_EQ(line.at(0, now), "signing bins [                              ] 0 of 128");  // at once
  EXPECT_EQ(line.at(64, now += milliseconds(4000)),
            "signing bins [###############               ] 64 of 128, 16.0/s, 0:04 left");
}

TEST_F(ProgressLines, SayNothingOfAPartWithoutContent) {
  EXPECT_FALSE(line.at(0, now += milliseconds(5000)));
  line.begin("reading", 0, Unit::Bytes, now);
  EXPECT_FALSE(line.at(0, now));
}

TEST_F(ProgressLines, NeverOverflowTheBar) {
  line.begin("reading", 10, Unit::Bytes, now);
  EXPECT_EQ(line.at(30, now += milliseconds(3000)),
            "reading [##############################] 30 B of 10 B, 10 B/s, 0:00 left");
}

TEST(Terminal, IsWhereAPersonLooks) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::tmpfile(), &std::fclose);
  ASSERT_NE(file, nullptr);
  EXPECT_FALSE(is_terminal(file.get()));
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> terminal(
      ::fdopen(::posix_openpt(O_RDWR | O_NOCTTY), "r+"), &std::fclose);
  if (!terminal) GTEST_SKIP() << "this machine has no pseudo-terminals";
  ::setenv("TERM", "xterm", 1);
  EXPECT_TRUE(is_terminal(terminal.get()));
  ::setenv("TERM", "dumb", 1);
  EXPECT_FALSE(is_terminal(terminal.get()));
}

TEST(Exit, CodesAreThoseOfTheContract) {
  EXPECT_EQ(exit_code_of(Rejection{}), 3);
  EXPECT_EQ(exit_code_of(Fault{Fault::Kind::Denied, "", ""}), 3);
  EXPECT_EQ(exit_code_of(Fault{Fault::Kind::NotFound, "", ""}), 4);
  EXPECT_EQ(exit_code_of(Fault{Fault::Kind::Usage, "", ""}), 2);
  for (const auto kind : {Fault::Kind::Network, Fault::Kind::Timeout, Fault::Kind::Io, Fault::Kind::NoSpace,
                          Fault::Kind::Busy, Fault::Kind::Conflict}) {
    EXPECT_EQ(exit_code_of(Fault{kind, "", ""}), 1);
  }
  EXPECT_EQ(finish(Result<void>()), 0);
}

TEST(Exit, ErrorSaysWhatWhyAndWhatToDo) {
  testing::internal::CaptureStderr();
  print_error(Fault{Fault::Kind::Io, "cannot read x: it is damaged", "restore it"});
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "error: cannot read x: it is damaged\nhint: restore it\n");
}

}  // namespace
}  // namespace cotter::host
