// The image repository that a verb is asked to look at: a URL, a folder, or the workspace's own.
// Never writes there. One thread.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "common/base/result.h"
#include "server/cli/context.h"
#include "server/repository/source.h"
#include "server/repository/url_transport.h"

namespace cotter::cli {

struct RepositoryPlace {
  std::string text;  ///< as given; empty: the workspace's
  repository::TlsFiles tls;
};

/// The options that a URL may need: --ca, --certificate, --key.
void add_tls_options(CLI::App& verb, RepositoryPlace& place);

struct OpenRepository {
  std::string place;  ///< the URL, or the folder
  std::unique_ptr<repository::Source> source;
};
/// Faults: NotFound (no workspace), Usage, and those of the files of `tls`.
Result<OpenRepository> open_repository(const RepositoryPlace& place, const Context& context);

}  // namespace cotter::cli
