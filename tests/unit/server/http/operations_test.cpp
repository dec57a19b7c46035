// The operations API's door and the use cases behind it, without sockets.
#include "server/http/operations.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "common/crypto/digest.h"
#include "common/json/canonical.h"
#include "common/json/strict_reader.h"
#include "server/app/tokens.h"
#include "server/http/router.h"
#include "server/storage/sqlite/database.h"
#include "server/storage/sqlite/ledger_store.h"
#include "server/storage/sqlite/supplier_store.h"
#include "server/storage/sqlite/token_store.h"
#include "tests/sim/temp_dir.h"
#include "tests/unit/server/fleet.h"

namespace cotter::http {
namespace {

using operations::TokenRole;

struct Clock final : cotter::Clock {
  UtcTime time = test::kNoon;
  [[nodiscard]] UtcTime now() const override { return time; }
};

const json::Value& member(const json::Value& value, const char* name) {
  return *value.as_object()->find(name);
}

class Operations : public testing::Test {
 protected:
  Operations() {
    for (const char* name : {"acme", "other"}) {
      operations::Supplier supplier{RoleName(name), {}, clock_.time};
      supplier.policy.quota_bytes = 100;
      EXPECT_TRUE(storage::SupplierStore(db_).put(supplier));
    }
    acme_ = token("acme-ci", TokenRole::Supplier, "acme");
    other_ = token("other-ci", TokenRole::Supplier, "other");
    oper_ = token("alice", TokenRole::Operator, std::nullopt);
    start();
  }
  /// Anew, where it runs already.
  void start() {
    router_.reset();
    service_ =
        app::OperationsService::open(database(), dir_.path() / "submissions", dir_.path() / "repo", clock_)
            .value();
    router_.emplace(std::nullopt, nullptr, Access{}, nullptr, service_.get());
  }
  /// "WHO SUBJECT DOCUMENT" of each that the ledger tells of.
  std::vector<std::string> refusals() {
    storage::LedgerFilter filter;
    filter.kind = ledger::kRefusal;
    std::vector<std::string> all;
    EXPECT_TRUE(storage::LedgerStore(db_).each(filter, [&](const storage::LedgerRow& row) -> Result<void> {
      const auto entry = ledger::Entry::decode(row.body).value();
      const json::Value* document = entry.details.find("document");
      all.push_back(entry.who + " " + entry.subject + " " + std::string(document->as_string()->view()));
      return {};
    }));
    return all;
  }
  /// Of the form of a token, and nobody's.
  static std::string made_up(int number) {
    return "cotter-" + to_hex(crypto::sha256(as_bytes(std::to_string(number))));
  }
  [[nodiscard]] std::filesystem::path database() const { return dir_.path() / "cotter.db"; }
  std::string token(const char* name, TokenRole role, std::optional<std::string> supplier) {
    const auto made = app::add_token(
        db_, {name, role, std::move(supplier), clock_.time, clock_.time + std::chrono::days(1)});
    return std::string(as_text(made.value().view()));
  }

  /// As the session does it.
  Response ask(Method method, std::string path, const std::string& token, std::string_view body = {},
               std::map<std::string, std::string> headers = {}, std::string query = {}) {
    Request request;
    request.query = std::move(query);
    request.method = method;
    request.path = std::move(path);
    request.headers = std::move(headers);
    request.peer = "192.0.2.1";
    if (!token.empty()) request.headers["authorization"] = "Bearer " + token;
    router_->identify(request);
    taken_ = router_->max_body(request);
    if (body.size() <= taken_) request.body = to_bytes(body);
    return router_->handle(request);
  }
  /// The ids on all pages, as they come.
  std::vector<std::string> all_listed(const std::string& token) {
    std::vector<std::string> ids;
    std::optional<std::string> query("");
    while (query) {
      const Response page = ask(Method::Get, "/api/v1/submissions", token, {}, {}, *query);
      EXPECT_EQ(page.status, 200U);
      const json::Value body = json::read(page.body).value();
      for (const json::Value& each : *member(body, "submissions").as_array())
        ids.emplace_back(member(each, "id").as_string()->view());
      const json::Value* next = body.as_object()->find("next");
      query.reset();
      if (next != nullptr) query = "after=" + std::string(next->as_string()->view());
    }
    return ids;
  }
  static std::string list_of(const std::string& content) {
    operations::Submission list;
    list.files.push_back({operations::FileKind::Metadata, crypto::sha256(as_bytes(content)), content.size()});
    return std::string(as_text(list.encode()));
  }
  /// Where the file of a new submission of this content goes.
  std::string upload_place(const std::string& content) {
    const Response made = ask(Method::Post, "/api/v1/submissions", acme_, list_of(content));
    EXPECT_EQ(made.status, 201U) << as_text(made.body);
    return made.headers.at("Location") + "/files/" + to_hex(crypto::sha256(as_bytes(content)));
  }
  Response send(const std::string& place, std::uint64_t offset, std::string_view bytes) {
    return ask(Method::Patch, place, acme_, bytes,
               {{"content-type", "application/partial-upload"}, {"upload-offset", std::to_string(offset)}});
  }

