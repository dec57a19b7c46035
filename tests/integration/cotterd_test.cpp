// cotterd as vehicles and operators meet it: the real program over TLS, with real certificates, good and bad.
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "client/fetch/curl_session.h"
#include "common/host/atomic_file.h"
#include "common/json/object_view.h"
#include "common/json/strict_reader.h"
#include "common/keystore/file_keystore.h"
#include "common/model/time_attestation.h"
#include "common/model/time_source.h"
#include "common/trust/verified.h"
#include "server/keys/certificate.h"
#include "server/keys/pki.h"
#include "server/storage/sqlite/database.h"
#include "server/storage/sqlite/ledger_store.h"
#include "tests/sim/https_client.h"
#include "tests/sim/temp_dir.h"
#include "tests/unit/server/fleet.h"
#include "tests/world/process.h"

namespace cotter {
namespace {

namespace fs = std::filesystem;
using sim::HttpsAsk;
using sim::HttpsReply;
using world::Daemon;
using world::Ended;

constexpr int kDone = 0;
constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr int kRefused = 3;
constexpr int kNotFound = 4;
constexpr const char* kOnline = "the workspace's own words";
constexpr const char* kHolder = "a holder's own words";
constexpr std::size_t kBigImage = 24 * 1024 * 1024;

crypto::Secret secret(std::string text) {
  return crypto::Secret::taking({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
}
UtcTime now() { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); }
std::string read_text(const fs::path& file) {
  return std::string(as_text(host::read_file(file, 64 * 1024 * 1024).value()));
}
void write_text(const fs::path& file, std::string_view text) {
  COTTER_ASSERT(host::write_atomically(file, as_bytes(text)));
}
std::string rule_in(const HttpsReply& reply) {
  const auto body = json::read(as_bytes(reply.body));
  const json::Value* rule = body && body->as_object() ? body->as_object()->find("rule") : nullptr;
  return rule == nullptr ? "(none)" : *rule->as_string();
}

/// A device's key and certificate as files.
struct Device {
  fs::path certificate;
  fs::path key;
};

std::string plain_pem(EVP_PKEY& key) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), &BIO_free);
  COTTER_ASSERT(PEM_write_bio_PrivateKey(bio.get(), &key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string request_pem(EVP_PKEY& key) {
  const std::unique_ptr<X509_REQ, decltype(&X509_REQ_free)> request(X509_REQ_new(), &X509_REQ_free);
  COTTER_ASSERT(X509_REQ_set_pubkey(request.get(), &key) == 1 &&
                X509_REQ_sign(request.get(), &key, EVP_sha256()) > 0);
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), &BIO_free);
  COTTER_ASSERT(PEM_write_bio_X509_REQ(bio.get(), request.get()) == 1);
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

/// A TLS connection that says what a test tells it to. Gives up after 20 s.
class TlsLine {
 public:
  TlsLine(const std::string& url, const Device& who)
      : context_(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free) {
    COTTER_ASSERT(SSL_CTX_use_certificate_file(context_.get(), who.certificate.c_str(), SSL_FILETYPE_PEM) ==
                  1);
    COTTER_ASSERT(SSL_CTX_use_PrivateKey_file(context_.get(), who.key.c_str(), SSL_FILETYPE_PEM) == 1);
    bio_.reset(BIO_new_ssl_connect(context_.get()));
    BIO_set_conn_hostname(bio_.get(), url.substr(std::string("https://").size()).c_str());
    COTTER_ASSERT(BIO_do_connect(bio_.get()) == 1);
    const timeval patience{20, 0};
    const int fd = static_cast<int>(BIO_get_fd(bio_.get(), nullptr));
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    BIO_get_ssl(bio_.get(), &ssl_);
  }
  void send(const std::string& text) {
    ASSERT_EQ(SSL_write(ssl_, text.data(), static_cast<int>(text.size())), static_cast<int>(text.size()));
  }
  void end_sending() { SSL_shutdown(ssl_); }
  /// Until `end` has come, or the connection is over.
  std::string read_to(const std::string& end) {
    std::string text;
    while (text.find(end) == std::string::npos) {
      char chunk[4096];
      const int got = SSL_read(ssl_, chunk, sizeof(chunk));
      if (got <= 0) break;
      text.append(chunk, static_cast<std::size_t>(got));
    }
    return text;
  }

 private:
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::unique_ptr<BIO, decltype(&BIO_free_all)> bio_{nullptr, &BIO_free_all};
  SSL* ssl_ = nullptr;
};

/// One workspace for all tests here: making one takes seconds of key derivation.
class Cotterd : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder = std::make_unique<sim::TempDir>();
    ASSERT_EQ(cotter({"init", workspace().string(), "--offline-dir", holders().string()}).exit_code, kDone);
    write_text(at("big.bin"), std::string(kBigImage, 'b'));
    const Ended published =
        cotter({"-C", workspace().string(), "publish", at("big.bin").string(), "--name", "brakes/mk4/big.bin",
                "--hardware-id", "brake-mk4", "--version", "2.0", "--release-counter", "2", "--sign-with",
                (holders() / "holder-1").string(), "--sign-with", (holders() / "holder-2").string()});
    ASSERT_EQ(published.exit_code, kDone) << published.err;
    write_text(at("car.json"), json::to_text(test::factory_record("VIN-1").encode()));
    const Ended added = cotter({"-C", workspace().string(), "vehicle", "add", at("car.json").string()});
    ASSERT_EQ(added.exit_code, kDone) << added.err;
    device = std::make_unique<Device>(make_device("VIN-1", pki(), now()));
    server = std::make_unique<Daemon>(start(url));
  }
  static void TearDownTestSuite() {
    server.reset();
    device.reset();
    folder.reset();
  }

