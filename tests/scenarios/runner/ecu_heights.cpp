// The heights that have ECUs: the whole primary in a process, and ECUs under a primary of the attacker's.
#include <algorithm>
#include <utility>

#include "client/fetch/curl_session.h"
#include "client/primary/update_cycle.h"
#include "common/disk/posix_disk.h"
#include "common/model/file_names.h"
#include "tests/scenarios/runner/height.h"
#include "tests/sim/http_server.h"
#include "tests/sim/temp_dir.h"

namespace cotter::scenario {
namespace {

/// The vehicle's ECUs, each with its own flash and key.
class Garage : public Height {
 public:
  explicit Garage(Stage& stage) : stage_(stage), start_(stage.vehicle.now) {
    for (const sim::EcuOrder& order : stage.ecus) {
      ecus_.emplace(order.identity.serial.value(), std::make_unique<sim::EcuSim>(order, stage.vehicle.now));
    }
  }
  std::map<std::string, model::InstalledImage> installed() override {
    std::map<std::string, model::InstalledImage> all;
    for (const auto& [serial, ecu] : ecus_) all.emplace(serial, ecu->installer().running()->image);
    return all;
  }
  std::uint64_t floor(const std::string& ecu) override { return ecus_.at(ecu)->installer().floor()->value(); }
  std::optional<std::uint64_t> ecu_trusts(const std::string& ecu, const FileId& file) override {
    return version_in(*ecus_.at(ecu)->metadata().load(file.repository, file.role));
  }

 protected:
  void set_clocks() {
    for (const auto& [serial, ecu] : ecus_) {
      ecu->clock.time = stage_.vehicle.now + wrong_by_;
      ecu->uptime.since = stage_.vehicle.now - start_;
    }
  }
  Came set_wrong_clock(const json::Value& what) {
    wrong_by_ = std::chrono::seconds(*what.as_int());
    return std::string("ok");
  }
  Stage& stage_;
  UtcTime start_;
  std::chrono::seconds wrong_by_{};  ///< every clock of the vehicle that somebody can set
  std::map<std::string, std::unique_ptr<sim::EcuSim>> ecus_;
};

// --- the whole primary ------------------------------------------------------------------------------------

class SimUplink final : public client::Uplink {
 public:
  explicit SimUplink(Stage& stage) : stage_(stage) {}
  trust::Transport& director() override { return stage_.network(Repository::Director); }
  trust::Transport& director_roots() override { return director(); }
  Result<Bytes> attest_time(ByteView request) override {
    const model::TimeRequest asked = TRY(model::TimeRequest::read(request));
    return stage_.time_source.answer(asked.nonces, stage_.vehicle.now);
  }
  void go_by(UtcTime) override {}
  trust::Transport& image_repository() override { return stage_.network(Repository::Image); }
  Result<void> send_manifest(ByteView manifest) override {
    manifests.append(as_text(manifest));
    return {};
  }
  Result<void> download(const trust::Assignment& assignment, std::uint64_t offset,
                        const std::function<Result<void>(ByteView)>& sink) override {
    const Bytes bytes = TRY(stage_.image(assignment.name(), assignment.target()));
    if (crawls) return crawl(bytes, offset, sink);
    const ByteView rest = ByteView(bytes).subspan(std::min<std::size_t>(offset, bytes.size()));
    for (std::size_t sent = 0; sent < rest.size(); sent += 7) {
      TRY(sink(rest.subspan(sent, std::min<std::size_t>(7, rest.size() - sent))));
    }
    return {};
  }
  std::string manifests;
  bool crawls = false;  ///< a real server that sends a few bytes, waits, and sends a few more

 private:
  static Result<void> crawl(const Bytes& bytes, std::uint64_t offset,
                            const std::function<Result<void>(ByteView)>& sink) {
    sim::HttpResponse response;
    response.body = bytes;
    response.bytes_a_piece = 50;
    response.between_pieces = std::chrono::milliseconds(100);
    const sim::HttpServer server([&](const sim::HttpRequest&) { return response; });
    client::CurlSession::Options options;
    options.window = std::chrono::seconds(1);
    client::CurlSession session = TRY(client::CurlSession::create(options));
    return session.download(client::url_below(server.url(), "image"), offset, bytes.size(), sink);
  }
  Stage& stage_;
};

class PrimaryHeight final : public Garage {
 public:
  explicit PrimaryHeight(Stage& stage) : Garage(stage), uplink_(stage), clock_(stage.vehicle.now) {
    COTTER_ASSERT(floors_.begin_anew());
    COTTER_ASSERT(open());
    std::vector<client::KnownEcu> known;
    for (const sim::EcuOrder& order : stage.ecus) {
      known.push_back({order.identity.serial, order.identity.hardware_id,
                       sim::SimKey("ecu/" + order.identity.serial.value()).public_key(),
                       order.release_counter});
    }
    COTTER_ASSERT(store_->provision(known));
  }

