#include "tests/world/metadata_sent.h"

#include <sstream>
#include <string>
#include <string_view>
#include <system_error>

#include "common/host/atomic_file.h"
#include "server/repository/layout.h"

namespace cotter::world {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMaxLog = 16ULL * 1024 * 1024;
constexpr std::string_view kRepository = "/repo/";
constexpr std::string_view kImages = "/repo/targets/";
constexpr unsigned kOk = 200;

/// As AccessLog writes it.
struct Answer {
  std::string path;
  unsigned status = 0;
  std::uint64_t bytes = 0;
  bool packed = false;
};

Result<Answer> read_answer(const std::string& line) {
  Answer answer;
  std::istringstream words(line);
  std::string at, method, encoding, more;
  words >> at >> method >> answer.path >> answer.status >> answer.bytes >> encoding;
  if (!words || words >> more)
    return fault(Fault::Kind::Io, "a line of the access log cannot be read: " + line);
  answer.packed = encoding == "gzip";
  return answer;
}

Result<std::uint64_t> size_of(const fs::path& file) {
  std::error_code error;
  const std::uint64_t size = fs::file_size(file, error);
  if (error) return fail(host::errno_fault("cannot look at " + file.string(), error.value()));
  return size;
}

/// How much it would have been, plain.
Result<std::uint64_t> plain_size(const Answer& answer, const fs::path& repo) {
  if (answer.status != kOk) return answer.bytes;
  const fs::path plain = repo / answer.path.substr(kRepository.size());
  fs::path sent = plain;
  if (answer.packed) sent += repository::kPackedEnd;
  const std::uint64_t lies = TRY(size_of(sent));
  if (lies != answer.bytes) {
    return fault(Fault::Kind::Io, "of " + sent.string() + ", which has " + std::to_string(lies) +
                                      " bytes, the access log says " + std::to_string(answer.bytes));
  }
  return size_of(plain);
}

}  // namespace

Result<MetadataSent> metadata_sent(const fs::path& access_log, const fs::path& repo) {
  const std::string text(as_text(TRY(host::read_file(access_log, kMaxLog))));
  std::istringstream lines(text);
  MetadataSent sent;
  bool has_snapshot = false;
  for (std::string line; std::getline(lines, line);) {
    const Answer answer = TRY(read_answer(line));
    if (answer.path.starts_with(kImages)) continue;
    if (!answer.path.starts_with(kRepository)) {
      sent.director += answer.bytes;
      continue;
    }
    sent.image += answer.bytes;
    sent.image_plain += TRY(plain_size(answer, repo));
    has_snapshot = has_snapshot || (answer.status == kOk && answer.path.ends_with(".snapshot.json"));
  }
  if (has_snapshot && sent.director > 0) return sent;
  return fault(Fault::Kind::Io, "no vehicle has updated, as " + access_log.string() + " tells it");
}

}  // namespace cotter::world
