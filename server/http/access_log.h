// The access log: a line for each answer, of what was asked and what travelled back. Never holds a query, a
// header, a body or an address of a client. Of the I/O thread alone.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/base/time.h"

namespace cotter::http {

struct AccessLine {
  UtcTime at;
  std::string_view method;  ///< "-" of a request that could not be read
  std::string_view path;    ///< as it came, without the query; the same
  unsigned status = 0;
  std::uint64_t body_bytes =
      0;  ///< of the answer's body as they were sent, packed or cut short; no TLS, no head
  std::string_view encoding = "-";  ///< its Content-Encoding
};

/// "2026-11-26T12:00:00Z GET /7.snapshot.json 200 31234 gzip", and a newline. What is not printable ASCII in
/// the path is shown as `?`, and of a long path the first 1,024 bytes: one answer is one line of five blanks.
std::string text_of(const AccessLine& line);

class AccessLog {
 public:
  /// Appends to the file, which others than its owner and group cannot read: paths name vehicles. Faults:
  /// NotFound, Denied, NoSpace, Io.
  static Result<std::unique_ptr<AccessLog>> open(const std::filesystem::path& path);
  ~AccessLog();
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  /// Not durable. A full disk costs lines, and no answers: the first one lost is said in the program's log.
  void add(const AccessLine& line);

 private:
  explicit AccessLog(int fd) noexcept : fd_(fd) {}
  int fd_;
  bool lossy_ = false;
};

}  // namespace cotter::http
