#include "client/tuf/commands.h"

#include <utility>
#include <vector>

#include "client/fetch/curl_session.h"
#include "client/fetch/curl_transport.h"
#include "client/store/metadata_folder.h"
#include "client/store/target_folder.h"
#include "client/tuf/repository.h"
#include "common/trust/refresh.h"

namespace cotter::tuf {
namespace {

/// Finds one target, loading delegated roles into `set` on the way, and stores it unless it is there already.
Result<void> download_one(const Arguments& arguments, const TargetName& name, trust::TrustedSet& set,
                          trust::MetadataStore& store, client::CurlSession& session,
                          const client::TargetFolder& folder) {
  client::CurlTransport transport(session, arguments.metadata_url);
  trust::DelegationWalk walk(set, name, std::nullopt);
  TRY(drive(walk, store, transport));
  const trust::Found found = TRY(walk.found());
  set = std::move(walk).take();
  if (folder.has(name, found.target)) return {};
  std::vector<client::IncomingTarget> incoming;
  incoming.push_back(TRY(fetch_target(session, arguments.target_base_url, folder, name, found.target,
                                      set.root()->consistent_snapshot)));
  return folder.publish(std::move(incoming));
}

}  // namespace

Result<Report> init(disk::Disk& disk, const Arguments& arguments) {
  TRY(pin_root(arguments.roots.at(0), plain_policy(Repository::Image),
               client::MetadataFolder(disk, Repository::Image, arguments.metadata_dir)));
  return Report{};
}

Result<Report> refresh(disk::Disk& disk, const Arguments& arguments, UtcTime now) {
  client::MetadataFolder store(disk, Repository::Image, arguments.metadata_dir);
  client::CurlSession session = TRY(client::CurlSession::create({}));
  client::CurlTransport transport(session, arguments.metadata_url);
  const trust::TrustedSet set =
      TRY(bring_up_to_date(plain_policy(Repository::Image), now, store, transport, arguments.metadata_dir));
  return Report{{"image", versions_of(set)}};
}

Result<Report> download(disk::Disk& disk, const Arguments& arguments, UtcTime now) {
  client::MetadataFolder store(disk, Repository::Image, arguments.metadata_dir);
  client::CurlSession session = TRY(client::CurlSession::create({}));
  client::CurlTransport transport(session, arguments.metadata_url);
  trust::TrustedSet set =
      TRY(bring_up_to_date(plain_policy(Repository::Image), now, store, transport, arguments.metadata_dir));
  const client::TargetFolder folder = TRY(client::TargetFolder::open(disk, arguments.target_dir));
  json::Object files;
  for (const std::string& name : arguments.target_names) {
    TRY(download_one(arguments, TargetName(name), set, store, session, folder));
    files.set(name, folder.path_of(TargetName(name)).string());
  }
  return Report{{"image", versions_of(set)}, {"targets", std::move(files)}};
}

}  // namespace cotter::tuf
