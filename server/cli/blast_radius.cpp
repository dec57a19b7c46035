// cotter key blast-radius KEY...: what somebody could do who holds these keys.
#include "server/app/blast_radius.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "common/host/output.h"
#include "server/app/director_roots.h"
#include "server/app/key_history.h"
#include "server/cli/context.h"
#include "server/cli/requirement_view.h"
#include "server/cli/verbs.h"
#include "server/repository/folder_transport.h"
#include "server/repository/reader.h"
#include "server/storage/sqlite/database.h"

namespace cotter::cli {
namespace {

using app::BlastRadius;
using app::Effect;
using app::Grip;
using app::ImageScope;
using app::Power;
using storage::FleetCount;

struct Answer {
  std::vector<app::SigningKey> keys;
  app::KeyNames names;
  bool has_inventory = false;
  BlastRadius radius;
};

std::string repository_of(const Effect& effect) {
  return effect.repository == Repository::Director ? "director" : "image repository";
}

std::string plain(const Effect& effect) {
  switch (effect.power) {
    case Power::Freeze:
      return "freeze the " + repository_of(effect) +
             ": show old metadata as new, until its root gives timestamp another key";
    case Power::FastForward:
      return "run the versions of the " + repository_of(effect) +
             " ahead, so that vehicles refuse the true ones until its root rotates the keys";
    case Power::ChooseAmongListed:
      return "choose among the images listed today, for the right hardware and not below a floor";
    case Power::AnythingOnPartial:
      return "install anything on ECUs that verify partially, where he holds their bus too";
    case Power::SignImages:
      return "sign images, which nobody publishes without the image repository's snapshot and timestamp";
    case Power::PublishImages:
      return "publish images, which nobody installs without the director's targets, snapshot and timestamp";
    case Power::InstallImages:
      return "install any image within these bounds";
    case Power::InstallAnything:
      return "install anything anywhere";
    case Power::Persist:
      return "keep it for as long as he likes: he may replace every key of the " + repository_of(effect);
    case Power::BendTime:
      break;
  }
  return "bend the time: freeze within what expiry dates allow, refuse service until the key rotates";
}

std::string role_of(const Grip& grip) {
  const std::string name = std::string(name_of(grip.repository)) + "/" + grip.role.value();
  return grip.delegator == model::root_role() ? name : name + " below " + grip.delegator.value();
}

std::string counted(const FleetCount& count) {
  return fmt::format("{} {} in {} {}", count.ecus, count.ecus == 1 ? "ECU" : "ECUs", count.vehicles,
                     count.vehicles == 1 ? "vehicle" : "vehicles");
}

template <class Names>
std::string listed(const Names& names, std::string_view between) {
  std::string text;
  for (const auto& name : names) {
    if (!text.empty()) text += between;
    if constexpr (std::is_same_v<std::decay_t<decltype(name)>, std::string>) {
      text += name;
    } else {
      text += name.value();
    }
  }
  return text;
}

std::string plain(const ImageScope& scope) {
  std::string paths;
  for (const auto& any : scope.paths) paths += (paths.empty() ? "" : " that fit also ") + listed(any, ", ");
  return fmt::format("{} for {}, signed by {}", paths.empty() ? "every name" : paths,
                     scope.hardware ? listed(*scope.hardware, ", ") : "any hardware",
                     listed(scope.roles, " + "));
}

void show_exceptions(const ImageScope& scope) {
  if (!scope.asked_before.empty()) {
    fmt::print("      but for names that are listed by {}, asked before\n", listed(scope.asked_before, ", "));
  }
  if (!scope.ended_before.empty()) {
    fmt::print("      but for names of {}, asked before and terminating\n", listed(scope.ended_before, ", "));
  }
}

void show(const Answer& answer) {
  for (const app::SigningKey& key : answer.keys) {
    fmt::print("{}  key id {}\n", answer.names.label(key), key.id.value());
  }
  fmt::print("\n");
  host::Table table({"ROLE", "HELD", "NEEDED", ""});
  for (const Grip& grip : answer.radius.grips) {
    table.add_row({role_of(grip), fmt::format("{} of {}", grip.held, grip.keys),
                   std::to_string(grip.threshold),
                   grip.lacking() == 0 ? "held" : fmt::format("{} more would do", grip.lacking())});
  }
  if (table.empty()) {
    fmt::print("no role of either repository lists them\n");
  } else {
    table.print();
  }
  fmt::print("\nwho holds {} and is on the network can\n", answer.keys.size() == 1 ? "it" : "them");
  if (answer.radius.effects.empty()) fmt::print("  do nothing\n");
  for (const Effect& effect : answer.radius.effects) {
    fmt::print("- {}{}\n", plain(effect), answer.has_inventory ? " (" + counted(effect.reach) + ")" : "");
    for (const ImageScope& scope : effect.scopes) {
      fmt::print("    {}{}\n", plain(scope), answer.has_inventory ? " (" + counted(scope.reach) + ")" : "");
      show_exceptions(scope);
    }
  }
}

template <class Names>
json::Array names_json(const Names& names) {
  json::Array array;
  for (const auto& name : names) array.emplace_back(name.value());
  return array;
}

json::Object as_json(const FleetCount& count) { return {{"vehicles", count.vehicles}, {"ecus", count.ecus}}; }

json::Object as_json(const ImageScope& scope, bool has_inventory) {
  json::Array paths;
  for (const auto& any : scope.paths) paths.emplace_back(json::Array(any.begin(), any.end()));
  json::Object object{
      {"roles", names_json(scope.roles)},
      {"paths", std::move(paths)},
      {"hardware_ids", scope.hardware ? json::Value(names_json(*scope.hardware)) : json::Value()},
      {"asked_before", names_json(scope.asked_before)},
      {"ended_before", names_json(scope.ended_before)}};
  if (has_inventory) object.set("reach", as_json(scope.reach));
  return object;
}

json::Object as_json(const Effect& effect, bool has_inventory) {
  json::Object object{{"power", name_of(effect.power)}, {"words", plain(effect)}};
  if (effect.repository) object.set("repository", name_of(*effect.repository));
  if (has_inventory) object.set("reach", as_json(effect.reach));
  json::Array scopes;
  for (const ImageScope& scope : effect.scopes) scopes.emplace_back(as_json(scope, has_inventory));
  if (!effect.scopes.empty()) object.set("scopes", std::move(scopes));
  return object;
}

json::Object as_json(const Answer& answer) {
  json::Array keys, grips, effects;
  for (const app::SigningKey& key : answer.keys) keys.emplace_back(key_json(key, answer.names));
  for (const Grip& grip : answer.radius.grips) {
    grips.emplace_back(json::Object{{"repository", name_of(grip.repository)},
                                    {"role", grip.role.value()},
                                    {"delegator", grip.delegator.value()},
                                    {"held", std::uint64_t{grip.held}},
                                    {"threshold", std::uint64_t{grip.threshold}},
                                    {"keys", std::uint64_t{grip.keys}},
                                    {"lacking", std::uint64_t{grip.lacking()}}});
  }
  for (const Effect& effect : answer.radius.effects)
    effects.emplace_back(as_json(effect, answer.has_inventory));
  return {{"keys", std::move(keys)}, {"roles", std::move(grips)}, {"can", std::move(effects)}};
}

/// The keys that the words mean, among all that metadata lists and the workspace has names for.
Result<std::vector<app::SigningKey>> find_keys(const std::vector<std::string>& texts,
                                               std::vector<app::SigningKey> known,
                                               const app::KeyNames& names) {
  for (app::SigningKey& key : names.all()) known.push_back(std::move(key));
  std::vector<app::SigningKey> keys;
  keys.reserve(texts.size());
  for (const std::string& text : texts) keys.push_back(TRY(app::find_signing_key(known, names, text)));
  return keys;
}

Result<void> run_blast_radius(const std::vector<std::string>& texts, const Context& context) {
  const app::Workspace workspace = TRY(open_workspace(context));
  repository::FolderTransport folder(workspace.repo_dir());
  const trust::TrustedSet image = TRY(repository::read_as_client(folder, repository::kBeforeAnyExpiry));
  const auto roots = TRY(app::DirectorRoots::read(workspace.director_dir()));
  const model::Root& director = *roots.newest();
  Answer answer;
  answer.names = TRY(app::all_key_names(workspace));
  answer.keys = TRY(find_keys(texts, TRY(app::keys_in_metadata(image, folder, director)), answer.names));
  std::set<std::string> held;
  for (const app::SigningKey& key : answer.keys) held.insert(key.material);
  std::error_code ignored;
  answer.has_inventory = std::filesystem::exists(workspace.db_path(), ignored);
  if (answer.has_inventory) {
    host::Db db = TRY(storage::open_database(workspace.db_path()));
    storage::InventoryStore inventory(db);
    answer.radius = TRY(app::blast_radius(held, image, folder, director, &inventory));
  } else {
    answer.radius = TRY(app::blast_radius(held, image, folder, director, nullptr));
  }
  if (context.json) {
    host::print_json(as_json(answer));
  } else {
    show(answer);
  }
  return {};
}

}  // namespace

void add_blast_radius(CLI::App& key, Context& context) {
  auto texts = std::make_shared<std::vector<std::string>>();
  CLI::App* verb = key.add_subcommand("blast-radius", "what somebody could do who holds these keys");
  verb->add_option("KEY", *texts, "names, key ids, or the first 8 digits of one or more")->required();
  verb->callback([texts, &context] { context.exit_code = finish(run_blast_radius(*texts, context)); });
}

}  // namespace cotter::cli
