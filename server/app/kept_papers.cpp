#include "server/app/kept_papers.h"

#include "common/crypto/digest.h"
#include "common/host/atomic_file.h"

namespace cotter::app {

Result<std::optional<Bytes>> KeptPapers::read(const std::string& sha256) const {
  const auto name = from_hex(sha256);  // it may come from an entry that somebody wrote
  if (!name || name->size() != crypto::digest_size(crypto::HashFunction::Sha256))
    return std::optional<Bytes>();
  auto bytes = host::read_file(dir_ / to_hex(*name), operations::kMaxPaperBytes);
  if (bytes) return std::optional(*std::move(bytes));
  if (is_fault(bytes.error(), Fault::Kind::NotFound)) return std::optional<Bytes>();
  return fail(bytes.error());
}

Result<bool> KeptPapers::has(const std::string& sha256) const {
  const auto bytes = TRY(read(sha256));
  return bytes && to_hex(crypto::sha256(*bytes)) == sha256;
}

Result<void> KeptPapers::put(const std::string& sha256, ByteView bytes) const {
  return host::write_atomically(dir_ / sha256, bytes, host::kSecretFile);
}

Result<void> KeptPapers::keep(const SubmissionFiles& files,
                              const operations::SubmissionRecord& record) const {
  TRY(host::ensure_dir(dir_, host::kSecretDir));
  for (const operations::SubmittedFile& file : record.submission.files) {
    const std::string sha256 = to_hex(file.sha256);
    if (!is_about_images(file.kind) || TRY(has(sha256))) continue;
    TRY(put(sha256, TRY(files.paper(record.id, file))));
  }
  const Bytes list = record.submission.encode();
  const std::string sha256 = to_hex(crypto::sha256(list));
  return TRY(has(sha256)) ? Result<void>() : put(sha256, list);
}

}  // namespace cotter::app
