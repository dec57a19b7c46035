// The core in memory: both repositories verified, matched, and the images checked, with no disk and no ECU.
#include <algorithm>

#include "common/json/strict_reader.h"
#include "common/trust/image_check.h"
#include "common/trust/partial.h"
#include "common/trust/secure_time.h"
#include "tests/scenarios/runner/height.h"

namespace cotter::scenario {

std::optional<std::uint64_t> version_in(const std::optional<Bytes>& file) {
  if (!file) return std::nullopt;
  const auto document = json::read(*file);
  if (!document) return std::nullopt;
  return number(at(*document, "signed"), "version");
}

Result<void> spoil(trust::MetadataStore& store, const FileId& file) {
  const auto version = version_in(TRY(store.load(file.repository, file.role)));
  const trust::Effect rubbish =
      trust::Store{file.role, Version(version.value_or(1)), to_bytes("{\"signed\":{}}")};
  return store.commit(file.repository, std::span(&rubbish, 1));
}

namespace {

class CoreHeight final : public Height {
 public:
  explicit CoreHeight(Stage& stage) : stage_(stage), record_{stage.vehicle.vin, {}} {
    for (const sim::EcuOrder& ecu : stage.ecus) {
      record_.ecus.push_back(
          {ecu.identity.serial, ecu.identity.hardware_id, ecu.release_counter,
           model::InstalledImage{ecu.image_name, ecu.image.size(), crypto::Hashes::of(as_bytes(ecu.image))}});
    }
    pinned_[Repository::Director] = stage.vehicle.director.files.at("1.root.json");
    pinned_[Repository::Image] = stage.vehicle.image.files.at("1.root.json");
  }

  std::optional<Came> play(const std::string& verb, const json::Value& what) override {
    if (verb == "cycle") return cycle();
    if (verb == "find") return find_image(TargetName(text(what, "image")));
    if (verb == "select") return select(stage_.ecu(text(what, "ecu")));
    return std::nullopt;
  }
  Result<void> damage(const FileId& file) override { return spoil(store_, file); }
  std::optional<std::uint64_t> trusted(const FileId& file) override {
    auto stored = *store_.load(file.repository, file.role);
    if (!stored && file.role == model::root_role()) stored = pinned_[file.repository];
    return version_in(stored);
  }
  std::map<std::string, model::InstalledImage> installed() override {
    std::map<std::string, model::InstalledImage> all;
    for (const trust::ProvisionedEcu& ecu : record_.ecus) all.emplace(ecu.serial.value(), *ecu.installed);
    return all;
  }
  std::uint64_t floor(const std::string& ecu) override { return find_ecu(EcuSerial(ecu)).floor.value(); }
  std::string reported() override { return ""; }

 private:
  trust::ProvisionedEcu& find_ecu(const EcuSerial& serial) {
    return *std::ranges::find(record_.ecus, serial, &trust::ProvisionedEcu::serial);
  }

  Result<trust::TrustedSet> anchored(Repository repository) {
    trust::Policy policy;
    policy.repository = repository;
    if (repository == Repository::Director) {
      policy.vin = record_.vin;
      policy.ecus.emplace();
      for (const trust::ProvisionedEcu& ecu : record_.ecus) policy.ecus->insert(ecu.serial);
    } else {
      policy.limits = Limits::for_image_repository();
    }
    const auto stored = TRY(store_.load(repository, model::root_role()));
    return trust::TrustedSet::anchored_at(stored.value_or(pinned_[repository]), now_, policy);
  }

  /// The director's comes first in a cycle: its root says whose time counts.
  Result<trust::TrustedSet> refresh(Repository repository) {
    trust::Transport& network = stage_.network(repository);
    trust::Refresh refresh(TRY(anchored(repository)));
    if (repository == Repository::Director) {
      TRY(trust::drive_roots(refresh, store_, network));
      now_ = TRY(ask_the_time(refresh.set().root()));
      TRY(refresh.end_roots(now_));
    }
    TRY(trust::drive(refresh, store_, network));
    return std::move(refresh).take();
  }

