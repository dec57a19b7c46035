// The socket loop, one caller at a time on one thread: FVS-9, FVS-10, ATK-5, ATK-23.
#include "client/secondary/serve.h"

#include <gtest/gtest.h>

#include "tests/sim/vehicle_sim.h"

namespace cotter::client {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLong{10'000};

struct ServeBench {
  ServeBench()
      : vehicle("VIN1"),
        ecu(vehicle.order("ecu1", Verification::Full), vehicle.now),
        listener(*Socket::listen("127.0.0.1", 0)),
        caller(*Socket::connect("127.0.0.1", *listener.port(), kLong)) {
    limits.idle = milliseconds(50);
    limits.frame = milliseconds(50);
  }
  void send(ByteView bytes) { ASSERT_TRUE(caller.send(bytes, kLong)); }
  /// The ECU's turn, until it hangs up.
  void serve() { serve_caller(ecu.core(), *listener.accept(), limits); }
  Result<wire::Reply> reply() {
    const wire::Header header =
        TRY(wire::read_header(TRY(caller.receive(wire::kHeaderSize, kLong)), wire::kMaxPayload));
    return wire::decode_reply(header.type, TRY(caller.receive(header.length, kLong)));
  }
  std::string refused_rule() {
    const auto said = reply();
    const auto* refused = said ? std::get_if<wire::Refused>(&*said) : nullptr;
    return refused == nullptr ? "none" : refused->rule;
  }
  bool is_hung_up() { return is_fault(caller.receive(1, kLong).error(), Fault::Kind::NotFound); }
  std::string attacks() { return (*ecu.report())->attacks_detected; }

  sim::VehicleSim vehicle;
  sim::EcuSim ecu;
  Socket listener;
  Socket caller;
  ServeLimits limits;
};

TEST(Serve, AnswersEachRequestInOrder) {
  ServeBench bench;
  bench.send(wire::encode(wire::Request(wire::ReportRequest{})));
  bench.send(wire::encode(wire::Request(wire::Abort{})));
  bench.serve();
  EXPECT_TRUE(std::holds_alternative<wire::Report>(*bench.reply()));
  EXPECT_TRUE(std::holds_alternative<wire::Done>(*bench.reply()));
  EXPECT_TRUE(bench.is_hung_up()) << "idle for too long";
  EXPECT_EQ(bench.attacks(), "") << "silence is no attack";
}

TEST(Serve, HangsUpOnASlowFrameAndReportsIt) {  // FVS-9
  ServeBench bench;
  Bytes frame = wire::encode(wire::Request(wire::Chunk{0, Bytes(100)}));
  frame.pop_back();
  bench.send(frame);
  bench.serve();
  EXPECT_EQ(bench.attacks(), "message:transfer-too-slow");
}

TEST(Serve, SaysWhyItHangsUpOnAnOversizeFrame) {
  ServeBench bench;
  bench.send(*from_hex("4374010600011001"));
  bench.serve();
  EXPECT_EQ(bench.refused_rule(), "frame-too-large");
  EXPECT_EQ(bench.attacks(), "message:frame-too-large");
}

TEST(Serve, SaysWhyItHangsUpOnNoise) {
  ServeBench bench;
  bench.send(as_bytes("GET / HT"));
  bench.serve();
  EXPECT_EQ(bench.refused_rule(), "frame-malformed");
  EXPECT_TRUE(bench.is_hung_up());
}

TEST(Serve, OutlivesACallerThatLeavesInTheMiddle) {
  ServeBench bench;
  bench.send(wire::encode(wire::Request(wire::MetadataOffer{})));
  bench.send(*from_hex("437401"));
  bench.caller.close();
  bench.serve();
  EXPECT_EQ(bench.ecu.core().max_payload(), wire::kMaxPayload) << "the pull is forgotten";
  EXPECT_EQ(bench.attacks(), "");
}

}  // namespace
}  // namespace cotter::client