  sim::TempDir dir_;
  Clock clock_;
  host::Db db_ = storage::open_database(database()).value();
  std::string acme_, other_, oper_;
  std::unique_ptr<app::OperationsService> service_;
  std::optional<Router> router_;
  std::uint64_t taken_ = 0;
};

TEST_F(Operations, LetNobodyInWithoutAGoodTokenAndDoNotReadHisBody) {  // IMG-2
  for (const std::string& bad : {std::string(), std::string("x"), "cotter-" + std::string(64, '0')}) {
    const Response response = ask(Method::Post, "/api/v1/submissions", bad, list_of("x"));
    EXPECT_EQ(response.status, 401U);
    EXPECT_EQ(response.headers.at("WWW-Authenticate"), "Bearer");
    EXPECT_EQ(taken_, 0U);
  }
  EXPECT_EQ(ask(Method::Get, "/api/v1/submissions", acme_).status, 200U);
  ASSERT_TRUE(app::revoke_token(db_, "acme-ci", clock_.time));
  EXPECT_EQ(ask(Method::Get, "/api/v1/submissions", acme_).status, 401U);
  clock_.time += std::chrono::days(1);
  EXPECT_EQ(ask(Method::Get, "/api/v1/submissions", oper_).status, 401U);
}

TEST_F(Operations, DoNotCallATokenBadThatCannotBeLookedUp) {
  ASSERT_TRUE(db_.exec("ALTER TABLE api_token RENAME TO lost"));
  const Response response = ask(Method::Post, "/api/v1/submissions", acme_, list_of("x"));
  EXPECT_EQ(response.status, 503U) << "who reads 401 throws a good token away";
  EXPECT_EQ(taken_, 0U);
}

TEST_F(Operations, TellWhoFailsTooOftenToWaitButNotWhoHasAGoodToken) {
  unsigned status = 401;
  for (int i = 0; i < 50 && status == 401U; ++i)
    status = ask(Method::Get, "/api/v1/submissions", "bad").status;
  EXPECT_EQ(status, 429U);
  EXPECT_EQ(ask(Method::Get, "/api/v1/submissions", acme_).status, 200U);
}

TEST_F(Operations, TellTheLedgerOfBadTokensOnceADayHoweverManyCome) {
  const auto come = [&](const std::string& bad) {
    EXPECT_EQ(ask(Method::Get, "/api/v1/submissions", bad).status / 100, 4U);
  };
  for (int number = 0; number < 20; ++number) come(made_up(number));
  EXPECT_EQ(refusals(), (std::vector<std::string>{"unknown operations API token"}));
  ASSERT_TRUE(app::revoke_token(db_, "acme-ci", clock_.time));
  for (int time = 0; time < 3; ++time) come(acme_);
  const std::vector<std::string> both{"unknown operations API token", "token:acme-ci acme-ci token"};
  EXPECT_EQ(refusals(), both);
  start();
  come(made_up(0));
  come(acme_);
  EXPECT_EQ(refusals(), both) << "the ledger knows it";
  clock_.time += std::chrono::days(1);
  come(made_up(0));
  come(acme_);
  come(oper_);  // has expired
  EXPECT_EQ(refusals().size(), 5U);
  EXPECT_EQ(refusals().back(), "token:alice alice token");
}

TEST_F(Operations, TellTheLedgerOnceADayOfWhatABearerIsRefused) {
  for (int time = 0; time < 3; ++time)
    EXPECT_EQ(ask(Method::Post, "/api/v1/submissions", oper_, list_of("x")).status, 403U);
  for (std::size_t bytes = 101; bytes < 110; ++bytes)
    EXPECT_EQ(ask(Method::Post, "/api/v1/submissions", acme_, list_of(std::string(bytes, 'x'))).status, 422U);
  const std::string place = upload_place("firmware");
  EXPECT_EQ(send(place, 4, "ware").status, 409U)
      << "who lost count is told where to go on, and refused nothing";
  const std::string one = place.substr(0, place.find("/files/"));
  for (int time = 0; time < 3; ++time) {
    EXPECT_EQ(send(place, 0, "software").status, 409U) << "another file than was announced";
    EXPECT_EQ(ask(Method::Post, one + "/complete", acme_).status, 409U) << "nothing is whole";
  }
  EXPECT_EQ(ask(Method::Delete, one, acme_).status, 200U);
  for (int time = 0; time < 3; ++time) EXPECT_EQ(ask(Method::Delete, one, acme_).status, 409U);
  EXPECT_EQ(ask(Method::Delete, one, other_).status, 404U) << "what is not found is no refusal";
  const std::vector<std::string> all{"token:alice alice permission", "token:acme-ci acme-ci submission",
                                     "token:acme-ci acme-ci upload", "token:acme-ci acme-ci completion",
                                     "token:acme-ci acme-ci withdrawal"};
  EXPECT_EQ(refusals(), all);
}

TEST_F(Operations, RefuseAsEverWhereTheLedgerCannotTellOfIt) {
  ASSERT_TRUE(db_.exec("ALTER TABLE ledger_entry RENAME TO lost"));
  EXPECT_EQ(ask(Method::Get, "/api/v1/submissions", made_up(0)).status, 401U);
  EXPECT_EQ(ask(Method::Post, "/api/v1/submissions", oper_, list_of("x")).status, 403U);
  EXPECT_EQ(ask(Method::Post, "/api/v1/submissions", acme_, list_of(std::string(101, 'x'))).status, 422U);
  ASSERT_TRUE(db_.exec("ALTER TABLE lost RENAME TO ledger_entry"));
  EXPECT_TRUE(refusals().empty());
  EXPECT_EQ(ask(Method::Get, "/api/v1/submissions", made_up(0)).status, 401U);
  EXPECT_EQ(refusals().size(), 1U) << "told at the next";
}

TEST_F(Operations, KeepNoTokenAnywhere) {
  ASSERT_EQ(ask(Method::Get, "/api/v1/submissions", acme_).status, 200U);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir_.path())) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(in), {}};
    EXPECT_EQ(content.find(acme_.substr(7)), std::string::npos) << entry.path();
  }
}

