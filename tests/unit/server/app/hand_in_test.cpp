// What a supplier hands in through the operations API's use cases: judged and written down whatever it is.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "common/json/canonical.h"
#include "server/app/operations_service.h"
#include "server/app/submitted_images.h"
#include "server/app/trace_workspace.h"
#include "server/storage/sqlite/ledger_store.h"
#include "tests/unit/server/supplier_workspace.h"

namespace cotter::app {
namespace {

using operations::FileKind;
using operations::SubmissionRecord;
using operations::SubmissionState;
using test::kImage;
using test::kNow;
using test::SupplierWorkspace;

struct Fixed final : cotter::Clock {
  [[nodiscard]] UtcTime now() const override { return kNow; }
};

struct Piece {
  FileKind kind;
  Bytes bytes;
};

class HandIn : public testing::Test {
 protected:
  void SetUp() override {
    policy.may_delegate = true;
    ws.take_in(policy);
    db.emplace(storage::open_database(ws.workspace().db_path()).value());
    add_token("acme-ci", operations::TokenRole::Supplier, "acme");
    service =
        OperationsService::open(ws.workspace().db_path(), ws.workspace().submissions_dir(), ws.repo(), clock)
            .value();
  }
  void add_token(const std::string& name, operations::TokenRole role,
                 std::optional<std::string> supplier = std::nullopt) {
    const auto added =
        app::add_token(*db, {name, role, std::move(supplier), kNow, kNow + std::chrono::days(1)});
    ASSERT_TRUE(added) << explain(added.error());
  }
  Result<SubmissionRecord> hand_in(const std::vector<Piece>& pieces) {
    operations::Submission list;
    for (const Piece& piece : pieces)
      list.files.push_back({piece.kind, crypto::sha256(piece.bytes), piece.bytes.size()});
    const SubmissionRecord opened = TRY(service->open_submission(acme, list.encode()));
    for (const Piece& piece : pieces)
      TRY(service->append(acme, opened.id, crypto::sha256(piece.bytes), 0, piece.bytes));
    return service->complete(acme, opened.id);
  }
  Result<SubmissionRecord> hand_in(const model::Targets& targets) {
    return hand_in({{FileKind::Metadata, ws.signed_by(targets)}, {FileKind::Image, to_bytes(kImage)}});
  }
  static model::Targets one_image(std::uint64_t counter = 1) {
    return SupplierWorkspace::next(SupplierWorkspace::release("acme/ecu/app", kImage, counter));
  }
  std::vector<ledger::Entry> entries(std::string_view kind) {
    std::vector<ledger::Entry> found;
    EXPECT_TRUE(storage::LedgerStore(*db).each({std::string(kind), "acme"},
                                               [&](const storage::LedgerRow& row) -> Result<void> {
                                                 found.push_back(ledger::Entry::decode(row.body).value());
                                                 return {};
                                               }));
    return found;
  }
  void expect_refused(const Result<SubmissionRecord>& judged, std::string_view part) {
    ASSERT_TRUE(judged) << explain(judged.error());
    EXPECT_EQ(judged->state, SubmissionState::Refused);
    const auto says = [&](const std::string& remark) { return remark.find(part) != std::string::npos; };
    EXPECT_TRUE(std::ranges::any_of(judged->remarks, says)) << testing::PrintToString(judged->remarks);
    for (const std::string& remark : judged->remarks) {
      EXPECT_LE(remark.size(), 600U);
      EXPECT_TRUE(std::ranges::all_of(remark, [](char c) { return c >= ' ' && c <= '~'; })) << remark;
    }
    EXPECT_FALSE(entries(ledger::kRefusal).empty());
  }

