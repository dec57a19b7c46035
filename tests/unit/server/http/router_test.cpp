#include "server/http/router.h"

#include <gtest/gtest.h>

#include "common/base/limits.h"
#include "common/json/strict_reader.h"
#include "common/model/time_attestation.h"
#include "tests/unit/server/app/depot.h"
#include "tests/unit/server/http/answer.h"

namespace cotter::http {
namespace {

using test::member_of;

Request asking(Method method, std::string path, std::optional<std::string> caller = std::nullopt) {
  Request request;
  request.method = method;
  request.path = std::move(path);
  if (caller) request.caller = VehicleId(*std::move(caller));
  return request;
}
Request get(std::string path, std::optional<std::string> caller = std::nullopt) {
  return asking(Method::Get, std::move(path), std::move(caller));
}

/// A time source that attests a noon.
struct TimeSource {
  struct Noon final : Clock {
    [[nodiscard]] UtcTime now() const override { return test::kNoon; }
  };
  test::NumberedSigner key{77};
  Noon clock;
  app::TimeService service{key, clock, storage::open_database(":memory:").value()};
};

class RouterTo : public testing::Test {
 protected:
  RouterTo() { depot_.add_vehicle(); }
  [[nodiscard]] std::filesystem::path repo() const { return depot_.places().repo_dir; }

