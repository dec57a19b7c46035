#include "server/cli/submit_delegation.h"

#include <utility>

#include "common/host/atomic_file.h"
#include "common/json/strict_reader.h"
#include "common/keystore/key_folder.h"
#include "server/repository/supplier_role.h"

namespace cotter::cli {
namespace {

constexpr std::uint64_t kMaxKeyBytes = 64 * 1024;
constexpr std::size_t kMaxNoteBytes = 512;

}  // namespace

Result<crypto::PublicKey> read_public_key(const std::filesystem::path& file) {
  return TRY(read_named_key(file)).key;
}

Result<keystore::KeyInfo> read_named_key(const std::filesystem::path& file) {
  const json::Value document = TRY(json::read(TRY(host::read_file(file, kMaxKeyBytes))));
  const json::Object* object = document.as_object();
  const json::Value* listed = object == nullptr ? nullptr : object->find("key");
  const auto key =
      TRY(crypto::PublicKey::decode(listed == nullptr ? document : *listed, crypto::Profile::Vehicle));
  // What stands beside it is a stranger's note: of use, or left out.
  const auto note = [&](const char* member) -> std::string {
    const json::Value* value = listed == nullptr ? nullptr : object->find(member);
    const bool is_short = value != nullptr && value->as_string() != nullptr &&
                          value->as_string()->view().size() <= kMaxNoteBytes;
    return is_short ? std::string(value->as_string()->view()) : "";
  };
  keystore::KeyInfo info{"", "", key, key.computed_id(), {}, file, ""};
  if (keystore::check_names(note("name"), "")) info.name = note("name");
  if (const auto created = parse_utc(note("created"))) info.created = *created;
  const std::string store = note("store");
  if (store == keystore::kFileStore || keystore::is_token_store(store) || keystore::is_tpm_store(store))
    info.store = store;
  return info;
}

Result<void> change_delegations(model::Targets& targets, const RoleName& by, const DelegateOptions& options) {
  for (const std::string& role : options.ended) {
    if (!repository::remove_delegation(targets, RoleName(role)))
      return fault(Fault::Kind::NotFound, by.value() + " lets no " + role + " sign");
  }
  if (options.role.empty()) return {};
  repository::SupplierRolePlan plan;
  plan.name = RoleName(options.role);
  plan.paths = options.paths;
  for (const std::string& id : options.hardware_ids) plan.hardware_ids.emplace_back(id);
  for (const auto& key : options.keys) plan.keys.push_back(TRY(read_public_key(key)));
  plan.threshold = options.threshold;
  TRY(repository::check_plan(plan));
  repository::remove_delegation(targets, plan.name);
  TRY(repository::add_delegation(targets, plan));
  targets.delegations->roles.back().terminating = options.terminating;
  return {};
}

void add_delegate_options(CLI::App& verb, DelegateOptions& options) {
  const auto add = [&](const char* name, auto& list, const char* words) {
    return verb.add_option(name, list, words)
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->group("Suppliers of your own");
  };
  CLI::Option* role =
      verb.add_option("--delegate", options.role,
                      "let this role sign some of your names: YOUR-NAME-and-more; again: with "
                      "other keys or paths")
          ->group("Suppliers of your own");
  add("--delegate-path", options.paths, "which names it may list, all of them yours; may be repeated")
      ->needs(role);
  add("--delegate-hardware-id", options.hardware_ids, "for which of your ECUs; may be repeated")->needs(role);
  add("--delegate-key", options.keys,
      "a public key of it, as cotter key show --json prints it; may be repeated")
      ->needs(role);
  verb.add_option("--delegate-threshold", options.threshold, "how many of them must sign")
      ->capture_default_str()
      ->needs(role)
      ->group("Suppliers of your own");
  verb.add_flag("--delegate-terminating", options.terminating,
                "what it does not list, nobody behind it is asked for")
      ->needs(role)
      ->group("Suppliers of your own");
  add("--end-delegation", options.ended, "let this role sign no more; may be repeated");
}

}  // namespace cotter::cli
