#include "tests/world/soft_token.h"

#include <cstdlib>
#include <fstream>
#include <utility>

#include "tests/world/process.h"

namespace cotter::world {
namespace {

namespace fs = std::filesystem;

constexpr const char* kVariable = "SOFTHSM2_CONF";
constexpr const char* kOfficerPin = "officer-12";

}  // namespace

SoftTokens::SoftTokens(fs::path dir) : dir_(std::move(dir)) {
  fs::create_directories(dir_ / "tokens");
  std::ofstream(dir_ / "softhsm2.conf") << "directories.tokendir = " << (dir_ / "tokens").string()
                                        << "\nobjectstore.backend = file\nlog.level = ERROR\n";
  if (const char* set = std::getenv(kVariable); set != nullptr) before_ = set;
  ::setenv(kVariable, (dir_ / "softhsm2.conf").c_str(), 1);
}

SoftTokens::~SoftTokens() {
  if (before_) {
    ::setenv(kVariable, before_->c_str(), 1);
  } else {
    ::unsetenv(kVariable);
  }
}

Result<void> SoftTokens::add(const std::string& label) {
  TRY(run_well({"/usr/bin/softhsm2-util",
                {"--init-token", "--free", "--label", label, "--so-pin", kOfficerPin, "--pin", kPin},
                {},
                dir_ / "log"}));
  return {};
}

std::string SoftTokens::uri(const std::string& label, const std::string& pin_source) const {
  std::string text = "pkcs11:token=" + label + "?module-path=" + kModule;
  if (!pin_source.empty()) text += "&pin-source=file:" + pin_source;
  return text;
}

Result<std::string> SoftTokens::tool(const std::string& label, std::vector<std::string> arguments) const {
  std::vector<std::string> all{"--module", kModule, "--token-label", label, "--login", "--pin", kPin};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return run_well({"/usr/bin/pkcs11-tool", std::move(all), {}, dir_ / "log"});
}

void SoftTokens::pull_out() const {
  fs::rename(dir_ / "tokens", dir_ / "pulled");
  fs::create_directory(dir_ / "tokens");
}

void SoftTokens::put_back() const {
  fs::remove_all(dir_ / "tokens");
  fs::rename(dir_ / "pulled", dir_ / "tokens");
}

}  // namespace cotter::world
