#include "server/ledger/note.h"

#include <gtest/gtest.h>

#include "tests/sim/sim_key.h"

namespace {

using namespace cotter;
using namespace cotter::ledger;

// From the documentation of golang.org/x/mod/sumdb/note.
constexpr const char* kNeumannKey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
constexpr const char* kNeumannText =
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n";
constexpr const char* kNeumannSignature =
    "\xE2\x80\x94 PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
// What sum.golang.org signed once, by its published key.
constexpr const char* kGoKey = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
constexpr const char* kGoText =
    "go.sum database tree\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
constexpr const char* kGoSignature =
    "\xE2\x80\x94 sum.golang.org "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";

std::string joined(std::string_view text, std::string_view signatures) {
  return std::string(text) + "\n" + std::string(signatures);
}

TEST(Note, ReadsWhatOthersSigned) {
  const auto neumann = VerifierKey::parse(kNeumannKey).value();
  EXPECT_EQ(open_note(joined(kNeumannText, kNeumannSignature), neumann).value(), kNeumannText);
  const auto go = VerifierKey::parse(kGoKey).value();
  EXPECT_EQ(open_note(joined(kGoText, kGoSignature), go).value(), kGoText);
}

TEST(Note, WritesAVerifierKeyAsItWasRead) {
  EXPECT_EQ(VerifierKey::parse(kNeumannKey)->text(), kNeumannKey);
  EXPECT_EQ(VerifierKey::parse(kGoKey)->text(), kGoKey);
}

TEST(Note, RefusesAVerifierKeyOfAnotherForm) {
  const std::string good = kNeumannKey;
  const std::vector<std::string> all = {std::string(),
                                        std::string("+"),
                                        std::string("++"),
                                        good.substr(1),
                                        good + "A",
                                        good.substr(0, good.size() - 1),
                                        "PeterNeumann+c74f20a4" + good.substr(21),
                                        "PeterNeumann+C74F20A3" + good.substr(21),
                                        "Peter Neumann" + good.substr(12),
                                        good.substr(0, 22) + "ApOz" + good.substr(26)};
  for (const std::string& bad : all) {
    const auto parsed = VerifierKey::parse(bad);
    ASSERT_FALSE(parsed) << bad;
    EXPECT_TRUE(is_fault(parsed.error(), Fault::Kind::Usage));
  }
}

TEST(Note, OpensWhatItSigned) {
  sim::SimKey key("ledger");
  const std::string note = sign_note("one\n\nthree\n", "log/1", key).value();
  const auto verifier = VerifierKey::create("log/1", key.public_key()).value();
  EXPECT_EQ(open_note(note, verifier).value(), "one\n\nthree\n") << "a blank line in the text is text";
}

TEST(Note, SignsUnderNoNameThatCannotBeRead) {
  sim::SimKey key("ledger");
  for (const char* name : {"", "two words", "a+b", "line\nbreak", "caf\xC3\xA9"}) {
    EXPECT_FALSE(sign_note("text\n", name, key)) << name;
  }
}

TEST(Note, PassesOverTheSignaturesOfOthers) {
  const auto neumann = VerifierKey::parse(kNeumannKey).value();
  EXPECT_TRUE(open_note(joined(kNeumannText, std::string(kGoSignature) + kNeumannSignature), neumann));
  EXPECT_TRUE(open_note(joined(kNeumannText, std::string(kNeumannSignature) + kGoSignature), neumann));
  const auto alone = open_note(joined(kNeumannText, kGoSignature), neumann);
  ASSERT_FALSE(alone);
  EXPECT_TRUE(is_fault(alone.error(), Fault::Kind::Denied));
}

TEST(Note, RefusesAWrongSignatureOfItsKeyBesideAGoodOne) {
  const auto neumann = VerifierKey::parse(kNeumannKey).value();
  std::string wrong = kNeumannSignature;
  wrong.replace(wrong.find("ZJku"), 4, "ZJkv");
  EXPECT_FALSE(open_note(joined(kNeumannText, wrong), neumann));
  EXPECT_FALSE(open_note(joined(kNeumannText, std::string(kNeumannSignature) + wrong), neumann));
}

TEST(Note, RefusesEveryChangedBit) {
  const auto neumann = VerifierKey::parse(kNeumannKey).value();
  const std::string note = joined(kNeumannText, kNeumannSignature);
  for (std::size_t i = 0; i < note.size(); ++i) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      std::string changed = note;
      changed[i] = static_cast<char>(static_cast<unsigned char>(changed[i]) ^ (1U << bit));
      EXPECT_FALSE(open_note(changed, neumann)) << "byte " << i << ", bit " << bit;
    }
  }
}

TEST(Note, RefusesOtherForms) {
  const auto neumann = VerifierKey::parse(kNeumannKey).value();
  const std::string text = kNeumannText;
  const std::string signature = kNeumannSignature;
  const std::vector<std::string> all = {std::string(),
                                        std::string("\n"),
                                        std::string("\n\n"),
                                        text,
                                        signature,
                                        text + signature,
                                        text + "\n",
                                        text + "\n" + signature + "\n",
                                        text + "\n" + signature.substr(0, signature.size() - 1),
                                        text + "\n" + signature + "not a signature\n",
                                        text + "\n\xE2\x80\x94 \n" + signature,
                                        text + "\n\xE2\x80\x94 PeterNeumann\n" + signature,
                                        text + "\n\xE2\x80\x94 PeterNeumann =\n" + signature,
                                        text + "\n" + signature + std::string(kMaxNoteBytes, 'x'),
                                        "\r" + text + "\n" + signature};
  for (const std::string& bad : all) {
    EXPECT_FALSE(open_note(bad, neumann)) << bad.substr(0, 200);
  }
}

}  // namespace
