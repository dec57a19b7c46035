// cotter supplier show|accept|reject: people's word on what was handed in.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "common/base/printable.h"
#include "common/host/output.h"
#include "common/host/system_clock.h"
#include "server/app/accept_submission.h"
#include "server/cli/assignment_view.h"
#include "server/cli/context.h"
#include "server/cli/release_view.h"
#include "server/cli/signers.h"
#include "server/cli/submission_view.h"
#include "server/cli/token_file.h"
#include "server/cli/verbs.h"
#include "server/storage/sqlite/database.h"
#include "server/storage/sqlite/supplier_store.h"

namespace cotter::cli {
namespace {

struct Options {
  std::string id;
  std::filesystem::path token_file;
  std::string reason;
  bool end_assignments = false;
  SignerOption signer;
};

Result<std::optional<operations::Caller>> bearer_of(const Options& options, const app::Workspace& workspace) {
  if (options.token_file.empty()) return std::optional<operations::Caller>();
  const crypto::Secret token = TRY(read_token_file(options.token_file));
  host::Db db = TRY(storage::open_database(workspace.db_path()));
  return std::optional(TRY(app::operator_of(db, as_text(token.view()), host::SystemClock().now())));
}

json::Object as_json(const std::string& id, const app::AcceptOutcome& outcome) {
  json::Object object{{"submission", id},
                      {"state", name_of(outcome.state)},
                      {"approvals", json::Array(outcome.approvals.begin(), outcome.approvals.end())},
                      {"needed", std::uint64_t{outcome.needed}},
                      {"images", images_json(outcome.images)},
                      {"delegations", json::Array(outcome.notes.begin(), outcome.notes.end())},
                      {"unlisted", json::Array(outcome.gone.begin(), outcome.gone.end())},
                      {"problems", json::Array(outcome.wrong.begin(), outcome.wrong.end())},
                      {outcome.state == operations::SubmissionState::Accepted ? "ended" : "assigned",
                       assignments_json(outcome.assigned)}};
  if (outcome.state == operations::SubmissionState::Accepted && outcome.versions.snapshot.value() > 0) {
    object.set("snapshot_version", outcome.versions.snapshot.value());
    object.set("timestamp_version", outcome.versions.timestamp.value());
  }
  return object;
}

void show(const std::string& id, const app::AcceptOutcome& outcome) {
  for (const std::string& line : outcome.notes) fmt::print("{}\n", printable(line));
  print_images(outcome.images);
  for (const std::string& line : outcome.gone) fmt::print("{}\n", printable(line));
  if (outcome.stopped) return print_assigned(outcome.assigned);
  if (outcome.state == operations::SubmissionState::Waiting) {
    fmt::print("accepted by {} of {} people; it waits for the other\n", outcome.approvals.size(),
               outcome.needed);
    return;
  }
  fmt::print("submission {} {}\n", id, name_of(outcome.state));
  if (outcome.state != operations::SubmissionState::Accepted) return;
  show_versions(outcome.versions);
  print_ended(outcome.assigned);
}

Result<void> run_show(const std::string& id, const Context& context) {
  const app::Workspace workspace = TRY(open_workspace(context));
  host::Db db = TRY(storage::open_database(workspace.db_path()));
  std::optional<operations::SubmissionRecord> found;
  if (operations::is_submission_id(id)) found = TRY(storage::SupplierStore(db).submission(id));
  if (!found)
    return fault(Fault::Kind::NotFound, "there is no submission " + id, "cotter supplier list shows them");
  const app::SubmissionFiles files(workspace.submissions_dir());
  const ShownSubmission submission = shown_submission(files, *std::move(found));
  if (context.json) {
    host::print_json(submission_json(submission));
  } else {
    print_submission(submission);
  }
  return {};
}

Result<void> run_accept(const Options& options, const Context& context) {
  const app::Workspace workspace = TRY(open_workspace(context));
  app::AcceptRequest request;
  request.id = options.id;
  request.by = TRY(bearer_of(options, workspace));
  request.ends_assignments = options.end_assignments;
  WorkspaceSigners signers(workspace, context, options.signer);
  request.online = [&] { return signers.online(); };
  const auto outcome = TRY(app::accept_submission(workspace, request, host::SystemClock().now()));
  if (context.json) {
    host::print_json(as_json(options.id, outcome));
  } else {
    show(options.id, outcome);
  }
  if (outcome.stopped) return fail(still_assigned(outcome.assigned));
  if (outcome.state != operations::SubmissionState::Refused) return {};
  for (const std::string& sentence : outcome.wrong) fmt::print(stderr, "  {}\n", printable(sentence));
  return fault(Fault::Kind::Denied, "submission " + options.id + " will not do any more, and was refused",
               "the supplier has to hand in anew");
}

Result<void> run_reject(const Options& options, const Context& context) {
  const app::Workspace workspace = TRY(open_workspace(context));
  app::JudgeRequest request;
  request.id = options.id;
  request.by = TRY(bearer_of(options, workspace));
  TRY(app::reject_submission(workspace, request, options.reason, host::SystemClock().now()));
  if (context.json) {
    host::print_json(json::Object{{"submission", options.id}, {"state", "rejected"}});
  } else {
    fmt::print("submission {} rejected\n", options.id);
  }
  return {};
}

void add_common(CLI::App& verb, Options& options) {
  verb.add_option("SUBMISSION", options.id, "which, as cotter supplier list shows it")->required();
  verb.add_option("--token-file", options.token_file,
                  "who you are: an operator's token (default: the account that you work as)")
      ->type_name("FILE");
}

}  // namespace

void add_supplier_judge(CLI::App& supplier, Context& context) {
  auto shown = std::make_shared<std::string>();
  CLI::App* verb = supplier.add_subcommand(
      "show", "one submission: each of its images, who else may sign, and what was said of it");
  verb->add_option("SUBMISSION", *shown, "which, as cotter supplier list shows it")->required();
  verb->callback([shown, &context] { context.exit_code = finish(run_show(*shown, context)); });

  auto accept = std::make_shared<Options>();
  verb = supplier.add_subcommand(
      "accept", "publish what was handed in; where its policy wants two people, once both have said so");
  add_common(*verb, *accept);
  verb->add_flag(
      kEndAssignments, accept->end_assignments,
      "ECUs that are to run images which it, or whom it let sign, lists no more are to run nothing instead");
  add_signer_option(*verb, accept->signer);
  verb->callback([accept, &context] { context.exit_code = finish(run_accept(*accept, context)); });

  auto reject = std::make_shared<Options>();
  verb = supplier.add_subcommand("reject", "refuse what was handed in");
  add_common(*verb, *reject);
  verb->add_option("--reason", reject->reason, "why: the supplier reads it")->required();
  verb->callback([reject, &context] { context.exit_code = finish(run_reject(*reject, context)); });
}

}  // namespace cotter::cli