  static fs::path at(const std::string& name) { return folder->path() / name; }
  static fs::path workspace() { return at("workspace"); }
  static fs::path holders() { return at("holders"); }
  static fs::path pki() { return workspace() / "pki"; }
  /// The newest log of any server here.
  static fs::path log() { return at("cotterd.log"); }

  static Ended cotter(std::vector<std::string> arguments) {
    return world::run({COTTER,
                       std::move(arguments),
                       {{"COTTER_PASSPHRASE", kOnline}, {"COTTER_PASSPHRASE_HOLDER", kHolder}},
                       {}})
        .value();
  }
  static world::Command cotterd(std::vector<std::string> arguments, const fs::path& of = workspace()) {
    arguments.insert(arguments.begin(), {"-C", of.string()});
    if (std::find(arguments.begin(), arguments.end(), "--listen") == arguments.end())
      arguments.insert(arguments.end(), {"--listen", "127.0.0.1:0"});
    return {COTTERD,
            std::move(arguments),
            {{"COTTER_PASSPHRASE", kOnline}, {"COTTER_PASSPHRASE_HOLDER", ""}},
            {}};
  }
  /// Runs one that is to end by itself.
  static Ended failing(const world::Command& command) {
    auto ended = world::run(command, std::chrono::seconds(20));
    return ended ? *ended : Ended{-1, "", summary(ended.error())};
  }
  static Daemon start(std::string& at_url, std::vector<std::string> arguments = {},
                      const fs::path& folder = workspace()) {
    world::Command command = cotterd(std::move(arguments), folder);
    command.log = log();
    Daemon daemon = Daemon::start(command).value();
    const std::string line = daemon.read_line().value();
    const std::string words = "listening on ";
    EXPECT_EQ(line.substr(0, words.size()), words);
    at_url = line.substr(words.size());
    return daemon;
  }
  static Device make_device(const std::string& vin, const fs::path& ca_dir, UtcTime issued) {
    static int count = 0;
    const std::string stem = "device-" + std::to_string(++count);
    Device made{at(stem + ".crt"), at(stem + ".key")};
    const auto key = keys::make_key().value();
    const auto pem =
        keys::issue_device_certificate(ca_dir, secret(kOnline), VehicleId(vin), request_pem(*key), issued);
    COTTER_ASSERT(pem);
    write_text(made.certificate, *pem);
    write_text(made.key, plain_pem(*key));
    return made;
  }
  static HttpsAsk as(const Device& who, const std::string& path, const std::string& method = "GET") {
    HttpsAsk what;
    what.url = url + path;
    what.method = method;
    what.ca = pki() / "ca.crt";
    what.certificate = who.certificate;
    what.key = who.key;
    return what;
  }
  static HttpsAsk as_vehicle(const std::string& path, const std::string& method = "GET") {
    return as(*device, path, method);
  }
  static HttpsAsk as_stranger(const std::string& path) { return as({}, path); }
  static HttpsAsk asking_for_the_time(const std::string& at_url) {
    HttpsAsk what = as_stranger("");
    what.url = at_url + "/time";
    what.method = "POST";
    what.body = R"({"nonces":["000102030405060708090a0b0c0d0e0f"]})";
    return what;
  }
  /// "/repo/targets/brakes/mk4/HASH.big.bin"
  static std::string big_image() {
    for (const auto& entry : fs::directory_iterator(workspace() / "repo/targets/brakes/mk4"))
      return "/repo/targets/brakes/mk4/" + entry.path().filename().string();
    return "";
  }

