#include "client/store/local_name.h"

#include "common/base/bytes.h"
#include "common/crypto/digest.h"
#include "common/model/file_names.h"

namespace cotter::client {
namespace {

/// File systems take 255 bytes; extensions and the names of temporary files need some of them.
constexpr std::size_t kLongest = 200;
constexpr std::size_t kKept = 120;

}  // namespace

std::string local_name(std::string_view name) {
  std::string encoded = model::percent_encoded_segment(name);
  if (encoded.size() <= kLongest) return encoded;
  encoded.resize(kKept);
  // No name is encoded to a percent sign before a tilde.
  return encoded + "%~" + to_hex(crypto::sha256(as_bytes(name)));
}

}  // namespace cotter::client
