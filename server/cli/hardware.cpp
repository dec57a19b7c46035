// cotter hardware set|list|show|ready: what the ECUs of each hardware id can verify.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/limits.h"
#include "common/host/output.h"
#include "common/host/system_clock.h"
#include "common/model/roles.h"
#include "server/app/abilities.h"
#include "server/cli/context.h"
#include "server/cli/verbs.h"
#include "server/repository/reader.h"
#include "server/storage/sqlite/database.h"
#include "server/storage/sqlite/hardware_store.h"

namespace cotter::cli {
namespace {

using inventory::Abilities;
using storage::Generation;
using storage::HardwareStore;

struct SetOptions {
  std::string id;
  std::vector<std::string> schemes;
  std::optional<std::uint64_t> max_metadata, max_root, max_targets;
};

/// A hardware id, with what is noted of it and which ECUs have it.
struct Hardware {
  HardwareId id;
  std::optional<Abilities> noted{};
  std::vector<Generation> generations{};
};

Result<std::vector<Hardware>> all_hardware(const Context& context) {
  const app::Workspace workspace = TRY(open_workspace(context));
  host::Db db = TRY(storage::open_database(workspace.db_path()));
  HardwareStore store(db);
  std::map<HardwareId, Hardware> all;
  for (auto& [id, abilities] : TRY(store.described())) all[id] = Hardware{id, abilities, {}};
  for (Generation& generation : TRY(store.generations({}))) {
    Hardware& hardware = all[generation.hardware];
    hardware.id = generation.hardware;
    hardware.generations.push_back(std::move(generation));
  }
  std::vector<Hardware> listed;
  listed.reserve(all.size());
  for (auto& [id, hardware] : all) listed.push_back(std::move(hardware));
  return listed;
}

std::vector<std::string> schemes_of(const Abilities& abilities) {
  std::vector<std::string> names;
  for (const crypto::Scheme scheme : abilities.schemes.value_or(inventory::client_schemes()))
    names.emplace_back(crypto::name_of(scheme));
  return names;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

json::Object as_json(const Hardware& hardware) {
  const Abilities abilities = hardware.noted.value_or(Abilities());
  const auto names = schemes_of(abilities);
  json::Array generations;
  for (const Generation& each : hardware.generations) {
    generations.emplace_back(json::Object{{"verification", inventory::name_of(each.verification)},
                                          {"ecus", each.count.ecus},
                                          {"vehicles", each.count.vehicles}});
  }
  json::Object object = abilities.encode();
  object.set("schemes", json::Array(names.begin(), names.end()));  // those that are taken for granted too
  object.set("hardware_id", hardware.id.value());
  object.set("noted", hardware.noted.has_value());
  object.set("in_inventory", std::move(generations));
  return object;
}

std::string in_words(const Generation& each) {
  return fmt::format("{} {} in {} {}, {} verification", each.count.ecus,
                     each.count.ecus == 1 ? "ECU" : "ECUs", each.count.vehicles,
                     each.count.vehicles == 1 ? "vehicle" : "vehicles",
                     inventory::name_of(each.verification));
}

std::string in_bytes(const std::optional<std::uint64_t>& most) { return most ? std::to_string(*most) : "-"; }

/// It is noted whatever follows: an ECU is not made able by leaving out what it cannot.
Result<void> warn_of_what_is_published(const app::Workspace& workspace, host::Db& db) {
  for (const auto& [repository, dir] : {std::pair{Repository::Image, workspace.repo_dir()},
                                        std::pair{Repository::Director, workspace.director_dir()}}) {
    const auto root = TRY(repository::newest_root(repository::Layout(dir)));
    auto verdict = app::refuse_unverifiable(db, app::demands_of_root(repository, *root, root.wire().size()));
    if (verdict) continue;
    if (!is_fault(verdict.error(), Fault::Kind::Denied)) return verdict;
    fmt::print(stderr, "warning: the root that is published is one that not all can follow: {}\n",
               summary(verdict.error()));
  }
  return {};
}

Result<void> run_set(const SetOptions& options, const Context& context) {
  if (options.id.empty() || options.id.size() > kMaxIdentifier)
    return fault(Fault::Kind::Usage, "a hardware id has 1 to " + std::to_string(kMaxIdentifier) + " bytes");
  Abilities abilities{{}, options.max_metadata, options.max_root, options.max_targets};
  for (const std::string& name : options.schemes) {
    if (!abilities.schemes) abilities.schemes.emplace();
    abilities.schemes->insert(TRY(inventory::scheme_named(name)));
  }
  const app::Workspace workspace = TRY(open_workspace(context));
  host::Db db = TRY(storage::open_database(workspace.db_path()));
  TRY(app::note_abilities(db, HardwareId(options.id), abilities, host::SystemClock().now()));
  TRY(warn_of_what_is_published(workspace, db));
  if (context.json) {
    host::print_json(as_json({HardwareId(options.id), abilities, {}}));
  } else {
    fmt::print("{} verifies {}\n", options.id, joined(schemes_of(abilities)));
  }
  return {};
}

Result<void> run_list(const Context& context) {
  const std::vector<Hardware> all = TRY(all_hardware(context));
  if (context.json) {
    json::Array list;
    for (const Hardware& each : all) list.emplace_back(as_json(each));
    host::print_json(json::Object{{"hardware", std::move(list)}});
    return {};
  }
  host::Table table({"HARDWARE ID", "ECUS", "NOTED", "VERIFIES", "METADATA", "ROOT", "TARGETS"});
  for (const Hardware& each : all) {
    const Abilities abilities = each.noted.value_or(Abilities());
    std::uint64_t ecus = 0;
    for (const Generation& generation : each.generations) ecus += generation.count.ecus;
    table.add_row({each.id.value(), std::to_string(ecus), each.noted ? "yes" : "no",
                   joined(schemes_of(abilities)), in_bytes(abilities.max_metadata),
                   in_bytes(abilities.max_root), in_bytes(abilities.max_targets)});
  }
  table.print();
  return {};
}

Result<void> run_show(const std::string& id, const Context& context) {
  const std::vector<Hardware> all = TRY(all_hardware(context));
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Hardware& each) { return each.id.value() == id; });
  if (found == all.end()) {
    return fault(Fault::Kind::NotFound, "no ECU has hardware id \"" + id + "\", and nothing is noted of it",
                 "cotter hardware list shows those that there are");
  }
  if (context.json) {
    host::print_json(as_json(*found));
    return {};
  }
  const Abilities abilities = found->noted.value_or(Abilities());
  fmt::print("hardware id   {}\nverifies      {}{}\n", id, joined(schemes_of(abilities)),
             found->noted ? "" : " (taken for granted: nothing is noted)");
  fmt::print("any metadata  {} bytes at most\nroot          {} bytes at most\n",
             in_bytes(abilities.max_metadata), abilities.most_bytes(Repository::Image, model::root_role()));
  fmt::print("targets       {} bytes at most of the image repository, {} of the director\n",
             abilities.most_bytes(Repository::Image, model::targets_role()),
             abilities.most_bytes(Repository::Director, model::targets_role()));
  for (const Generation& each : found->generations) fmt::print("in inventory  {}\n", in_words(each));
  return {};
}

json::Object as_json(Repository repository, const app::Readiness& role) {
  json::Object least;
  for (const auto& [key_class, count] : role.classes.least)
    least.set(crypto::name_of(key_class), std::uint64_t{count});
  json::Array behind;
  for (const app::Obstacle& each : role.obstacles) {
    behind.emplace_back(json::Object{{"hardware_id", each.generation.hardware.value()},
                                     {"verification", inventory::name_of(each.generation.verification)},
                                     {"vehicles", each.generation.count.vehicles},
                                     {"why", each.why}});
  }
  return {{"repository", name_of(repository)},
          {"role", role.role.value()},
          {"stage", model::name_of(role.classes.stage)},
          {"classes", std::move(least)},
          {"vehicles", role.vehicles},
          {"ready", role.ready},
          {"behind", std::move(behind)}};
}

Result<void> run_ready(const Context& context) {
  const app::Workspace workspace = TRY(open_workspace(context));
  host::Db db = TRY(storage::open_database(workspace.db_path()));
  const auto image = TRY(repository::read_as_client(workspace.repo_dir(), repository::kBeforeAnyExpiry));
  const auto director = TRY(repository::newest_root(repository::Layout(workspace.director_dir())));
  const auto of_image = TRY(app::readiness(db, Repository::Image, *image.root(), &**image.targets()));
  const auto of_director = TRY(app::readiness(db, Repository::Director, *director, nullptr));
  json::Array roles;
  host::Table table({"REPOSITORY", "ROLE", "STAGE", "VEHICLES READY", "OF"});
  std::string behind;
  const auto add = [&](Repository repository, const std::vector<app::Readiness>& all) {
    for (const app::Readiness& role : all) {
      roles.emplace_back(as_json(repository, role));
      table.add_row({std::string(name_of(repository)), role.role.value(),
                     std::string(model::name_of(role.classes.stage)), std::to_string(role.ready),
                     std::to_string(role.vehicles)});
      for (const app::Obstacle& each : role.obstacles) {
        behind += fmt::format("{} ({}): {}\n", each.generation.hardware.value(), in_words(each.generation),
                              each.why);
      }
    }
  };
  add(Repository::Image, of_image);
  add(Repository::Director, of_director);
  if (context.json) {
    host::print_json(json::Object{{"roles", std::move(roles)}});
  } else if (roles.empty()) {
    fmt::print("no role has thresholds by class; cotter ceremony open root --classes begins with it\n");
  } else {
    table.print();
    fmt::print("{}{}", behind.empty() ? "" : "\n", behind);
  }
  return {};
}

CLI::Option* add_bytes(CLI::App& verb, const char* name, std::optional<std::uint64_t>& value,
                       const char* help) {
  return verb.add_option(name, value, help)
      ->check(CLI::Range(std::int64_t{1}, INT64_MAX))
      ->type_name("BYTES");
}

}  // namespace