  std::optional<Came> play(const std::string& verb, const json::Value& what) override {
    if (verb == "cycle") return cycle();
    if (verb == "restart") return restart();
    if (verb == "wrong-clock") return set_wrong_clock(what);
    if (verb == "crawl") {
      uplink_.crawls = *what.as_bool();
      return Came("ok");
    }
    if (verb == "cut-power") {
      ecus_.at(text(what, "ecu"))->flash.cut_power_after(static_cast<int>(number(what, "after")));
      return Came("ok");
    }
    if (verb == "lose-report") {
      deaf_after_commit_ = *what.as_string();
      return Came("ok");
    }
    if (verb == "unplug") {
      links_.erase(EcuSerial(*what.as_string()));
      return Came("ok");
    }
    return std::nullopt;
  }
  Result<void> damage(const FileId& file) override { return spoil(*store_, file); }
  std::optional<std::uint64_t> trusted(const FileId& file) override {
    return version_in(*store_->load(file.repository, file.role));
  }
  std::uint64_t floor(const std::string& ecu) override {
    const auto known = *store_->ecus();
    return std::ranges::find(known, EcuSerial(ecu), &client::KnownEcu::serial)->floor.value();
  }
  std::string reported() override { return uplink_.manifests; }

 private:
  Result<void> open() {
    store_ = std::make_unique<client::PrimaryStore>(
        TRY(client::PrimaryStore::open(disk_, dir_.path() / "primary.db", floors_)));
    images_ = std::make_unique<client::ImageStore>(TRY(client::ImageStore::open(disk_, dir_.path())));
    links_.clear();
    for (const auto& [serial, ecu] : ecus_) {
      links_.emplace(EcuSerial(serial), std::make_unique<client::LoopbackLink>(
                                            [this, serial = serial](const wire::Request& request) {
                                              return carry(serial, request);
                                            }));
    }
    time_.emplace(
        TRY(client::VehicleTime::open({*store_, links_, uplink_, uptime_, nonces_}, stage_.vehicle.vin)));
    return {};
  }

  wire::Reply carry(const std::string& serial, const wire::Request& request) {
    if (committed_ == serial && std::holds_alternative<wire::ReportRequest>(request)) {
      committed_.clear();
      return wire::Failed{Fault::Kind::Network, "the report was lost on the bus"};
    }
    if (deaf_after_commit_ == serial && std::holds_alternative<wire::Commit>(request)) {
      committed_ = std::exchange(deaf_after_commit_, {});
    }
    return ecus_.at(serial)->ask(request);
  }

  Came restart() {
    store_.reset();
    ++uptime_.boots;
    for (const auto& [serial, ecu] : ecus_) {
      ecu->flash.restore_power();
      TRY(ecu->restart());
    }
    TRY(open());
    return std::string("ok");
  }

  Came cycle() {
    set_clocks();
    clock_.time = stage_.vehicle.now + wrong_by_;
    uptime_.since = stage_.vehicle.now - start_;
    sim::EcuSim& own = *ecus_.at("GATEWAY");
    client::UpdateCycle cycle({stage_.vehicle.vin, EcuSerial("GATEWAY"), own.order().identity.director_root,
                               own.order().identity.image_root},
                              {*store_, *images_, links_, uplink_, *time_, clock_, key_,
                               [&](const Rejection& rejection) { own.core().note_attack(rejection); }},
                              {{}, Limits::for_image_repository(), std::chrono::seconds(0)});
    const client::CycleOutcome outcome = TRY(cycle.run_once());
    if (outcome.stopped) return fail(*outcome.stopped);
    if (outcome.ecus.empty()) return std::string("idle");
    return std::string(outcome.all_installed() ? "installed" : "failed");
  }

  sim::TempDir dir_;
  disk::PosixDisk disk_;
  client::FloorFiles floors_{disk_, (dir_.path() / "floors").string()};
  SimUplink uplink_;
  sim::SteppedClock clock_;
  sim::SimKey key_{"ecu/GATEWAY"};
  std::unique_ptr<client::PrimaryStore> store_;
  std::unique_ptr<client::ImageStore> images_;
  client::Links links_;
  sim::SteppedUptime uptime_;
  sim::CountedNonces nonces_{"nonces/vehicle"};
  std::optional<client::VehicleTime> time_;
  std::string deaf_after_commit_, committed_;  ///< the ECU whose first report after its commit gets lost
};

// --- ECUs under a primary of the attacker's ---------------------------------------------------------------

/// Hands out what is served, verified by nobody.
class CarelessPrimary final : public client::MetadataSource {
 public:
  explicit CarelessPrimary(Stage& stage) : stage_(stage) {}
  Result<std::optional<Bytes>> file(Repository repository, const RoleName& role,
                                    std::optional<Version> version) override {
    const auto& files = stage_.repository(repository).files;
    const std::string path = role == model::root_role() ? model::metadata_file_name(role, version)
                                                        : stage_.path_of({repository, role});
    const auto found = files.find(path);
    return found == files.end() ? std::optional<Bytes>() : std::optional(found->second);
  }

