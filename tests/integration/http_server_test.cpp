// The listener under clients that are slow, greedy, rude or gone, over plain HTTP in this process. Limits of
// a few milliseconds where one is to be met, of an hour where it must not be.
#include <gtest/gtest.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "common/host/atomic_file.h"
#include "server/app/operations_service.h"
#include "server/app/tokens.h"
#include "server/http/access_log.h"
#include "server/http/server.h"
#include "server/storage/sqlite/supplier_store.h"
#include "tests/sim/raw_client.h"
#include "tests/sim/temp_dir.h"
#include "tests/unit/server/app/depot.h"

namespace cotter::http {
namespace {

using sim::RawClient;
using sim::RawReply;
using namespace std::chrono_literals;

constexpr auto kShort = 100ms;
constexpr auto kNever = std::chrono::milliseconds(1h);
constexpr std::uint64_t kBigFile = 64 * 1024 * 1024;

std::string get(const std::string& path, const std::string& more = "") {
  return "GET " + path + " HTTP/1.1\r\nHost: x\r\n" + more + "\r\n";
}
const std::string kHealth = get("/healthz");
const std::string kManifest = "/director/vehicles/VIN-1/manifest";

/// A signer that takes its time: until it is let go.
class SlowSigner final : public crypto::Signer {
 public:
  explicit SlowSigner(crypto::Signer& real) : real_(&real) {}
  [[nodiscard]] const crypto::PublicKey& public_key() const noexcept override { return real_->public_key(); }
  Result<crypto::Signature> sign(ByteView message) override {
    std::unique_lock lock(guard_);
    asked_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !held_; });
    return real_->sign(message);
  }
  void hold() { held_ = true; }
  void let_go() {
    const std::lock_guard lock(guard_);
    held_ = false;
    changed_.notify_all();
  }
  void wait_until_asked() {
    std::unique_lock lock(guard_);
    changed_.wait(lock, [this] { return asked_; });
  }

 private:
  crypto::Signer* real_;
  std::mutex guard_;
  std::condition_variable changed_;
  bool held_ = false;
  bool asked_ = false;
};

class HttpServerWith : public testing::Test {
 protected:
  HttpServerWith() {
    depot_.add_vehicle();
    COTTER_ASSERT(host::write_atomically(depot_.places().repo_dir / "small.bin", as_bytes("0123456789")));
    COTTER_ASSERT(host::write_atomically(depot_.places().repo_dir / "big.bin", {}));
    std::filesystem::resize_file(depot_.places().repo_dir / "big.bin", kBigFile);
    options_.idle = kNever;
    options_.body = kNever;
    options_.grace = kNever;
  }
  ~HttpServerWith() override {
    signer_.let_go();
    stop();
  }
  void start() {
    server_ = Server::listen(options_, router_).value();
    thread_ = std::thread([this] { server_->run(); });
  }
  /// Returns when run() has.
  void stop() {
    if (server_) server_->stop();
    if (thread_.joinable()) thread_.join();
    server_.reset();
  }
  [[nodiscard]] RawReply ask(const std::string& request) const {
    RawClient client(server_->port());
    client.send(request);
    return client.reply();
  }

  test::Depot depot_;
  SlowSigner signer_{depot_.targets_signer};
  std::unique_ptr<app::DirectorService> director_ =
      app::DirectorService::open(
          depot_.places(), test::always({&signer_, &depot_.keys.snapshot_key, &depot_.keys.timestamp_key}),
          depot_.clock)
          .value();
  Router router_{depot_.places().repo_dir, director_.get(), {true, true}};
  ServerOptions options_;
  std::unique_ptr<Server> server_;
  std::thread thread_;
};

