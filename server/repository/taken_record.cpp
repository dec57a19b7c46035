#include "server/repository/taken_record.h"

#include "common/base/result.h"
#include "common/json/canonical.h"
#include "common/json/object_view.h"
#include "common/json/strict_reader.h"

namespace cotter::repository {
namespace {

Result<TakenRecord> read(std::string_view text) {
  const json::Value value = TRY(json::read(as_bytes(text)));
  const auto line = TRY(json::ObjectView::of(value, "line"));
  TakenRecord record;
  record.source = TRY(line.string("source"));
  record.copy = TRY(line.string("copy"));
  record.copy_is = TRY(line.string("copy_is"));
  record.length = TRY(line.integer("length"));
  record.hashes = TRY(crypto::Hashes::decode(*TRY(line.value("hashes"))));
  return record;
}

std::string sum_of(std::string_view text) { return to_hex(crypto::sha256(as_bytes(text))); }

}  // namespace

std::string TakenRecord::encode() const {
  const std::string text = json::to_text(json::Object{{"source", source},
                                                      {"copy", copy},
                                                      {"copy_is", copy_is},
                                                      {"length", length},
                                                      {"hashes", hashes.encode()}});
  return sum_of(text) + " " + text + "\n";
}

std::optional<TakenRecord> TakenRecord::decode(std::string_view line) {
  constexpr std::size_t kSumDigits = 64;
  if (line.size() > kMaxBytes || line.size() <= kSumDigits || line[kSumDigits] != ' ') return std::nullopt;
  const std::string_view text = line.substr(kSumDigits + 1);
  if (line.substr(0, kSumDigits) != sum_of(text)) return std::nullopt;
  auto record = read(text);
  if (!record) return std::nullopt;
  const std::string_view copy = record->copy;
  const std::size_t slash = copy.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::string_view folder = copy.substr(0, slash), name = copy.substr(slash + 1);
  const bool is_name = !folder.empty() && folder.find_first_not_of("0123456789") == std::string_view::npos &&
                       !name.empty() && name.front() != '.' && name.find('/') == std::string_view::npos &&
                       name.find('\0') == std::string_view::npos;
  const bool has_both = record->hashes.find(crypto::HashFunction::Sha256) != nullptr &&
                        record->hashes.find(crypto::HashFunction::Sha512) != nullptr;
  if (!is_name || !has_both || record->length == 0) return std::nullopt;
  return *std::move(record);
}

}  // namespace cotter::repository
