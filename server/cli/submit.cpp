// cotter submit: a supplier signs its next metadata with its own keys, and hands it in with all that belongs
// to it.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/printable.h"
#include "common/crypto/digest.h"
#include "common/host/atomic_file.h"
#include "common/host/output.h"
#include "common/host/system_clock.h"
#include "common/json/object_view.h"
#include "common/json/strict_reader.h"
#include "common/keystore/key_folder.h"
#include "server/app/bin_intake.h"
#include "server/app/next_bins.h"
#include "server/app/operations_service.h"
#include "server/app/submission_bundle.h"
#include "server/cli/api_client.h"
#include "server/cli/context.h"
#include "server/cli/signers.h"
#include "server/cli/submit_delegation.h"
#include "server/cli/token_file.h"
#include "server/cli/verbs.h"
#include "server/operations/papers.h"
#include "server/repository/file_reader.h"
#include "server/repository/publisher.h"
#include "server/repository/reader.h"
#include "server/repository/supplier_role.h"

namespace cotter::cli {
namespace {

namespace fs = std::filesystem;
using app::SubmissionBundle;
using operations::FileKind;

constexpr std::uint64_t kMaxRoot = 1024 * 1024;
constexpr std::uint64_t kMostVersion = (std::uint64_t{1} << 53U) - 1;  // JSON's whole numbers
constexpr std::string_view kSubmissions = "/api/v1/submissions";

struct Options {
  std::vector<fs::path> files;
  std::vector<std::string> names;
  std::vector<std::string> drops;
  std::vector<std::string> hardware_ids;
  std::string version;
  std::optional<std::uint64_t> counter;
  std::string role;
  std::string server;
  fs::path token_file;
  fs::path root;
  std::optional<fs::path> ca;
  std::vector<fs::path> keys;
  std::vector<fs::path> sboms;
  std::vector<fs::path> provenance;
  DelegateOptions delegate;
  std::string expires = "90d";
  bool renew = false;
  std::uint64_t metadata_version = 1;  // the least
  fs::path partial = "cotter-submission.json";
};

/// Keeps nothing: what the supplier has to trust is its pinned root.
struct NoStore final : trust::MetadataStore {
  [[nodiscard]] Result<std::optional<Bytes>> load(Repository, const RoleName&) const override {
    return std::optional<Bytes>();
  }
  Result<void> commit(Repository, std::span<const trust::Effect>) override { return {}; }
};

/// What is published of the supplier's, by the root that it was given.
struct Base {
  trust::TrustedSet set;
  RoleName role;
  const trust::Verified<model::Targets>* delegator = nullptr;  ///< of files that `set` shares
  const model::DelegatedRole* entry = nullptr;
  const model::Targets* published = nullptr;  ///< nothing yet
  std::optional<app::SplitRole> split{};      ///< with hashed bins
};

const model::DelegatedRole* entry_in(const trust::Verified<model::Targets>& file, const RoleName& role) {
  if (!file->delegations) return nullptr;
  const auto& roles = file->delegations->roles;
  const auto found = std::ranges::find(roles, role, &model::DelegatedRole::name);
  return found == roles.end() ? nullptr : &*found;
}

/// Who lets `base.role` sign: the targets, or a supplier with whose name its own begins.
Result<RoleName> find_delegator(Base& base, trust::Transport& transport) {
  base.delegator = base.set.targets();
  base.entry = entry_in(*base.delegator, base.role);
  if (base.entry != nullptr) return model::targets_role();
  const auto delegations = (*base.delegator)->delegations;
  for (const model::DelegatedRole& entry : delegations ? delegations->roles : model::Delegations().roles) {
    const RoleName& above = entry.name;
    if (!base.role.value().starts_with(above.value() + "-") || !base.set.listed(above)) continue;
    TRY(repository::load_delegated(base.set, transport, above, model::targets_role()));
    base.delegator = base.set.targets(above, model::targets_role());
    base.entry = entry_in(*base.delegator, base.role);
    if (base.entry != nullptr) return above;
  }
  return fault(Fault::Kind::NotFound, "the repository delegates to no role " + base.role.value(),
               "who lets you sign may not have published it yet");
}

/// Fresh, as a vehicle would have it, but for what its roles have published: a supplier may come to renew
/// that when it has expired.
Result<trust::TrustedSet> read_published(trust::Transport& transport, const Bytes& root, UtcTime now) {
  NoStore store;
  const auto fresh = TRY(repository::read_as_client(transport, root, now, store));
  auto set = TRY(repository::read_as_client(transport, root, repository::kBeforeAnyExpiry, store));
  if (std::ranges::equal(set.timestamp()->wire(), fresh.timestamp()->wire())) return set;
  return fault(Fault::Kind::Conflict, "something was published while it was read", "try again");
}

Result<Base> read_base(const Options& options, const crypto::Secret& token, UtcTime now) {
  std::string url = options.server;
  while (url.ends_with('/')) url.pop_back();
  repository::TlsFiles tls;
  tls.ca = options.ca;
  auto transport = TRY(repository::UrlTransport::create(url + "/api/v1/repo", tls));
  TRY(transport.show_token(token));
  const Bytes root = TRY(host::read_file(options.root, kMaxRoot));
  auto set = TRY(read_published(transport, root, now));
  Base base{std::move(set), RoleName(options.role)};
  const RoleName delegator = TRY(find_delegator(base, transport));
  if (delegator == model::targets_role())
    base.split = TRY(app::read_split_role(base.set, transport, base.role));
  if (base.split) {
    base.published = base.split->own;
  } else if (base.set.listed(base.role)) {
    TRY(repository::load_delegated(base.set, transport, base.role, delegator));
    base.published = &**base.set.targets(base.role, delegator);
  }
  return base;
}

Result<operations::SubmittedFile> look_at(const fs::path& path, FileKind kind,
                                          crypto::Hashes* hashes = nullptr) {
  operations::SubmittedFile file;
  file.kind = kind;
  crypto::Hasher sha256(crypto::HashFunction::Sha256), sha512(crypto::HashFunction::Sha512);
  auto reader = TRY(repository::FileReader::open(path));
  for (ByteView piece = TRY(reader.next()); !piece.empty(); piece = TRY(reader.next())) {
    file.length += piece.size();
    sha256.update(piece);
    if (hashes != nullptr) sha512.update(piece);
  }
  if (file.length == 0) return fault(Fault::Kind::Usage, path.string() + " is empty");
  file.sha256 = sha256.finish();
  if (hashes == nullptr) return file;
  hashes->set(crypto::HashFunction::Sha256, file.sha256);
  hashes->set(crypto::HashFunction::Sha512, sha512.finish());
  return file;
}

using Signers = std::vector<std::unique_ptr<crypto::Signer>>;

Result<Signers> open_keys(const Options& options, const Context& context) {
  Signers signers;
  for (const fs::path& key : options.keys) {
    const fs::path dir = key.has_parent_path() ? key.parent_path() : fs::path(".");
    auto folder = TRY(keystore::KeyFolder::open(dir, holder_unlock(context, dir.filename().string())));
    signers.push_back(TRY(folder.signer(key.stem().string())));
  }
  return signers;
}

std::vector<crypto::Signer*> pointers(const Signers& signers) {
  std::vector<crypto::Signer*> all;
  for (const auto& signer : signers) all.push_back(signer.get());
  return all;
}

/// A statement as its maker wrote it is put in an envelope of the supplier's; one that is in an envelope
/// stays.
Result<SubmissionBundle::File> take_provenance(const fs::path& path, const fs::path& beside,
                                               const Signers& signers) {
  const Bytes content = TRY(host::read_file(path, operations::kMaxPaperBytes));
  const json::Value value = TRY(json::read_foreign(content));
  const json::Object* object = value.as_object();
  fs::path sealed = fs::absolute(path);
  if (object != nullptr && object->find("payload") == nullptr) {
    sealed = fs::absolute(beside.string() + "." + path.filename().string() + ".dsse.json");
    TRY(host::write_atomically(sealed, TRY(operations::seal_statement(content, pointers(signers)))));
  }
  operations::SubmittedFile file = TRY(look_at(sealed, FileKind::Provenance));
  return SubmissionBundle::File{std::move(file), std::move(sealed)};
}

/// To the bundle's files, and to what the next metadata list.
Result<void> add_images(SubmissionBundle& bundle, model::Targets& next, const Options& options) {
  std::optional<ReleaseCounter> counter;
  if (options.counter) counter = ReleaseCounter(*options.counter);
  for (std::size_t i = 0; i < options.files.size(); ++i) {
    repository::Release release;
    release.name = TargetName(options.names[i]);
    for (const std::string& id : options.hardware_ids) release.hardware_ids.emplace_back(id);
    release.version = options.version;
    release.counter = counter;
    operations::SubmittedFile file = TRY(look_at(options.files[i], FileKind::Image, &release.hashes));
    release.length = file.length;
    TRY(repository::check_release(release));
    auto change = TRY(repository::with_release(next, release));
    counter = change.counter;  // one for all that are released together (IMG-9)
    next = std::move(change.targets);
    const bool is_there = std::ranges::any_of(
        bundle.files, [&](const SubmissionBundle::File& each) { return each.file.sha256 == file.sha256; });
    if (change.changed && !is_there)
      bundle.files.push_back({std::move(file), fs::absolute(options.files[i])});
  }
  return {};
}

/// After the new images: their counter goes on from that of what goes.
Result<void> drop_images(model::Targets& next, const Options& options) {
  for (const std::string& name : options.drops) {
    if (std::ranges::find(options.names, name) != options.names.end())
      return fault(Fault::Kind::Usage, name + " is to be listed anew, and to be dropped",
                   "say one of the two");
    if (next.targets.erase(TargetName(name)) == 0)
      return fault(Fault::Kind::NotFound, options.role + " lists no image named " + name,
                   "its names are in the metadata that is published");
  }
  return {};
}

Result<SubmissionBundle> make_bundle(const Options& options, const Base& base, const Signers& signers,
                                     UtcTime now) {
  const bool has_images = !options.files.empty();
  if (options.files.size() != options.names.size() ||
      (!has_images && !options.delegate.is_given() && !options.renew && options.drops.empty()) ||
      (has_images && (options.hardware_ids.empty() || options.version.empty()))) {
    return fault(Fault::Kind::Usage,
                 "a new submission takes files, a --name for each, --hardware-id and --version",
                 "or --renew, --drop, --delegate or --end-delegation and no files");
  }
  if (base.split && options.delegate.is_given())
    return fault(Fault::Kind::Usage, base.role.value() + " has hashed bins, and lets nobody else sign",
                 "ask whoever runs the repository for a role beside it");
  SubmissionBundle bundle;
  bundle.role = base.role;
  model::Targets next;
  if (base.published != nullptr) next = *base.published;
  if (base.split) next = base.split->listed();
  TRY(add_images(bundle, next, options));
  TRY(drop_images(next, options));
  const UtcTime expires = now + *TRY(lifetime_of(options.expires));
  if (base.split) {
    bundle.metadata = app::next_metadata(*base.split, next,
                                         {now, expires, options.renew, Version(options.metadata_version)});
    if (bundle.metadata.empty())
      return fault(Fault::Kind::Usage, "nothing changes: all of it is listed so already",
                   "--renew signs anew what is there");
  } else {
    TRY(change_delegations(next, base.role, options.delegate));
    const Version after(base.published == nullptr ? 1 : base.published->version.value() + 1);
    next.version = std::max(after, Version(options.metadata_version));
    next.expires = expires;
    bundle.metadata.push_back({{}, std::move(next), {}});
  }
  for (const fs::path& path : options.sboms) {
    operations::SubmittedFile file = TRY(look_at(path, FileKind::Sbom));
    bundle.files.push_back({std::move(file), fs::absolute(path)});
  }
  for (const fs::path& path : options.provenance)
    bundle.files.push_back(TRY(take_provenance(path, options.partial, signers)));
  return bundle;
}

Result<void> sign(SubmissionBundle& bundle, const Base& base, const Signers& signers) {
  const model::KeyRing& ring = (*base.delegator)->delegations->keys;
  for (const auto& signer : signers) {
    const auto is_key = [&](const KeyId& id) {
      const auto key = ring.find(id);
      return key != ring.end() && key->second.material() == signer->public_key().material();
    };
    const auto id = std::ranges::find_if(base.entry->keys.keyids, is_key);
    if (id == base.entry->keys.keyids.end()) {
      return fault(
          Fault::Kind::Denied,
          "key " + signer->public_key().computed_id().value() + " is none of " + base.role.value() + "'s",
          "tell whoever runs the repository about a new key first");
    }
    for (SubmissionBundle::Metadata& metadata : bundle.metadata) {
      crypto::Signature signature = TRY(signer->sign(metadata.canonical()));
      signature.keyid = *id;
      metadata.attach(std::move(signature));
    }
  }
  return {};
}

/// Each file, as a vehicle would verify it.
bool is_signed(const SubmissionBundle& bundle, const Base& base) {
  const model::Targets* own = bundle.own() != nullptr ? bundle.own() : base.published;
  return std::ranges::all_of(bundle.metadata, [&](const SubmissionBundle::Metadata& metadata) {
    if (metadata.roles.empty())
      return app::verified_below(**base.delegator, base.role, metadata.wire()).has_value();
    return own != nullptr && app::verified_below(*own, metadata.roles.front(), metadata.wire()).has_value();
  });
}

/// Nothing is signed but what show_changes() says of it: a bundle comes from who signed before.
Result<void> check_shown(const SubmissionBundle& bundle, const Base& base) {
  if (base.split) return app::check_bundle(*base.split, bundle);
  if (bundle.metadata.size() == 1 && bundle.own() != nullptr) return {};
  return fault(
      Fault::Kind::Denied,
      "this bundle is not to be signed: it is of hashed bins, and " + base.role.value() + " has none",
      "ask whoever passed it on; remove it, and begin anew");
}

/// What whoever signs reads first.
void show_changes(const SubmissionBundle& bundle, const Base& base) {
  model::Targets replaced;
  if (!base.split) {
    for (const std::string& line : app::changes_in(base.published, bundle.listed()))
      fmt::print("{}\n", printable(line));
    for (const std::string& line : repository::delegation_changes(base.role, base.published, bundle.listed()))
      fmt::print("{}\n", printable(line));
    return;
  }
  std::size_t bins = 0;
  for (const SubmissionBundle::Metadata& metadata : bundle.metadata) {
    bins += metadata.roles.size();
    for (const RoleName& role : metadata.roles) {
      const auto there = base.split->bins.find(role);
      if (there != base.split->bins.end()) app::add_listed(replaced, **there->second);
    }
  }
  for (const std::string& line : app::changes_in(&replaced, bundle.listed()))
    fmt::print("{}\n", printable(line));
  fmt::print("{} of {} bins{}, in {} files\n", bins, std::uint64_t{1} << base.split->bit_length,
             bundle.own() != nullptr ? ", and what says who signs them" : "", bundle.metadata.size());
}

Result<ApiReply> good(Result<ApiReply> reply) {
  if (reply && reply->status >= 400) return fail(error_of(*reply));
  return reply;
}

Result<std::uint64_t> offset_in(const ApiReply& reply) {
  const json::Value body = TRY(json::read(reply.body));
  return TRY(json::ObjectView::of(body, "answer")).integer("offset");
}

/// From where the server has it on; bytes that it lost it asks for again.
Result<void> send(ApiClient& client, const std::string& place, ByteView whole, host::Progress& bar,
                  std::uint64_t& done) {
  std::uint64_t offset = TRY(offset_in(TRY(good(client.ask("GET", place)))));
  while (offset < whole.size()) {
    const ByteView piece =
        whole.subspan(offset, std::min<std::size_t>(app::kMaxUploadPiece, whole.size() - offset));
    const auto reply = TRY(good(client.ask(
        "PATCH", place, piece,
        {"Content-Type: application/partial-upload", "Upload-Offset: " + std::to_string(offset)})));
    offset = TRY(offset_in(reply));
    bar.advance_to(done + offset);
  }
  done += whole.size();
  return {};
}

/// An image is read piece by piece: it may be larger than the memory.
Result<void> send_file(ApiClient& client, const std::string& place, const SubmissionBundle::File& file,
                       host::Progress& bar, std::uint64_t& done) {
  std::uint64_t offset = TRY(offset_in(TRY(good(client.ask("GET", place)))));
  auto reader = TRY(repository::FileReader::open(file.path));
  std::uint64_t at = 0;
  Bytes piece;
  const auto flush = [&]() -> Result<void> {
    if (piece.empty()) return {};
    const auto reply = TRY(good(client.ask(
        "PATCH", place, piece,
        {"Content-Type: application/partial-upload", "Upload-Offset: " + std::to_string(offset)})));
    offset = TRY(offset_in(reply));
    piece.clear();
    bar.advance_to(done + offset);
    return {};
  };
  for (ByteView next = TRY(reader.next()); !next.empty(); next = TRY(reader.next())) {
    const std::uint64_t begin = at;
    at += next.size();
    if (at <= offset) continue;
    if (begin < offset && piece.empty()) next = next.subspan(static_cast<std::size_t>(offset - begin));
    if (piece.size() + next.size() > app::kMaxUploadPiece) TRY(flush());
    piece.insert(piece.end(), next.begin(), next.end());
  }
  TRY(flush());
  done += file.file.length;
  if (offset == file.file.length) return {};
  return fault(Fault::Kind::Conflict, file.path.string() + " changed since it was signed for",
               "remove the bundle and begin anew");
}

/// The server's answer: what the submission is now.
Result<ApiReply> upload(ApiClient& client, const SubmissionBundle& bundle) {
  const operations::Submission list = bundle.submission();
  const auto made =
      TRY(good(client.ask("POST", kSubmissions, list.encode(), {"Content-Type: application/json"})));
  const json::Value body = TRY(json::read(made.body));
  const std::string id = TRY(TRY(json::ObjectView::of(body, "answer")).string("id"));
  if (!operations::is_submission_id(id))
    return fault(Fault::Kind::Io, "the server answers with no submission");
  const std::string place = std::string(kSubmissions) + '/' + id;
  std::uint64_t done = 0;
  {
    host::Progress bar("sending", list.total_length());
    for (const SubmissionBundle::Metadata& metadata : bundle.metadata) {
      const Bytes wire = metadata.wire();
      TRY(send(client, place + "/files/" + to_hex(crypto::sha256(wire)), wire, bar, done));
    }
    for (const SubmissionBundle::File& file : bundle.files)
      TRY(send_file(client, place + "/files/" + to_hex(file.file.sha256), file, bar, done));
  }
  return client.ask("POST", place + "/complete");
}

/// Refused: prints all that is wrong, and the fault that makes the exit code.
Result<void> show_answer(const ApiReply& reply, const Context& context) {
  const json::Value body = TRY(json::read(reply.body));
  if (context.json) host::print_json(body);
  if (reply.status == 422) {
    const json::Value* problems = body.as_object() == nullptr ? nullptr : body.as_object()->find("problems");
    if (problems != nullptr && problems->as_array() != nullptr) {
      for (const json::Value& each : *problems->as_array()) {
        if (each.as_string() != nullptr) fmt::print(stderr, "  {}\n", printable(*each.as_string()));
      }
    }
  }
  if (reply.status >= 400) return fail(error_of(reply));
  if (!context.json) {
    const auto view = TRY(json::ObjectView::of(body, "answer"));
    fmt::print("submission {} is {}\n", TRY(view.string("id")), TRY(view.string("state")));
  }
  return {};
}

void show_partial(const Options& options, const SubmissionBundle& bundle, const Base& base,
                  const Context& context) {
  const std::size_t signatures = bundle.metadata.front().signatures.size();  // each signs all files
  if (context.json) {
    host::print_json(json::Object{{"state", "awaiting"},
                                  {"bundle", options.partial.string()},
                                  {"signatures", std::uint64_t{signatures}},
                                  {"threshold", std::uint64_t{base.entry->keys.threshold}}});
    return;
  }
  fmt::print("signed by {} of {}: pass on {}, with the files that it names\n", signatures,
             base.entry->keys.threshold, options.partial.string());
}

void forget(const Options& options, const SubmissionBundle& bundle) {
  std::error_code ignored;
  fs::remove(options.partial, ignored);
  for (const SubmissionBundle::File& file : bundle.files) {
    if (file.path.string().starts_with(fs::absolute(options.partial).string() + "."))
      fs::remove(file.path, ignored);
  }
}

Result<void> run(const Options& options, const Context& context) {
  const crypto::Secret token = TRY(read_token_file(options.token_file));
  const UtcTime now = host::SystemClock().now();
  const Base base = TRY(read_base(options, token, now));
  const Signers signers = TRY(open_keys(options, context));
  std::error_code ignored;
  const bool goes_on = fs::exists(options.partial, ignored);
  SubmissionBundle bundle =
      goes_on ? TRY(SubmissionBundle::read(options.partial)) : TRY(make_bundle(options, base, signers, now));
  if (goes_on && (!options.files.empty() || !options.drops.empty() || options.delegate.is_given() ||
                  options.renew || options.metadata_version > 1))
    return fault(Fault::Kind::Conflict, options.partial.string() + " is a submission under way",
                 "go on with it without naming files, delegations and a version, or remove it to drop it");
  if (bundle.role != base.role)
    return fault(Fault::Kind::Usage, "the bundle is of role " + bundle.role.value());
  TRY(check_shown(bundle, base));
  if (!context.json) show_changes(bundle, base);
  if (!is_signed(bundle, base)) TRY(sign(bundle, base, signers));
  TRY(bundle.write(options.partial));
  if (!is_signed(bundle, base)) {
    show_partial(options, bundle, base, context);
    return {};
  }
  repository::TlsFiles tls;
  tls.ca = options.ca;
  auto client = TRY(ApiClient::create(options.server, tls, token));
  const auto reply = upload(client, bundle);
  if (!reply) {
    fmt::print(stderr, "{} goes on where it was: run the same without the files\n", options.partial.string());
    return fail(reply.error());
  }
  if (reply->status == 200 || reply->status == 422) forget(options, bundle);
  return show_answer(*reply, context);
}

template <class List>
void add_list(CLI::App& verb, const char* name, List& list, const char* words) {
  verb.add_option(name, list, words)->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

}  // namespace

void add_submit(CLI::App& app, Context& context) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand(
      "submit", "as a supplier: sign the next metadata with your own keys, and hand it in with its images");
  verb->add_option("FILE", options->files, "the images; none: go on with the bundle of --partial");
  add_list(*verb, "--name", options->names, "the name of each image, in their order: SUPPLIER/ECU/FILE.ext");
  add_list(*verb, "--hardware-id", options->hardware_ids, "which ECUs they are for; may be repeated");
  add_list(*verb, "--drop", options->drops,
           "the name of an image that is to be listed no more; may be repeated");
  verb->add_option("--version", options->version, "as people call it: 3.1.0");
  verb->add_option("--release-counter", options->counter,
                   "one for all of them (default: the highest plus one)");
  verb->add_option("--supplier", options->role, "the name that you were taken in under")->required();
  verb->add_option("--server", options->server, "https://HOST:PORT")->required();
  verb->add_option("--ca", options->ca, "trust this CA and no other")->type_name("FILE");
  verb->add_option(
          "--root", options->root,
          "the image repository's 1.root.json, as you were given it: what is published is judged by it")
      ->required();
  verb->add_option("--token-file", options->token_file, "your token, as cotter token add --out wrote it")
      ->required();
  add_list(*verb, "--key", options->keys,
           "the record of one of your keys, wherever its private half is; may be repeated");
  add_list(*verb, "--sbom", options->sboms, "a CycloneDX SBOM in JSON; may be repeated");
  add_list(*verb, "--provenance", options->provenance,
           "an in-toto statement, which is signed then, or one in its DSSE envelope; may be repeated");
  add_delegate_options(*verb, options->delegate);
  verb->add_option("--expires", options->expires, "how long the metadata lives: 90d, 12h")
      ->capture_default_str();
  verb->add_flag("--renew", options->renew,
                 "sign anew all that is published, for as long as --expires says; files may come with it");
  verb->add_option(
          "--metadata-version", options->metadata_version,
          "at least this version: the intake names it where one before was spent in vain (default: the one "
          "after what is published)")
      ->check(CLI::Range(std::uint64_t{1}, kMostVersion));
  verb->add_option("--partial", options->partial,
                   "where the bundle lies until it is handed in: for the next who signs, and to go on with")
      ->capture_default_str();
  verb->callback([options, &context] { context.exit_code = finish(run(*options, context)); });
}

}  // namespace cotter::cli
