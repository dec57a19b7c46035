// cotter key move DIR: the online keys out of the workspace, for `cotterd --role sign`.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <utility>

#include "common/host/output.h"
#include "common/host/system_clock.h"
#include "server/app/move_keys.h"
#include "server/cli/context.h"
#include "server/cli/verbs.h"

namespace cotter::cli {
namespace {

namespace fs = std::filesystem;

struct MoveOptions {
  fs::path dir;
  std::optional<int> passphrase_fd;
};

Result<void> run_move(const MoveOptions& options, const Context& context) {
  const app::Workspace workspace = TRY(open_workspace(context));
  std::optional<app::MovePassphrases> passphrases;
  if (TRY(keystore::has_sealed_keys(workspace.keys_dir()))) {
    crypto::Secret old = TRY(workspace_passphrase(context));
    crypto::Secret fresh = TRY(host::read_new_passphrase(
        {options.passphrase_fd, "COTTER_PASSPHRASE_SIGNER", "New passphrase of the online keys"}));
    passphrases.emplace(app::MovePassphrases{std::move(old), std::move(fresh)});
  }
  TRY(app::move_online_keys(workspace, passphrases, options.dir, host::SystemClock().now()));
  if (context.json) {
    host::print_json(json::Object{{"keys", options.dir.string()}});
    return {};
  }
  fmt::print(
      "the online keys are in {}{}\n"
      "\n"
      "Next: give that folder to an account of its own, start cotterd --role sign --keys {} --socket PATH\n"
      "there, and set signer = \"PATH\" in [server] of {}.\n",
      options.dir.string(), passphrases ? ", under their own passphrase" : ": what names their tokens",
      options.dir.string(), workspace.config_path().string());
  return {};
}

}  // namespace

void add_key_move(CLI::App& key, Context& context) {
  auto options = std::make_shared<MoveOptions>();
  CLI::App* verb = key.add_subcommand(
      "move", "take the online keys out of the workspace, under a passphrase of their own");
  verb->add_option("DIR", options->dir, "where to: a new folder")->required();
  verb->add_option(
      "--new-passphrase-fd", options->passphrase_fd,
      "read the new passphrase from this file descriptor, not COTTER_PASSPHRASE_SIGNER or a prompt");
  verb->callback([options, &context] { context.exit_code = finish(run_move(*options, context)); });
}

}  // namespace cotter::cli
