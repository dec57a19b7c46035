// What the papers point at is there: every relative link in them leads somewhere.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <vector>

#include "tests/unit/source_tree.h"

namespace {

namespace fs = std::filesystem;
using cotter::test::kRoot;

std::vector<fs::path> papers() {
  std::vector<fs::path> found;
  for (const fs::directory_entry& entry : fs::directory_iterator(kRoot)) {
    if (entry.path().extension() == ".md") found.push_back(entry.path());
  }
  for (const char* folder : {"docs", "schemas", "docker"}) {
    if (!fs::exists(kRoot / folder)) continue;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(kRoot / folder)) {
      if (entry.path().extension() == ".md") found.push_back(entry.path());
    }
  }
  return found;
}

TEST(Papers, LinksLeadSomewhere) {
  const std::regex link(R"(\]\(([^)#: ]+)(#[^)]*)?\))");
  for (const fs::path& paper : papers()) {
    std::ifstream in(paper);
    for (std::string line; std::getline(in, line);) {
      for (std::sregex_iterator at(line.begin(), line.end(), link), end; at != end; ++at) {
        const std::string target = (*at)[1];
        EXPECT_TRUE(fs::exists(paper.parent_path() / target)) << paper << " points at " << target;
      }
    }
  }
}

}  // namespace