  test::Depot depot_;
  std::unique_ptr<app::DirectorService> director_ = depot_.open();
  const Router strict_{repo(), director_.get(), {}};
  const Router by_name_{repo(), director_.get(), {true, true}};
};

TEST_F(RouterTo, AsksForACertificateEverywhereButForHealth) {
  for (const char* path : {"/repo/timestamp.json", "/repo/absent", "/director/timestamp.json",
                           "/director/absent", "/director/vehicles/VIN-1/timestamp.json"}) {
    const Response response = strict_.handle(get(path));
    EXPECT_EQ(response.status, 401U) << path;
    EXPECT_EQ(response.headers.at("Content-Type"), "application/problem+json");
    EXPECT_FALSE(response.file);
  }
  EXPECT_EQ(strict_.handle(asking(Method::Put, "/director/manifest")).status, 401U);
  EXPECT_EQ(strict_.handle(asking(Method::Post, "/director/ecus")).status, 401U);
  EXPECT_EQ(strict_.handle(get("/healthz")).status, 200U);
  EXPECT_EQ(strict_.handle(get("/readyz")).status, 200U);
  EXPECT_EQ(strict_.handle(get("/")).status, 404U);
}

TEST_F(RouterTo, CountsReadsAndWritesOfEachVehicleApart) {  // ATK-50
  Access access{false, false, {1, 1}, {2, 60}};
  const Router router(repo(), director_.get(), access);
  const RateLimiter::Instant now{};
  const Request put = asking(Method::Put, "/director/manifest", "VIN-1");
  EXPECT_FALSE(router.too_soon(put, now));
  const auto told = router.too_soon(put, now + std::chrono::milliseconds(1));
  ASSERT_TRUE(told);
  EXPECT_EQ(told->status, 429U);
  EXPECT_EQ(told->headers.at("Retry-After"), "60");
  EXPECT_TRUE(router.too_soon(asking(Method::Post, "/director/ecus", "VIN-1"), now));
  EXPECT_TRUE(router.too_soon(asking(Method::Other, "/director/x", "VIN-1"), now));
  EXPECT_FALSE(router.too_soon(asking(Method::Put, "/director/manifest", "VIN-2"), now));
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(router.too_soon(get("/director/absent", "VIN-1"), now));
  EXPECT_TRUE(router.too_soon(get("/director/timestamp.json", "VIN-1"), now));
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(router.too_soon(get("/repo/timestamp.json", "VIN-1"), now));
    EXPECT_FALSE(router.too_soon(get("/director/timestamp.json"), now)) << "a stranger costs nothing";
  }
}

TEST_F(RouterTo, AttestsTheTimeToAnybody) {  // TIM-2
  TimeSource time;
  const Router alone(std::nullopt, nullptr, {}, &time.service);
  Request request = asking(Method::Post, "/time");
  request.body = to_bytes(R"({"nonces":["000102030405060708090a0b0c0d0e0f"]})");
  EXPECT_EQ(alone.max_body(request), model::kMaxTimeRequestBytes);
  const Response answer = alone.handle(request);
  EXPECT_EQ(answer.status, 200U);
  EXPECT_EQ(answer.headers.at("Content-Type"), "application/json");
  EXPECT_EQ(answer.headers.at("Cache-Control"), "no-store");
  EXPECT_NE(as_text(answer.body).find("2026-07-01T12:00:00Z"), std::string::npos);
  EXPECT_TRUE(Router::may_block(request));
  EXPECT_EQ(alone.handle(get("/healthz")).status, 200U);
  EXPECT_EQ(alone.handle(get("/repo/timestamp.json")).status, 404U);
  EXPECT_EQ(alone.handle(get("/director/timestamp.json")).status, 404U);
}

TEST_F(RouterTo, RefusesAQuestionForTheTimeThatIsNone) {
  TimeSource time;
  const Router alone(std::nullopt, nullptr, {}, &time.service);
  const Response other = alone.handle(get("/time"));
  EXPECT_EQ(other.status, 405U);
  EXPECT_EQ(other.headers.at("Allow"), "POST");
  EXPECT_EQ(alone.max_body(get("/time")), 0U);
  Request request = asking(Method::Post, "/time");
  request.body = to_bytes("{}");
  const Response refused = alone.handle(request);
  EXPECT_EQ(refused.status, 422U);
  EXPECT_EQ(member_of(refused, "rule"), "member-missing");
  request.body = Bytes(model::kMaxTimeRequestBytes + 1, ' ');
  EXPECT_EQ(alone.handle(request).status, 413U);
  request.body = to_bytes(R"({"nonces":["000102030405060708090a0b0c0d0e0f"]})");
  EXPECT_EQ(strict_.handle(request).status, 404U) << "no time key, no time";
  EXPECT_EQ(strict_.max_body(request), 0U);
  EXPECT_EQ(time.key.count(), 0);
}

TEST_F(RouterTo, ServesTheRepositoryToVehiclesAndWhereConfiguredToAll) {  // IMG-1
  EXPECT_EQ(strict_.handle(get("/repo/timestamp.json", "VIN-1")).status, 200U);
  const Router open(repo(), director_.get(), {true, false});
  EXPECT_EQ(open.handle(get("/repo/timestamp.json")).status, 200U);
  EXPECT_EQ(open.handle(get("/director/timestamp.json")).status, 401U);
}

TEST_F(RouterTo, ServesTheSameImagesToEveryVehicle) {  // IMG-12
  depot_.add_vehicle("VIN-2", "SECOND-", 11);
  const auto seen_by = [&](const char* vin) {
    const Response response = strict_.handle(get("/repo/timestamp.json", vin));
    std::string text(response.file ? response.file->length : 0, '\0');
    EXPECT_TRUE(response.file && response.file->file.read(text, 0)) << vin;
    return text;
  };
  EXPECT_EQ(seen_by("VIN-1"), seen_by("VIN-2"));
  EXPECT_NE(seen_by("VIN-1").find("snapshot.json"), std::string::npos);
}

TEST_F(RouterTo, LetsNobodyWriteIntoTheImageRepository) {  // IMG-2
  const auto before = std::distance(std::filesystem::recursive_directory_iterator(repo()), {});
  for (const Method method : {Method::Put, Method::Post, Method::Other}) {
    for (const char* path : {"/repo/timestamp.json", "/repo/9.root.json", "/repo/targets/new.bin"}) {
      Request request = asking(method, path);
      request.body = to_bytes("mine");
      EXPECT_EQ(strict_.handle(request).status, 401U) << path;
      request.caller = VehicleId("VIN-1");
      EXPECT_EQ(strict_.handle(request).status, 405U) << path;
      EXPECT_EQ(strict_.max_body(request), 0U) << path;
    }
  }
  EXPECT_EQ(std::distance(std::filesystem::recursive_directory_iterator(repo()), {}), before);
  EXPECT_EQ(strict_.handle(get("/repo/9.root.json", "VIN-1")).status, 404U);
}

TEST_F(RouterTo, ServesEachVehicleItsOwnFiles) {
  depot_.add_vehicle("VIN-2", "SECOND-", 11);
  const Response first = strict_.handle(get("/director/timestamp.json", "VIN-1"));
  const Response second = strict_.handle(get("/director/timestamp.json", "VIN-2"));
  EXPECT_EQ(first.status, 200U);
  EXPECT_EQ(second.status, 200U);
  EXPECT_EQ(first.headers.at("Cache-Control"), "private, no-cache");
  EXPECT_EQ(strict_.handle(get("/director/1.root.json", "VIN-1")).body, depot_.keys.roots()[0]);
}

TEST_F(RouterTo, DoesNotLetAVehicleNameAnother) {
  for (const char* path :
       {"/director/vehicles/VIN-1/timestamp.json", "/director/vehicles/VIN-2/timestamp.json"})
    EXPECT_EQ(strict_.handle(get(path, "VIN-2")).status, 404U) << path;
}

TEST_F(RouterTo, KnowsNothingOfAnUnknownVehicle) {
  for (const char* path : {"/director/timestamp.json", "/director/1.root.json", "/director/1.targets.json"})
    EXPECT_EQ(strict_.handle(get(path, "VIN-9")).status, 404U) << path;
  Request manifest = asking(Method::Put, "/director/manifest", "VIN-9");
  manifest.body = test::VehicleVoice("VIN-9").wire();
  EXPECT_EQ(strict_.handle(manifest).status, 404U);
  Request ecus = asking(Method::Post, "/director/ecus", "VIN-9");
  ecus.body = to_bytes("{}");
  EXPECT_NE(strict_.handle(ecus).status, 200U);
}

TEST_F(RouterTo, TakesNamesOnlyWhereItWasToldTo) {
  EXPECT_EQ(by_name_.handle(get("/director/vehicles/VIN-1/timestamp.json")).status, 200U);
  EXPECT_EQ(by_name_.handle(get("/director/vehicles/VIN%2D1/timestamp.json")).status, 200U);
  for (const char* path :
       {"/director/vehicles/VIN-9/timestamp.json", "/director/vehicles/VIN-1",
        "/director/vehicles//timestamp.json", "/director/vehicles/%/timestamp.json",
        "/director/vehicles/VIN-1%0Aerror:/timestamp.json", "/director/vehicles/VIN-1%00/timestamp.json",
        "/director/vehicles/../timestamp.json", "/director/vehicles/VIN-1/../VIN-1/timestamp.json",
        "/director/timestamp.json"}) {
    EXPECT_EQ(by_name_.handle(get(path)).status, 404U) << path;
  }
}

TEST_F(RouterTo, NamesTheMethodsThatAPathTakes) {
  const struct {
    Method method;
    const char* path;
    const char* allow;
  } cases[] = {{Method::Put, "/repo/timestamp.json", "GET, HEAD"},
               {Method::Other, "/repo/timestamp.json", "GET, HEAD"},
               {Method::Post, "/director/timestamp.json", "GET, HEAD"},
               {Method::Get, "/director/manifest", "PUT"},
               {Method::Post, "/director/manifest", "PUT"},
               {Method::Head, "/director/ecus", "POST"},
               {Method::Put, "/director/ecus", "POST"},
               {Method::Post, "/healthz", "GET, HEAD"},
               {Method::Other, "/readyz", "GET, HEAD"}};
  for (const auto& one : cases) {
    const Response response = strict_.handle(asking(one.method, one.path, "VIN-1"));
    EXPECT_EQ(response.status, 405U) << one.path;
    EXPECT_EQ(response.headers.at("Allow"), one.allow) << one.path;
  }
}

TEST_F(RouterTo, TakesBodiesOnlyFromVehiclesAndOnlyWhereTheyBelong) {
  EXPECT_EQ(strict_.max_body(asking(Method::Put, "/director/manifest", "VIN-1")), kMaxManifestBytes);
  EXPECT_EQ(strict_.max_body(asking(Method::Post, "/director/ecus", "VIN-1")), kMaxManifestBytes);
  EXPECT_EQ(by_name_.max_body(asking(Method::Put, "/director/vehicles/VIN-1/manifest")), kMaxManifestBytes);
  EXPECT_EQ(strict_.max_body(asking(Method::Put, "/director/manifest")), 0U) << "from a stranger";
  EXPECT_EQ(strict_.max_body(asking(Method::Post, "/director/manifest", "VIN-1")), 0U);
  EXPECT_EQ(strict_.max_body(asking(Method::Put, "/director/x/manifest", "VIN-1")), 0U);
  EXPECT_EQ(strict_.max_body(asking(Method::Put, "/repo/manifest", "VIN-1")), 0U);
  EXPECT_EQ(strict_.max_body(get("/director/manifest", "VIN-1")), 0U);
}

TEST_F(RouterTo, TakesAManifest) {
  Request request = asking(Method::Put, "/director/manifest", "VIN-1");
  request.body = test::VehicleVoice().wire();
  const Response response = strict_.handle(request);
  EXPECT_EQ(response.status, 200U) << as_text(response.body);
  EXPECT_EQ(response.headers.at("Content-Type"), "application/json");
  const auto body = json::read(response.body).value();
  EXPECT_EQ(body.as_object()->find("fresh")->as_array()->size(), 3U);
}

TEST_F(RouterTo, SaysWhichRuleAManifestBreaks) {
  const struct {
    std::string body;
    const char* rule;
  } cases[] = {{"", "json-malformed"},
               {"no JSON", "json-malformed"},
               {R"({"signed":{},"signed":{}})", "json-duplicate-key"},
               {"{\"signed\":\"\xC3\x28\"}", "json-malformed"},
               {std::string(as_text(test::VehicleVoice().wire()).substr(0, 700)), "json-malformed"}};
  for (const auto& one : cases) {
    Request request = asking(Method::Put, "/director/manifest", "VIN-1");
    request.body = to_bytes(one.body);
    const Response response = strict_.handle(request);
    EXPECT_EQ(response.status, 422U) << one.body;
    EXPECT_EQ(response.headers.at("Content-Type"), "application/problem+json");
    EXPECT_EQ(member_of(response, "rule"), one.rule) << one.body;
    EXPECT_EQ(member_of(response, "type"), std::string("urn:cotter:rule:") + one.rule);
  }
}

TEST_F(RouterTo, TakesNoManifestOfAnotherVehicle) {
  // DIR-20
  depot_.add_vehicle("VIN-2", "SECOND-", 11);
  Request request = asking(Method::Put, "/director/manifest", "VIN-2");
  test::VehicleVoice voice("VIN-2", "SECOND-", 11);
  voice.manifest.vin = VehicleId("VIN-1");
  request.body = voice.wire();
  const Response response = strict_.handle(request);
  EXPECT_EQ(response.status, 403U);
  EXPECT_EQ(member_of(response, "rule"), "manifest-other-vehicle");
}

TEST_F(RouterTo, SaysNotModifiedToAVehicleThatHasTheFile) {
  const Response first = strict_.handle(get("/director/timestamp.json", "VIN-1"));
  Request again = get("/director/timestamp.json", "VIN-1");
  again.headers["if-none-match"] = first.headers.at("ETag");
  const Response second = strict_.handle(again);
  EXPECT_EQ(second.status, 304U);
  EXPECT_TRUE(second.body.empty());
  EXPECT_EQ(second.headers.at("ETag"), first.headers.at("ETag"));
}

TEST_F(RouterTo, NeverBlamesTheVehicleForASigner) {
  depot_.targets_signer.broken = true;
  const Response response = strict_.handle(get("/director/timestamp.json", "VIN-1"));
  EXPECT_EQ(response.status, 500U)
      << "neither 403 nor 404: the vehicle would take it for the end of something";
  EXPECT_EQ(as_text(response.body).find("token"), std::string_view::npos);
}

TEST_F(RouterTo, ServesTheImageRepositoryAlone) {
  const Router images(repo(), nullptr, {});
  EXPECT_EQ(images.handle(get("/repo/timestamp.json", "VIN-1")).status, 200U);
  EXPECT_EQ(images.handle(get("/director/timestamp.json", "VIN-1")).status, 404U);
  EXPECT_EQ(images.max_body(asking(Method::Put, "/director/manifest", "VIN-1")), 0U);
}

TEST_F(RouterTo, ServesTheDirectorAlone) {
  const Router director(std::nullopt, director_.get(), {});
  EXPECT_EQ(director.handle(get("/repo/timestamp.json", "VIN-1")).status, 404U);
  EXPECT_EQ(director.handle(get("/director/timestamp.json", "VIN-1")).status, 200U);
  EXPECT_EQ(director.handle(get("/readyz")).status, 200U);
}

TEST_F(RouterTo, IsNotReadyWithoutATimestamp) {
  std::filesystem::remove(repo() / "timestamp.json");
  EXPECT_EQ(strict_.handle(get("/readyz")).status, 503U);
  EXPECT_EQ(strict_.handle(get("/healthz")).status, 200U);
}

}  // namespace
}  // namespace cotter::http