  static inline std::unique_ptr<sim::TempDir> folder;
  static inline std::unique_ptr<Device> device;
  static inline std::unique_ptr<Daemon> server;  ///< for the tests that leave it as it is
  static inline std::string url;
};

TEST_F(Cotterd, ServesBothRepositoriesToAVehicle) {  // IMG-1, DIR-1
  const HttpsReply root = sim::ask(as_vehicle("/repo/1.root.json"));
  EXPECT_EQ(root.status, 200) << root.failure;
  EXPECT_EQ(root.body, read_text(workspace() / "repo/1.root.json"));
  EXPECT_EQ(sim::ask(as_vehicle("/director/1.root.json")).body,
            read_text(workspace() / "director/1.root.json"));
  const HttpsReply timestamp = sim::ask(as_vehicle("/director/timestamp.json"));
  EXPECT_EQ(timestamp.status, 200);
  EXPECT_EQ(sim::ask(as_vehicle("/director/timestamp.json")).body, timestamp.body)
      << "another poll signs nothing";
  EXPECT_EQ(sim::ask(as_vehicle("/director/2.root.json")).status, 404);
}

TEST_F(Cotterd, TellsAStrangerThatACertificateIsNeeded) {
  for (const char* path : {"/repo/timestamp.json", "/director/timestamp.json"}) {
    const HttpsReply reply = sim::ask(as_stranger(path));
    EXPECT_EQ(reply.status, 401) << path << reply.failure;
    EXPECT_EQ(reply.headers.at("content-type"), "application/problem+json");
    EXPECT_NE(reply.body.find("certificate"), std::string::npos);
  }
  EXPECT_EQ(sim::ask(as_stranger("/healthz")).status, 200);
  EXPECT_EQ(sim::ask(as_stranger("/readyz")).status, 200);
}

/// What the director's root of this workspace makes of an attestation; empty: nothing is wrong with it.
std::string complaint_about(const HttpsReply& reply, const fs::path& root) {
  const auto anchor =
      trust::Unverified<model::Root>::parse(to_bytes(read_text(root)), model::Profile::Vehicle)
          .value()
          .verify_anchor()
          .value();
  auto file = trust::Unverified<model::TimeAttestation>::parse(to_bytes(reply.body), model::Profile::Vehicle);
  if (!file) return summary(file.error());
  const auto source = model::TimeSource::of(*anchor);
  if (!source) return "the root lists no time source";
  const auto verified = (*std::move(file)).verify(trust::Authority::of_time_source(*source));
  if (!verified) return summary(verified.error());
  const auto off = (*verified)->time - now();
  return off > std::chrono::minutes(1) || off < -std::chrono::minutes(1) ? "another time" : "";
}