TEST_F(HttpServerWith, OneConnectionAnswersManyRequests) {
  start();
  RawClient client(server_->port());
  for (int i = 0; i < 3; ++i) {
    client.send(get("/repo/small.bin"));
    const RawReply reply = client.reply();
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.version, "HTTP/1.1");
    EXPECT_EQ(reply.body, "0123456789");
    EXPECT_EQ(reply.headers.count("date"), 1U);
    EXPECT_EQ(reply.headers.count("connection"), 0U);
  }
  client.send("GET /repo/absent HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(client.reply().status, 404);
  client.send("HEAD /repo/small.bin HTTP/1.1\r\nHost: x\r\n\r\n");
  const RawReply head = client.reply(true);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.headers.at("content-length"), "10");
  client.send("HEAD /director/vehicles/VIN-1/1.root.json HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(client.reply(true).headers.at("content-length"), std::to_string(depot_.keys.roots()[0].size()));
  client.send("HEAD /nothing HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(client.reply(true).status, 404);
  client.send(get("/repo/small.bin", "If-None-Match: " + head.headers.at("etag") + "\r\n"));
  EXPECT_EQ(client.reply().status, 304);
  client.send(get("/repo/small.bin", "Range: bytes=2-4\r\n"));
  const RawReply part = client.reply();
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, "234");
  client.send(get("/healthz", "Connection: close\r\n"));
  EXPECT_EQ(client.reply().headers.at("connection"), "close");
  EXPECT_TRUE(client.ended());
}

TEST_F(HttpServerWith, TheAccessLogSaysWhatTravelledAndNoSecrets) {
  const std::string big(5000, 'a');
  const auto repo = depot_.places().repo_dir;
  COTTER_ASSERT(host::write_atomically(repo / "7.snapshot.json", as_bytes(big)));
  COTTER_ASSERT(host::write_atomically(repo / "7.snapshot.json.gz", as_bytes("packed")));
  const sim::TempDir dir;
  const auto log = AccessLog::open(dir.path() / "log").value();
  options_.access_log = log.get();
  start();
  for (const std::string& request :
       {get("/repo/7.snapshot.json", "Accept-Encoding: gzip\r\n"), get("/repo/7.snapshot.json?token=hush"),
        get("/repo/small.bin", "Range: bytes=2-4\r\nAuthorization: Bearer hush\r\n"),
        "HEAD /repo/small.bin HTTP/1.1\r\nHost: x\r\n\r\n" + kHealth, std::string("rude\r\n\r\n")}) {
    RawClient client(server_->port());
    client.send(request);
    client.end_sending();
    EXPECT_TRUE(client.ended());
  }
  stop();
  std::ifstream file(dir.path() / "log");
  std::string lines;
  for (std::string line; std::getline(file, line);) lines += line.substr(line.find(' ')) + "\n";
  EXPECT_EQ(lines,
            " GET /repo/7.snapshot.json 200 6 gzip\n"
            " GET /repo/7.snapshot.json 200 5000 -\n"
            " GET /repo/small.bin 206 3 -\n"
            " HEAD /repo/small.bin 200 0 -\n"
            " GET /healthz 200 3 -\n"
            " - - 400 " +
                lines.substr(lines.rfind(" 400 ") + 5));
}

/// One reading of it, the second, does not end until it is let go: what asked then stands still.
class HaltingClock final : public Clock {
 public:
  [[nodiscard]] UtcTime now() const override {
    std::unique_lock lock(guard_);
    if (++readings_ == 2 && halts_) {
      halted_ = true;
      changed_.notify_all();
      changed_.wait(lock, [this] { return !halts_; });
    }
    return test::kNoon;
  }
  void halt() { halts_ = true; }
  void let_go() {
    const std::lock_guard lock(guard_);
    halts_ = false;
    changed_.notify_all();
  }
  void wait_until_halted() {
    std::unique_lock lock(guard_);
    changed_.wait(lock, [this] { return halted_; });
  }

 private:
  mutable std::mutex guard_;
  mutable std::condition_variable changed_;
  mutable int readings_ = 0;
  mutable bool halted_ = false;
  bool halts_ = false;
};

