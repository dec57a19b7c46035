#include "common/host/logging.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <memory>
#include <string>

namespace cotter::host {

Result<void> set_up_logging() {
  const char* wanted = std::getenv("COTTER_LOG");
  const std::string name = wanted == nullptr ? "info" : wanted;
  const spdlog::level::level_enum level = spdlog::level::from_str(name);
  if (level == spdlog::level::off && name != "off") {  // from_str answers `off` to what it does not know
    return fault(Fault::Kind::Usage, "COTTER_LOG: unknown level \"" + name + "\"",
                 "use trace, debug, info, warn, error or off");
  }
  // tss2 writes its own words to stderr; ours say the same, and what to do. Who sets this sees both.
  ::setenv("TSS2_LOG", "all+NONE", 0);
  auto logger = std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
  logger->set_level(level);
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %^%l%$ %v", spdlog::pattern_time_type::utc);
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
  return {};
}

}  // namespace cotter::host