TEST_F(Operations, GiveTheNameOfATokenOnlyOnceAndATokenOnlyToASupplierThereIs) {
  const UtcTime now = clock_.time;
  EXPECT_TRUE(is_fault(app::add_token(db_, {"alice", TokenRole::Operator, {}, now, now}).error(),
                       Fault::Kind::Conflict));
  EXPECT_TRUE(is_fault(app::add_token(db_, {"bob", TokenRole::Supplier, "nobody", now, now}).error(),
                       Fault::Kind::NotFound));
  EXPECT_TRUE(
      is_fault(app::add_token(db_, {"bob", TokenRole::Supplier, {}, now, now}).error(), Fault::Kind::Usage));
  EXPECT_TRUE(is_fault(app::add_token(db_, {"bob", TokenRole::Operator, "acme", now, now}).error(),
                       Fault::Kind::Usage));
  EXPECT_TRUE(
      is_fault(app::add_token(db_, {"a b", TokenRole::Operator, {}, now, now}).error(), Fault::Kind::Usage));
}

TEST_F(Operations, TakeAFilePieceByPieceAndTellWhereToGoOn) {
  const std::string place = upload_place("firmware");
  EXPECT_EQ(ask(Method::Head, place, acme_).headers.at("Upload-Offset"), "0");
  EXPECT_EQ(send(place, 0, "firm").headers.at("Upload-Offset"), "4");
  EXPECT_EQ(taken_, app::kMaxUploadPiece);
  const Response again = send(place, 0, "firm");
  EXPECT_EQ(again.status, 409U);
  EXPECT_EQ(member(json::read(again.body).value(), "expected-offset").as_int(), 4);
  EXPECT_EQ(ask(Method::Head, place, acme_).headers.at("Upload-Complete"), "?0");
  EXPECT_EQ(send(place, 4, "ware").headers.at("Upload-Complete"), "?1");
  EXPECT_EQ(upload_place("firmware"), place) << "the same list goes on where it was";
}

