// The command line of cotter-tuf, read into a value.
// Never touches a file or the network. Pure.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace cotter::tuf {

enum class Command { Help, Version, Init, Refresh, Download, UptaneInit, UptaneUpdate };

struct Arguments {
  Command command = Command::Help;
  bool json = false;  ///< say on stdout, as JSON, what is trusted now and which targets are there
  std::filesystem::path metadata_dir;
  std::string metadata_url;
  std::vector<std::string> target_names;
  std::string target_base_url;
  std::filesystem::path target_dir;
  std::string director_url;
  std::string image_url;
  std::string image_target_url;
  std::string ecu_serial;
  std::string hardware_id;
  std::optional<std::string> vin;
  std::vector<std::filesystem::path>
      roots;  ///< init: one; uptane-init: the director's, the image repository's
};

extern const std::string_view kUsage;

/// Long options with a separate value (`--name=value` too) in any order, and one command word. What the
/// command needs is there, and not empty. Fault: Usage.
Result<Arguments> parse_arguments(const std::vector<std::string>& words);

}  // namespace cotter::tuf
