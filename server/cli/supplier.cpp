// cotter supplier add|list|remove: who may hand software in, for which ECUs, on which terms.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/host/output.h"
#include "common/host/system_clock.h"
#include "server/app/suppliers.h"
#include "server/cli/assignment_view.h"
#include "server/cli/context.h"
#include "server/cli/release_view.h"
#include "server/cli/signers.h"
#include "server/cli/submission_view.h"
#include "server/cli/submit_delegation.h"
#include "server/cli/verbs.h"
#include "server/repository/bins.h"
#include "server/storage/sqlite/database.h"
#include "server/storage/sqlite/supplier_store.h"

namespace cotter::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kShown = 50;  ///< submissions

struct AddOptions {
  std::string name;
  std::vector<std::string> paths;
  std::vector<std::string> hardware_ids;
  std::vector<fs::path> keys;
  std::uint32_t threshold = 1;
  std::string ceiling = "180d";
  std::optional<std::uint64_t> expected_targets;
  operations::SupplierPolicy policy;
  SigningOptions signing;
  SignerOption signer;
};

struct RemoveOptions {
  std::string name;
  bool end_assignments = false;
  SigningOptions signing;
  SignerOption signer;
};

json::Object outcome_json(const std::string& name, const app::TargetsOutcome& outcome) {
  json::Object object{{"supplier", name}};
  add_outcome(object, outcome);
  return object;
}

void show(const std::string& name, const app::TargetsOutcome& outcome, const Context& context) {
  if (context.json) {
    host::print_json(outcome_json(name, outcome));
    return;
  }
  for (const std::string& line : outcome.summary) fmt::print("{}\n", line);
  if (outcome.state == app::TargetsOutcome::State::Awaiting) {
    show_awaiting(outcome);
    return;
  }
  const bool is_new = outcome.state == app::TargetsOutcome::State::Published;
  fmt::print("{}: {}\n", name, is_new ? "published" : "published so already");
  show_versions(outcome.versions);
}

Result<void> run_add(const AddOptions& options, const Context& context) {
  const app::Workspace workspace = TRY(open_workspace(context));
  app::AddSupplierRequest request;
  request.plan.name = RoleName(options.name);
  request.plan.paths = options.paths;
  for (const std::string& id : options.hardware_ids) request.plan.hardware_ids.emplace_back(id);
  for (const fs::path& file : options.keys) {
    keystore::KeyInfo key = TRY(read_named_key(file));
    request.plan.keys.push_back(key.key);
    key.role = "image/" + options.name;
    if (!key.name.empty()) request.named.push_back(std::move(key));
  }
  request.plan.threshold = options.threshold;
  request.policy = options.policy;
  if (options.expected_targets) request.policy.bit_length = repository::bits_for(*options.expected_targets);
  request.policy.expiry_ceiling = *TRY(lifetime_of(options.ceiling));
  TRY(repository::check_plan(request.plan));
  const std::vector<ceremony::Signers> holders = TRY(sign_with(options.signing, context, request));
  WorkspaceSigners signers(workspace, context, options.signer);
  request.online = [&] { return signers.online(); };
  show(options.name, TRY(app::add_supplier(workspace, request, host::SystemClock().now())), context);
  return {};
}

Result<void> run_remove(const RemoveOptions& options, const Context& context) {
  const app::Workspace workspace = TRY(open_workspace(context));
  app::RemoveSupplierRequest request;
  request.name = RoleName(options.name);
  request.ends_assignments = options.end_assignments;
  const std::vector<ceremony::Signers> holders = TRY(sign_with(options.signing, context, request));
  WorkspaceSigners signers(workspace, context, options.signer);
  request.online = [&] { return signers.online(); };
  const app::RemoveOutcome outcome = TRY(app::remove_supplier(workspace, request, host::SystemClock().now()));
  if (context.json) {
    json::Object object = outcome.stopped ? json::Object{{"supplier", options.name}, {"state", "stopped"}}
                                          : outcome_json(options.name, outcome);
    object.set(outcome.stopped ? "assigned" : "ended", assignments_json(outcome.assigned));
    host::print_json(object);
  } else if (outcome.stopped) {
    print_assigned(outcome.assigned);
  } else {
    show(options.name, outcome, context);
    print_ended(outcome.assigned);
  }
  if (outcome.stopped) return fail(still_assigned(outcome.assigned));
  return {};
}

json::Object as_json(const operations::Supplier& supplier) {
  json::Object object{{"name", supplier.name.value()},
                      {"added", format_utc(supplier.added)},
                      {"policy", supplier.policy.encode()}};
  if (supplier.below) object.set("below", supplier.below->value());
  if (supplier.removed) object.set("removed", format_utc(*supplier.removed));
  return object;
}

std::string needs_of(const operations::SupplierPolicy& policy) {
  std::string needs;
  for (const auto& [needed, word] :
       {std::pair(policy.needs_sbom, "SBOM"), std::pair(policy.needs_provenance, "provenance"),
        std::pair(policy.needs_two_people, "two people")}) {
    if (needed) needs += (needs.empty() ? "" : ", ") + std::string(word);
  }
  return needs.empty() ? "-" : needs;
}

