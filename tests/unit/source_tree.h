// Where this project's sources lie, for the tests that read them as texts. Never changes them. Any thread.
#pragma once

#include <filesystem>

namespace cotter::test {

inline const std::filesystem::path kRoot = std::filesystem::path(COTTER_TEST_DATA).parent_path();

}  // namespace cotter::test
