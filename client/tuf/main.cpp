// cotter-tuf: the trust core behind a command line that any test bench can drive.
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "client/tuf/arguments.h"
#include "client/tuf/commands.h"
#include "common/disk/posix_disk.h"
#include "common/host/output.h"
#include "common/host/process.h"
#include "common/host/system_clock.h"

namespace {

using namespace cotter;

Result<tuf::Report> carry_out(const tuf::Arguments& arguments) {
  disk::PosixDisk disk;
  const UtcTime now = host::SystemClock().now();
  switch (arguments.command) {
    case tuf::Command::Init:
      return tuf::init(disk, arguments);
    case tuf::Command::Refresh:
      return tuf::refresh(disk, arguments, now);
    case tuf::Command::Download:
      return tuf::download(disk, arguments, now);
    case tuf::Command::UptaneInit:
      return tuf::uptane_init(disk, arguments);
    case tuf::Command::UptaneUpdate:
      return tuf::uptane_update(disk, arguments, now);
    case tuf::Command::Help:
    case tuf::Command::Version:
      break;
  }
  return tuf::Report{};
}

Result<void> run(const std::vector<std::string>& words) {
  const tuf::Arguments arguments = TRY(tuf::parse_arguments(words));
  if (arguments.command == tuf::Command::Help) {
    std::fwrite(tuf::kUsage.data(), 1, tuf::kUsage.size(), stdout);
    return {};
  }
  if (arguments.command == tuf::Command::Version) {
    std::puts("cotter-tuf " COTTER_VERSION);
    return {};
  }
  const tuf::Report report = TRY(carry_out(arguments));
  if (arguments.json) host::print_json(report);
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader who has left is no reason to end by a signal
  try {
    const Result<void> result = run(std::vector<std::string>(argv + 1, argv + argc));
    if (result) return 0;
    host::print_error(result.error());
  } catch (const std::exception& trouble) {  // out of memory, or a path the C++ library chokes on
    std::fprintf(stderr, "error: cotter-tuf: %s\n", trouble.what());
  }
  return 1;  // the client contract: 1 on any failure
}