Result<void> run_list(const Context& context) {
  const app::Workspace workspace = TRY(open_workspace(context));
  host::Db db = TRY(storage::open_database(workspace.db_path()));
  storage::SupplierStore store(db);
  const auto suppliers = TRY(store.list());
  const app::SubmissionFiles files(workspace.submissions_dir());
  std::vector<ShownSubmission> submissions;
  for (auto& record : TRY(store.submissions(std::nullopt, kShown)))
    submissions.push_back(shown_submission(files, std::move(record)));
  if (context.json) {
    json::Array all, handed_in;
    for (const auto& supplier : suppliers) all.emplace_back(as_json(supplier));
    for (const auto& submission : submissions) handed_in.emplace_back(submission_json(submission));
    host::print_json(json::Object{{"suppliers", std::move(all)}, {"submissions", std::move(handed_in)}});
    return {};
  }
  host::Table table({"SUPPLIER", "BELOW", "ADDED", "STATE", "QUOTA", "NEEDS"});
  for (const auto& supplier : suppliers) {
    const std::string below = supplier.below ? supplier.below->value() : "-";
    table.add_row({supplier.name.value(), below, format_utc(supplier.added),
                   supplier.removed ? "removed" : "good", host::human_bytes(supplier.policy.quota_bytes),
                   needs_of(supplier.policy)});
  }
  table.print();
  if (!submissions.empty()) fmt::print("\n");
  print_submissions(submissions);
  return {};
}

void add_policy_options(CLI::App& verb, AddOptions& options) {
  verb.add_option("--expires-ceiling", options.ceiling, "how long its metadata may live at most: 180d, 12h")
      ->capture_default_str();
  verb.add_option("--schemes", options.policy.schemes,
                  "which kinds of keys alone: ed25519, ecdsa-sha2-nistp256, rsassa-pss-sha256 (default: any)")
      ->check(CLI::IsMember({"ed25519", "ecdsa-sha2-nistp256", "rsassa-pss-sha256"}))
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  verb.add_option("--min-rsa-bits", options.policy.min_rsa_bits, "the shortest RSA key that it may use")
      ->capture_default_str();
  verb.add_option("--version-floor", options.policy.version_floor, "the least release counter of its images");
  verb.add_option("--counter-leap", options.policy.counter_leap,
                  "how far above what its ECUs have, or above the floor, a release counter may be")
      ->capture_default_str();
  verb.add_option("--quota", options.policy.quota_bytes,
                  "bytes of all its images together, and of all that it hands in at a time")
      ->capture_default_str()
      ->transform(CLI::AsSizeValue(false));
  verb.add_flag("--sbom", options.policy.needs_sbom, "each new image needs a CycloneDX SBOM that names it");
  verb.add_flag("--provenance", options.policy.needs_provenance,
                "each new image needs an in-toto statement of its origin, signed by the supplier");
  verb.add_option("--expected-targets", options.expected_targets,
                  "how many images it will list in the end, up to 65536: they lie in hashed bins then, whose "
                  "number stays (default: in one file)");
  verb.add_flag("--may-delegate", options.policy.may_delegate,
                "it may let suppliers of its own sign some of its names, by its own signature");
  verb.add_flag("--two-person", options.policy.needs_two_people,
                "two people have to accept what it hands in");
}

void add_add(CLI::App& supplier, Context& context) {
  auto options = std::make_shared<AddOptions>();
  CLI::App* verb = supplier.add_subcommand(
      "add", "delegate some names and ECUs to a supplier's own keys; again: another policy, more signatures");
  verb->add_option("NAME", options->name, "the supplier, and its role")->required();
  for (const auto& [name, list, words] :
       {std::tuple("--path", &options->paths,
                   "which names it may list: 'acme/*/*'; a star stays within slashes"),
        std::tuple("--hardware-id", &options->hardware_ids, "for which ECUs")}) {
    verb->add_option(name, *list, std::string(words) + "; may be repeated")
        ->required()
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }
  verb->add_option("--key", options->keys,
                   "a public key of the supplier's, as cotter key show --json prints it; may be repeated")
      ->required()
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  verb->add_option("--threshold", options->threshold, "how many of them must sign")->capture_default_str();
  add_policy_options(*verb, *options);
  add_signing_options(*verb, options->signing);
  add_signer_option(*verb, options->signer);
  verb->callback([options, &context] { context.exit_code = finish(run_add(*options, context)); });
}

}  // namespace

void add_supplier(CLI::App& app, Context& context) {
  CLI::App* supplier = app.add_subcommand("supplier", "who hands software in, and what was handed in");
  supplier->require_subcommand(1);
  add_add(*supplier, context);
  CLI::App* list = supplier->add_subcommand("list", "all suppliers, and the newest submissions");
  list->callback([&context] { context.exit_code = finish(run_list(context)); });
  add_supplier_judge(*supplier, context);

  auto options = std::make_shared<RemoveOptions>();
  CLI::App* remove = supplier->add_subcommand(
      "remove", "shut a supplier out at once, and take its delegation out of the targets");
  remove->add_option("NAME", options->name, "the supplier")->required();
  remove->add_flag(kEndAssignments, options->end_assignments,
                   "ECUs that are to run its images are to run nothing instead, and keep what they have");
  add_signing_options(*remove, options->signing);
  add_signer_option(*remove, options->signer);
  remove->callback([options, &context] { context.exit_code = finish(run_remove(*options, context)); });
}

}  // namespace cotter::cli
