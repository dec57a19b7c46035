// A secondary under a program of steps: honest and dishonest primaries, directors whose keys are stolen,
// power cuts between any two writes of its flash.
//
// Whatever the program is:
// - an ECU with two slots always boots a whole image that it was entitled to; one with a single slot does, or
//   says that its image is lost;
// - what it takes, its director assigned and, where it verifies fully, its image repository lists;
// - the floor of release counters never sinks, and no two reports share a counter.
#include <set>
#include <string>
#include <vector>

#include "common/json/strict_reader.h"
#include "common/wire/messages.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/program.h"
#include "tests/sim/vehicle_sim.h"

namespace cotter::fuzz {
namespace {

using client::Slots;
using client::Verification;

class Garage {
 public:
  explicit Garage(Program& program)
      : program_(program),
        shape_(program.byte()),
        full_((shape_ & 1U) == 0),
        order_(vehicle_.order("ecu1", full_ ? Verification::Full : Verification::Partial,
                              (shape_ & 2U) == 0 ? Slots::Two : Slots::One)),
        ecu_(order_, vehicle_.now) {
    entitled_.insert(order_.image);
    contents_.push_back(order_.image);
    released(2);
    check();
  }

  void play() {
    for (int step = 0; step < 32 && !program_.done(); ++step) {
      act();
      if (ecu_.flash.dead()) power_up();
      check();
    }
    ecu_.flash.restore_power();
    power_up();
    check();
  }

 private:
  // --- the servers ----------------------------------------------------------------------------------------

  const std::string& new_content() {
    // Longer than what one message takes, now and then: hashing it is what takes the time here.
    const std::size_t size = program_.byte() > 247 ? wire::kMaxChunk + 1000 : 10;
    contents_.push_back(std::string(size, 'n') + std::to_string(contents_.size()));
    return contents_.back();
  }

  TargetName name_of(std::size_t content) const {
    return TargetName("team/ecu1/" + std::to_string(content) + ".bin");
  }

  /// Both repositories want the same.
  void released(std::uint64_t counter) {
    const std::string content = new_content();
    vehicle_.release(order_, name_of(contents_.size() - 1), content, counter);
    entitled_.insert(content);
    highest_ = std::max(highest_, counter);
  }

  /// Whoever holds the director's keys alone: an image that the image repository does not list.
  void assigned_by_thief() {
    const std::string content = new_content();
    vehicle_.assign(order_, name_of(contents_.size() - 1), content, highest_ + 1);
    if (!full_) entitled_.insert(content);
  }

  /// An image of long ago, with the counter it had, or with another.
  void assigned_again() {
    const std::size_t content = program_.below(contents_.size());
    vehicle_.assign(order_, name_of(content), contents_[content], program_.below(highest_ + 2));
    if (!full_) entitled_.insert(contents_[content]);
  }

  // --- the primary ----------------------------------------------------------------------------------------

  void tell(const wire::Request& request) {
    const wire::Reply reply = ecu_.ask(request);
    const auto* want = std::get_if<wire::Want>(&reply);
    wanted_ = want == nullptr ? std::nullopt : std::optional(*want);
    if (const auto* verified = std::get_if<wire::Verified>(&reply)) taken_ = verified->image;
    // A reply has one spelling, and the primary can read it.
    const Bytes frame = wire::encode(reply);
    const auto again = wire::decode_reply(frame[3], ByteView(frame).subspan(wire::kHeaderSize));
    COTTER_ASSERT(again && wire::encode(*again) == frame);
  }

  /// The file last wanted, or another one.
  void answer() {
    if (!wanted_) return tell(wire::File{to_bytes("{}")});
    const wire::Want want = *wanted_;
    std::optional<Bytes> file = *vehicle_.file(want.repository, want.role, want.version);
    switch (program_.below(6)) {
      case 0:
        file = *vehicle_.file(program_.flag() ? Repository::Director : Repository::Image, some_role(),
                              std::nullopt);
        break;
      case 1:
        file.reset();
        break;
      case 2:
        if (file && !file->empty()) (*file)[program_.byte() % file->size()] ^= 1U;
        break;
      default:
        break;
    }
    if (file) history_.push_back(*file);
    if (program_.byte() == 0) file = history_.empty() ? file : history_[program_.below(history_.size())];
    if (file) return tell(wire::File{*std::move(file)});
    return tell(wire::Absent{});
  }

  const RoleName& some_role() {
    static const RoleName kRoles[] = {model::timestamp_role(), model::snapshot_role(), model::targets_role()};
    return kRoles[program_.below(3)];
  }

  void pull() {
    tell(wire::MetadataOffer{});
    for (int i = 0; i < 20 && wanted_; ++i) {
      const auto file = *vehicle_.file(wanted_->repository, wanted_->role, wanted_->version);
      if (file) {
        tell(wire::File{*file});
      } else {
        tell(wire::Absent{});
      }
    }
  }

  const std::string& content_to_send() {
    if (taken_ && program_.byte() > 16) {
      for (std::size_t i = 0; i < contents_.size(); ++i) {
        if (name_of(i) == taken_->name) return contents_[i];
      }
    }
    return contents_[program_.below(contents_.size())];
  }

