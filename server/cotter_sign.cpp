// cotter-sign: the air-gapped side of a ceremony. Reads a bundle, shows what it changes, signs it with the
// keys of one holder. Links no network and no database.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <optional>

#include "common/host/logging.h"
#include "common/host/output.h"
#include "common/host/passphrase.h"
#include "common/host/process.h"
#include "server/ceremony/sign_file.h"

namespace {

using namespace cotter;

struct Arguments {
  std::filesystem::path bundle;
  std::filesystem::path keys;
  std::optional<std::filesystem::path> root;
  std::optional<std::filesystem::path> out;
  std::optional<std::string> hash;
  std::optional<int> passphrase_fd;
  std::optional<int> pin_fd;
  bool show = false;
  bool json = false;
};

/// Nothing is asked before a key needs it.
keystore::Unlock unlock(const Arguments& arguments) {
  keystore::Unlock unlock;
  unlock.passphrase = [&] {
    return host::read_passphrase(
        {arguments.passphrase_fd, "COTTER_PASSPHRASE_HOLDER", "Passphrase of " + arguments.keys.string()});
  };
  unlock.pin = {[&](const std::string& token) {
                  return host::read_passphrase({arguments.pin_fd, "", "PIN of token " + token});
                },
                !arguments.pin_fd};
  return unlock;
}

void print_json(const ceremony::OfflineBundle& bundle, const ceremony::Standing& standing,
                std::uint32_t signatures) {
  json::Object object{{"hash", bundle.read_aloud()},
                      {"sha256", bundle.sha256()},
                      {"changes", json::Array(standing.changes.begin(), standing.changes.end())},
                      {"signatures_made", std::uint64_t{signatures}},
                      {"complete", standing.complete()}};
  host::print_json(object);
}

Result<void> show_only(const Arguments& arguments) {
  const auto bundle = TRY(ceremony::OfflineBundle::read(arguments.bundle));
  const Bytes root = TRY(ceremony::trusted_root(arguments.keys, arguments.root, bundle.repository));
  const auto standing = TRY(ceremony::look_at(bundle, root));
  if (arguments.json) {
    print_json(bundle, standing, 0);
  } else {
    ceremony::show(bundle, standing, stdout);
  }
  return {};
}

Result<void> run(const Arguments& arguments) {
  if (arguments.show) return show_only(arguments);
  ceremony::SignWish wish;
  wish.bundle = arguments.bundle;
  wish.holder = arguments.keys;
  wish.unlock = unlock(arguments);
  wish.root = arguments.root;
  wish.hash = arguments.hash;
  wish.out = arguments.out;
  if (!arguments.json) wish.told = stdout;
  const auto done = TRY(ceremony::sign_file(wish));
  if (arguments.json) {
    print_json(done.bundle, done.standing, done.signatures);
  } else {
    fmt::print("\n{}: signed. Take it back to who opened the ceremony.\n", done.file.string());
  }
  return {};
}

int parse_and_run(int argc, char** argv) {
  Arguments arguments;
  CLI::App app(
      "Signs what a ceremony asks of a holder, on a machine without a network.\n"
      "Shows what changes, computed from the files themselves and measured by the root in the holder's own\n"
      "folder; asks for the hash that the others see; then signs. The passphrase comes from\n"
      "COTTER_PASSPHRASE_HOLDER, --passphrase-fd or a prompt.",
      "cotter-sign");
  app.set_version_flag("--version", "cotter-sign " COTTER_VERSION);
  app.add_option("BUNDLE", arguments.bundle, "the file from pending/, or a copy of it")->required();
  app.add_option("--keys", arguments.keys, "the holder's folder")->required();
  app.add_option("--root", arguments.root, "a root that you trust (default: the one in the folder)");
  app.add_option("--hash", arguments.hash,
                 "the hash as you were told it; else it is asked for at the terminal");
  app.add_option("--out", arguments.out, "where to write the signed copy (default: back into BUNDLE)");
  app.add_flag("--show", arguments.show, "only show what it changes and who has signed");
  app.add_flag("--json", arguments.json, "machine-readable output on stdout");
  app.add_option("--passphrase-fd", arguments.passphrase_fd, "read the passphrase from this file descriptor");
  app.add_option("--pin-fd", arguments.pin_fd, "the same for the PIN of a token");
  if (const int code = host::finish(host::set_up_logging()); code != 0) return code;
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& stop) {
    if (stop.get_exit_code() == 0) return app.exit(stop);  // --help, --version
    fmt::print(stderr, "error: {}\nhint: cotter-sign --help\n", stop.what());
    return static_cast<int>(host::Exit::Usage);
  }
  return host::finish(run(arguments));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return parse_and_run(argc, argv);
  } catch (const std::exception& bug) {  // out of memory, or a library's: ours does not throw
    fmt::print(stderr, "error: {}\n", bug.what());
    return static_cast<int>(cotter::host::Exit::Failed);
  }
}
