// Keys of one folder that should not lie together. Never opens a key. Pure.
#pragma once

#include <string>
#include <vector>

#include "common/keystore/key_record.h"

namespace cotter::app {

/// A sentence for each release role whose key lies beside the director's targets key: who has both decides
/// what the ECUs of that role run, and neither key alone does (the matrix of docs/threat-model.md).
std::vector<std::string> keys_together(const std::vector<keystore::KeyInfo>& keys);

}  // namespace cotter::app