TEST_F(Cotterd, AttestsTheTimeToWhoeverAsks) {  // TIM-2, TIM-3
  HttpsAsk what = as_stranger("/time");
  what.method = "POST";
  what.body = R"({"nonces":["000102030405060708090a0b0c0d0e0f"],"vin":"VIN-1"})";
  const HttpsReply reply = sim::ask(what);
  EXPECT_EQ(reply.status, 200) << reply.failure << reply.body;
  EXPECT_EQ(complaint_about(reply, workspace() / "director/1.root.json"), "");
  EXPECT_NE(reply.body.find("000102030405060708090a0b0c0d0e0f"), std::string::npos);
  what.body = "{}";
  EXPECT_EQ(rule_in(sim::ask(what)), "member-missing");
  what.body = std::string(64 * 1024, ' ');
  EXPECT_EQ(sim::ask(what).status, 413);
}

TEST_F(Cotterd, ServesTimeAloneWithItsOwnKeyAndALedgerOfItsOwn) {
  // Another machine: it has the time key, the certificates and nothing else.
  fs::create_directories(at("timekeeper/keys"));
  fs::copy(pki(), at("timekeeper/pki"));
  fs::copy(workspace() / "keys/director-x-time-source.key", at("timekeeper/keys"));
  for (const char* rest : {"cotter.toml", "keys/keystore.json"}) {
    if (fs::exists(workspace() / rest)) fs::copy(workspace() / rest, at("timekeeper") / rest);
  }
  std::string other;
  Daemon daemon = start(other, {"--role", "time"}, at("timekeeper"));
  HttpsAsk what = asking_for_the_time(other);
  const HttpsReply reply = sim::ask(what);
  EXPECT_EQ(reply.status, 200) << reply.failure << reply.body;
  EXPECT_EQ(complaint_about(reply, workspace() / "director/1.root.json"), "");
  EXPECT_EQ(sim::ask(what).status, 200);
  what.url.replace(what.url.rfind("/time"), 5, "/repo/timestamp.json");
  what.method = "GET";
  what.body.reset();
  EXPECT_EQ(sim::ask(what).status, 404);
  EXPECT_EQ(daemon.stop(), kDone);
  host::Db db = storage::open_database(at("timekeeper/cotter.db")).value();
  std::vector<std::string> kinds;
  EXPECT_TRUE(storage::LedgerStore(db).each({}, [&](const storage::LedgerRow& row) -> Result<void> {
    kinds.push_back(row.kind);
    return {};
  }));
  EXPECT_EQ(kinds, (std::vector<std::string>{"attested-time"})) << "of many answers on a day one";
}

TEST_F(Cotterd, AWorkspaceWithoutATimeKeyServesTheRestAsEver) {
  fs::copy(workspace(), at("older"), fs::copy_options::recursive);
  fs::remove(at("older/keys/director-x-time-source.key"));
  const Ended alone = failing(cotterd({"--role", "time"}, at("older")));
  EXPECT_EQ(alone.exit_code, kNotFound);
  EXPECT_NE(alone.err.find("director/x-time-source"), std::string::npos) << alone.err;
  std::string other;
  Daemon daemon = start(other, {}, at("older"));
  HttpsAsk what = asking_for_the_time(other);
  EXPECT_EQ(sim::ask(what).status, 404);
  EXPECT_EQ(daemon.stop(), kDone);
}

TEST_F(Cotterd, TurnsAwayAnExpiredCertificateAndSaysWhy) {
  const Device old = make_device("VIN-1", pki(), now() - std::chrono::days(3 * 365));
  const HttpsReply reply = sim::ask(as(old, "/director/timestamp.json"));
  EXPECT_EQ(reply.status, 0);
  EXPECT_NE(reply.failure.find("expired"), std::string::npos) << reply.failure;
  EXPECT_EQ(sim::ask(as_vehicle("/healthz")).status, 200);  // by now it has written its log
  EXPECT_NE(read_text(log()).find("turned away: its certificate: certificate has expired"),
            std::string::npos);
}