void add_hardware(CLI::App& app, Context& context) {
  CLI::App* hardware = app.add_subcommand(
      "hardware", "what the ECUs of each hardware id can verify: nothing is published that they cannot");
  hardware->require_subcommand(1);

  auto options = std::make_shared<SetOptions>();
  CLI::App* set = hardware->add_subcommand("set",
                                           "note what its ECUs can verify, in place of what was noted; what "
                                           "is left out is as of Cotter's own client");
  set->add_option("ID", options->id, "the hardware id")->required();
  set->add_option("--schemes", options->schemes, "signatures that they verify: ed25519,ecdsa-sha2-nistp256")
      ->delimiter(',');
  add_bytes(*set, "--max-metadata", options->max_metadata, "the largest metadata file of any kind");
  add_bytes(*set, "--max-root", options->max_root, "the largest root");
  add_bytes(*set, "--max-targets", options->max_targets, "the largest targets file, a bin too");
  set->callback([options, &context] { context.exit_code = finish(run_set(*options, context)); });

  CLI::App* list = hardware->add_subcommand("list", "each hardware id of the inventory, and those noted");
  list->callback([&context] { context.exit_code = finish(run_list(context)); });

  auto id = std::make_shared<std::string>();
  CLI::App* show = hardware->add_subcommand("show", "one hardware id");
  show->add_option("ID", *id, "the hardware id")->required();
  CLI::App* ready = hardware->add_subcommand(
      "ready",
      "for each role with thresholds by class, how many vehicles could follow if they were required");
  ready->callback([&context] { context.exit_code = finish(run_ready(context)); });

  show->callback([id, &context] { context.exit_code = finish(run_show(*id, context)); });
}

}  // namespace cotter::cli
