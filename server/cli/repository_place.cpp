#include "server/cli/repository_place.h"

#include <CLI/CLI.hpp>
#include <system_error>
#include <utility>

#include "server/repository/folder_transport.h"

namespace cotter::cli {
namespace {

namespace fs = std::filesystem;

bool is_url(const std::string& place) { return place.find("://") != std::string::npos; }

/// The folder of the repository: the one named, or the one in the workspace that is named or found.
Result<fs::path> folder_of(const std::string& place, const Context& context) {
  if (place.empty()) return TRY(open_workspace(context)).repo_dir();
  std::error_code ignored;
  if (fs::exists(fs::path(place) / "cotter.toml", ignored))
    return TRY(app::Workspace::open(place)).repo_dir();
  return fs::path(place);
}

}  // namespace

void add_tls_options(CLI::App& verb, RepositoryPlace& place) {
  verb.add_option("--ca", place.tls.ca, "for https: trust this CA (PEM) and no other");
  verb.add_option("--certificate", place.tls.certificate, "for https: our certificate (PEM)");
  verb.add_option("--key", place.tls.key, "for https: our private key (PEM)");
}

Result<OpenRepository> open_repository(const RepositoryPlace& place, const Context& context) {
  OpenRepository open;
  if (is_url(place.text)) {
    auto transport = TRY(repository::UrlTransport::create(place.text, place.tls));
    open.place = place.text;
    open.source = std::make_unique<repository::UrlTransport>(std::move(transport));
    return open;
  }
  const fs::path folder = TRY(folder_of(place.text, context));
  open.place = folder.string();
  open.source = std::make_unique<repository::FolderTransport>(folder);
  return open;
}

}  // namespace cotter::cli
