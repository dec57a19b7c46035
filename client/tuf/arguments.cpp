#include "client/tuf/arguments.h"

#include <algorithm>
#include <array>

namespace cotter::tuf {
namespace {

struct CommandWord {
  std::string_view word;
  Command command;
  std::size_t roots;  ///< how many root files follow it
};
constexpr std::array kCommands = {
    CommandWord{"init", Command::Init, 1},
    CommandWord{"refresh", Command::Refresh, 0},
    CommandWord{"download", Command::Download, 0},
    CommandWord{"uptane-init", Command::UptaneInit, 2},
    CommandWord{"uptane-update", Command::UptaneUpdate, 0},
};

Error usage(std::string what) { return Fault{Fault::Kind::Usage, std::move(what), "see cotter-tuf --help"}; }

Result<void> set_option(Arguments& arguments, std::string_view name, std::string value) {
  if (name == "--metadata-dir") {
    arguments.metadata_dir = std::move(value);
  } else if (name == "--metadata-url") {
    arguments.metadata_url = std::move(value);
  } else if (name == "--target-name") {
    arguments.target_names.push_back(std::move(value));
  } else if (name == "--target-base-url") {
    arguments.target_base_url = std::move(value);
  } else if (name == "--target-dir") {
    arguments.target_dir = std::move(value);
  } else if (name == "--director-url") {
    arguments.director_url = std::move(value);
  } else if (name == "--image-url") {
    arguments.image_url = std::move(value);
  } else if (name == "--image-target-url") {
    arguments.image_target_url = std::move(value);
  } else if (name == "--ecu-serial") {
    arguments.ecu_serial = std::move(value);
  } else if (name == "--hardware-id") {
    arguments.hardware_id = std::move(value);
  } else if (name == "--vin") {
    arguments.vin = std::move(value);
  } else {
    return fail(usage("unknown option " + std::string(name)));
  }
  return {};
}

struct Need {
  const char* option;
  bool given;
};
Result<void> require(std::initializer_list<Need> needs) {
  for (const Need& need : needs) {
    if (!need.given) return fail(usage(std::string("this command needs ") + need.option));
  }
  return {};
}

Result<void> check_complete(const Arguments& given) {
  if (given.command == Command::Help || given.command == Command::Version) return {};
  TRY(require({{"--metadata-dir", !given.metadata_dir.empty()}}));
  switch (given.command) {
    case Command::Refresh:
      return require({{"--metadata-url", !given.metadata_url.empty()}});
    case Command::Download:
      return require({{"--metadata-url", !given.metadata_url.empty()},
                      {"--target-name", !given.target_names.empty()},
                      {"--target-base-url", !given.target_base_url.empty()},
                      {"--target-dir", !given.target_dir.empty()}});
    case Command::UptaneUpdate:
      return require({{"--director-url", !given.director_url.empty()},
                      {"--image-url", !given.image_url.empty()},
                      {"--image-target-url", !given.image_target_url.empty()},
                      {"--ecu-serial", !given.ecu_serial.empty()},
                      {"--hardware-id", !given.hardware_id.empty()},
                      {"--target-dir", !given.target_dir.empty()}});
    default:
      return {};
  }
}

/// Reads words from the front.
class Reader {
 public:
  explicit Reader(const std::vector<std::string>& words) : words_(&words) {}

  Result<Arguments> read() {
    while (next_ < words_->size()) {
      const std::string& word = words_->at(next_++);
      if (word == "--help" || word == "-h") return of_command(Command::Help);
      if (word == "--version") return of_command(Command::Version);
      if (word == "--json") {
        arguments_.json = true;
        continue;
      }
      TRY(word.starts_with("--") ? option(word) : operand(word));
    }
    if (command_ == nullptr) return fail(usage("no command word"));
    if (arguments_.roots.size() != command_->roots) {
      return fail(
          usage(std::string(command_->word) + " takes " + std::to_string(command_->roots) + " files"));
    }
    TRY(check_complete(arguments_));
    return arguments_;
  }

 private:
  static Arguments of_command(Command command) {
    Arguments arguments;
    arguments.command = command;
    return arguments;
  }

  Result<void> option(const std::string& word) {
    if (const auto equals = word.find('='); equals != std::string::npos) {
      return set_option(arguments_, word.substr(0, equals), word.substr(equals + 1));
    }
    if (next_ == words_->size()) return fail(usage(word + " needs a value"));
    return set_option(arguments_, word, words_->at(next_++));
  }

  Result<void> operand(const std::string& word) {
    if (command_ != nullptr) {
      arguments_.roots.emplace_back(word);
      return {};
    }
    command_ = std::find_if(kCommands.begin(), kCommands.end(),
                            [&](const CommandWord& known) { return known.word == word; });
    if (command_ == kCommands.end()) return fail(usage("unknown command " + word));
    arguments_.command = command_->command;
    return {};
  }

  const std::vector<std::string>* words_;
  std::size_t next_ = 0;
  Arguments arguments_;
  const CommandWord* command_ = nullptr;
};

}  // namespace

const std::string_view kUsage = R"(usage: cotter-tuf OPTIONS COMMAND

A client for any TUF repository, and the Uptane verification of one ECU. Exit code 0 on full success, else 1.

  cotter-tuf --metadata-dir D init ROOT_FILE
      make ROOT_FILE the trusted root; no request is made
  cotter-tuf --metadata-dir D --metadata-url URL refresh
      bring the top-level metadata up to date
  cotter-tuf --metadata-dir D --metadata-url URL --target-name NAME [--target-name NAME]...
             --target-base-url URL --target-dir DIR download
      refresh, then search, fetch and verify each target in turn
  cotter-tuf --metadata-dir D uptane-init DIRECTOR_ROOT_FILE IMAGE_ROOT_FILE
      make these the trusted roots of the two repositories
  cotter-tuf --metadata-dir D --director-url URL --image-url URL --image-target-url URL
             --ecu-serial ID --hardware-id ID [--vin VIN] --target-dir DIR uptane-update
      verify both repositories, match them, and fetch what the director assigns to this ECU

  --json     say on stdout what is trusted now, and which targets are there
  --help, --version
)";

Result<Arguments> parse_arguments(const std::vector<std::string>& words) { return Reader(words).read(); }

}  // namespace cotter::tuf
