#include "server/http/access_log.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/host/atomic_file.h"

namespace cotter::http {
namespace {

constexpr std::size_t kMaxPath = 1024;
constexpr mode_t kOwnerAndGroup = 0640;

/// No blank, no newline, nothing that moves a terminal's cursor.
std::string shown(std::string_view path) {
  std::string text(path.substr(0, kMaxPath));
  for (char& c : text)
    if (c <= ' ' || c > '~') c = '?';
  return text;
}

}  // namespace

std::string text_of(const AccessLine& line) {
  std::string text = format_utc(line.at);
  text.append(" ").append(line.method).append(" ").append(shown(line.path));
  text.append(" ").append(std::to_string(line.status)).append(" ").append(std::to_string(line.body_bytes));
  return text.append(" ").append(shown(line.encoding)).append("\n");
}

Result<std::unique_ptr<AccessLog>> AccessLog::open(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, kOwnerAndGroup);
  if (fd < 0) return fail(host::errno_fault("cannot open the access log " + path.string(), errno));
  return std::unique_ptr<AccessLog>(new AccessLog(fd));
}

AccessLog::~AccessLog() { ::close(fd_); }

void AccessLog::add(const AccessLine& line) {
  const std::string text = text_of(line);
  const ssize_t written = ::write(fd_, text.data(), text.size());
  const bool lost = written != static_cast<ssize_t>(text.size());
  if (lost && !lossy_)
    spdlog::error("the access log loses lines: {}", written < 0 ? std::strerror(errno) : "cut short");
  lossy_ = lost;
}

}  // namespace cotter::http
