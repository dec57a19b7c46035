// cotter check [URL|DIR]: what a vehicle would make of an image repository, and of the director's sets.
#include <CLI/CLI.hpp>
#include <memory>
#include <optional>

#include "common/host/output.h"
#include "server/app/check_repository.h"
#include "server/app/key_history.h"
#include "server/app/keys_together.h"
#include "server/app/live_roles.h"
#include "server/cli/check_view.h"
#include "server/cli/context.h"
#include "server/cli/given_time.h"
#include "server/cli/repository_place.h"
#include "server/cli/verbs.h"
#include "server/repository/reader.h"
#include "server/storage/sqlite/database.h"

namespace cotter::cli {
namespace {

struct CheckOptions {
  RepositoryPlace place;
  std::string at;
  bool director = false;
  std::vector<std::string> without;
};

/// What the workspace adds to a look at its own repository.
struct Own {
  app::Workspace workspace;
  app::DirectorRoots roots;
  std::optional<host::Db> db{};  ///< nothing unless the vehicles' sets are looked at
};

Result<std::optional<Own>> open_own(const CheckOptions& options, const Context& context) {
  if (!options.place.text.empty()) {
    if (!options.director) return std::optional<Own>();
    return fault(Fault::Kind::Usage, "--director is about the workspace's own vehicles",
                 "leave out the URL or the folder");
  }
  if (!options.director && options.without.empty()) return std::optional<Own>();
  app::Workspace workspace = TRY(open_workspace(context));
  app::DirectorRoots roots = TRY(app::DirectorRoots::read(workspace.director_dir()));
  std::optional<Own> own(Own{std::move(workspace), std::move(roots)});
  if (options.director) own->db.emplace(TRY(storage::open_database(own->workspace.db_path())));
  return own;
}

Result<WithoutView> look_without(const std::vector<std::string>& texts, trust::Transport& transport, Own* own,
                                 const Context& context, UtcTime now) {
  WithoutView view;
  if (const auto workspace = open_workspace(context)) view.names = TRY(app::all_key_names(*workspace));
  auto image = TRY(repository::read_as_client(transport, repository::kBeforeAnyExpiry));
  std::vector<app::SigningKey> known = view.names.all();
  for (const app::LiveRole& role :
       TRY(app::live_roles(std::move(image), transport, own != nullptr ? &own->roots.newest() : nullptr))) {
    known.insert(known.end(), role.keys.begin(), role.keys.end());
  }
  std::set<std::string> removed;
  for (const std::string& text : texts) {
    view.keys.push_back(TRY(app::find_signing_key(known, view.names, text)));
    removed.insert(view.keys.back().material);
  }
  app::DirectorWithout director;
  if (own != nullptr) director = {&own->roots, own->db ? &*own->db : nullptr};
  view.roles = TRY(app::check_without(transport, director, removed, now));
  return view;
}

Result<bool> run_check(const CheckOptions& options, const Context& context) {
  const UtcTime now = TRY(given_time_or_now(options.at));
  std::optional<Own> own = TRY(open_own(options, context));
  const OpenRepository repository = TRY(open_repository(options.place, context));
  CheckView view;
  view.place = repository.place;
  std::optional<host::Progress> bar;
  view.repository =
      TRY(app::check_repository(*repository.source, now, [&](std::uint64_t done, std::uint64_t total) {
        if (!bar) bar.emplace("reading images", total);
        bar->advance_to(done);
      }));
  bar.reset();
  if (options.place.text.empty()) {
    const app::Workspace workspace = TRY(open_workspace(context));
    // With a signing process there may be none here.
    if (const auto keys = keystore::list_keys(workspace.keys_dir())) {
      for (std::string& sentence : app::keys_together(*keys))
        view.repository.warnings.push_back(std::move(sentence));
    }
  }
  if (own && own->db) {
    view.director = TRY(app::check_director(*own->db, own->workspace.director_dir(), now));
  }
  if (!options.without.empty()) {
    view.without =
        TRY(look_without(options.without, *repository.source, own ? &*own : nullptr, context, now));
  }
  if (context.json) {
    host::print_json(as_json(view));
  } else {
    show(view);
  }
  return view.healthy();
}

int finish_check(const Result<bool>& healthy) {
  if (!healthy) return finish(healthy);
  return static_cast<int>(*healthy ? host::Exit::Done : host::Exit::Refused);
}

}  // namespace

void add_check(CLI::App& app, Context& context) {
  auto options = std::make_shared<CheckOptions>();
  CLI::App* verb = app.add_subcommand(
      "check",
      "is an image repository healthy: expiries, thresholds, hashes, delegations; exit 3 when it is not");
  verb->add_option("URL|DIR", options->place.text, "where it is (default: the workspace's)");
  verb->add_option("--at", options->at, "as it will be at this time: 2027-01-31, 2027-01-31T12:00:00Z");
  verb->add_flag("--director", options->director,
                 "the vehicles' director files too, each as its vehicle would judge it");
  verb->add_option("--without", options->without,
                   "as if this key had never signed and were lost: its name, its id, or the first 8 digits; "
                   "once for each key")
      ->allow_extra_args(false);
  add_tls_options(*verb, options->place);
  verb->callback([options, &context] { context.exit_code = finish_check(run_check(*options, context)); });
}

}  // namespace cotter::cli