TEST_F(Cotterd, TurnsAwayACertificateOfAForeignAuthority) {
  ASSERT_TRUE(keys::create_pki(at("foreign"), secret(kOnline), {}, now()));
  const Device foreign = make_device("VIN-1", at("foreign"), now());
  const HttpsReply reply = sim::ask(as(foreign, "/repo/timestamp.json"));
  EXPECT_EQ(reply.status, 0);
  EXPECT_FALSE(reply.failure.empty());
  EXPECT_EQ(sim::ask(as(foreign, "/healthz")).status, 0) << "a bad certificate is worse than none";
}

TEST_F(Cotterd, TakesNoServersCertificateForAVehicles) {
  const auto pem = read_text(pki() / "server.key");
  const auto key = keys::open_sealed_pem(pem, secret(kOnline), "server.key").value();
  const Device impostor{pki() / "server.crt", at("impostor.key")};
  write_text(impostor.key, plain_pem(*key));
  EXPECT_EQ(sim::ask(as(impostor, "/repo/timestamp.json")).status, 0);
}

TEST_F(Cotterd, IsJudgedByTheVehicleToo) {
  ASSERT_TRUE(keys::create_pki(at("elsewhere"), secret(kOnline), {}, now()));
  HttpsAsk what = as_vehicle("/healthz");
  what.ca = at("elsewhere") / "ca.crt";
  EXPECT_EQ(sim::ask(what).status, 0);
}

/// A vehicle's own session, by what time it is and whom it trusts.
client::CurlSession session_of(const Device& device, const fs::path& ca,
                               client::CurlSession::Dates dates = client::CurlSession::Dates::Judged) {
  client::CurlSession::Options options;
  options.tls = client::CurlSession::TlsFiles{ca, device.certificate, device.key};
  options.dates = dates;
  return client::CurlSession::create(std::move(options)).value();
}

TEST_F(Cotterd, IsJudgedByTheTimeThatTheVehicleKnows) {  // TIM-6
  const std::string health = url + "/healthz";
  auto session = session_of(*device, pki() / "ca.crt");
  session.go_by(now() - std::chrono::days(3650));
  EXPECT_TRUE(is_fault(session.get(health, 100).error(), Fault::Kind::Denied));
  EXPECT_TRUE(session.failed_by_dates());
  session.go_by(now() + std::chrono::days(36500));
  EXPECT_TRUE(is_fault(session.get(health, 100).error(), Fault::Kind::Denied));
  EXPECT_TRUE(session.failed_by_dates());
  session.go_by(now());
  EXPECT_TRUE(session.get(health, 100));
  EXPECT_FALSE(session.failed_by_dates());
  EXPECT_TRUE(is_fault(session.get(url + "/absent", 100).error(), Fault::Kind::NotFound));
  EXPECT_FALSE(session.failed_by_dates());
}

TEST_F(Cotterd, IsJudgedAllTheSameWhereDatesAreNotLookedAt) {  // TIM-6
  constexpr auto kIgnored = client::CurlSession::Dates::Ignored;
  auto undated = session_of(*device, pki() / "ca.crt", kIgnored);
  undated.go_by(now() - std::chrono::days(3650));
  EXPECT_TRUE(undated.get(url + "/healthz", 100));
  ASSERT_TRUE(keys::create_pki(at("forger"), secret(kOnline), {}, now()));
  auto misled = session_of(*device, at("forger") / "ca.crt", kIgnored);
  EXPECT_TRUE(is_fault(misled.get(url + "/healthz", 100).error(), Fault::Kind::Denied));
  EXPECT_FALSE(misled.failed_by_dates());
}

