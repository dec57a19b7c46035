#include "server/app/submission_files.h"

#include <gtest/gtest.h>

#include <string>

#include "common/crypto/digest.h"
#include "common/host/atomic_file.h"
#include "tests/sim/kill_at_step.h"
#include "tests/sim/temp_dir.h"

namespace cotter::app {
namespace {

const std::string kId(32, 'a');

class SubmissionFilesIn : public testing::Test {
 protected:
  static operations::SubmittedFile file_of(const std::string& content) {
    return {operations::FileKind::Image, crypto::sha256(as_bytes(content)), content.size()};
  }
  std::string content_of(const operations::SubmittedFile& file) {
    const auto path = files.whole(kId, file);
    return path ? std::string(as_text(host::read_file(*path, 1024).value())) : "(not whole)";
  }
  sim::TempDir dir;
  SubmissionFiles files{dir.path() / "submissions"};
};

TEST_F(SubmissionFilesIn, GrowsPieceByPieceAndIsWholeWithTheLastOne) {
  const auto file = file_of("firmware");
  EXPECT_EQ(files.held(kId, file), 0U);
  EXPECT_EQ(files.append(kId, file, 0, as_bytes("firm")), 4U);
  EXPECT_FALSE(files.whole(kId, file));
  EXPECT_EQ(SubmissionFiles(dir.path() / "submissions").held(kId, file), 4U);
  EXPECT_EQ(files.append(kId, file, 4, as_bytes("ware")), 8U);
  EXPECT_EQ(content_of(file), "firmware");
  EXPECT_EQ(files.held(kId, file), 8U);
}

TEST_F(SubmissionFilesIn, RefusesAPieceThatBeginsElsewhereOrIsTooLong) {
  const auto file = file_of("firmware");
  ASSERT_TRUE(files.append(kId, file, 0, as_bytes("firm")));
  for (const std::uint64_t offset : {0U, 3U, 5U, 8U}) {
    EXPECT_TRUE(is_fault(files.append(kId, file, offset, as_bytes("w")).error(), Fault::Kind::Conflict));
  }
  EXPECT_TRUE(is_fault(files.append(kId, file, 4, as_bytes("ware!")).error(), Fault::Kind::Usage));
  EXPECT_EQ(files.held(kId, file), 4U);
}

TEST_F(SubmissionFilesIn, EmptiesAFileWithAnotherHash) {  // IMG-7
  const auto file = file_of("firmware");
  EXPECT_TRUE(is_fault(files.append(kId, file, 0, as_bytes("malware!")).error(), Fault::Kind::Conflict));
  EXPECT_EQ(files.held(kId, file), 0U);
  ASSERT_TRUE(files.append(kId, file, 0, as_bytes("firmware")));
  EXPECT_EQ(content_of(file), "firmware");
}

TEST_F(SubmissionFilesIn, HoldsWhatItSaidItHoldsWhereverItIsKilled) {
  const std::string content = "firmware";
  const auto file = file_of(content);
  for (unsigned step = 1; step < 100; ++step) {
    ASSERT_TRUE(files.remove(kId));
    const auto send_all = [&] {
      std::uint64_t at = files.held(kId, file).value_or(99);
      while (at < content.size()) {
        const auto next = files.append(kId, file, at, as_bytes(content.substr(at, 3)));
        if (!next) return false;
        at = *next;
      }
      return true;
    };
    const sim::Death death = sim::run_until_step(step, send_all);
    if (death == sim::Death::CannotTrace) GTEST_SKIP();
    ASSERT_NE(death, sim::Death::Failed);
    ASSERT_TRUE(send_all()) << step;
    EXPECT_EQ(content_of(file), content) << step;
    if (death == sim::Death::Finished) return;
  }
  FAIL() << "it never came to an end";
}

}  // namespace
}  // namespace cotter::app
