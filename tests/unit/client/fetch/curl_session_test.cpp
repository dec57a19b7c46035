#include "client/fetch/curl_session.h"

#include <gtest/gtest.h>

#include <utility>

#include "client/fetch/curl_transport.h"
#include "common/host/gzip.h"
#include "tests/sim/http_server.h"

namespace cotter::client {
namespace {

using sim::HttpRequest;
using sim::HttpResponse;
using sim::HttpServer;

CurlSession session(std::chrono::seconds window = std::chrono::seconds(10)) {
  CurlSession::Options options;
  options.window = window;
  auto created = CurlSession::create(options);
  COTTER_ASSERT(created);
  return std::move(*created);
}

HttpServer::Handler answering(HttpResponse response) {
  return [response = std::move(response)](const HttpRequest&) { return response; };
}

HttpResponse ok(std::string_view body) {
  HttpResponse response;
  response.body = to_bytes(body);
  return response;
}

template <class T>
Fault::Kind fault_kind(const Result<T>& result) {
  EXPECT_FALSE(result.has_value());
  const auto* fault = result ? nullptr : std::get_if<Fault>(&result.error());
  EXPECT_NE(fault, nullptr) << (result ? "" : summary(result.error()));
  return fault == nullptr ? Fault::Kind::Conflict : fault->kind;
}

template <class T>
std::string_view rule(const Result<T>& result) {
  const Rejection* rejection = result ? nullptr : rejection_in(result.error());
  return rejection == nullptr ? "none" : rule_of(rejection->rule).name;
}

TEST(CurlSession, GivesTheBodyUpToTheLimitAndNoFurther) {  // VER-LIM
  const HttpServer server(answering(ok("12345")));
  CurlSession curl = session();
  EXPECT_EQ(curl.get(server.url() + "/x", 5), to_bytes("12345"));
  EXPECT_EQ(rule(curl.get(server.url() + "/x", 4)), "file-too-large");
  EXPECT_EQ(curl.get(server.url() + "/x", 5), to_bytes("12345"));
}

TEST(CurlSession, KeepsOneConnection) {
  std::set<std::string> ports;
  const HttpServer server(answering(ok("x")));
  CurlSession curl = session();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(curl.get(server.url() + "/" + std::to_string(i), 10));
  EXPECT_EQ(server.requests(), (std::vector<std::string>{"GET /0", "GET /1", "GET /2"}));
}

TEST(CurlSession, TellsMissingFromRefusedFromFailing) {
  int status = 0;
  const HttpServer server([&](const HttpRequest&) {
    HttpResponse response = ok(R"({"title":"no","detail":"because","rule":"manifest-replayed"})");
    response.status = status;
    return response;
  });
  CurlSession curl = session();
  const auto kind = [&](int answer) {
    status = answer;
    return fault_kind(curl.get(server.url(), 1000));
  };
  EXPECT_EQ(kind(404), Fault::Kind::NotFound);
  EXPECT_EQ(kind(403), Fault::Kind::NotFound);
  EXPECT_EQ(kind(401), Fault::Kind::Denied);
  EXPECT_EQ(kind(302), Fault::Kind::Denied);
  EXPECT_EQ(kind(503), Fault::Kind::Network);
  EXPECT_EQ(kind(429), Fault::Kind::Network) << "too often, for now: nothing is wrong with the request";
  status = 403;
  const auto put = curl.put(server.url(), as_bytes("{}"), "application/json", 1000);
  EXPECT_EQ(fault_kind(put), Fault::Kind::Denied);
  EXPECT_NE(summary(put.error()).find("manifest-replayed: no: because"), std::string::npos);
}

TEST(CurlSession, SendsBodiesWithTheirType) {
  HttpRequest seen;
  const HttpServer server([&](const HttpRequest& request) {
    seen = request;
    return ok("accepted");
  });
  CurlSession curl = session();
  EXPECT_EQ(curl.put(server.url() + "/m", as_bytes("{\"a\":1}"), "application/json", 100),
            to_bytes("accepted"));
  EXPECT_EQ(seen.method, "PUT");
  EXPECT_EQ(seen.headers["content-type"], "application/json");
  EXPECT_EQ(seen.body, to_bytes("{\"a\":1}"));
  EXPECT_EQ(curl.post(server.url() + "/m", as_bytes(""), "text/plain", 100), to_bytes("accepted"));
  EXPECT_EQ(seen.method, "POST");
  EXPECT_TRUE(curl.get(server.url() + "/m", 100));
  EXPECT_EQ(seen.method, "GET");
}

// ATK-5
TEST(CurlSession, GivesUpATransferBelowTheLeastRate) {  // PRI-17
  HttpResponse slow = ok(std::string(10000, 'x'));
  slow.bytes_a_piece = 10;
  slow.between_pieces = std::chrono::milliseconds(100);
  const HttpServer server(answering(slow));
  CurlSession curl = session(std::chrono::seconds(1));
  EXPECT_EQ(rule(curl.get(server.url(), 100000)), "transfer-too-slow");
}

TEST(CurlSession, SlowButAboveTheLeastRatePasses) {
  HttpResponse slow = ok(std::string(6000, 'x'));
  slow.bytes_a_piece = 600;
  slow.between_pieces = std::chrono::milliseconds(200);
  const HttpServer server(answering(slow));
  CurlSession curl = session(std::chrono::seconds(1));
  EXPECT_TRUE(curl.get(server.url(), 100000));
}

TEST(CurlSession, ServerThatNeverAnswersIsATimeout) {
  HttpResponse silence;
  silence.cut_after = 0;
  const HttpServer server([&](const HttpRequest&) {
    std::this_thread::sleep_for(std::chrono::seconds(3));  // well past the window, and the test need not wait
    return silence;
  });
  CurlSession curl = session(std::chrono::seconds(1));
  EXPECT_EQ(fault_kind(curl.get(server.url(), 100)), Fault::Kind::Timeout);
}

TEST(CurlSession, DownloadGoesOnFromAnOffsetWithOrWithoutRanges) {
  bool ranges = true;
  const HttpServer server([&](const HttpRequest& request) {
    HttpResponse response = ok("0123456789");
    const auto range = request.headers.find("range");
    if (ranges && range != request.headers.end()) {
      EXPECT_EQ(range->second, "bytes=4-");
      response = ok("456789");
      response.status = 206;
      response.headers.emplace_back("Content-Range", "bytes 4-9/10");
    }
    return response;
  });
  CurlSession curl = session();
  for (const bool supported : {true, false}) {
    ranges = supported;
    std::string got;
    const auto keep = [&](ByteView chunk) -> Result<void> {
      got += as_text(chunk);
      return {};
    };
    EXPECT_TRUE(curl.download(server.url(), 4, 6, keep));
    EXPECT_EQ(got, "456789");
    EXPECT_EQ(rule(curl.download(server.url(), 4, 5, keep)), "file-too-large");
  }
}

TEST(CurlSession, DownloadFollowsRedirectsAndStopsWhereItsSinkDoes) {
  const HttpServer home(answering(ok("content")));
  HttpResponse redirect;
  redirect.status = 302;
  redirect.headers.emplace_back("Location", home.url() + "/there");
  const HttpServer server(answering(redirect));
  CurlSession curl = session();
  std::string got;
  EXPECT_TRUE(curl.download(server.url(), 0, 100, [&](ByteView chunk) -> Result<void> {
    got += as_text(chunk);
    return {};
  }));
  EXPECT_EQ(got, "content");
  const auto stopped = curl.download(server.url(), 0, 100, [](ByteView) -> Result<void> {
    return fault(Fault::Kind::NoSpace, "the disk is full");
  });
  EXPECT_EQ(fault_kind(stopped), Fault::Kind::NoSpace);

  HttpResponse circle;
  circle.status = 302;
  circle.headers.emplace_back("Location", "/again");
  const HttpServer round(answering(circle));
  EXPECT_FALSE(curl.download(round.url(), 0, 100, [](ByteView) -> Result<void> { return {}; }));
  EXPECT_LE(round.requests().size(), 6U);
}

HttpResponse packed(Bytes body) {
  HttpResponse response;
  response.body = std::move(body);
  response.headers.emplace_back("Content-Encoding", "gzip");
  return response;
}

TEST(CurlSession, MetadataMayComePackedAndImagesMayNot) {
  std::vector<std::string> admitted;
  const std::string content(5000, 'a');
  const HttpServer server([&](const HttpRequest& request) {
    const auto coding = request.headers.find("accept-encoding");
    admitted.push_back(coding == request.headers.end() ? "" : coding->second);
    return packed(host::gzip(as_bytes(content)));
  });
  CurlSession curl = session();
  EXPECT_EQ(as_text(curl.get(server.url(), 5000).value_or(Bytes())), content);
  std::string got;
  const auto keep = [&](ByteView chunk) -> Result<void> {
    got += as_text(chunk);
    return {};
  };
  EXPECT_TRUE(curl.download(server.url(), 0, 5000, keep));
  EXPECT_NE(got, content);
  EXPECT_EQ(admitted, (std::vector<std::string>{"gzip", ""}));
}

TEST(CurlSession, ABombIsRefusedWhileItUnpacks) {  // VER-LIM, ATK-22
  const HttpServer server(answering(packed(host::gzip(Bytes(64U << 20U, ' ')))));
  CurlSession curl = session();
  EXPECT_EQ(rule(curl.get(server.url(), 100'000)), "file-too-large");
  const HttpServer one_more(answering(packed(host::gzip(Bytes(100'001, ' ')))));
  EXPECT_EQ(rule(curl.get(one_more.url(), 100'000)), "file-too-large");
  EXPECT_TRUE(curl.get(one_more.url(), 100'001));
}

TEST(CurlSession, APackedStreamThatUnpacksToNothingEndsToo) {  // VER-LIM, ATK-22
  HttpResponse endless = packed(host::gzip({}));
  endless.body.resize(10);  // the header, and then blocks without a byte
  const Bytes block = *from_hex("000000ffff");
  for (int i = 0; i < 20'000; ++i) endless.body.insert(endless.body.end(), block.begin(), block.end());
  const HttpServer server(answering(endless));
  CurlSession curl = session();
  EXPECT_EQ(rule(curl.get(server.url(), 50'000)), "file-too-large");
}

TEST(CurlSession, APackedBodyThatIsDamagedOrCutShortIsTheNetworksFault) {
  const Bytes good = host::gzip(as_bytes(std::string(5000, 'a') + "and more"));
  CurlSession curl = session();
  Bytes damaged = good;
  damaged[good.size() / 2] ^= 0x40;
  for (const Bytes& body : {damaged, Bytes(good.begin(), good.end() - 1), to_bytes("plain"), Bytes()}) {
    const HttpServer server(answering(packed(body)));
    EXPECT_EQ(fault_kind(curl.get(server.url(), 10'000)), Fault::Kind::Network);
  }
}

TEST(CurlSession, OnlyHttpIsSpoken) {
  CurlSession curl = session();
  EXPECT_EQ(fault_kind(curl.get("file:///etc/passwd", 100000)), Fault::Kind::Usage);
  EXPECT_EQ(fault_kind(curl.get("ftp://127.0.0.1/x", 100000)), Fault::Kind::Usage);
  CurlSession::Options options;
  options.tls = CurlSession::TlsFiles{"/nowhere/ca.pem", "/nowhere/c.pem", "/nowhere/k.pem"};
  EXPECT_EQ(fault_kind(CurlSession::create(options)), Fault::Kind::Usage);
}

TEST(CurlTransport, PutsThePathBelowItsBaseAndKeepsItsOwnLimit) {
  const HttpServer server(answering(ok("12345")));
  CurlSession curl = session();
  CurlTransport plain(curl, server.url() + "/base"), slashed(curl, server.url() + "/base/", 4);
  EXPECT_TRUE(plain.get("1.root.json", 5));
  EXPECT_EQ(rule(slashed.get("1.root.json", 5)), "file-too-large");
  EXPECT_EQ(server.requests(), (std::vector<std::string>{"GET /base/1.root.json", "GET /base/1.root.json"}));
}

}  // namespace
}  // namespace cotter::client