/// The same with an operations API, and a token for it.
class OperationsOver : public HttpServerWith {
 protected:
  OperationsOver() {
    host::Db db = storage::open_database(depot_.places().database).value();
    COTTER_ASSERT(storage::SupplierStore(db).put({RoleName("acme"), {}, test::kNoon}));
    token_ = add_token("acme-ci");
    service_ = app::OperationsService::open(depot_.places().database, folder_.path() / "submissions",
                                            depot_.places().repo_dir, clock_)
                   .value();
  }
  ~OperationsOver() override {  // before what it serves
    clock_.let_go();
    stop();
  }
  void start_with_operations() {
    door_.emplace(depot_.places().repo_dir, director_.get(), Access{true, true}, nullptr, service_.get());
    server_ = Server::listen(options_, *door_).value();
    thread_ = std::thread([this] { server_->run(); });
  }
  [[nodiscard]] std::string add_token(const std::string& name) const {
    host::Db db = storage::open_database(depot_.places().database).value();
    return std::string(as_text(app::add_token(db, {name, operations::TokenRole::Supplier, "acme", test::kNoon,
                                                   test::kNoon + std::chrono::days(1)})
                                   ->view()));
  }
  [[nodiscard]] std::string post(const std::string& token, std::size_t length) const {
    return "POST /api/v1/submissions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token +
           "\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n";
  }
  [[nodiscard]] std::string list(const std::string& token) const {
    return get("/api/v1/submissions", "Authorization: Bearer " + token + "\r\n");
  }
  /// A supplier's request that the API is at work for, until the clock goes on. The first of its server.
  std::unique_ptr<RawClient> occupy() {
    clock_.halt();
    auto client = std::make_unique<RawClient>(server_->port());
    client->send(post(token_, kFiles.size()) + kFiles);
    clock_.wait_until_halted();
    return client;
  }
  const std::string kFiles =
      R"({"_type":"cotter-submission","files":[{"kind":"metadata","length":1,"sha256":")" +
      std::string(64, 'a') + "\"}]}";
  const std::string kNobodys = "cotter-" + std::string(64, '0');
  HaltingClock clock_;
  sim::TempDir folder_;
  std::string token_;
  std::unique_ptr<app::OperationsService> service_;
  std::optional<Router> door_;
};

TEST_F(OperationsOver, AStrangersBodyIsNotWaitedFor) {  // IMG-2
  start_with_operations();
  const RawReply reply = ask(post("cotter-" + std::string(64, '0'), 100));
  EXPECT_EQ(reply.status, 401);
  EXPECT_EQ(reply.headers.at("connection"), "close");
}

TEST_F(OperationsOver, StrangersDoNotWaitBehindASupplierAndShutNobodyOut) {  // ATK-50
  options_.max_connections = 8;
  start_with_operations();
  const auto supplier = occupy();
  std::vector<std::unique_ptr<RawClient>> strangers;
  for (int i = 0; i < 16; ++i) {
    strangers.push_back(std::make_unique<RawClient>(server_->port()));
    strangers.back()->send(i % 2 == 0 ? get("/api/v1/submissions") : list(kNobodys));
    const int status = strangers.back()->reply().status;
    ASSERT_TRUE(status == 401 || status == 429) << i << ": " << status;
  }
  EXPECT_EQ(ask(kHealth).status, 200);
  EXPECT_EQ(ask(get("/director/vehicles/VIN-1/1.root.json")).status, 200);
  clock_.let_go();
  EXPECT_EQ(supplier->reply().status, 201);
}

TEST_F(OperationsOver, WhoAsksForTooMuchAtOnceIsToldToComeBackAndItsBodyNotRead) {  // ATK-50
  options_.max_operations = 2;
  options_.max_operations_of_one = 1;
  start_with_operations();
  const auto supplier = occupy();
  const RawReply told = ask(post(token_, 100));
  EXPECT_EQ(told.status, 503);
  EXPECT_EQ(told.headers.at("retry-after"), "1");
  EXPECT_EQ(told.headers.at("connection"), "close");
  RawClient other(server_->port());
  other.send(list(add_token("other-ci")));
  EXPECT_EQ(ask(get("/api/v1/repo/small.bin", "Authorization: Bearer " + token_ + "\r\n")).status, 200)
      << "what is published waits for nobody";
  clock_.let_go();
  EXPECT_EQ(supplier->reply().status, 201);
  EXPECT_EQ(other.reply().status, 200);
  EXPECT_EQ(ask(list(token_)).status, 200);
}

TEST_F(OperationsOver, AreAskedByNoMoreAtOnceThanHavePlaces) {
  options_.max_operations = 1;
  start_with_operations();
  const auto supplier = occupy();
  EXPECT_EQ(ask(list(add_token("other-ci"))).status, 503);
  clock_.let_go();
  EXPECT_EQ(supplier->reply().status, 201);
}

TEST_F(OperationsOver, NobodyWaitsForHisTurnWithoutAnEnd) {
  options_.operations_wait = kShort;
  start_with_operations();
  const auto supplier = occupy();
  RawClient patient(server_->port());
  patient.send(list(token_));
  const RawReply told = patient.reply();
  EXPECT_EQ(told.status, 503);
  EXPECT_EQ(told.headers.at("retry-after"), "1");
  clock_.let_go();
  EXPECT_EQ(supplier->reply().status, 201);
  patient.send(list(token_));
  EXPECT_EQ(patient.reply().status, 200);
}