  void begin() {
    if (!taken_) return tell(wire::StageBegin{name_of(0), contents_[0].size()});
    return tell(wire::StageBegin{taken_->name, taken_->length + (program_.byte() == 0 ? 1U : 0U)});
  }

  /// Chunks up to some place, from wherever; one byte in one of them may be wrong.
  void send() {
    const std::string content = content_to_send();
    const std::size_t from = program_.flag() ? 0 : program_.byte() * std::size_t{1000};
    const std::size_t damaged = program_.byte() < 32 ? program_.below(content.size()) : content.size();
    std::string sent = content;
    if (damaged < sent.size()) sent[damaged] = static_cast<char>(sent[damaged] ^ 1);
    for (std::size_t at = std::min(from, sent.size()); at < sent.size(); at += wire::kMaxChunk) {
      tell(wire::Chunk{at, to_bytes(std::string_view(sent).substr(at, wire::kMaxChunk))});
      if (program_.byte() == 0) return;
    }
  }

  /// Bytes of the input's own.
  void send_raw() {
    const std::uint8_t type = program_.byte();
    if (const auto request = wire::decode_request(type, program_.bytes(program_.byte()))) tell(*request);
  }

  /// All that an honest primary does.
  void update() {
    pull();
    if (!taken_) return;
    const std::string content = content_to_send();
    tell(wire::StageBegin{taken_->name, taken_->length});
    if (order_.slots == Slots::One) tell(wire::Commit{});
    for (std::size_t at = 0; at < content.size(); at += wire::kMaxChunk) {
      tell(wire::Chunk{at, to_bytes(std::string_view(content).substr(at, wire::kMaxChunk))});
    }
    tell(wire::TransferEnd{});
    if (order_.slots == Slots::Two) tell(wire::Commit{});
  }

  void restore() {
    const std::string content = contents_[program_.below(contents_.size())];
    tell(wire::RestoreBegin{content.size()});
    tell(wire::Chunk{0, to_bytes(std::string_view(content).substr(0, wire::kMaxChunk))});
    for (std::size_t at = wire::kMaxChunk; at < content.size(); at += wire::kMaxChunk) {
      tell(wire::Chunk{at, to_bytes(std::string_view(content).substr(at, wire::kMaxChunk))});
    }
    tell(wire::TransferEnd{});
  }

  // --- the program ----------------------------------------------------------------------------------------

  void power_up() {
    ecu_.flash.restore_power();
    wanted_.reset();
    taken_.reset();
    COTTER_ASSERT(ecu_.restart());
  }

  void act() {
    switch (program_.below(18)) {
      case 0:
        return released(highest_ + program_.below(2));
      case 1:
        return assigned_by_thief();
      case 2:
        return assigned_again();
      case 3:
        return pull();
      case 4:
        return tell(wire::MetadataOffer{});
      case 5:
      case 6:
        return answer();
      case 7:
        return begin();
      case 8:
        return send();
      case 9:
        return tell(wire::TransferEnd{});
      case 10:
        return tell(wire::Commit{});
      case 11:
        return update();
      case 12:
        return restore();
      case 13:
        return tell(program_.flag() ? wire::Request(wire::Abort{})
                                    : wire::Request(wire::BackupRead{program_.byte(), 64}));
      case 14:
        ecu_.core().disconnected();
        return;
      case 15:
        ecu_.flash.cut_power_after(static_cast<int>(program_.below(24)));
        return;
      case 16:
        ecu_.clock.time += std::chrono::hours(program_.byte()) - std::chrono::hours(8);
        return;
      default:
        return send_raw();
    }
  }

  void check() {
    // What the flash holds is looked at with the power on, and without a trace.
    sim::Flash& flash = ecu_.flash;
    const bool cut = flash.dead();
    COTTER_ASSERT(!cut);
    const auto running = ecu_.installer().running();
    COTTER_ASSERT(running);
    const bool entitled = entitled_.contains(flash.running());
    if (order_.slots == Slots::Two) COTTER_ASSERT(running->sound);
    if (running->sound) COTTER_ASSERT(entitled);
    const auto floor = ecu_.installer().floor();
    COTTER_ASSERT(floor && *floor >= floor_);
    floor_ = *floor;
    const auto report = ecu_.report();
    if (!report) {
      COTTER_ASSERT(flash.dead());  // the cut came while it wrote its book
      return power_up();
    }
    COTTER_ASSERT((*report)->counter > counter_);
    counter_ = (*report)->counter;
  }

  Program& program_;
  std::uint8_t shape_;
  bool full_;
  sim::VehicleSim vehicle_{"VIN1"};
  sim::EcuOrder order_;
  sim::EcuSim ecu_;
  std::vector<std::string> contents_;  ///< of every image there ever was; its place is its name
  std::set<std::string> entitled_;     ///< what this ECU may run
  std::vector<Bytes> history_;
  std::optional<wire::Want> wanted_;
  std::optional<wire::Verified::Image> taken_;
  std::uint64_t highest_ = 1;
  ReleaseCounter floor_{0};
  std::uint64_t counter_ = 0;
};

}  // namespace

void one(ByteView input) {
  Program program(input);
  Garage(program).play();
}

}  // namespace cotter::fuzz