TEST_F(Cotterd, HasNothingForAVehicleThatItDoesNotKnow) {
  const Device unknown = make_device("VIN-9", pki(), now());
  EXPECT_EQ(sim::ask(as(unknown, "/director/timestamp.json")).status, 404);
  EXPECT_EQ(sim::ask(as(unknown, "/director/1.root.json")).status, 404);
  EXPECT_EQ(sim::ask(as(unknown, "/director/vehicles/VIN-1/timestamp.json")).status, 404);
  HttpsAsk manifest = as(unknown, "/director/manifest", "PUT");
  manifest.body = as_text(test::VehicleVoice("VIN-1").wire());
  EXPECT_EQ(sim::ask(manifest).status, 404);
}

TEST_F(Cotterd, ServesImagesAsACdnExpects) {  // IMG-1
  const HttpsReply head = sim::ask(as_vehicle(big_image(), "HEAD"));
  EXPECT_EQ(head.status, 200) << head.failure;
  EXPECT_EQ(head.headers.at("content-length"), std::to_string(kBigImage));
  EXPECT_TRUE(head.body.empty());
  HttpsAsk part = as_vehicle(big_image());
  part.headers = {"Range: bytes=" + std::to_string(kBigImage - 4) + "-",
                  "If-Range: " + head.headers.at("etag")};
  const HttpsReply rest = sim::ask(part);
  EXPECT_EQ(rest.status, 206);
  EXPECT_EQ(rest.body, "bbbb");
  part.headers = {"Range: bytes=" + std::to_string(kBigImage) + "-"};
  EXPECT_EQ(sim::ask(part).status, 416);
  part.headers = {"Range: bytes=0-3", "If-Range: \"another\""};
  EXPECT_EQ(sim::ask(part).body.size(), kBigImage);
  HttpsAsk again = as_vehicle("/repo/timestamp.json");
  again.headers = {"If-None-Match: " + sim::ask(again).headers.at("etag")};
  EXPECT_EQ(sim::ask(again).status, 304);
}

TEST_F(Cotterd, NeverLeavesTheRepositorysFolder) {
  for (const char* path :
       {"/repo/../cotter.toml", "/repo/%2e%2e/cotter.toml", "/repo/..%2fcotter.toml",
        "/repo/%2e%2e%2fkeys%2fimage-timestamp.key", "/repo/targets/../../pki/ca.key", "/repo//etc/passwd",
        "/repo/%2fetc%2fpasswd", "/repo/timestamp.json%00", "/director/..%2fcotter.db",
        "/director/%2e%2e/cotter.db", "/repo/.incoming/lock"}) {
    EXPECT_EQ(sim::ask(as_vehicle(path)).status, 404) << path;
  }
}

TEST_F(Cotterd, TakesAManifestAndNamesTheRuleThatABadOneBreaks) {  // DIR-1
  HttpsAsk put = as_vehicle("/director/manifest", "PUT");
  put.body = as_text(test::VehicleVoice("VIN-1").wire());
  const HttpsReply taken = sim::ask(put);
  EXPECT_EQ(taken.status, 200) << taken.body;
  const HttpsReply replayed = sim::ask(put);
  EXPECT_TRUE(replayed.status == 200 || rule_in(replayed) == "manifest-replayed") << replayed.body;
  put.body = "no manifest";
  const HttpsReply malformed = sim::ask(put);
  EXPECT_EQ(malformed.status, 422);
  EXPECT_EQ(malformed.headers.at("content-type"), "application/problem+json");
  EXPECT_EQ(rule_in(malformed), "json-malformed");
}

TEST_F(Cotterd, TakesNoManifestThatIsTooLarge) {
  HttpsAsk put = as_vehicle("/director/manifest", "PUT");
  put.body = std::string(4 * 1024 * 1024, 'x');
  EXPECT_EQ(sim::ask(put).status, 413);
  put.headers = {"Transfer-Encoding: chunked"};
  EXPECT_EQ(sim::ask(put).status, 413);
  put.headers = {"Expect:"};
  const HttpsReply unasked = sim::ask(put);
  EXPECT_EQ(unasked.status, 413) << unasked.failure;
}

