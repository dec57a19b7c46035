#include "server/ledger/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace cotter::ledger {
namespace {

constexpr std::string_view kOriginPrefix = "cotter-ledger/";
constexpr std::size_t kOriginDigits = 16;  // of 64: logs meet by chance only once in 2^32 of them

Error malformed(std::string_view what) {
  return Fault{Fault::Kind::Denied, "not a checkpoint of a log: " + std::string(what),
               "it has three lines: the log's name, its size, its root in base64"};
}

/// Takes the next line off `text`, without its newline.
std::optional<std::string_view> take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  const bool is_number = error == std::errc() && size <= kMaxSize;
  if (!is_number || std::to_string(size) != text) return std::nullopt;
  return size;
}

std::optional<Hash> parse_root(std::string_view text) {
  const std::optional<Bytes> bytes = from_base64(text);
  if (!bytes || bytes->size() != kHashSize || to_base64(*bytes) != text) return std::nullopt;
  Hash hash;
  std::copy(bytes->begin(), bytes->end(), hash.begin());
  return hash;
}

}  // namespace

std::string origin_of(const crypto::PublicKey& key) {
  return std::string(kOriginPrefix) + key.computed_id().value().substr(0, kOriginDigits);
}

Result<VerifierKey> verifier_key(const crypto::PublicKey& key) {
  return VerifierKey::create(origin_of(key), key);
}

std::string checkpoint_text(const Checkpoint& checkpoint) {
  return checkpoint.origin + "\n" + std::to_string(checkpoint.size) + "\n" + to_base64(checkpoint.root) +
         "\n";
}

Result<Checkpoint> parse_checkpoint(std::string_view text) {
  const auto origin = take_line(text);
  const auto size_line = take_line(text);
  const auto root_line = take_line(text);
  if (!root_line) return fail(malformed("it has fewer than three lines"));
  if (!text.empty()) return fail(malformed("it has more than three lines"));
  if (origin->empty()) return fail(malformed("it does not name its log"));
  const std::optional<std::uint64_t> size = parse_size(*size_line);
  if (!size) return fail(malformed("its size is no plain number"));
  const std::optional<Hash> root = parse_root(*root_line);
  if (!root) return fail(malformed("its root is no SHA-256 hash in base64"));
  return Checkpoint{std::string(*origin), *size, *root};
}

Result<std::string> sign_checkpoint(const Checkpoint& checkpoint, crypto::Signer& signer) {
  return sign_note(checkpoint_text(checkpoint), checkpoint.origin, signer);
}

Result<Checkpoint> open_checkpoint(std::string_view note, const VerifierKey& key) {
  const std::string text = TRY(open_note(note, key));
  Checkpoint checkpoint = TRY(parse_checkpoint(text));
  if (checkpoint.origin != key.name()) {
    return fault(Fault::Kind::Denied,
                 "the checkpoint is of log " + checkpoint.origin + ", not of " + key.name(),
                 "give the key of that log");
  }
  return checkpoint;
}

}  // namespace cotter::ledger