  SupplierWorkspace ws;
  operations::SupplierPolicy policy;
  std::optional<host::Db> db;
  Fixed clock;
  std::unique_ptr<OperationsService> service;
  const operations::Caller acme{"acme-ci", operations::TokenRole::Supplier, "acme"};
};

TEST_F(HandIn, IsRefusedForGoodWhateverAPaperQuotes) {  // IMG-7
  const std::string format = "\\u001b[2J" + std::string(100'000, 'x');
  expect_refused(hand_in({{FileKind::Metadata, ws.signed_by(one_image())},
                          {FileKind::Image, to_bytes(kImage)},
                          {FileKind::Sbom, to_bytes(R"({"bomFormat":")" + format + R"("})")}}),
                 "SBOM: ");
  EXPECT_EQ(entries(ledger::kRefusal).size(), 1U);
}

TEST_F(HandIn, IsRefusedForGoodHoweverMuchIsWrong) {
  model::Targets targets = one_image();
  const std::string folder = "other/" + std::string(240, 'n') + "/";
  for (int number = 0; number < 1000; ++number)
    targets.targets[TargetName(folder + std::to_string(number))] = targets.targets.begin()->second;
  expect_refused(hand_in(targets), "more");
  const auto refusals = entries(ledger::kRefusal);
  ASSERT_EQ(refusals.size(), 1U);
  EXPECT_NE(refusals.front().details.find("wrong_left_out"), nullptr);
}

TEST_F(HandIn, IsRefusedWhereAKeyIdWouldFillTheLedger) {
  trust::Draft<model::Targets> draft(one_image());
  for (const std::size_t place : {0U, 1U}) ASSERT_TRUE(draft.sign(*ws.acme.at(place)));
  std::string wire(as_text(draft.wire()));
  const std::string list = "\"signatures\":[";
  ASSERT_NE(wire.find(list), std::string::npos);
  wire.insert(wire.find(list) + list.size(), R"({"keyid":")" + std::string(70'000, 'k') + R"(","sig":""},)");
  expect_refused(hand_in({{FileKind::Metadata, to_bytes(wire)}, {FileKind::Image, to_bytes(kImage)}}),
                 "key id");
}

TEST_F(HandIn, OfVeryManyImagesIsAcceptedAndTraced) {
  model::Targets targets = one_image();
  std::vector<Piece> pieces;
  std::string last;
  const std::string folder = "acme/" + std::string(230, 'n') + "/app-";
  for (int number = 0; number < 300; ++number) {
    const std::string content = "build " + std::to_string(number);
    last = folder + std::to_string(number);
    targets = SupplierWorkspace::next(SupplierWorkspace::release(last, content), 1, std::move(targets));
    pieces.push_back({FileKind::Image, to_bytes(content)});
    pieces.push_back({FileKind::Sbom, to_bytes(SupplierWorkspace::sbom(content))});
  }
  pieces.push_back({FileKind::Image, to_bytes(kImage)});
  pieces.push_back({FileKind::Metadata, ws.signed_by(targets)});
  const auto judged = hand_in(pieces);
  ASSERT_TRUE(judged) << explain(judged.error());
  ASSERT_EQ(judged->state, SubmissionState::Waiting) << testing::PrintToString(judged->remarks);
  const auto accepted = ws.accept(judged->id);
  ASSERT_TRUE(accepted) << explain(accepted.error());
  EXPECT_EQ(accepted->state, SubmissionState::Accepted);
  for (const std::string_view kind : {ledger::kUpload, ledger::kAcceptance}) {
    const auto told = entries(kind);
    ASSERT_EQ(told.size(), 1U);
    const std::size_t listed = told.front().details.find("images")->as_array()->size();
    EXPECT_GT(listed, 0U);
    const json::Value* left_out = told.front().details.find("images_left_out");
    ASSERT_NE(left_out, nullptr);
    EXPECT_EQ(*left_out->as_int(), static_cast<std::int64_t>(301 - listed));
    EXPECT_NE(told.front().details.find("papers_left_out"), nullptr);
  }
  const auto trace = trace_in(ws.workspace(), *db, trace_query(last).value());
  ASSERT_TRUE(trace) << explain(trace.error());
  ASSERT_EQ(trace->artifacts.size(), 1U);
  EXPECT_EQ(trace->artifacts.front().handed_in.size(), 2U) << "handed in, and accepted";
  const auto& papers = trace->artifacts.front().papers;
  ASSERT_EQ(papers.size(), 1U) << "by the list of files, for no entry has room for all";
  EXPECT_EQ(papers.front().sha256, to_hex(crypto::sha256(as_bytes(SupplierWorkspace::sbom("build 299")))));
  EXPECT_EQ(papers.front().entries.size(), 2U);
  EXPECT_TRUE(papers.front().is_kept);
  EXPECT_EQ(trace->lists.size(), 1U);
}

TEST_F(HandIn, HasItsPapersNamedInTheLedgerAndKeptOnceItIsAccepted) {
  const std::string paper = SupplierWorkspace::sbom(kImage);
  const std::string sha256 = to_hex(crypto::sha256(as_bytes(paper)));
  const auto judged = hand_in({{FileKind::Metadata, ws.signed_by(one_image())},
                               {FileKind::Image, to_bytes(kImage)},
                               {FileKind::Sbom, to_bytes(paper)}});
  ASSERT_TRUE(judged) << explain(judged.error());
  const auto traced = [&] {
    return trace_in(ws.workspace(), *db, trace_query("acme/ecu/app").value()).value();
  };
  ASSERT_EQ(traced().artifacts.front().papers.size(), 1U);
  EXPECT_FALSE(traced().artifacts.front().papers.front().is_kept) << "nobody accepted it yet";
  ASSERT_TRUE(ws.accept(judged->id));
  for (const std::string_view kind : {ledger::kUpload, ledger::kAcceptance}) {
    const ledger::Entry entry = entries(kind).front();
    const json::Value* papers = entry.details.find("papers");
    ASSERT_NE(papers, nullptr) << kind;
    EXPECT_EQ(json::to_text(*papers),
              R"([{"kind":"sbom","name":"acme/ecu/app","sha256":")" + sha256 + R"("}])");
  }
  const auto file = ws.workspace().dir() / "papers" / sha256;
  EXPECT_EQ(test::content_of(file), paper);
  EXPECT_EQ(std::filesystem::status(file).permissions(), std::filesystem::perms(0600));
  EXPECT_TRUE(traced().artifacts.front().papers.front().is_kept);
  EXPECT_TRUE(traced().lists.empty()) << "the entry names it";

  test::write(file, paper + " ");
  EXPECT_EQ(traced().problems.size(), 2U) << "two entries have its hash";
  std::filesystem::remove(file);
  EXPECT_EQ(traced().unread, std::vector<std::string>{"papers/" + sha256});
  EXPECT_FALSE(traced().artifacts.front().papers.front().is_kept);
}

TEST_F(HandIn, ThatIsRefusedLeavesNoPapers) {
  expect_refused(hand_in({{FileKind::Metadata, ws.signed_by(one_image())},
                          {FileKind::Image, to_bytes(kImage)},
                          {FileKind::Sbom, to_bytes(SupplierWorkspace::sbom("another"))}}),
                 "names none");
  EXPECT_FALSE(std::filesystem::exists(ws.workspace().dir() / "papers"));
}

TEST_F(HandIn, IsRefusedWhereNoDiskTakesItsName) {
  const auto release = SupplierWorkspace::release("acme/ecu/" + std::string(200, 'n'), kImage);
  expect_refused(hand_in(SupplierWorkspace::next(release)), "too long");
}

TEST_F(HandIn, IsShownImageByImageToWhoeverAccepts) {
  model::Targets targets = one_image(7);
  targets.targets.begin()->second.custom.set("version", "1.0\x1b[2J");
  const auto judged = hand_in(targets);
  ASSERT_TRUE(judged) << explain(judged.error());
  ASSERT_EQ(judged->state, SubmissionState::Waiting) << testing::PrintToString(judged->remarks);
  const auto waiting = submitted_images(SubmissionFiles(ws.workspace().submissions_dir()), *judged);
  ASSERT_TRUE(waiting) << explain(waiting.error());
  const auto accepted = ws.accept(judged->id);
  ASSERT_TRUE(accepted) << explain(accepted.error());
  for (const auto& images : {*waiting, accepted->images}) {
    ASSERT_EQ(images.size(), 1U);
    EXPECT_EQ(images.front().name.value(), "acme/ecu/app");
    EXPECT_EQ(images.front().hardware_ids, (std::vector<HardwareId>{HardwareId("acme-ecu")}));
    EXPECT_EQ(images.front().counter, ReleaseCounter(7));
    EXPECT_EQ(images.front().version, "1.0?[2J");
    EXPECT_EQ(images.front().length, kImage.size());
    EXPECT_EQ(images.front().sha256, to_hex(crypto::sha256(as_bytes(kImage))));
  }
}

TEST_F(HandIn, ThatListsAnImageNoMoreSaysSoToWhoeverAccepts) {
  ASSERT_EQ(ws.accept(hand_in(one_image())->id)->state, SubmissionState::Accepted);
  model::Targets next = SupplierWorkspace::next(SupplierWorkspace::release("acme/ecu/other", kImage, 2));
  next.version = Version(2);
  const auto judged = hand_in(next);
  ASSERT_TRUE(judged) << explain(judged.error());
  const std::vector<std::string> gone{"it no longer lists acme/ecu/app"};
  EXPECT_EQ(judged->remarks, gone);
  const auto accepted = ws.accept(judged->id);
  ASSERT_TRUE(accepted) << explain(accepted.error());
  EXPECT_EQ(accepted->gone, gone);
  EXPECT_NE(entries(ledger::kAcceptance).back().details.find("unlisted"), nullptr);
}

TEST_F(HandIn, ThatIsTakenBackIsInTheLedger) {
  const auto judged = hand_in(one_image());
  ASSERT_TRUE(judged) << explain(judged.error());
  ASSERT_TRUE(service->withdraw(acme, judged->id));
  const auto withdrawals = entries(ledger::kWithdrawal);
  ASSERT_EQ(withdrawals.size(), 1U);
  EXPECT_EQ(withdrawals.front().who, "token:acme-ci");
  EXPECT_EQ(withdrawals.front().details.find("submission")->as_string()->view(), judged->id);
}

TEST_F(HandIn, IsNotTakenBackWhileItIsPublished) {
  const auto judged = hand_in(one_image());
  ASSERT_TRUE(judged) << explain(judged.error());
  Result<void> withdrawn;
  AcceptRequest request;
  request.id = judged->id;
  request.online = [&] {  // people have said yes
    withdrawn = service->withdraw(acme, judged->id);
    return Result<OnlineSigners>(ws.keys.online());
  };
  const auto accepted = accept_submission(ws.workspace(), request, kNow);
  ASSERT_FALSE(withdrawn);
  EXPECT_TRUE(is_fault(withdrawn.error(), Fault::Kind::Conflict)) << explain(withdrawn.error());
  ASSERT_TRUE(accepted) << explain(accepted.error());
  EXPECT_EQ(accepted->state, SubmissionState::Accepted);
  EXPECT_EQ(service->submission(acme, judged->id)->state, SubmissionState::Accepted);
}

TEST_F(HandIn, ThatIsPublishedIsNeitherTakenBackNorRejected) {
  const auto judged = hand_in(one_image());
  ASSERT_TRUE(judged) << explain(judged.error());
  const auto folder = ws.workspace().submissions_dir() / judged->id;
  const auto copy = ws.pending() / "copy";
  std::filesystem::copy(folder, copy);
  ASSERT_EQ(ws.accept(judged->id)->state, SubmissionState::Accepted);
  // As if the writer had been killed before it noted that.
  std::filesystem::copy(copy, folder);
  ASSERT_TRUE(db->run("UPDATE submission SET state = 'waiting' WHERE id = ?1", {judged->id}));
  const auto withdrawn = service->withdraw(acme, judged->id);
  ASSERT_FALSE(withdrawn);
  EXPECT_TRUE(is_fault(withdrawn.error(), Fault::Kind::Conflict)) << explain(withdrawn.error());
  const auto rejected = reject_submission(ws.workspace(), {judged->id}, "too late", kNow);
  ASSERT_FALSE(rejected);
  EXPECT_TRUE(is_fault(rejected.error(), Fault::Kind::Conflict)) << explain(rejected.error());
  const auto again = ws.accept(judged->id);
  ASSERT_TRUE(again) << explain(again.error());
  EXPECT_EQ(again->state, SubmissionState::Accepted);
}

TEST_F(HandIn, WithMetadataThatIsPublishedIsNotAcceptedForThat) {
  ASSERT_EQ(ws.accept(hand_in(one_image())->id)->state, SubmissionState::Accepted);
  policy.needs_two_people = true;
  ws.take_in_again(policy);
  const auto again = ws.accept(ws.waiting(ws.signed_by(one_image()), "a stowaway"),
                               operations::Caller{"alice", operations::TokenRole::Operator, ""});
  ASSERT_TRUE(again) << explain(again.error());
  EXPECT_EQ(again->state, SubmissionState::Refused) << "nobody but alice has said yes";
}

TEST_F(HandIn, IsAcceptedByPeopleWhoseTokensAreStillGood) {
  AcceptRequest request;
  request.id = hand_in(one_image())->id;
  request.online = [] { return Result<OnlineSigners>(fault(Fault::Kind::Busy, "no keys today")); };
  ASSERT_FALSE(accept_submission(ws.workspace(), request, kNow))
      << "an account said yes, and nothing came of it";
  policy.needs_two_people = true;
  ws.take_in_again(policy);
  const auto says_yes = [&](const std::string& name) {
    add_token(name, operations::TokenRole::Operator);
    return ws.accept(request.id, operations::Caller{name, operations::TokenRole::Operator, ""});
  };
  EXPECT_EQ(says_yes("alice")->approvals, (std::vector<std::string>{"token:alice"}));
  ASSERT_TRUE(revoke_token(*db, "alice", kNow));
  const auto second = says_yes("bob");
  ASSERT_TRUE(second) << explain(second.error());
  EXPECT_EQ(second->state, SubmissionState::Waiting) << "alice's token was revoked";
  EXPECT_EQ(second->approvals, (std::vector<std::string>{"token:bob"}));
  const auto third = says_yes("carol");
  ASSERT_TRUE(third) << explain(third.error());
  EXPECT_EQ(third->state, SubmissionState::Accepted);
}

TEST_F(HandIn, ThatLetsOthersSignIsNoLongerThanPeopleRead) {
  repository::SupplierRolePlan plan = ws.below();
  plan.hardware_ids.assign(2000, HardwareId("acme-ecu"));
  expect_refused(hand_in({{FileKind::Metadata, ws.signed_by(SupplierWorkspace::letting_sign(plan))}}),
                 "hardware ids");
}

}  // namespace
}  // namespace cotter::app
