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
constexpr std::uint64_t kMaxBytes = std::uint64_t{2} * operations::kMaxPaperBytes;

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

}  // namespace

Bytes SubmissionBundle::canonical() const { return json::canonical(targets.encode()); }

Bytes SubmissionBundle::wire() const {
  trust::Draft<model::Targets> draft(targets);
  for (const crypto::Signature& signature : signatures) draft.attach(signature);
  return draft.wire();
}

void SubmissionBundle::attach(crypto::Signature signature) {
  std::erase_if(signatures, [&](const auto& old) { return old.keyid == signature.keyid; });
  signatures.push_back(std::move(signature));
}

operations::Submission SubmissionBundle::submission() const {
  const Bytes metadata = wire();
  operations::Submission list;
  list.files.push_back({operations::FileKind::Metadata, crypto::sha256(metadata), metadata.size()});
  for (const File& file : files) list.files.push_back(file.file);
  return list;
}

json::Object SubmissionBundle::encode() const {
  json::Array signed_by, list;
  for (const crypto::Signature& signature : signatures) {
    signed_by.emplace_back(
        json::Object{{"keyid", signature.keyid.value()}, {"sig", to_hex(signature.bytes)}});
  }
  for (const File& each : files) {
    list.emplace_back(json::Object{{"kind", name_of(each.file.kind)},
                                   {"sha256", to_hex(each.file.sha256)},
                                   {"length", each.file.length},
                                   {"path", each.path.string()}});
  }
  return {{"_type", kType},
          {"role", role.value()},
          {"signed", targets.encode()},
          {"signatures", std::move(signed_by)},
          {"files", std::move(list)}};
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
  bundle.targets = TRY(model::Targets::decode(*TRY(view.value("signed")), model::Profile::Vehicle));
  for (const json::Value& each : *TRY(view.array("signatures"))) {
    const auto signature = TRY(json::ObjectView::of(each, "signatures[]"));
    KeyId id(TRY(signature.string("keyid")));
    Bytes bytes = TRY(signature.hex("sig"));
    bundle.signatures.push_back({std::move(id), std::move(bytes)});
  }
  for (const json::Value& each : *TRY(view.array("files"))) bundle.files.push_back(TRY(decode_file(each)));
  return bundle;
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
