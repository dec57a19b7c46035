// A request and a response as plain values, so that routes and handlers are tested without sockets and know
// no Beast. Never holds an image: a file is held open, and the session sends it. Values only.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/strong.h"
#include "server/http/open_file.h"
#include "server/operations/token.h"

namespace cotter::http {

enum class Method : std::uint8_t { Get, Head, Put, Post, Patch, Delete, Other };

struct Request {
  Method method = Method::Get;
  std::string path;                            ///< without the query, still percent-encoded
  std::string query{};                         ///< what is behind the question mark, as it came
  std::map<std::string, std::string> headers;  ///< names in lower case
  Bytes body;
  std::optional<VehicleId> caller;             ///< whom the client certificate names; none without one
  std::string peer;                            ///< the address that the connection comes from
  std::optional<operations::Caller> bearer{};  ///< whose token came with it, under /api/ alone
  bool bearer_unclear = false;                 ///< that could not be looked up: the fault is ours
};

/// A piece of a file to send as the body.
struct FilePart {
  OpenFile file;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

struct Response {
  unsigned status = 200;
  std::map<std::string, std::string> headers;
  Bytes body;
  std::optional<FilePart> file;  ///< instead of `body`
};

}  // namespace cotter::http
