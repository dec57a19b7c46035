// cotter init DIR: a new workspace, and the holders' keys apart from it.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <utility>

#include "common/host/output.h"
#include "common/host/system_clock.h"
#include "server/app/init_workspace.h"
#include "server/cli/context.h"
#include "server/cli/verbs.h"

namespace cotter::cli {
namespace {

Result<app::NewPassphrases> ask_passphrases(const app::InitPlan& plan, const Context& context) {
  crypto::Secret online = TRY(host::read_new_passphrase(workspace_source(context)));
  app::NewPassphrases passphrases{std::move(online), {}};
  for (std::uint32_t number = 1; number <= plan.holders(); ++number) {
    if (number <= plan.holder_stores.size()) {
      passphrases.holders.emplace_back(0);
      continue;
    }
    passphrases.holders.push_back(
        TRY(host::read_new_passphrase(holder_source(context, app::holder_name(number)))));
  }
  return passphrases;
}

json::Value as_json(const app::KeyPlan& quorum) {
  return json::Object{{"keys", std::uint64_t{quorum.keys}}, {"threshold", std::uint64_t{quorum.threshold}}};
}

void show(const app::InitPlan& plan, const app::Workspace& workspace, bool as_document) {
  const std::filesystem::path offline = workspace.settings().offline_dir.value_or(plan.offline_dir);
  if (as_document) {
    json::Array holders;
    for (std::uint32_t number = 1; number <= plan.holders(); ++number) {
      holders.emplace_back((offline / app::holder_name(number)).string());
    }
    host::print_json(json::Object{{"workspace", workspace.dir().string()},
                                  {"holders", std::move(holders)},
                                  {"root", as_json(plan.root)},
                                  {"targets", as_json(plan.targets)}});
    return;
  }
  fmt::print(
      "workspace     {}\n"
      "offline keys  {}/holder-1 to holder-{}, each under its holder's passphrase or PIN\n"
      "root          {} of {} keys sign, for both repositories\n"
      "targets       {} of {} keys sign, for the image repository\n"
      "\n"
      "Next: give each holder their folder and take it off this machine; then\n"
      "  cotter -C {} publish FILE --name TEAM/ECU/FILE --hardware-id ID --version V\n",
      workspace.dir().string(), offline.string(), plan.holders(), plan.root.threshold, plan.root.keys,
      plan.targets.threshold, plan.targets.keys, workspace.dir().string());
}

Result<void> run_init(app::InitPlan plan, const Context& context) {
  if (plan.offline_dir.empty()) {
    plan.offline_dir = plan.dir.has_filename() ? plan.dir : plan.dir.parent_path();
    plan.offline_dir += "-offline";
  }
  plan.pin = ask_pin(context);
  TRY(app::check_plan(plan));
  const app::NewPassphrases passphrases = TRY(ask_passphrases(plan, context));
  const app::Workspace workspace = TRY(app::init_workspace(plan, passphrases, host::SystemClock().now()));
  show(plan, workspace, context.json);
  return {};
}

}  // namespace

void add_init(CLI::App& app, Context& context) {
  auto plan = std::make_shared<app::InitPlan>();
  CLI::App* verb = app.add_subcommand("init", "make a workspace, and the offline keys apart from it");
  verb->add_option("DIR", plan->dir, "the workspace's folder, new or empty")->required();
  verb->add_option("--offline-dir", plan->offline_dir,
                   "where the holders' folders go (default: DIR-offline)");
  verb->add_option("--root-keys", plan->root.keys, "root keys of each repository, one a holder")
      ->capture_default_str();
  verb->add_option("--root-threshold", plan->root.threshold, "how many of them must sign")
      ->capture_default_str();
  verb->add_option("--targets-keys", plan->targets.keys, "targets keys of the image repository, one a holder")
      ->capture_default_str();
  verb->add_option("--targets-threshold", plan->targets.threshold, "how many of them must sign")
      ->capture_default_str();
  verb->add_option("--holder-store", plan->holder_stores,
                   "make a holder's keys on this token or in this TPM, not in files: 'pkcs11:token=LABEL'; "
                   "may be repeated, the "
                   "first is holder-1's");
  verb->add_option(
      "--online-store", plan->online_store,
      "make the server's keys on this token or in this TPM; with ?pin-source=file:/PATH it needs no person");
  verb->add_option("--server-name", plan->server_names,
                   "a name or address of the server, beside localhost; may be repeated");
  verb->callback([plan, &context] { context.exit_code = finish(run_init(*plan, context)); });
}

}  // namespace cotter::cli
