// The operators' command line: wires its verbs together, and turns the parser's answers into ours.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <exception>

#include "common/host/logging.h"
#include "common/host/process.h"
#include "server/cli/context.h"
#include "server/cli/verbs.h"

namespace cotter::cli {
namespace {

void add_common_options(CLI::App& app, Context& context) {
  app.set_version_flag("--version", "cotter " COTTER_VERSION);
  app.add_option("-C,--workspace", context.workspace,
                 "the workspace (default: COTTER_WORKSPACE, or the nearest one upward)");
  app.add_flag("--json", context.json, "machine-readable output on stdout");
  app.add_option(
      "--passphrase-fd", context.passphrase_fd,
      "read the workspace's passphrase from this file descriptor, not COTTER_PASSPHRASE or a prompt");
  app.add_option("--holder-passphrase-fd", context.holder_passphrase_fd,
                 "the same for holders, a line each, not COTTER_PASSPHRASE_HOLDER or prompts");
  app.add_option("--pin-fd", context.pin_fd, "the same for the PINs of tokens, a line each, not prompts");
}

int run(int argc, char** argv) {
  Context context;
  CLI::App app("Signs, publishes and assigns software for vehicles (TUF, Uptane).", "cotter");
  app.require_subcommand(1);
  app.fallthrough();  // the common options may stand before or after the verb
  add_common_options(app, context);
  add_init(app, context);
  add_key(app, context);
  add_publish(app, context);
  add_release(app, context);
  add_ceremony(app, context);
  add_check(app, context);
  add_who_can_sign(app, context);
  add_hardware(app, context);
  add_vehicle(app, context);
  add_assign(app, context);
  add_audit(app, context);
  add_trace(app, context);
  add_supplier(app, context);
  add_submit(app, context);
  add_token(app, context);

  if (const int code = finish(host::set_up_logging()); code != 0) return code;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& stop) {
    if (stop.get_exit_code() == 0) return app.exit(stop);  // --help, --version
    fmt::print(stderr, "error: {}\nhint: cotter --help, or cotter VERB --help\n", stop.what());
    return static_cast<int>(host::Exit::Usage);
  }
  return context.exit_code;
}

}  // namespace
}  // namespace cotter::cli

int main(int argc, char** argv) {
  try {
    return cotter::cli::run(argc, argv);
  } catch (const std::exception& bug) {  // out of memory, or a library's: ours does not throw
    fmt::print(stderr, "error: {}\n", bug.what());
    return static_cast<int>(cotter::host::Exit::Failed);
  }
}