  Result<UtcTime> ask_the_time(const trust::Verified<model::Root>& root) {
    time_.learn(root);
    if (!time_.has_source()) return stage_.vehicle.now;
    const trust::Uptime uptime{"boot", stage_.vehicle.now - start_};
    const std::vector<model::Nonce> request{time_.ask(sim::numbered_nonce(++nonces_))};
    const auto answer = stage_.time_source.answer(request, stage_.vehicle.now);
    const auto taken = answer ? time_.accept_for(request, *answer, uptime) : Result<void>();
    auto now = time_.now(uptime);
    if (!now && !taken) return fail(taken.error());  // it says more than that nothing was attested
    return now;
  }

  Came cycle() {
    now_ = stage_.vehicle.now;
    const trust::TrustedSet director = TRY(refresh(Repository::Director));
    const auto wanted = TRY(trust::pending(director, record_));
    trust::TrustedSet image = TRY(refresh(Repository::Image));
    for (const trust::Pending& each : wanted) {
      trust::DelegationWalk walk(std::move(image), each.name, each.hardware_id);
      TRY(trust::drive(walk, store_, stage_.network(Repository::Image)));
      image = std::move(walk).take();
    }
    const auto set = TRY(trust::match(director, image, record_));
    TRY(trust::check_together(director, set, record_));
    for (const trust::Assignment& assignment : set) TRY(check_image(assignment));
    for (const trust::Assignment& assignment : set) {
      trust::ProvisionedEcu& ecu = find_ecu(assignment.ecu());
      ecu.floor = std::max(ecu.floor, assignment.release_counter());
      ecu.installed = {assignment.name(), assignment.target().length, assignment.target().hashes};
    }
    return std::string(set.empty() ? "idle" : "installed");
  }

  /// As plain TUF looks for a target: the role that lists it.
  Came find_image(const TargetName& name) {
    now_ = stage_.vehicle.now;
    trust::DelegationWalk walk(TRY(refresh(Repository::Image)), name, std::nullopt);
    TRY(trust::drive(walk, store_, stage_.network(Repository::Image)));
    return TRY(walk.found()).role.value();
  }

  /// A byte at a time: the first one too many must not get through.
  Result<void> check_image(const trust::Assignment& assignment) {
    const Bytes bytes = TRY(stage_.image(assignment.name(), assignment.target()));
    trust::ImageCheck check(assignment.target());
    for (const std::uint8_t byte : bytes) TRY(check.write(ByteView(&byte, 1)));
    return check.finish();
  }

  /// Partial verification: root and targets of the director, and this ECU's entry.
  Came select(const sim::EcuOrder& order) {
    sim::MemoryMetadata own;
    trust::Policy policy;
    policy.repository = Repository::Director;
    policy.vin = record_.vin;
    trust::Refresh refresh(
        TRY(trust::TrustedSet::anchored_at(pinned_[Repository::Director], stage_.vehicle.now, policy)),
        trust::Scope::Partial);
    // A primary hands its ECUs the newest targets under no version.
    stage_.vehicle.director.files["targets.json"] =
        stage_.current({Repository::Director, model::targets_role()});
    TRY(trust::drive(refresh, own, stage_.network(Repository::Director)));
    const auto chosen = TRY(trust::select(refresh.set(), find_ecu(order.identity.serial)));
    return chosen.name().value();
  }

  Stage& stage_;
  sim::MemoryMetadata store_;
  trust::VehicleRecord record_;
  std::map<Repository, Bytes> pinned_;
  trust::SecureTime time_;
  std::uint8_t nonces_ = 0;
  UtcTime start_ = stage_.vehicle.now;
  UtcTime now_ = start_;
};

}  // namespace

std::unique_ptr<Height> core_height(Stage& stage) { return std::make_unique<CoreHeight>(stage); }

}  // namespace cotter::scenario
