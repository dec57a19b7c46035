#include "common/host/output.h"

#include <gtest/gtest.h>

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
