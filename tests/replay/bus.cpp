#include "tests/replay/bus.h"

#include <chrono>
#include <fstream>
#include <set>
#include <thread>

#include "client/links/tcp_link.h"
#include "common/model/file_names.h"

namespace cotter::replay {
namespace {

using scenario::number_or;
using scenario::text;
using scenario::text_or;
using Steady = std::chrono::steady_clock;

constexpr std::chrono::seconds kOpens(20);    ///< for a program to say where it listens
constexpr std::chrono::seconds kReplies(30);  ///< longer than an ECU waits for a message's end

/// The first line of a file, once it is whole.
Result<std::string> first_line(const std::filesystem::path& file) {
  const auto deadline = Steady::now() + kOpens;
  for (;;) {
    std::ifstream in(file);
    std::string line;
    if (std::getline(in, line) && !in.eof()) return line;
    if (Steady::now() > deadline) {
      return fault(Fault::Kind::Timeout, "the client's \"bus\" did not say where the ECU listens",
                   "it prints HOST:PORT as its first line, and goes on running");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

}  // namespace

Bus::Bus(Client& client, scenario::Stage& stage, std::filesystem::path vehicle, std::filesystem::path logs)
    : client_(client), stage_(stage), vehicle_(std::move(vehicle)), logs_(std::move(logs)) {}

Result<Bus::End*> Bus::end_of(const std::string& serial) {
  if (const auto open = ends_.find(serial); open != ends_.end()) return &open->second;
  const std::filesystem::path out = logs_ / ("bus-" + serial);
  std::error_code none_before;
  std::filesystem::remove(out, none_before);
  Child program = TRY(client_.start({"bus", vehicle_.string(), serial}, out));
  const client::TcpAddress address = TRY(client::parse_tcp_address(TRY(first_line(out))));
  return &ends_.emplace(serial, End{std::move(program), address.host, address.port, {}}).first->second;
}

Result<BusReply> Bus::play(const std::string& verb, const json::Value& what, bool& known) {
  known = true;
  if (verb == "restart") {
    close();
    return BusReply(wire::Done{});
  }
  static const std::set<std::string, std::less<>> verbs = {"offer", "select",  "stage",
                                                           "time",  "message", "frame"};
  known = verbs.contains(verb);
  if (!known) return BusReply();
  End& end = *TRY(end_of(text(what, "ecu")));
  if (verb == "offer" || verb == "select") return offer(end);
  if (verb == "stage") return stage_image(end, what);
  if (verb == "time") return tell_the_time(end, what);
  if (verb == "frame") return ask_raw(end, *from_hex(text(what, "hex")));
  const std::string kind = text(what, "kind");
  const Bytes content = to_bytes(text_or(what, "content", ""));
  if (kind == "file") return ask(end, wire::File{content});
  if (kind == "absent") return ask(end, wire::Absent{});
  if (kind == "chunk") return ask(end, wire::Chunk{number_or(what, "offset", 0), content});
  if (kind == "end") return ask(end, wire::TransferEnd{});
  if (kind == "backup") return ask(end, wire::BackupRead{});
  if (kind == "restore") return ask(end, wire::RestoreBegin{content.size()});
  return ask(end, wire::Commit{});
}

Result<std::string> Bus::report(const std::string& serial) {
  const BusReply reply = TRY(ask(*TRY(end_of(serial)), wire::ReportRequest{}));
  const auto* report = reply ? std::get_if<wire::Report>(&*reply) : nullptr;
  if (report == nullptr) return fault(Fault::Kind::Network, serial + " does not report");
  return std::string(as_text(report->report));
}

Result<BusReply> Bus::ask(End& end, const wire::Request& request) {
  return ask_raw(end, wire::encode(request));
}

Result<BusReply> Bus::ask_raw(End& end, ByteView bytes) {
  if (end.socket.is_open() && end.socket.hung_up()) end.socket.close();
  if (!end.socket.is_open()) end.socket = TRY(client::Socket::connect(end.host, end.port, kReplies));
  const auto exchanged = [&]() -> Result<wire::Reply> {
    TRY(end.socket.send(bytes, kReplies));
    const Bytes head = TRY(end.socket.receive(wire::kHeaderSize, kReplies));
    const wire::Header header = TRY(wire::read_header(head, wire::kMaxPayload));
    return wire::decode_reply(header.type, TRY(end.socket.receive(header.length, kReplies)));
  };
  auto reply = exchanged();
  if (reply) return BusReply(std::move(*reply));
  end.socket.close();
  if (is_fault(reply.error(), Fault::Kind::Timeout)) return fail(reply.error());
  return BusReply();
}

/// What the time source says to the nonces of some ECUs, given to one; to its own, unless others are named.
Result<BusReply> Bus::tell_the_time(End& end, const json::Value& what) {
  std::vector<model::Nonce> nonces = {TRY(nonce_of(end))};
  if (const json::Value* others = scenario::find(what, "nonces_of")) {
    nonces.clear();
    for (const std::string& serial : scenario::texts(*others))
      nonces.push_back(TRY(nonce_of(*TRY(end_of(serial)))));
  }
  return ask(end, wire::TimeOffer{TRY(stage_.time_source.answer(nonces, client_.now()))});
}

Result<model::Nonce> Bus::nonce_of(End& end) {
  const BusReply reply = TRY(ask(end, wire::NonceRequest{}));
  const auto* nonce = reply ? std::get_if<wire::Nonce>(&*reply) : nullptr;
  if (nonce == nullptr) return fault(Fault::Kind::Network, "an ECU gives no nonce");
  return model::Nonce(nonce->nonce);
}

/// What is served goes to the ECU as it is, verified by nobody.
Result<BusReply> Bus::offer(End& end) {
  BusReply reply = TRY(ask(end, wire::MetadataOffer{}));
  while (reply) {
    const auto* want = std::get_if<wire::Want>(&*reply);
    if (want == nullptr) break;
    reply = TRY(ask(end, wanted_file(*want)));
  }
  return reply;
}

wire::Request Bus::wanted_file(const wire::Want& want) const {
  const auto& files = stage_.repository(want.repository).files;
  const std::string path = want.role == model::root_role()
                               ? model::metadata_file_name(want.role, want.version)
                               : stage_.path_of({want.repository, want.role});
  const auto found = files.find(path);
  if (found == files.end()) return wire::Absent{};
  return wire::File{found->second};
}

Result<BusReply> Bus::stage_image(End& end, const json::Value& what) {
  const Bytes content = to_bytes(text(what, "content"));
  const TargetName name(text(what, "image"));
  const BusReply begun = TRY(ask(end, wire::StageBegin{name, number_or(what, "claims", content.size())}));
  if (!begun || !std::holds_alternative<wire::Ready>(*begun)) return begun;
  const BusReply taken = TRY(ask(end, wire::Chunk{0, content}));
  if (!taken || !std::holds_alternative<wire::Ack>(*taken)) return taken;
  return ask(end, wire::TransferEnd{});
}

}  // namespace cotter::replay