TEST_F(Cotterd, AnswersAClientThatHasEndedItsHalf) {
  TlsLine line(url, *device);
  line.send("GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n");
  line.end_sending();
  EXPECT_NE(line.read_to("ready\n").find("200 OK"), std::string::npos);
  EXPECT_EQ(line.read_to("more"), "");
}

TEST_F(Cotterd, NamesTheMethodsThatItTakes) {
  const HttpsReply reply = sim::ask(as_vehicle("/repo/timestamp.json", "DELETE"));
  EXPECT_EQ(reply.status, 405);
  EXPECT_EQ(reply.headers.at("allow"), "GET, HEAD");
}

TEST_F(Cotterd, LetsNobodyNameAVehicleOverTls) {
  EXPECT_EQ(sim::ask(as_stranger("/director/vehicles/VIN-1/timestamp.json")).status, 401);
  EXPECT_EQ(sim::ask(as_vehicle("/director/vehicles/VIN-1/timestamp.json")).status, 404);
}

TEST_F(Cotterd, LetsVehiclesBeNamedOnAPlainLoopbackListener) {
  std::string plain;
  Daemon daemon = start(plain, {"--plain"});
  EXPECT_EQ(plain.substr(0, 17), "http://127.0.0.1:");
  HttpsAsk what;
  what.url = plain + "/director/vehicles/VIN-1/timestamp.json";
  EXPECT_EQ(sim::ask(what).status, 200);
  EXPECT_EQ(daemon.stop(), kDone);
}

TEST_F(Cotterd, IsNeverPlainBeyondThisMachine) {
  for (const char* address : {"0.0.0.0:0", "[::]:0", "192.0.2.1:0"}) {
    const Ended ended = failing(cotterd({"--plain", "--listen", address}));
    EXPECT_EQ(ended.exit_code, kUsage) << address;
    EXPECT_NE(ended.err.find("loopback"), std::string::npos) << ended.err;
  }
}

TEST_F(Cotterd, ServesTheImageRepositoryAloneWithoutADatabase) {
  std::string images;
  Daemon daemon = start(images, {"--plain", "--role", "image"});
  HttpsAsk what;
  what.url = images + "/repo/timestamp.json";
  EXPECT_EQ(sim::ask(what).status, 200);
  what.url = images + "/director/vehicles/VIN-1/timestamp.json";
  EXPECT_EQ(sim::ask(what).status, 404);
  EXPECT_EQ(daemon.stop(), kDone);
}

TEST_F(Cotterd, SaysThatThePortIsInUse) {
  const Ended ended = failing(cotterd({"--listen", url.substr(std::string("https://").size())}));
  EXPECT_EQ(ended.exit_code, kFailed);
  EXPECT_NE(ended.err.find("the port is in use"), std::string::npos) << ended.err;
  EXPECT_NE(ended.err.find("hint: "), std::string::npos);
  EXPECT_TRUE(ended.out.empty());
}

TEST_F(Cotterd, RefusesAWrongPassphrase) {
  world::Command command = cotterd({});
  command.environment["COTTER_PASSPHRASE"] = "not the right words";
  const Ended ended = failing(command);
  EXPECT_EQ(ended.exit_code, kRefused);
  EXPECT_NE(ended.err.find("wrong passphrase"), std::string::npos) << ended.err;
  EXPECT_EQ(ended.err.find("not the right words"), std::string::npos);
}

TEST_F(Cotterd, SaysWhenThereIsNoWorkspaceOrNoAddress) {
  EXPECT_EQ(failing(cotterd({}, at("nowhere"))).exit_code, kNotFound);
  EXPECT_EQ(failing(cotterd({"--listen", "8443"})).exit_code, kUsage);
  EXPECT_EQ(failing(cotterd({"--listen", "example.org:8443"})).exit_code, kUsage);
  EXPECT_EQ(failing(cotterd({"--role", "king"})).exit_code, kUsage);
}

