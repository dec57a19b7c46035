#include "common/trust/image_check.h"

#include <algorithm>
#include <array>

namespace cotter::trust {

ImageCheck::ImageCheck(const model::Target& target) : length_(target.length) {
  for (const auto function : {crypto::HashFunction::Sha256, crypto::HashFunction::Sha512}) {
    if (const Bytes* digest = target.hashes.find(function))
      hashers_.emplace_back(crypto::Hasher(function), *digest);
  }
  COTTER_ASSERT(!hashers_.empty());  // Hashes::decode refuses a list without a known function
}

Result<void> ImageCheck::write(ByteView chunk) {
  if (chunk.size() > length_ - std::min(length_, received_)) {
    TRY(refuse(RuleId::ImageTooLong, std::to_string(length_) + " bytes", "more"));
  }
  received_ += chunk.size();
  for (auto& [hasher, digest] : hashers_) hasher.update(chunk);
  return {};
}

Result<void> ImageCheck::finish() {
  if (received_ < length_) {
    TRY(refuse(RuleId::ImageTooShort, std::to_string(length_) + " bytes", std::to_string(received_)));
  }
  for (auto& [hasher, digest] : hashers_) {
    if (const Bytes got = hasher.finish(); got != digest) {
      TRY(refuse(RuleId::ImageHashWrong, to_hex(digest), to_hex(got)));
    }
  }
  return {};
}

}  // namespace cotter::trust
