#include "server/app/submission_bundle.h"

#include <algorithm>

#include "common/crypto/digest.h"
#include "common/host/atomic_file.h"
#include "common/json/canonical.h"
#include "common/json/object_view.h"
#include "common/json/strict_reader.h"
#include "common/trust/draft.h"

namespace cotter::app {
namespace {

constexpr std::string_view kType = "cotter-submission-bundle";
constexpr std::uint64_t kMaxBytes = std::uint64_t{2} * operations::kMaxPapersBytes;

std::string sha256_of(const model::Target& target) {
  const Bytes* sha256 = target.hashes.find(crypto::HashFunction::Sha256);
  return sha256 == nullptr ? "unknown" : to_hex(*sha256);
}

Result<SubmissionBundle::File> decode_file(const json::Value& value) {
  const auto view = TRY(json::ObjectView::of(value, "files[]"));
  SubmissionBundle::File file;
  const std::string kind = TRY(view.string("kind"));
  for (const auto each :
       {operations::FileKind::Image, operations::FileKind::Sbom, operations::FileKind::Provenance}) {
    if (kind == name_of(each)) file.file.kind = each;
  }
  file.file.sha256 = TRY(view.hex("sha256"));
  file.file.length = TRY(view.integer("length"));
  file.path = TRY(view.string("path"));
  return file;
}

/// What is signed and by whom, beside what says whose it is.
json::Object encode_metadata(const SubmissionBundle::Metadata& metadata, json::Object object) {
  json::Array signed_by;
  for (const crypto::Signature& signature : metadata.signatures) {
    signed_by.emplace_back(
        json::Object{{"keyid", signature.keyid.value()}, {"sig", to_hex(signature.bytes)}});
  }
  object.set("signed", metadata.targets.encode());
  object.set("signatures", std::move(signed_by));
  return object;
}

Result<SubmissionBundle::Metadata> decode_metadata(const json::ObjectView& view) {
  SubmissionBundle::Metadata metadata;
  metadata.targets = TRY(model::Targets::decode(*TRY(view.value("signed")), model::Profile::Vehicle));
  for (const json::Value& each : *TRY(view.array("signatures"))) {
    const auto signature = TRY(json::ObjectView::of(each, "signatures[]"));
    KeyId id(TRY(signature.string("keyid")));
    Bytes bytes = TRY(signature.hex("sig"));
    metadata.signatures.push_back({std::move(id), std::move(bytes)});
  }
  return metadata;
}

Result<SubmissionBundle::Metadata> decode_bins(const json::Value& value) {
  const auto view = TRY(json::ObjectView::of(value, "bins[]"));
  SubmissionBundle::Metadata metadata = TRY(decode_metadata(view));
  const json::Array* roles = TRY(view.array("roles"));
  if (roles->empty() || roles->size() > operations::kMaxSubmissionBins) {
    TRY(refuse(RuleId::MemberWrongKind,
               "1 to " + std::to_string(operations::kMaxSubmissionBins) + " bins whose file it is",
               std::to_string(roles->size())));
  }
  for (const json::Value& each : *roles) metadata.roles.emplace_back(TRY(json::string_of(each, "roles[]")));
  return metadata;
}

}  // namespace

Bytes SubmissionBundle::Metadata::canonical() const { return json::canonical(targets.encode()); }

Bytes SubmissionBundle::Metadata::wire() const {
  trust::Draft<model::Targets> draft(targets);
  for (const crypto::Signature& signature : signatures) draft.attach(signature);
  return draft.wire();
}

void SubmissionBundle::Metadata::attach(crypto::Signature signature) {
  std::erase_if(signatures, [&](const auto& old) { return old.keyid == signature.keyid; });
  signatures.push_back(std::move(signature));
}

const model::Targets* SubmissionBundle::own() const {
  const bool is_there = !metadata.empty() && metadata.front().roles.empty();
  return is_there ? &metadata.front().targets : nullptr;
}

model::Targets SubmissionBundle::listed() const {
  model::Targets all;
  for (const Metadata& each : metadata) add_listed(all, each.targets);
  return all;
}

operations::Submission SubmissionBundle::submission() const {
  operations::Submission list;
  for (const Metadata& each : metadata) {
    const Bytes wire = each.wire();
    list.files.push_back({operations::FileKind::Metadata, crypto::sha256(wire), wire.size(), each.roles});
  }
  for (const File& file : files) list.files.push_back(file.file);
  return list;
}

json::Object SubmissionBundle::encode() const {
  json::Object object{{"_type", kType}, {"role", role.value()}};
  json::Array bins, list;
  for (const Metadata& each : metadata) {
    if (each.roles.empty()) {
      object = encode_metadata(each, std::move(object));
      continue;
    }
    json::Array roles;
    for (const RoleName& bin : each.roles) roles.emplace_back(bin.value());
    bins.emplace_back(encode_metadata(each, json::Object{{"roles", std::move(roles)}}));
  }
  if (!bins.empty()) object.set("bins", std::move(bins));
  for (const File& each : files) {
    list.emplace_back(json::Object{{"kind", name_of(each.file.kind)},
                                   {"sha256", to_hex(each.file.sha256)},
                                   {"length", each.file.length},
                                   {"path", each.path.string()}});
  }
  object.set("files", std::move(list));
  return object;
}

Result<void> SubmissionBundle::write(const std::filesystem::path& file) const {
  return host::write_atomically(file, to_bytes(json::to_pretty_text(encode())));
}

Result<SubmissionBundle> SubmissionBundle::read(const std::filesystem::path& file) {
  return decode(TRY(host::read_file(file, kMaxBytes)));
}

Result<SubmissionBundle> SubmissionBundle::decode(ByteView text) {
  const json::Value value = TRY(json::read(text));
  const auto view = TRY(json::ObjectView::of(value, "bundle"));
  const std::string type = TRY(view.string("_type"));
  if (type != kType) TRY(refuse(RuleId::RoleTypeWrong, std::string(kType), type));
  SubmissionBundle bundle;
  bundle.role = RoleName(TRY(view.string("role")));
  if (view.find("signed") != nullptr) bundle.metadata.push_back(TRY(decode_metadata(view)));
  if (view.find("bins") != nullptr) {
    for (const json::Value& each : *TRY(view.array("bins")))
      bundle.metadata.push_back(TRY(decode_bins(each)));
  }
  if (bundle.metadata.empty()) TRY(refuse(RuleId::MemberMissing, "signed, or bins", "neither"));
  for (const json::Value& each : *TRY(view.array("files"))) bundle.files.push_back(TRY(decode_file(each)));
  return bundle;
}

void add_listed(model::Targets& all, const model::Targets& file) {
  all.targets.insert(file.targets.begin(), file.targets.end());
  if (file.delegations) all.delegations = file.delegations;
}

std::vector<std::string> changes_in(const model::Targets* base, const model::Targets& next) {
  std::vector<std::string> lines;
  for (const auto& [name, target] : next.targets) {
    const bool is_there = base != nullptr && base->targets.contains(name);
    if (is_there && base->targets.at(name).encode() == target.encode()) continue;
    lines.push_back(std::string(is_there ? "replace " : "add ") + name.value() + ": " +
                    std::to_string(target.length) + " bytes, sha256 " + sha256_of(target));
  }
  if (base == nullptr) return lines;
  for (const auto& [name, target] : base->targets) {
    if (!next.targets.contains(name)) lines.push_back("drop " + name.value());
  }
  return lines;
}

}  // namespace cotter::app
