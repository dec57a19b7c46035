// The director as vehicles see it: serves each vehicle its own metadata, takes its manifests and its ECU
// list. Never signs two contents under one version, and never lets a bad manifest change the inventory. Safe
// on any thread: one writer at a time, behind its own lock; a call may block on a signer or on the disk.
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/base/time.h"
#include "server/app/accept_manifest.h"
#include "server/app/register_vehicle.h"
#include "server/app/sign_metadata.h"
#include "server/app/workspace.h"

namespace cotter::app {

/// Where a director finds its things, and how long what it signs lives.
struct DirectorPlaces {
  std::filesystem::path database;      ///< cotter.db
  std::filesystem::path director_dir;  ///< N.root.json of the director, the same for all vehicles
  std::filesystem::path repo_dir;      ///< the published image repository
  Lifetimes lifetimes = Settings{}.director;

  static DirectorPlaces of(const Workspace& workspace) {
    return {workspace.db_path(), workspace.director_dir(), workspace.repo_dir(),
            workspace.settings().director};
  }
};

class DirectorService {
 public:
  /// Opens the database, reads the root chain, asks for the signers that its newest root lists. They and
  /// `clock` must outlive the service. Faults: NotFound (no 1.root.json), Denied, Busy, Io, those of
  /// `signers`. Rejections: those of a root.
  static Result<std::unique_ptr<DirectorService>> open(const DirectorPlaces& places,
                                                       DirectorSignersFor signers, const Clock& clock);
  ~DirectorService();

  /// The vehicle's file of that name: "2.root.json", "timestamp.json", "7.snapshot.json", "7.targets.json".
  /// Asking for the timestamp makes and signs a new set first when an assignment changed or less than a
  /// quarter of the set's life is left (DIR-2, DIR-42); another poll costs no signature. The set before the
  /// current one stays until the next. Faults: NotFound (unknown vehicle or file), Denied (a signer refused),
  /// Io, NoSpace, Busy. Rejections: those of a client, when what we signed does not verify.
  Result<Bytes> metadata(const VehicleId& vehicle, std::string_view file_name);

  /// Takes a vehicle version manifest (DIR-20 to DIR-30). `caller` is who the client certificate names.
  /// Whole or not at all. Rejections: file-too-large, json-*, member-*, manifest-*. Faults: NotFound (unknown
  /// vehicle), Io, NoSpace, Busy.
  Result<ManifestReceipt> accept_manifest(const VehicleId& caller, ByteView body);

  /// Confirms the vehicle's ECUs and keys (FMT-85, DIR-14). Rejections: file-too-large, json-*, member-*,
  /// key-*. Faults: NotFound (unknown vehicle), Io, NoSpace, Busy.
  Result<RegistrationReceipt> confirm_ecus(const VehicleId& caller, ByteView body);

 private:
  struct State;
  explicit DirectorService(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace cotter::app
