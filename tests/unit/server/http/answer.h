// What an answer's JSON says, for tests. Never fails a test itself. Any thread.
#pragma once

#include <string>

#include "common/json/strict_reader.h"
#include "server/http/message.h"

namespace cotter::test {

/// A member's text; "(none)" where there is none.
inline std::string member_of(const http::Response& response, const char* name) {
  const auto body = json::read(response.body);
  const json::Value* member = body ? body->as_object()->find(name) : nullptr;
  return member == nullptr ? "(none)" : *member->as_string();
}

}  // namespace cotter::test