 private:
  Stage& stage_;
};

class BusHeight final : public Garage {
 public:
  explicit BusHeight(Stage& stage) : Garage(stage), metadata_(stage) {}

  std::optional<Came> play(const std::string& verb, const json::Value& what) override {
    set_clocks();
    if (verb == "frame") return frame(what);
    if (verb == "restart") return restart();
    if (verb == "alter-slot") return alter_spare_slot(*ecus_.at(*what.as_string()));
    if (verb == "wrong-clock") return set_wrong_clock(what);
    if (verb == "time") return tell_the_time(what);
    if (verb != "offer" && verb != "stage" && verb != "message") return std::nullopt;
    sim::EcuSim& ecu = *ecus_.at(text(what, "ecu"));
    if (verb == "offer") return offer(ecu);
    return verb == "stage" ? stage(ecu, what) : message(ecu, what);
  }
  Result<void> damage(const FileId&) override { return fault(Fault::Kind::Usage, "no store of its own"); }
  std::optional<std::uint64_t> trusted(const FileId&) override { return std::nullopt; }
  std::string reported() override {
    std::string all;
    for (const auto& [serial, ecu] : ecus_) all += (*ecu->report())->attacks_detected + "\n";
    return all;
  }

 private:
  static Came ask(sim::EcuSim& ecu, const wire::Request& request) {
    const wire::Reply reply = ecu.ask(request);
    if (const auto* refused = std::get_if<wire::Refused>(&reply)) return fail(wire::error_of(*refused));
    if (const auto* failed = std::get_if<wire::Failed>(&reply)) return fail(wire::error_of(*failed));
    if (const auto* outcome = std::get_if<wire::Outcome>(&reply)) return outcome->code;
    return std::string("ok");
  }

  Came offer(sim::EcuSim& ecu) {
    TRY(ecu.link().put_metadata(metadata_));
    return std::string("ok");
  }

  /// What the time source says to the nonces of some ECUs, given to one.
  Came tell_the_time(const json::Value& what) {
    std::vector<model::Nonce> request;
    sim::EcuSim& ecu = *ecus_.at(text(what, "ecu"));
    const model::Nonce own = TRY(ecu.link().nonce());
    if (const json::Value* others = find(what, "nonces_of")) {
      for (const std::string& serial : texts(*others))
        request.push_back(TRY(ecus_.at(serial)->link().nonce()));
    } else {
      request.push_back(own);
    }
    return ask(ecu, wire::TimeOffer{TRY(stage_.time_source.answer(request, stage_.vehicle.now))});
  }

  static Came stage(sim::EcuSim& ecu, const json::Value& what) {
    const Bytes content = to_bytes(text(what, "content"));
    TRY(ask(ecu,
            wire::StageBegin{TargetName(text(what, "image")), number_or(what, "claims", content.size())}));
    TRY(ask(ecu, wire::Chunk{0, content}));
    return ask(ecu, wire::TransferEnd{});
  }

  Came message(sim::EcuSim& ecu, const json::Value& what) {
    const std::string kind = text(what, "kind");
    const Bytes content = to_bytes(text_or(what, "content", ""));
    if (kind == "file") return ask(ecu, wire::File{content});
    if (kind == "absent") return ask(ecu, wire::Absent{});
    if (kind == "chunk") return ask(ecu, wire::Chunk{number_or(what, "offset", 0), content});
    if (kind == "end") return ask(ecu, wire::TransferEnd{});
    if (kind == "backup") return ask(ecu, wire::BackupRead{});
    if (kind == "restore") return ask(ecu, wire::RestoreBegin{content.size()});
    COTTER_ASSERT(kind == "commit");
    return ask(ecu, wire::Commit{});
  }

  /// Bytes on the bus, as an ECU's socket loop takes them.
  Came frame(const json::Value& what) {
    sim::EcuSim& ecu = *ecus_.at(text(what, "ecu"));
    const Bytes bytes = *from_hex(text(what, "hex"));
    const std::size_t head = std::min(bytes.size(), wire::kHeaderSize);
    const wire::Header header = TRY(wire::read_header(ByteView(bytes).first(head), ecu.core().max_payload()));
    const wire::Request request = TRY(wire::decode_request(header.type, ByteView(bytes).subspan(head)));
    return ask(ecu, request);
  }

  /// Somebody is at the storage, between the check of an image and its first boot.
  static Came alter_spare_slot(sim::EcuSim& ecu) {
    Bytes& spare = ecu.flash.at(client::other(TRY(ecu.flash.active())));
    COTTER_ASSERT(!spare.empty());
    spare.front() ^= 1U;
    return std::string("ok");
  }

  Came restart() {
    for (const auto& [serial, ecu] : ecus_) TRY(ecu->restart());
    return std::string("ok");
  }

  CarelessPrimary metadata_;
};

}  // namespace

std::unique_ptr<Height> primary_height(Stage& stage) { return std::make_unique<PrimaryHeight>(stage); }
std::unique_ptr<Height> bus_height(Stage& stage) { return std::make_unique<BusHeight>(stage); }

}  // namespace cotter::scenario
