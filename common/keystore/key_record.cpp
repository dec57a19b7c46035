#include "common/keystore/key_record.h"

#include <algorithm>
#include <optional>
#include <system_error>
#include <utility>

#include "common/host/atomic_file.h"
#include "common/json/canonical.h"
#include "common/json/object_view.h"
#include "common/json/strict_reader.h"
#include "common/keystore/openssl_key.h"

namespace cotter::keystore {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kType = "cotter-key";
constexpr std::string_view kFormat = "1";
constexpr std::string_view kExtension = ".key";
constexpr std::uint64_t kMaxKeyFile = 64 * 1024;
constexpr std::size_t kMaxName = 64;
constexpr std::size_t kMaxRole = 128;

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxName && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
                  c == '_' || c == '-';
         });
}

bool is_role_note(std::string_view role) {
  return role.size() <= kMaxRole && std::all_of(role.begin(), role.end(), [](char c) {
           return c > ' ' && c < 0x7F && c != '"' && c != '\\';
         });
}

/// Rejections where the content is not what we write; the caller names the file.
Result<KeyRecord> decode(const fs::path& path, ByteView bytes) {
  const json::Value document = TRY(json::read(bytes));
  const json::ObjectView view = TRY(json::ObjectView::of(document, "key file"));
  const json::Value* key = TRY(view.value("key"));
  crypto::PublicKey public_key = TRY(crypto::PublicKey::decode(*key, crypto::Profile::Vehicle));
  KeyInfo info{{}, {}, std::move(public_key), {}, {}, path};
  info.name = TRY(view.string("name"));
  info.role = TRY(view.string("role"));
  info.id = KeyId(TRY(view.string("keyid")));
  info.created = TRY(view.time("created"));
  if (view.members().find("held") != nullptr) info.store = TRY(TRY(view.object("held")).string("store"));
  return KeyRecord{std::move(info), view.members()};
}

/// The scheme that a key names, whether or not this OpenSSL has it.
const crypto::KnownScheme* named_by(const crypto::PublicKey& key) {
  const json::Value* name = key.encode().as_object()->find("scheme");
  return crypto::scheme_named(name->as_string()->view());
}

/// A key of a newer OpenSSL is no damage: it is listed, and signs elsewhere.
bool lacks_openssl(const crypto::PublicKey& key) {
  const crypto::KnownScheme* known = named_by(key);
  return known != nullptr && known->post_quantum != nullptr && !crypto::is_supported(known->scheme);
}

/// All that `describe` writes stands in the file as it would write it.
std::optional<std::string> defect_in(const KeyRecord& record) {
  const json::Object expected = describe(record.info);
  for (const json::Member& member : expected) {
    const json::Value* there = record.document.find(member.key);
    if (there == nullptr || !(*there == member.value)) return "not in the form that this version writes";
  }
  if (record.info.name != record.info.file.stem().string()) {
    return "it was made under the name " + record.info.name;
  }
  if (record.info.id != record.info.key.computed_id()) return "its key id is not its key's";
  if (record.info.key.scheme() == crypto::Scheme::Unsupported && !lacks_openssl(record.info.key)) {
    return "a key of a kind that we do not know";
  }
  return std::nullopt;
}

}  // namespace

fs::path record_path(const fs::path& dir, std::string_view name) {
  return dir / (std::string(name) + std::string(kExtension));
}

Result<void> check_names(std::string_view name, std::string_view role) {
  if (!is_name(name)) {
    return fault(Fault::Kind::Usage, "bad key name \"" + std::string(name.substr(0, kMaxName)) + "\"",
                 "use 1 to 64 letters, digits, '.', '_' and '-', not beginning with '.'");
  }
  if (!is_role_note(role)) {
    return fault(Fault::Kind::Usage, "bad role: more than 128 bytes, or not plain ASCII without blanks");
  }
  return {};
}

json::Object describe(const KeyInfo& info) {
  return json::Object{{"_type", kType},           {"created", format_utc(info.created)},
                      {"format", kFormat},        {"key", info.key.encode()},
                      {"keyid", info.id.value()}, {"name", info.name},
                      {"role", info.role}};
}

Result<void> can_sign(const KeyInfo& info) {
  if (info.key.scheme() != crypto::Scheme::Unsupported) return {};
  return not_by_this_openssl(info.file.string() + ": " + std::string(named_by(info.key)->name));
}

Result<KeyRecord> read_record(const fs::path& file) {
  const Bytes bytes = TRY(host::read_file(file, kMaxKeyFile));
  Result<KeyRecord> record = decode(file, bytes);
  if (!record) return damaged_record(file, summary(record.error()));
  if (const auto defect = defect_in(*record)) return damaged_record(file, *defect);
  return record;
}

Result<std::vector<KeyRecord>> read_records(const fs::path& dir) {
  std::error_code error;
  std::vector<fs::path> paths;
  for (fs::directory_iterator entry(dir, error), end; !error && entry != end; entry.increment(error)) {
    if (entry->path().extension() == kExtension) paths.push_back(entry->path());
  }
  if (error) return fail(host::errno_fault("cannot read the key folder " + dir.string(), error.value()));
  std::sort(paths.begin(), paths.end());
  std::vector<KeyRecord> records;
  records.reserve(paths.size());
  for (const fs::path& path : paths) records.push_back(TRY(read_record(path)));
  return records;
}

Result<std::vector<KeyInfo>> list_keys(const fs::path& dir) {
  std::vector<KeyInfo> infos;
  for (KeyRecord& record : TRY(read_records(dir))) infos.push_back(std::move(record.info));
  return infos;
}

Result<void> create_record(const fs::path& file, const json::Object& document) {
  return host::create_atomically(file, as_bytes(json::to_pretty_text(document) + "\n"), host::kSecretFile);
}

Result<void> create_record(const KeyInfo& info, const json::Object& document, const BeforeRecord& before) {
  std::error_code ignored;
  const bool is_free = !fs::exists(fs::symlink_status(info.file, ignored));  // else it is refused below
  if (before && is_free) TRY(before(info));
  return create_record(info.file, document);
}

tl::unexpected<Error> damaged_record(const fs::path& file, const std::string& why) {
  return fault(Fault::Kind::Io, "cannot read key file " + file.string() + ": it is damaged (" + why + ")",
               "restore it from a backup; if there is none, replace the key by a new one");
}

}  // namespace cotter::keystore