TEST_F(Operations, RefuseAPieceWithoutItsOffset) {
  const std::string place = upload_place("firmware");
  EXPECT_EQ(ask(Method::Patch, place, acme_, "firm", {{"content-type", "application/partial-upload"}}).status,
            400U);
  EXPECT_EQ(ask(Method::Patch, place, acme_, "firm", {{"upload-offset", "0"}}).status, 400U);
  for (const char* offset : {"-0", "0x0", "", "0 ", "99999999999999999999999"}) {
    EXPECT_EQ(ask(Method::Patch, place, acme_, "firm",
                  {{"content-type", "application/partial-upload"}, {"upload-offset", offset}})
                  .status,
              400U)
        << offset;
  }
}

TEST_F(Operations, ShowASupplierNothingOfAnother) {
  const std::string place = upload_place("firmware");
  const std::string one = place.substr(0, place.find("/files/"));
  EXPECT_EQ(ask(Method::Get, one, other_).status, 404U);
  EXPECT_EQ(ask(Method::Head, place, other_).status, 404U);
  EXPECT_EQ(ask(Method::Delete, one, other_).status, 404U);
  const Response all = ask(Method::Get, "/api/v1/submissions", other_);
  EXPECT_TRUE(member(json::read(all.body).value(), "submissions").as_array()->empty());
  EXPECT_EQ(ask(Method::Get, one, oper_).status, 200U);
  EXPECT_EQ(ask(Method::Head, place, oper_).status, 403U) << "an operator hands nothing in";
  EXPECT_EQ(ask(Method::Post, "/api/v1/submissions", oper_, list_of("x")).status, 403U);
}

TEST_F(Operations, NeverGoBeyondTheQuota) {
  upload_place(std::string(60, 'a'));
  EXPECT_EQ(ask(Method::Post, "/api/v1/submissions", acme_, list_of(std::string(41, 'b'))).status, 422U);
  const std::string second = upload_place(std::string(40, 'c'));
  EXPECT_EQ(ask(Method::Delete, second.substr(0, second.find("/files/")), acme_).status, 200U);
  upload_place(std::string(39, 'd'));
}

TEST_F(Operations, LetASupplierOpenOnlySoManyAtATime) {
  for (std::uint64_t i = 0; i < app::kMaxUnderWay; ++i) upload_place(std::to_string(100 + i).substr(1));
  const Response more = ask(Method::Post, "/api/v1/submissions", acme_, list_of("x"));
  EXPECT_EQ(more.status, 422U);
  EXPECT_NE(as_text(more.body).find("16 submissions are under way already"), std::string_view::npos);
  EXPECT_EQ(ask(Method::Post, "/api/v1/submissions", other_, list_of("x")).status, 201U);
}

TEST_F(Operations, DoNotRememberEverySubmissionThatWasTakenBack) {
  for (int i = 0; i < 150; ++i) {
    const std::string place = upload_place(std::to_string(i));
    ASSERT_EQ(ask(Method::Delete, place.substr(0, place.find("/files/")), acme_).status, 200U);
  }
  EXPECT_LE(storage::SupplierStore(db_).submissions("acme", INT64_MAX)->size(), 101U);
}

