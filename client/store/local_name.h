// What a role or a target is called on this disk: one name in one folder, whatever it is called elsewhere.
// Never two names for one, never one name for two, never a name that leaves its folder. Pure.
#pragma once

#include <string>
#include <string_view>

namespace cotter::client {

/// The whole name percent-encoded into one segment. One that a file system would not take for its length is
/// cut and told apart by the hash of the whole.
std::string local_name(std::string_view name);

}  // namespace cotter::client
