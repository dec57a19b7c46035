// Reads the files of tests/vectors, which other implementations made.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "common/json/object_view.h"
#include "common/json/strict_reader.h"

namespace cotter::test {

/// The `cases` of tests/vectors/NAME, each an object; ends the test program when the file cannot be read.
inline json::Array cases_of(const std::string& name) {
  const std::string path = std::string(COTTER_TEST_DATA "/vectors/") + name;
  std::ifstream file(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const Result<json::Value> document = json::read(as_bytes(text));
  if (!document) {
    ADD_FAILURE() << path << ": " << summary(document.error());
    std::abort();
  }
  return *document->as_object()->find("cases")->as_array();
}

/// A member that is a string; empty when absent.
inline std::string text_in(const json::Value& object, std::string_view key) {
  const json::Value* found = object.as_object()->find(key);
  return found == nullptr || found->as_string() == nullptr ? std::string()
                                                           : std::string(found->as_string()->view());
}

}  // namespace cotter::test
