// A client's files are made, written and renamed through common/disk and nowhere else: what went round it, no
// test of power cuts would see.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>
#include <vector>

#include "tests/unit/source_tree.h"

namespace {

namespace fs = std::filesystem;
using cotter::test::kRoot;

/// Whatever changes a file or a name: of POSIX (which we call by "::"), of the C and C++ libraries, and of
/// common/host.
const std::regex& changes_files() {
  static const std::regex calls(
      R"((^|[^\w>])::(open|openat|creat|write|pwrite|writev|pwritev|rename|renameat2?|unlink|unlinkat|link)"
      R"(|linkat|symlink|symlinkat|truncate|ftruncate|fallocate|fsync|fdatasync|sync|mkdir|mkdirat|rmdir)"
      R"(|mkstemp|mkostemp|mkdtemp)\(|\b(fopen|fdopen|freopen|tmpfile)\(|std::(ofstream|fstream|rename|remove)\b)"
      R"(|\b(fs|filesystem)::(create_|remove|rename|copy|resize_file|permissions))"
      R"(|host::(write_atomically|create_atomically|make_dir|sync_dir|FileLock)\b)"
      R"(|#\s*include\s*<(fcntl\.h|fstream|sys/file\.h)>)");
  return calls;
}

std::string without_comments(const std::string& text) {
  return std::regex_replace(text, std::regex(R"(//[^\n]*)"), "");
}

/// Lines of a file that change files by themselves.
std::vector<std::string> strangers_in(const fs::path& file) {
  std::ifstream in(file);
  const std::string text = without_comments({std::istreambuf_iterator<char>(in), {}});
  std::vector<std::string> found;
  std::size_t from = 0;
  for (std::size_t end = 0; from < text.size(); from = end + 1) {
    end = std::min(text.find('\n', from), text.size());
    const std::string line = text.substr(from, end - from);
    if (std::regex_search(line, changes_files())) found.push_back(line);
  }
  return found;
}

bool may(const fs::path& file) {
  // The seam's own bottom, what only the server and the operator's tools use of common/host, and what reads
  // the kernel's name for this boot.
  static const std::regex exempt(R"(^(common/(disk/posix_disk|host/(atomic_file|passphrase|sqlite)))"
                                 R"(|client/secondary/posix_time)\.(h|cpp)$)");
  return std::regex_search(file.string(), exempt);
}

TEST(DiskSeam, IsTheOnlyWayToAClientsFiles) {
  for (const char* room : {"client", "common/disk", "common/host"}) {
    for (const auto& entry : fs::recursive_directory_iterator(kRoot / room)) {
      const fs::path file = entry.path().lexically_relative(kRoot);
      if ((file.extension() != ".h" && file.extension() != ".cpp") || may(file)) continue;
      for (const std::string& line : strangers_in(entry.path())) {
        ADD_FAILURE() << file.string() << ": " << line;
      }
    }
  }
}

TEST(DiskSeam, IsSeenToBePassed) {
  for (const char* line :
       {"::open(path, 0)", "if (::fsync(fd) != 0)", "std::ofstream out(file);", "#include <fcntl.h>",
        "fs::create_directories(x)", "std::filesystem::remove_all(x)", "host::write_atomically(a, b)"}) {
    EXPECT_TRUE(std::regex_search(std::string(line), changes_files())) << line;
  }
}

}  // namespace