TEST_F(Operations, ListInPagesThatHoldOnlySoMuch) {
  operations::Supplier supplier{RoleName("acme"), {}, clock_.time};
  ASSERT_TRUE(storage::SupplierStore(db_).put(supplier));
  operations::Submission list;
  list.files.push_back({operations::FileKind::Metadata, crypto::sha256(as_bytes("x")), 1});
  for (std::size_t i = 1; i < operations::kMaxSubmissionFiles; ++i)
    list.files.push_back({operations::FileKind::Image, crypto::sha256(as_bytes(std::to_string(i))), 1});
  for (std::uint64_t i = 1; i <= 12; ++i) {
    list.files.back().length = i;
    const Response made = ask(Method::Post, "/api/v1/submissions", acme_, as_text(list.encode()));
    ASSERT_EQ(made.status, 201U) << as_text(made.body);
    ASSERT_EQ(ask(Method::Delete, made.headers.at("Location"), acme_).status, 200U);
  }
  EXPECT_LE(ask(Method::Get, "/api/v1/submissions", acme_).body.size(), 1024U * 1024U);
  EXPECT_EQ(all_listed(acme_).size(), 12U);
}

TEST_F(Operations, ListPageByPageWhatBelongsToWhoAsks) {
  std::set<std::string> made;
  for (int i = 0; i < 120; ++i) {
    if (i % 7 == 0) clock_.time += std::chrono::seconds(1);
    const std::string place = upload_place(std::to_string(i));
    const std::string one = place.substr(0, place.find("/files/"));
    made.insert(one.substr(one.rfind('/') + 1));
    if (i % 10 == 0) continue;
    ASSERT_EQ(ask(Method::Delete, one, acme_).status, 200U);
  }
  const Response first = ask(Method::Get, "/api/v1/submissions", acme_);
  EXPECT_EQ(member(json::read(first.body).value(), "submissions").as_array()->size(),
            app::kMaxPageSubmissions);
  const auto listed = all_listed(acme_);
  EXPECT_EQ(listed.size(), std::set(listed.begin(), listed.end()).size()) << "none twice";
  EXPECT_TRUE(std::ranges::all_of(listed, [&](const std::string& id) { return made.contains(id); }));
  EXPECT_EQ(listed.size(), storage::SupplierStore(db_).submissions("acme", INT64_MAX)->size());
  EXPECT_GT(listed.size(), app::kKeptEnded);
  EXPECT_EQ(all_listed(oper_), listed);
  EXPECT_TRUE(all_listed(other_).empty());
}

TEST_F(Operations, TakeNoPageThatNoneSaidWasNext) {
  for (const char* query : {"after=", "after=x", "after=1", "after=1-", "after=-", "after=1-x",
                            "after=99999999999999999999-00000000000000000000000000000000"}) {
    EXPECT_EQ(ask(Method::Get, "/api/v1/submissions", acme_, {}, {}, query).status, 422U) << query;
  }
  EXPECT_EQ(ask(Method::Get, "/api/v1/submissions", acme_, {}, {}, "limit=9").status, 400U);
}

TEST_F(Operations, ForgetAnUploadThatNobodyGoesOnWith) {
  const std::string place = upload_place(std::string(60, 'a'));
  ASSERT_EQ(send(place, 0, "aaa").status, 200U);
  ASSERT_TRUE(storage::TokenStore(db_).find("acme-ci").value());
  clock_.time += app::kAbandonedAfter + std::chrono::seconds(1);
  acme_ = token("acme-ci-2", TokenRole::Supplier, "acme");
  upload_place(std::string(90, 'b'));
  EXPECT_EQ(send(place, 3, "aaa").status, 409U);
}

TEST_F(Operations, ServeNoPathThatIsNotExactlyOne) {
  for (const char* path : {"/api/", "/api/v1", "/api/v1/submissions/", "/api/v1/submissionsx",
                           "/api/v1/submissions/..", "/api/v1/submissions/%2e%2e/files/00",
                           "/api/v1/submissions/00000000000000000000000000000000/files/../../x"}) {
    EXPECT_EQ(ask(Method::Get, path, acme_).status, 404U) << path;
  }
  EXPECT_EQ(ask(Method::Put, "/api/v1/submissions", acme_).status, 405U);
}

TEST_F(Operations, AreNotThereWithoutTheirService) {
  const Router plain(std::nullopt, nullptr, Access{});
  Request request;
  request.path = "/api/v1/submissions";
  request.headers["authorization"] = "Bearer " + acme_;
  plain.identify(request);
  EXPECT_EQ(plain.handle(request).status, 404U);
  EXPECT_EQ(plain.max_body(request), 0U);
}

}  // namespace
}  // namespace cotter::http