TEST_F(Cotterd, DoesNotStartWithAnOfflineKeyAmongItsOwn) {
  const fs::path stray = workspace() / "keys/image-targets-1.key";
  fs::copy_file(holders() / "holder-1/image-targets-1.key", stray);
  const Ended ended = failing(cotterd({}));
  fs::remove(stray);
  EXPECT_EQ(ended.exit_code, kRefused);
  EXPECT_NE(ended.err.find("offline key"), std::string::npos) << ended.err;
  EXPECT_NE(ended.err.find(stray.string()), std::string::npos) << ended.err;
}

TEST_F(Cotterd, DoesNotStartWhenItsPassphraseOpensAHolder) {
  const fs::path fourth = holders() / "holder-4";
  {
    auto store = keystore::FileKeystore::create(fourth, secret(kOnline), {1, 8 * 1024}).value();
    ASSERT_TRUE(store.generate("image-root-4", "image/root", now()));
  }
  const Ended ended = failing(cotterd({}));
  fs::remove_all(fourth);
  EXPECT_EQ(ended.exit_code, kRefused);
  EXPECT_NE(ended.err.find(fourth.string()), std::string::npos) << ended.err;
}

TEST_F(Cotterd, DoesNotStartWithAHoldersPassphrase) {
  world::Command command = cotterd({});
  command.environment["COTTER_PASSPHRASE_HOLDER"] = kHolder;
  const Ended ended = failing(command);
  EXPECT_EQ(ended.exit_code, kRefused);
  EXPECT_NE(ended.err.find((holders() / "holder-").string()), std::string::npos) << ended.err;
  EXPECT_EQ(ended.err.find(kHolder), std::string::npos);
}

TEST_F(Cotterd, SaysWhichFileOfItsPkiIsMissingOrDamaged) {
  const fs::path certificate = pki() / "server.crt";
  const std::string good = read_text(certificate);
  fs::remove(certificate);
  const Ended missing = failing(cotterd({}));
  write_text(certificate, "no certificate");
  const Ended damaged = failing(cotterd({}));
  write_text(certificate, good);
  EXPECT_EQ(missing.exit_code, kNotFound);
  EXPECT_NE(missing.err.find("server.crt"), std::string::npos) << missing.err;
  EXPECT_EQ(damaged.exit_code, kFailed);
  EXPECT_NE(damaged.err.find("server.crt"), std::string::npos) << damaged.err;
}

TEST_F(Cotterd, EndsWellWhenAskedTo) {
  std::string own;
  Daemon daemon = start(own);
  EXPECT_EQ(daemon.stop(), kDone) << "as soon as it has said that it listens";
}

TEST_F(Cotterd, DoesNotWaitForIdleVehiclesWhenAskedToEnd) {
  std::string own;
  Daemon daemon = start(own);
  TlsLine idle(own, *device);
  idle.send("GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n");
  idle.read_to("ready\n");
  EXPECT_EQ(daemon.stop(std::chrono::seconds(4)), kDone) << "what is under way would get 5 s";
  EXPECT_EQ(idle.read_to("more"), "");
}

TEST_F(Cotterd, ComesBackAfterAPowerCutInTheMiddleOfATransfer) {
  std::string own;
  Daemon daemon = start(own);
  HttpsAsk what = as_vehicle(big_image());
  what.url = own + big_image();
  what.go_on = [&](std::size_t) {
    daemon.kill();
    return true;
  };
  const HttpsReply cut = sim::ask(what);
  EXPECT_FALSE(cut.failure.empty());
  EXPECT_LT(cut.body.size(), kBigImage);

  std::string port = own.substr(own.rfind(':') + 1);
  Daemon next = start(own, {"--listen", "127.0.0.1:" + port});
  what.url = own + big_image();
  what.go_on = nullptr;
  what.headers = {"Range: bytes=" + std::to_string(cut.body.size()) + "-",
                  "If-Range: " + cut.headers.at("etag")};
  const HttpsReply rest = sim::ask(what);
  EXPECT_EQ(rest.status, 206);
  EXPECT_EQ(cut.body.size() + rest.body.size(), kBigImage);
  EXPECT_EQ(next.stop(), kDone);
}

}  // namespace
}  // namespace cotter
