#include "tests/world/exec_words.h"

#include <unistd.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace cotter::world {
namespace {

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  all.reserve(texts.size() + 1);
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

}  // namespace

ExecWords::ExecWords(std::vector<std::string> arguments, const std::map<std::string, std::string>& changes,
                     const std::vector<std::string>& taken)
    : arguments_(std::move(arguments)) {
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text(*entry);
    const std::string name = text.substr(0, text.find('='));
    if (!changes.contains(name) && std::ranges::count(taken, name) == 0) environment_.push_back(text);
  }
  for (const auto& [name, value] : changes) environment_.emplace_back(name).append("=").append(value);
  argument_pointers_ = pointers(arguments_);
  environment_pointers_ = pointers(environment_);
}

void ExecWords::become() const {
  ::execve(argument_pointers_.front(), argument_pointers_.data(), environment_pointers_.data());
  ::_exit(127);
}

}  // namespace cotter::world
