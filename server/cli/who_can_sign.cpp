// cotter who-can-sign PATH: whose keys could put a file of their own there, and what else that takes.
#include "server/app/who_can_sign.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <optional>
#include <string>

#include "common/base/limits.h"
#include "common/crypto/digest.h"
#include "common/host/atomic_file.h"
#include "common/host/output.h"
#include "server/app/key_history.h"
#include "server/cli/context.h"
#include "server/cli/repository_place.h"
#include "server/cli/requirement_view.h"
#include "server/cli/verbs.h"
#include "server/repository/recording_transport.h"

namespace cotter::cli {
namespace {

namespace fs = std::filesystem;
using app::AskedRole;
using app::HardwareSearch;
using app::KeyNames;
using app::WhoCanSign;

constexpr const char* kFirstRoot = "1.root.json";

struct WhoOptions {
  std::string path;
  std::string hardware;
  std::size_t limit = 20;
  std::string proofs;  ///< a folder; empty: none
  RepositoryPlace place;
};

/// What the workspace adds: names, and the director where the repository is its own.
struct Surroundings {
  KeyNames names;
  std::optional<std::filesystem::path> director;
};

Result<Surroundings> look_round(const WhoOptions& options, const Context& context) {
  Surroundings round;
  const Result<app::Workspace> workspace = open_workspace(context);
  if (!workspace) return round;  // another's repository can be looked at from anywhere
  round.names = TRY(app::all_key_names(*workspace));
  if (options.place.text.empty()) round.director = workspace->director_dir();
  return round;
}

std::string joined(const std::vector<HardwareId>& ids) {
  std::string text;
  for (const HardwareId& id : ids) text += (text.empty() ? "" : ", ") + id.value();
  return text;
}

json::Array as_json(const std::vector<HardwareId>& ids) {
  json::Array array;
  for (const HardwareId& id : ids) array.emplace_back(id.value());
  return array;
}

json::Object as_json(const AskedRole& asked, const KeyNames& names) {
  json::Object object{{"role", asked.role.value()},
                      {"delegator", asked.delegator.value()},
                      {"keys", requirement_json(asked.keys, names)},
                      {"terminating", asked.terminating},
                      {"lists", asked.lists}};
  if (!asked.by.empty()) object.set("by", asked.by);
  if (!asked.hardware.empty()) object.set("hardware_ids", as_json(asked.hardware));
  if (asked.among)
    object.set("among",
               json::Object{{"entry", asked.among->value()}, {"least", std::uint64_t{asked.agreeing}}});
  if (!asked.broken.empty()) object.set("broken", asked.broken);
  return object;
}

json::Object online_json(const app::TopLevelKeys& keys, const KeyNames& names) {
  return {{"snapshot", requirement_json(keys.snapshot, names)},
          {"timestamp", requirement_json(keys.timestamp, names)}};
}

json::Value director_json(const std::optional<app::TopLevelKeys>& director, const KeyNames& names) {
  if (!director) return nullptr;
  json::Object object = online_json(*director, names);
  object.set("targets", requirement_json(director->targets, names));
  return object;
}

json::Object as_json(const HardwareSearch& search, const KeyNames& names) {
  json::Array asked, unasked;
  for (const AskedRole& role : search.paths.asked) asked.emplace_back(as_json(role, names));
  for (const app::UnaskedRole& role : search.paths.unasked) {
    unasked.emplace_back(
        json::Object{{"role", role.role.value()}, {"delegator", role.delegator.value()}, {"why", role.why}});
  }
  return {{"hardware_id", search.hardware ? json::Value(search.hardware->value()) : json::Value()},
          {"requirement", requirement_json(search.paths.requirement, names)},
          {"asked", std::move(asked)},
          {"unasked", std::move(unasked)}};
}

json::Object as_json(const std::string& place, const WhoOptions& options, const WhoCanSign& who,
                     const KeyNames& names) {
  json::Array sets, searches;
  for (const app::KeySet& set : who.sets.shortest) {
    json::Array keys;
    for (const app::SigningKey& key : set) keys.emplace_back(key_json(key, names));
    sets.emplace_back(std::move(keys));
  }
  for (const HardwareSearch& search : who.searches) searches.emplace_back(as_json(search, names));
  return {{"path", options.path},
          {"repository", place},
          {"hardware_id", options.hardware.empty() ? json::Value() : json::Value(options.hardware)},
          {"requirement", requirement_json(who.requirement, names)},
          {"sets", std::move(sets)},
          {"sets_in_all", std::uint64_t{who.sets.count}},
          {"sets_uncounted", who.sets.more},
          {"searches", std::move(searches)},
          {"to_publish", online_json(who.image, names)},
          {"to_assign", director_json(who.director, names)},
          {"above", json::Object{{"image_root", requirement_json(who.image.root, names)},
                                 {"director_root",
                                  who.director ? json::Value(requirement_json(who.director->root, names))
                                               : json::Value()}}}};
}

/// "2 of 3"; with required classes "2 of 3, 2 of 2, 1 of 1".
std::string count_of(const app::Requirement& keys) {
  if (keys.parts.empty()) return fmt::format("{} of {}", keys.least, keys.keys.size());
  std::string text;
  for (const app::Requirement& part : keys.parts) text += (text.empty() ? "" : ", ") + count_of(part);
  return text;
}

std::string notes_of(const AskedRole& asked) {
  std::string text;
  const auto add = [&](const std::string& note) { text += (text.empty() ? "" : "; ") + note; };
  if (asked.among) add(fmt::format("{} of {} must agree", asked.agreeing, asked.among->value()));
  if (!asked.hardware.empty()) add("for " + joined(asked.hardware));
  if (asked.terminating) add("terminating");
  if (asked.lists) add("lists it today");
  if (!asked.broken.empty()) add(asked.broken);
  return text;
}

void show_search(const HardwareSearch& search, bool is_only_one) {
  if (!is_only_one) fmt::print("for {}\n", search.hardware ? search.hardware->value() : "any other hardware");
  host::Table table({"ROLE", "BELOW", "KEYS", "BY", ""});
  for (const AskedRole& asked : search.paths.asked) {
    const bool is_top = asked.depth == 0;
    table.add_row({asked.role.value(), is_top ? "-" : asked.delegator.value(), count_of(asked.keys),
                   is_top ? "every name" : asked.by, notes_of(asked)});
  }
  table.print();
  for (const app::UnaskedRole& role : search.paths.unasked) {
    fmt::print("not asked  {} below {}: {}\n", role.role.value(), role.delegator.value(), role.why);
  }
  fmt::print("\n");
}

void show_sets(const WhoCanSign& who, const KeyNames& names) {
  fmt::print("who can sign it: {}\n", words(who.requirement));
  for (const app::KeySet& set : who.sets.shortest) {
    std::string line;
    for (const app::SigningKey& key : set) line += (line.empty() ? "" : " + ") + names.label(key);
    fmt::print("  {}\n", line);
  }
  const std::size_t shown = who.sets.shortest.size();
  fmt::print("{}{} {} of keys in all{}\n", who.sets.more ? "more than " : "", who.sets.count,
             who.sets.count == 1 ? "set" : "sets",
             who.sets.count > shown ? fmt::format(", the first {} shown: see --limit", shown) : "");
}

/// "snapshot, 1 of 1: image-snapshot"
std::string members(const app::Requirement& keys, const KeyNames& names) {
  std::string text;
  for (const app::SigningKey& key : keys.plain().keys) text += (text.empty() ? "" : ", ") + names.label(key);
  return fmt::format("{}, {}: {}", keys.plain().role.value(), count_of(keys), text);
}

void show_what_else(const WhoCanSign& who, const KeyNames& names) {
  fmt::print("\nand besides\n");
  const auto line = [&](const char* what, const char* whose, const app::Requirement& keys) {
    fmt::print("  {:<12}{}{}\n", what, whose, members(keys, names));
  };
  line("to publish", "image repository's ", who.image.snapshot);
  line("", "image repository's ", who.image.timestamp);
  if (who.director) {
    line("to assign", "director's ", who.director->targets);
    line("", "director's ", who.director->snapshot);
    line("", "director's ", who.director->timestamp);
  } else {
    fmt::print("  {:<12}the director's targets, snapshot and timestamp\n", "to assign");
  }
  fmt::print("above them, able to replace every other key of the same repository\n");
  line("", "image repository's ", who.image.root);
  if (who.director) line("", "director's ", who.director->root);
}

void show(const std::string& place, const WhoOptions& options, const WhoCanSign& who, const KeyNames& names) {
  fmt::print("{} in {}{}\n\n", options.path, place,
             options.hardware.empty() ? "" : ", for " + options.hardware);
  fmt::print("roles in the order in which they are asked; the first that lists the name wins\n");
  for (const HardwareSearch& search : who.searches) show_search(search, who.searches.size() == 1);
  show_sets(who, names);
  show_what_else(who, names);
}

Result<void> run_who(const WhoOptions& options, const Context& context) {
  const OpenRepository repository = TRY(open_repository(options.place, context));
  const Surroundings round = TRY(look_round(options, context));
  const std::optional<HardwareId> hardware =
      options.hardware.empty() ? std::nullopt : std::optional(HardwareId(options.hardware));
  std::optional<repository::RecordingTransport> recording;
  if (!options.proofs.empty()) recording.emplace(*repository.source, options.proofs);
  trust::Transport& transport = recording ? static_cast<trust::Transport&>(*recording) : *repository.source;
  const WhoCanSign who =
      TRY(app::who_can_sign(transport, round.director, TargetName(options.path), hardware, options.limit));
  std::string anchor;
  if (recording) {
    const Bytes first = TRY(host::read_file(fs::path(options.proofs) / kFirstRoot, Limits().root_bytes));
    anchor = to_hex(crypto::sha256(first));
  }
  if (context.json) {
    json::Object answer = as_json(repository.place, options, who, round.names);
    if (recording)
      answer.set("proofs",
                 json::Object{{"dir", options.proofs},
                              {"files", json::Array(recording->files().begin(), recording->files().end())},
                              {"first_root_sha256", anchor}});
    host::print_json(answer);
    return {};
  }
  show(repository.place, options, who, round.names);
  if (recording)
    fmt::print(
        "\nproofs    {} files in {}; whoever knows that its {} has the SHA-256\n"
        "          {} comes to the same without us:\n"
        "          cotter who-can-sign {} --repository {}\n",
        recording->files().size(), options.proofs, kFirstRoot, anchor, options.path, options.proofs);
  return {};
}

}  // namespace

void add_who_can_sign(CLI::App& app, Context& context) {
  auto options = std::make_shared<WhoOptions>();
  CLI::App* verb =
      app.add_subcommand("who-can-sign", "whose keys could put a file under a name into an image repository");
  verb->add_option("PATH", options->path, "the image's name: brakes/mk4/fw.bin")->required();
  verb->add_option("--hardware-id", options->hardware, "as an ECU of this kind asks (default: of any kind)");
  verb->add_option("--repository", options->place.text, "URL or DIR (default: the workspace's)");
  verb->add_option("--limit", options->limit, "how many sets of keys to list")->capture_default_str();
  verb->add_option(
      "--proofs", options->proofs,
      "write the metadata that the answer follows from into this folder, for others to repeat it");
  add_tls_options(*verb, options->place);
  verb->callback([options, &context] { context.exit_code = finish(run_who(*options, context)); });
}

}  // namespace cotter::cli