TEST_F(OperationsOver, TheTurnsOfThoseWhoWaitCome) {
  start_with_operations();
  const auto supplier = occupy();
  std::vector<std::unique_ptr<RawClient>> waiting;
  for (int i = 0; i < 4; ++i) {
    waiting.push_back(std::make_unique<RawClient>(server_->port()));
    waiting.back()->send(list(token_));
  }
  EXPECT_EQ(ask(get("/api/v1/submissions")).status, 401);
  clock_.let_go();
  EXPECT_EQ(supplier->reply().status, 201);
  for (const auto& each : waiting) EXPECT_EQ(each->reply().status, 200);
}

TEST_F(OperationsOver, WhoWaitsForHisTurnDoesNotHoldUpTheEnd) {
  options_.grace = kShort;
  options_.operations_wait = kNever;
  start_with_operations();
  const auto supplier = occupy();
  RawClient waiting(server_->port());
  waiting.send(list(token_));
  EXPECT_EQ(ask(kHealth).status, 200);
  server_->stop();
  EXPECT_TRUE(waiting.ended());
  clock_.let_go();
  thread_.join();
}

TEST_F(OperationsOver, SlowUploadsHoldUpNeitherVehiclesNorEachOther) {
  options_.max_operations = 2;
  start_with_operations();
  RawClient first(server_->port());
  RawClient second(server_->port());
  const std::string list = R"({"_type":"cotter-submission","files":[]})";
  for (RawClient* slow : {&first, &second}) {
    // On each connection one whole request first: its answer says that the next is being read.
    slow->send(post(token_, list.size()) + list + post(token_, list.size()) + list.substr(1));
    EXPECT_EQ(slow->reply().status, 422);
  }
  while (ask(post(token_, list.size()) + list).status != 503) std::this_thread::yield();
  EXPECT_EQ(ask(kHealth).status, 200);
  EXPECT_EQ(ask(get("/director/vehicles/VIN-1/1.root.json")).status, 200);
  first.send("x");
  EXPECT_EQ(first.reply().status, 422);
  EXPECT_EQ(ask(post(token_, list.size()) + list).status, 422) << "there is room again";
}

TEST_F(OperationsOver, AnUploadThatIsTooSlowEnds) {
  options_.body = kShort;
  start_with_operations();
  RawClient client(server_->port());
  client.send(post(token_, 100) + "{");
  EXPECT_TRUE(client.ended());
}

TEST_F(HttpServerWith, PipelinedRequestsAreAnsweredInOrder) {
  start();
  RawClient client(server_->port());
  client.send(kHealth + get("/repo/small.bin") + get("/director/vehicles/VIN-1/1.root.json") +
              get("/repo/small.bin", "Range: bytes=0-0\r\n"));
  EXPECT_EQ(client.reply().body, "ok\n");
  EXPECT_EQ(client.reply().body, "0123456789");
  EXPECT_EQ(client.reply().body, as_text(depot_.keys.roots()[0]));
  EXPECT_EQ(client.reply().body, "0");
}

TEST_F(HttpServerWith, AnOldClientIsAnsweredInItsOwnVersion) {
  start();
  RawClient closing(server_->port());
  closing.send("GET /repo/small.bin HTTP/1.0\r\n\r\n");
  const RawReply reply = closing.reply();
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.version, "HTTP/1.0");
  EXPECT_TRUE(closing.ended());
  RawClient keeping(server_->port());
  for (int i = 0; i < 2; ++i) {
    keeping.send("GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_EQ(keeping.reply().headers.at("connection"), "keep-alive");
  }
}

TEST_F(HttpServerWith, AClientThatEndsItsHalfIsStillAnswered) {
  start();
  RawClient client(server_->port());
  client.send(get("/repo/big.bin"));
  client.end_sending();
  EXPECT_EQ(client.reply().body.size(), kBigFile);
  EXPECT_TRUE(client.ended());
}

TEST_F(HttpServerWith, ABodyTooLargeIsRefusedBeforeItIsRead) {
  start();
  RawClient client(server_->port());
  client.send("PUT " + kManifest + " HTTP/1.1\r\nHost: x\r\nContent-Length: 1099511627776\r\n\r\n");
  EXPECT_EQ(client.reply().status, 413);
  EXPECT_TRUE(client.ended());
}

TEST_F(HttpServerWith, ABodyTooLargeThatIsSentAllTheSameDoesNotDrownTheAnswer) {
  start();
  const std::string body(2 * 1024 * 1024, 'x');
  RawClient declared(server_->port());
  declared.send("PUT " + kManifest +
                " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  EXPECT_EQ(declared.reply().status, 413);
  RawClient chunked(server_->port());
  chunked.send("PUT " + kManifest + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = "10000\r\n" + body.substr(0, 0x10000) + "\r\n";
  for (int i = 0; i < 16; ++i) chunked.send(chunk);
  const RawReply reply = chunked.reply();
  EXPECT_EQ(reply.status, 413);
  EXPECT_EQ(reply.headers.at("content-type"), "application/problem+json");
}

TEST_F(HttpServerWith, AManifestInChunksIsTaken) {
  start();
  const Bytes wire = test::VehicleVoice().wire();
  std::string request = "PUT " + kManifest + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  char size[16];
  std::snprintf(size, sizeof(size), "%zx", wire.size());
  request += std::string(size) + "\r\n" + std::string(as_text(wire)) + "\r\n0\r\n\r\n";
  EXPECT_EQ(ask(request).status, 200);
}

TEST_F(HttpServerWith, AClientThatExpectsAWordFirstGetsIt) {
  start();
  const std::string body(as_text(test::VehicleVoice().wire()));
  RawClient client(server_->port());
  client.send("PUT " + kManifest + " HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: " +
              std::to_string(body.size()) + "\r\n\r\n");
  EXPECT_EQ(client.reply().status, 100);
  client.send(body);
  EXPECT_EQ(client.reply().status, 200);
  RawClient greedy(server_->port());
  greedy.send("PUT " + kManifest +
              " HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9999999\r\n\r\n");
  EXPECT_EQ(greedy.reply().status, 413);
}

TEST_F(HttpServerWith, ABodyWhereNoneBelongsIsNotRead) {
  start();
  const std::string rest = " HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello";
  const struct {
    const char* line;
    int status;
  } cases[] = {{"POST /repo/small.bin", 405},
               {"PUT /nowhere", 404},
               {"GET /repo/small.bin", 200},
               {"PUT /director/vehicles/VIN-1/timestamp.json", 405}};
  for (const auto& one : cases) {
    RawClient client(server_->port());
    client.send(one.line + rest);
    const RawReply reply = client.reply();
    EXPECT_EQ(reply.status, one.status) << one.line;
    EXPECT_EQ(reply.headers.at("connection"), "close");
    EXPECT_TRUE(client.ended());
  }
}

TEST_F(HttpServerWith, ARequestOfTwoMeaningsIsRefused) {
  start();
  for (const char* headers :
       {"Host: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Host: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n", "Host: x\r\nTransfer-Encoding: gzip\r\n",
        "Host: x\r\nTransfer-Encoding: chunked, gzip\r\n", "Host: x\r\nContent-Length: -1\r\n",
        "Host: x\r\nContent-Length: 5x\r\n", "", "Host: x\r\nHost: y\r\n", "Host: x\r\nBad Name: 1\r\n",
        "Host: x\r\n folded\r\nA\rB: c\r\n", "Host: x\r\n X: folded\r\n", "Host: x y\r\n", "Host: x/y\r\n"}) {
    EXPECT_EQ(ask("PUT " + kManifest + " HTTP/1.1\r\n" + headers + "\r\n").status, 400) << headers;
  }
}

TEST_F(HttpServerWith, WhatIsNoHttpIsRefused) {
  start();
  for (const char* bytes :
       {"hello\r\n\r\n", "GET /healthz HTTP/9.9\r\n\r\n", "GET /healthz\r\n\r\n", "\x16\x03\x01\x02",
        "GET /heal thz HTTP/1.1\r\nHost: x\r\n\r\n", "GET /a\x01 HTTP/1.1\r\nHost: x\r\n\r\n"}) {
    RawClient client(server_->port());
    client.send(bytes);
    client.end_sending();
    const RawReply reply = client.reply();
    EXPECT_EQ(reply.status, 400) << bytes;
    EXPECT_TRUE(client.ended());
  }
}

TEST_F(HttpServerWith, AHeaderTooLargeIsRefused) {
  start();
  EXPECT_EQ(ask(get("/healthz", "X: " + std::string(20'000, 'x') + "\r\n")).status, 431);
  EXPECT_EQ(ask(get("/" + std::string(20'000, 'x'))).status, 431);
}

TEST_F(HttpServerWith, NoPathGetsIntoAHeaderOrOutOfTheFolder) {
  start();
  for (const char* path :
       {"/repo/%0d%0aSet-Cookie:x=1", "/repo/small.bin%0d%0aX-Mine:1", "/%0d%0aX-Mine:1",
        "/director/vehicles/VIN-1%0d%0aX-Mine:1/timestamp.json", "/repo/..%2f..%2fetc/passwd", "/repo/%00",
        "/repo/small.bin%00", "/repo/../cotter.db", "/repo/%2e%2e/cotter.db"}) {
    const RawReply reply = ask(get(path));
    EXPECT_EQ(reply.status, 404) << path;
    EXPECT_EQ(reply.head.find("X-Mine"), std::string::npos) << reply.head;
    EXPECT_EQ(reply.head.find("Set-Cookie"), std::string::npos) << reply.head;
  }
}

TEST_F(HttpServerWith, ASlowHeaderIsNotWaitedFor) {
  options_.idle = kShort;
  start();
  RawClient silent(server_->port());
  RawClient halting(server_->port());
  halting.send("GET /healthz HTTP/1.1\r\nHos");
  EXPECT_TRUE(silent.ended());
  EXPECT_TRUE(halting.ended());
}

TEST_F(HttpServerWith, ASlowBodyIsNotWaitedFor) {
  options_.body = kShort;
  start();
  RawClient client(server_->port());
  client.send("PUT " + kManifest + " HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel");
  EXPECT_TRUE(client.ended());
}

TEST_F(HttpServerWith, AClientThatNeverReadsLosesItsPlace) {
  options_.body = kShort;
  start();
  RawClient deaf(server_->port(), 4096);
  deaf.send(get("/repo/big.bin"));
  EXPECT_EQ(ask(kHealth).status, 200);  // by now it is being sent
  stop();                               // returns when nothing is under way any more, and would wait for ever
  EXPECT_LT(deaf.reply().body.size(), kBigFile);
}

TEST_F(HttpServerWith, TheClientThatIsIdleLongestGivesWayToANewOne) {  // ATK-50
  options_.max_connections = 2;
  start();
  RawClient first(server_->port());
  RawClient second(server_->port());
  for (RawClient* client : {&first, &second}) {
    client->send(kHealth);
    EXPECT_EQ(client->reply().status, 200);
  }
  RawClient third(server_->port());
  third.send(kHealth);
  EXPECT_EQ(third.reply().status, 200);
  EXPECT_TRUE(first.ended());
  second.send(kHealth);
  EXPECT_EQ(second.reply().status, 200);
}

TEST_F(HttpServerWith, HundredsOfSilentClientsShutNobodyOut) {  // ATK-50
  options_.max_connections = 16;
  start();
  std::vector<std::unique_ptr<RawClient>> silent;
  for (int i = 0; i < 300; ++i) {
    silent.push_back(std::make_unique<RawClient>(server_->port()));
    if (i % 3 == 1) silent.back()->send("GET /heal");
    if (i % 3 == 2)
      silent.back()->send("PUT " + kManifest + " HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n");
    const bool ask_now = i % 50 == 0;
    EXPECT_TRUE(!ask_now || ask(kHealth).status == 200) << i;
  }
  EXPECT_EQ(ask(kHealth).status, 200);
  EXPECT_TRUE(silent.front()->ended());
}

TEST_F(HttpServerWith, NobodyGivesWayWhileWeAreAtWorkForHim) {
  options_.max_connections = 1;
  signer_.hold();
  start();
  RawClient waiting(server_->port());
  waiting.send(get("/director/vehicles/VIN-1/timestamp.json"));
  signer_.wait_until_asked();
  RawClient late(server_->port());
  EXPECT_TRUE(late.ended());
  signer_.let_go();
  EXPECT_EQ(waiting.reply().status, 200);
}

TEST_F(HttpServerWith, AVehicleThatCallsTooOftenIsToldWhenToComeBackAndTheOthersServed) {  // ATK-50
  depot_.add_vehicle("VIN-2", "B-", 11);
  start();
  RawClient greedy(server_->port());
  const auto began = std::chrono::steady_clock::now();
  for (std::uint32_t i = 0; i < Access{}.writes.at_once; ++i) {
    greedy.send("PUT " + kManifest + " HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}");
    ASSERT_EQ(greedy.reply().status, 422) << i;
  }
  greedy.send("PUT " + kManifest + " HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}");
  const RawReply told = greedy.reply();
  EXPECT_EQ(told.status, 429);
  // A slow machine has earned some of the five seconds by now.
  const std::chrono::seconds wait(std::stoi(told.headers.at("retry-after")));
  EXPECT_LE(wait, std::chrono::seconds(5));
  EXPECT_GE(wait + (std::chrono::steady_clock::now() - began), std::chrono::seconds(5));
  EXPECT_EQ(told.headers.at("content-type"), "application/problem+json");
  greedy.send(get("/director/vehicles/VIN-1/timestamp.json"));
  EXPECT_EQ(greedy.reply().status, 200) << "reading is another limit";
  const std::string body(as_text(test::VehicleVoice("VIN-2", "B-", 11).wire()));
  EXPECT_EQ(ask("PUT /director/vehicles/VIN-2/manifest HTTP/1.1\r\nHost: x\r\nContent-Length: " +
                std::to_string(body.size()) + "\r\n\r\n" + body)
                .status,
            200);
}

TEST_F(HttpServerWith, AnIdleConnectionDoesNotHoldUpTheEnd) {
  start();
  RawClient fresh(server_->port());
  RawClient idle(server_->port());
  idle.send(kHealth);
  EXPECT_EQ(idle.reply().status, 200);
  RawClient halting(server_->port());
  halting.send("GET /heal");
  stop();
  EXPECT_TRUE(idle.ended());
}

TEST_F(HttpServerWith, WhatIsUnderWayIsAnsweredBeforeTheEnd) {
  start();
  const std::string body(as_text(test::VehicleVoice().wire()));
  RawClient client(server_->port());
  client.send("PUT " + kManifest + " HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: " +
              std::to_string(body.size()) + "\r\n\r\n");
  EXPECT_EQ(client.reply().status, 100);  // it is under way
  server_->stop();
  client.send(body);
  const RawReply reply = client.reply();
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.headers.at("connection"), "close");
  thread_.join();
}

TEST_F(HttpServerWith, WhatDragsOnIsCutAtTheEnd) {
  options_.grace = kShort;
  start();
  RawClient deaf(server_->port(), 4096);
  deaf.send(get("/repo/big.bin"));
  RawClient halting(server_->port());
  halting.send("PUT " + kManifest +
               " HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(halting.reply().status, 100);
  stop();
  EXPECT_TRUE(halting.ended());
}

TEST_F(HttpServerWith, ADirectorAtWorkOutlivesItsConnection) {
  // Cut while a thread still works on the request: nothing of it may be gone before that thread is done.
  options_.grace = kShort;
  signer_.hold();
  start();
  RawClient client(server_->port());
  client.send(get("/director/vehicles/VIN-1/timestamp.json"));
  signer_.wait_until_asked();
  server_->stop();
  EXPECT_TRUE(client.ended());
  signer_.let_go();
  thread_.join();
}

TEST_F(HttpServerWith, ASlowSignerDoesNotHoldUpTheFiles) {
  signer_.hold();
  start();
  RawClient waiting(server_->port());
  waiting.send(get("/director/vehicles/VIN-1/timestamp.json"));
  signer_.wait_until_asked();
  EXPECT_EQ(ask(get("/repo/small.bin")).status, 200);
  signer_.let_go();
  EXPECT_EQ(waiting.reply().status, 200);
}

TEST_F(HttpServerWith, AStopBeforeTheStartIsNotLost) {
  server_ = Server::listen(options_, router_).value();
  server_->stop();
  server_->run();
  server_.reset();
}

TEST_F(HttpServerWith, APortInUseIsSaidSo) {
  start();
  ServerOptions same = options_;
  same.port = server_->port();
  const auto second = Server::listen(same, router_);
  ASSERT_FALSE(second);
  EXPECT_TRUE(is_fault(second.error(), Fault::Kind::Busy)) << summary(second.error());
  EXPECT_NE(summary(second.error()).find(std::to_string(same.port)), std::string::npos);
}

TEST_F(HttpServerWith, ANameIsNoAddressToListenOn) {
  options_.host = "localhost";
  const auto server = Server::listen(options_, router_);
  ASSERT_FALSE(server);
  EXPECT_TRUE(is_fault(server.error(), Fault::Kind::Usage));
}

}  // namespace
}  // namespace cotter::http
