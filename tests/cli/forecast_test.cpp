// cotter key forecast, cotter check --director and --without, as an operator meets them, on stepped dates.
#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/host/atomic_file.h"
#include "common/host/system_clock.h"
#include "server/app/director_service.h"
#include "server/app/listed_signers.h"
#include "server/app/workspace.h"
#include "server/keys/keyring.h"
#include "server/keys/pki.h"
#include "tests/cli/words.h"
#include "tests/sim/temp_dir.h"
#include "tests/unit/server/fleet.h"
#include "tests/unit/server/keys/csr.h"

namespace cotter {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using std::chrono::days;
using world::Ended;

constexpr const char* kOnline = "the workspace's words";

/// The event of `id`.
json::Value event_of(const json::Value& forecast, const std::string& id) {
  for (const json::Value& event : *member(forecast, "events").as_array()) {
    if (text_of(event, "id") == id) return event;
  }
  ADD_FAILURE() << "no event " << id;
  return {};
}

json::Value role_without(const json::Value& answer, const std::string& repository, const std::string& role) {
  for (const json::Value& each : *member(member(answer, "without"), "roles").as_array()) {
    if (text_of(each, "repository") == repository && text_of(each, "role") == role) return each;
  }
  ADD_FAILURE() << repository << "/" << role;
  return {};
}

/// A workspace with a vehicle of three ECUs that has asked for its set, and has a TLS certificate.
class ForecastCommand : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder = std::make_unique<sim::TempDir>();
    start = host::SystemClock().now();
    ASSERT_EQ(run_cotter({"init", workspace().string(), "--offline-dir", (folder->path() / "off").string()})
                  .exit_code,
              kDone);
    const json::Value record = test::factory_record("CAR-1", "", 1).encode();
    ASSERT_EQ(cotter({"vehicle", "add", file("car.json", json::to_text(record))}).exit_code, kDone);
    serve_once();
    const keys::KeyHandle key = keys::make_key().value();
    const std::string request = test::csr(key.get(), key.get());
    ASSERT_EQ(cotter({"vehicle", "certificate", "CAR-1", "--csr", file("car.csr", request), "--out",
                      (folder->path() / "car.crt").string()})
                  .exit_code,
              kDone);
  }
  static void TearDownTestSuite() { folder.reset(); }

  /// What cotterd does when the vehicle asks.
  static void serve_once() {
    const app::Workspace opened = app::Workspace::open(workspace()).value();
    Bytes words = to_bytes(kOnline);
    const crypto::Secret passphrase = crypto::Secret::taking(words);
    const auto keys = keys::open_signers(opened.keys_dir(), keys::unattended(passphrase, {})).value();
    const host::SystemClock clock;
    const auto signers = [&](const model::Root& root) { return app::director_signers(*keys, root); };
    auto service = app::DirectorService::open(app::DirectorPlaces::of(opened), signers, clock);
    ASSERT_TRUE(service) << explain(service.error());
    const auto served = (*service)->metadata(VehicleId("CAR-1"), "timestamp.json");
    ASSERT_TRUE(served) << explain(served.error());
  }

  static fs::path workspace() { return folder->path() / "ws"; }
  static std::string file(const std::string& name, const std::string& content) {
    COTTER_ASSERT(host::write_atomically(folder->path() / name, as_bytes(content)));
    return (folder->path() / name).string();
  }
  static std::string content(const fs::path& path) {
    return std::string(as_text(host::read_file(path, 1U << 20U).value()));
  }
  static Ended cotter(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"-C", workspace().string()});
    return run_cotter(std::move(arguments));
  }
  static Ended without_passphrase(std::vector<std::string> arguments) {
    world::Command command = cotter_command(std::move(arguments));
    command.environment.clear();
    command.without = {"COTTER_PASSPHRASE", "COTTER_PASSPHRASE_HOLDER"};
    return world::run(command).value();
  }
  /// `after` the workspace was made, with no passphrase anywhere.
  static Ended forecast(std::chrono::seconds after, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments{"-C",   workspace().string(),     "key", "forecast",
                                       "--at", format_utc(start + after)};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return without_passphrase(std::move(arguments));
  }

  static std::unique_ptr<sim::TempDir> folder;
  static UtcTime start;
};
std::unique_ptr<sim::TempDir> ForecastCommand::folder;
UtcTime ForecastCommand::start{};

TEST_F(ForecastCommand, OnTheFirstDayNothingIsDue) {
  const Ended asked = forecast(1h);
  EXPECT_EQ(asked.exit_code, kDone) << asked.err;
  for (const char* part :
       {"timestamp of the image repository", "renews itself", "root of the director", "certificate of the CA",
        "certificates of 1 vehicle", "sets of 1 vehicle", "3 ECUs in 1 vehicle", "\nnothing is due\n"}) {
    EXPECT_TRUE(has(asked.out, part)) << part << "\n" << asked.out;
  }
}

TEST_F(ForecastCommand, ATimestampIsLateWhenCotterdShouldHaveRenewedIt) {
  const Ended in_time = forecast(18h, {"--json"});
  EXPECT_EQ(in_time.exit_code, kDone);
  EXPECT_EQ(text_of(event_of(parsed(in_time.out), "image/timestamp"), "state"), "renews-itself");
  const Ended late = forecast(20h, {"--json"});
  EXPECT_EQ(late.exit_code, kRefused);
  for (const char* id : {"image/timestamp", "director/sets"}) {
    EXPECT_EQ(text_of(event_of(parsed(late.out), id), "state"), "late") << id;
  }
  const Ended two_days = forecast(days(2));
  EXPECT_EQ(two_days.exit_code, kRefused);
  EXPECT_TRUE(has(two_days.out, "ended: image/timestamp ended on ")) << two_days.out;
  EXPECT_TRUE(has(two_days.out, "start cotterd, which renews it at once\n")) << two_days.out;
  EXPECT_TRUE(has(two_days.out, "\nsomething is due\n")) << two_days.out;
}

TEST_F(ForecastCommand, ARootIsDueBeforeItsYearIsOver) {
  const Ended asked = forecast(days(350), {"--json"});
  EXPECT_EQ(asked.exit_code, kRefused);
  const json::Value root = event_of(parsed(asked.out), "image/root");
  EXPECT_EQ(text_of(root, "state"), "urgent");
  EXPECT_EQ(member(root, "due"), json::Value(true));
  EXPECT_EQ(member(root, "vehicles"), json::Value(1));
  EXPECT_EQ(member(root, "ecus"), json::Value(3));
  EXPECT_EQ(member(root, "needed"), json::Value(2));
  EXPECT_EQ(member(root, "who"), json::Value(json::Array{"holder-1", "holder-2", "holder-3"}));
  EXPECT_EQ(text_of(root, "command"), "cotter ceremony open root --repository image");
  EXPECT_TRUE(has(forecast(days(350)).out, "  who      2 of holder-1, holder-2, holder-3\n"));
}

TEST_F(ForecastCommand, AWarningIsGivenAsLongAheadAsAskedFor) {
  const auto state = [](days after, const char* warn) {
    return text_of(event_of(parsed(forecast(after, {"--json", "--warn", warn}).out), "image/targets"),
                   "state");
  };
  EXPECT_EQ(state(days(61), "30d"), "due");
  EXPECT_EQ(state(days(61), "7d"), "half-used");
}

TEST_F(ForecastCommand, UntilLeavesOutWhatEndsLater) {
  const Ended asked = forecast(1h, {"--until", format_utc(start + days(100)).substr(0, 10), "--json"});
  EXPECT_EQ(asked.exit_code, kDone) << asked.err;
  std::set<std::string> ids;
  const json::Value answer = parsed(asked.out);
  for (const json::Value& event : *member(answer, "events").as_array()) ids.insert(text_of(event, "id"));
  EXPECT_EQ(ids,
            (std::set<std::string>{"director/sets", "image/snapshot", "image/targets", "image/timestamp"}));
}

TEST_F(ForecastCommand, KnowsACertificateFromTheLedger) {
  const json::Value answer = parsed(forecast(1h, {"--json"}).out);
  const std::string month = format_utc(start + keys::kDeviceLifetime).substr(0, 7);
  const json::Value event = event_of(answer, "pki/devices-" + month);
  EXPECT_EQ(member(event, "ecus"), json::Value(3));
  EXPECT_EQ(member(event, "hangs_on"), json::Value(json::Array{"pki/ca"}));
}

TEST_F(ForecastCommand, ShowsAnOpenCeremonyAndWhoHasYetToSign) {
  const Ended published = cotter({"publish", file("fw.bin", "firmware"), "--name", "team/ecu/fw.bin",
                                  "--hardware-id", "brake-mk4", "--version", "1.0", "--sign-with",
                                  (folder->path() / "off" / "holder-1").string()});
  ASSERT_EQ(published.exit_code, kDone) << published.err;
  const json::Value event = event_of(parsed(forecast(1h, {"--json"}).out), "pending/image-targets-2.json");
  fs::remove(workspace() / "pending" / "image-targets-2.json");
  EXPECT_EQ(text_of(event, "name"), "open ceremony: targets 2, 1 of 2 signatures");
  EXPECT_EQ(member(event, "needed"), json::Value(1));
  EXPECT_EQ(member(event, "who"), json::Value(json::Array{"holder-2", "holder-3"}));
  EXPECT_TRUE(has(text_of(event, "command"), "cotter ceremony sign "));
}

/// The workspace of these tests after `cotter key move`: no key lies in it.
class ForecastOfASigningProcess : public ForecastCommand {
 protected:
  static void SetUpTestSuite() {
    ForecastCommand::SetUpTestSuite();
    world::Command move = cotter_command(
        {"-C", workspace().string(), "key", "move", (folder->path() / "signer-keys").string()});
    move.environment.emplace("COTTER_PASSPHRASE_SIGNER", "the signing process's words");
    ASSERT_EQ(world::run(move).value().exit_code, kDone);
    ASSERT_FALSE(fs::exists(workspace() / "keys"));
    std::string settings = content(workspace() / "cotter.toml");
    const std::string unset = "# signer = \"\"";
    const std::size_t place = settings.find(unset);
    ASSERT_NE(place, std::string::npos) << settings;
    settings.replace(place, unset.size(), "signer = \"/nowhere/sock\"");
    COTTER_ASSERT(host::write_atomically(workspace() / "cotter.toml", as_bytes(settings)));
  }
};

TEST_F(ForecastOfASigningProcess, IsMadeWithoutItAndNamesItWhenItsRolesAreLate) {
  const Ended first = forecast(1h);
  EXPECT_EQ(first.exit_code, kDone) << first.err;
  const Ended late = forecast(20h, {"--json"});
  EXPECT_EQ(late.exit_code, kRefused) << late.err;
  const json::Value timestamp = event_of(parsed(late.out), "image/timestamp");
  EXPECT_EQ(text_of(timestamp, "state"), "late");
  EXPECT_EQ(text_of(timestamp, "command"), "start cotterd and its signing process, which renew it at once");
  EXPECT_EQ(text_of(event_of(parsed(late.out), "director/sets"), "command"),
            "see that cotterd and its signing process run and that vehicles reach it");
}

TEST_F(ForecastOfASigningProcess, KeyListKnowsWhichKeysItHas) {
  const Ended list = without_passphrase({"-C", workspace().string(), "key", "list", "--json"});
  ASSERT_EQ(list.exit_code, kDone) << list.err;
  const json::Value answer = parsed(list.out);
  std::set<std::string> with_signer;
  for (const json::Value& key : *member(answer, "keys").as_array()) {
    if (text_of(key, "custodian") == "signer") with_signer.insert(text_of(key, "name"));
    EXPECT_EQ(member(key, "dead"), json::Value(false)) << text_of(key, "name");
  }
  EXPECT_EQ(with_signer,
            (std::set<std::string>{"director-snapshot", "director-targets", "director-timestamp",
                                   "director-x-time-source", "image-snapshot", "image-timestamp", "ledger"}));
}

TEST_F(ForecastOfASigningProcess, ItsKeysAreFoundByName) {
  EXPECT_EQ(cotter({"check", "--without", "director-snapshot"}).exit_code, kRefused);
  const Ended radius = cotter({"key", "blast-radius", "director-snapshot"});
  EXPECT_EQ(radius.exit_code, kDone) << radius.err;
}

/// The workspace of these tests with a supplier that has handed nothing in yet, and a release role.
class ForecastOfDelegations : public ForecastCommand {
 protected:
  static void SetUpTestSuite() {
    ForecastCommand::SetUpTestSuite();
    const std::string off = (folder->path() / "off").string(), keys = (folder->path() / "acme").string();
    const Ended key = run_cotter({"--json", "key", "generate", "--dir", keys, "--name", "acme-1"});
    ASSERT_EQ(key.exit_code, kDone) << key.err;
    const std::vector<std::string> holders{"--sign-with", off + "/holder-1", "--sign-with",
                                           off + "/holder-2"};
    std::vector<std::string> add{"supplier",    "add",      "acme",
                                 "--path",      "acme/*/*", "--hardware-id",
                                 "acme-ecu",    "--key",    file("acme-1.pub.json", key.out),
                                 "--threshold", "1"};
    add.insert(add.end(), holders.begin(), holders.end());
    const Ended added = cotter(add);
    ASSERT_EQ(added.exit_code, kDone) << added.err;
    ASSERT_EQ(cotter({"key", "generate", "--name", "image-fw", "--role", "image/fw"}).exit_code, kDone);
    std::vector<std::string> init{"release", "init-role", "fw", "--paths", "fw/*", "--bit-length", "1"};
    init.insert(init.end(), holders.begin(), holders.end());
    const Ended made = cotter(init);
    ASSERT_EQ(made.exit_code, kDone) << made.err;
  }
};

TEST_F(ForecastOfDelegations, NamesTheVerbThatRenewsAReleaseRole) {
  const Ended asked = forecast(days(300), {"--json"});
  EXPECT_EQ(asked.exit_code, kRefused) << asked.err;
  const json::Value fw = event_of(parsed(asked.out), "image/fw");
  EXPECT_EQ(text_of(fw, "state"), "due");
  EXPECT_EQ(text_of(fw, "command"), "cotter release renew fw");
  EXPECT_EQ(member(fw, "who"), json::Value(json::Array{"operator"}));
  EXPECT_EQ(member(fw, "keys"), json::Value(json::Array{"image-fw (server)"}));
  const Ended words = forecast(days(300));
  EXPECT_TRUE(has(words.out,
                  "  keys     image-fw (server)\n  who      operator\n"
                  "  command  cotter release renew fw\n"))
      << words.out;
  EXPECT_EQ(cotter({"release", "renew", "fw"}).exit_code, kDone) << "there is such a verb";
}

TEST_F(ForecastOfDelegations, WithoutAKeyAnIdleSupplierIsNoTrouble) {
  const Ended asked = cotter({"check", "--without", "image-targets-3", "--json"});
  EXPECT_EQ(asked.exit_code, kDone) << asked.out;
  const json::Value acme = role_without(parsed(asked.out), "image", "acme");
  EXPECT_TRUE(member(acme, "holds").is_null());
  EXPECT_EQ(member(acme, "renewable"), json::Value(true));
  EXPECT_EQ(member(role_without(parsed(asked.out), "image", "fw"), "holds"), json::Value(true));
}

TEST_F(ForecastOfDelegations, WithoutAKeyEndsAreJudgedAsOfTheDayThatIsAskedFor) {
  const Ended later =
      cotter({"check", "--without", "image-targets-3", "--at", format_utc(start + days(100)), "--json"});
  EXPECT_EQ(later.exit_code, kRefused);
  const json::Value answer = parsed(later.out);
  const json::Value targets = role_without(answer, "image", "targets");
  EXPECT_EQ(member(targets, "holds"), json::Value(false));
  EXPECT_TRUE(text_of(targets, "why").starts_with("image/targets: expired at ")) << text_of(targets, "why");
  EXPECT_EQ(member(role_without(answer, "image", "root"), "holds"), json::Value(true));
}

/// Name and value of each content line, unfolded.
std::vector<std::pair<std::string, std::string>> content_lines(const std::string& calendar) {
  std::vector<std::pair<std::string, std::string>> lines;
  std::string unfolded;
  for (std::size_t begin = 0; begin < calendar.size();) {
    const std::size_t end = calendar.find("\r\n", begin);
    EXPECT_NE(end, std::string::npos) << "every line ends in CR LF";
    if (end == std::string::npos) break;
    const std::string line = calendar.substr(begin, end - begin);
    EXPECT_LE(line.size(), 75U) << line;
    EXPECT_FALSE(line.empty());
    if (line.front() == ' ') {
      lines.back().second += line.substr(1);
    } else {
      const std::size_t colon = line.find(':');
      EXPECT_NE(colon, std::string::npos) << line;
      lines.emplace_back(line.substr(0, colon), line.substr(colon + 1));
    }
    begin = end + 2;
  }
  return lines;
}

TEST_F(ForecastCommand, CalendarReadsBackLineByLine) {
  const fs::path path = folder->path() / "ends.ics";
  ASSERT_EQ(forecast(1h, {"--ics", path.string(), "--warn", "20d"}).exit_code, kDone);
  const std::string first = content(path);
  std::vector<std::string> open;
  std::set<std::string> uids;
  std::size_t events = 0, alarms = 0;
  for (const auto& [name, value] : content_lines(first)) {
    if (name == "BEGIN") open.push_back(value);
    ASSERT_FALSE(open.empty());
    if (name == "END") {
      ASSERT_EQ(open.back(), value);
      open.pop_back();
      if (value == "VEVENT") ++events;
    }
    if (name == "UID") {
      EXPECT_TRUE(uids.insert(value).second) << value;
    }
    if (name == "DTSTART" || name == "DTSTAMP") {
      EXPECT_EQ(value.size(), 16U);
      EXPECT_EQ(value.back(), 'Z');
    }
    if (name == "TRIGGER") {
      EXPECT_EQ(open.back(), "VALARM");
      EXPECT_EQ(value, "-P20D");
      ++alarms;
    }
  }
  EXPECT_TRUE(open.empty());
  EXPECT_EQ(events, 6U) << "two roots, targets, server, CA, one vehicle's certificate\n" << first;
  EXPECT_EQ(alarms, events);
  EXPECT_EQ(uids.size(), events);

  static_cast<void>(forecast(days(40), {"--ics", path.string()}));
  for (const std::string& uid : uids) EXPECT_TRUE(has(content(path), uid)) << "a later file moves the event";
}

/// Whether `text` is a prolog and one element, all tags closed in order, all attributes quoted.
testing::AssertionResult well_formed(const std::string& text) {
  std::vector<std::string> open;
  std::size_t roots = 0;
  for (std::size_t at = text.find("?>") + 2; at < text.size();) {
    if (text[at] != '<') {
      if (text[at] == '&') {
        const std::string entity = text.substr(at, text.find(';', at) - at + 1);
        if (entity != "&amp;" && entity != "&lt;" && entity != "&gt;" && entity != "&quot;") {
          return testing::AssertionFailure() << "entity " << entity;
        }
      }
      if (open.empty() && text[at] != '\n') return testing::AssertionFailure() << "text outside at " << at;
      ++at;
      continue;
    }
    const std::size_t end = text.find('>', at);
    if (end == std::string::npos) return testing::AssertionFailure() << "a tag without end at " << at;
    std::string tag = text.substr(at + 1, end - at - 1);
    at = end + 1;
    if (tag.front() == '/') {
      if (open.empty() || open.back() != tag.substr(1)) return testing::AssertionFailure() << "</" << tag;
      open.pop_back();
      continue;
    }
    const bool is_empty = tag.back() == '/';
    if (is_empty) tag.pop_back();
    const std::string name = tag.substr(0, tag.find(' '));
    std::set<std::string> seen;
    for (std::size_t place = name.size(); place < tag.size();) {
      if (tag[place] != ' ') return testing::AssertionFailure() << "no blank in <" << tag;
      const std::size_t equals = tag.find("=\"", place);
      const std::size_t quote = equals == std::string::npos ? equals : tag.find('"', equals + 2);
      if (quote == std::string::npos) return testing::AssertionFailure() << "no quotes in <" << tag;
      if (!seen.insert(tag.substr(place + 1, equals - place - 1)).second) {
        return testing::AssertionFailure() << "an attribute twice in <" << tag;
      }
      place = quote + 1;
    }
    if (open.empty() && ++roots > 1) return testing::AssertionFailure() << "a second root";
    if (!is_empty) open.push_back(name);
  }
  if (!open.empty() || roots != 1) return testing::AssertionFailure() << "not closed";
  return testing::AssertionSuccess();
}

TEST_F(ForecastCommand, TimelineIsWellFormedAndStandsAlone) {
  const fs::path path = folder->path() / "ends.svg";
  ASSERT_EQ(forecast(1h, {"--svg", path.string()}).exit_code, kDone);
  const std::string picture = content(path);
  EXPECT_TRUE(picture.starts_with(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\""));
  EXPECT_TRUE(well_formed(picture)) << picture;
  for (const char* part : {"<script", "href", "url(", "@import"}) EXPECT_FALSE(has(picture, part)) << part;
  EXPECT_TRUE(has(picture, ">root of the image repository</text>"));
}

TEST_F(ForecastCommand, MetricsAreForEveryEnd) {
  const Ended asked = forecast(days(350), {"--prometheus"});
  EXPECT_EQ(asked.exit_code, kRefused);
  for (const char* part : {"# TYPE cotter_expiry_timestamp_seconds gauge\n",
                           "cotter_expiry_due{repository=\"image\",role=\"root\"} 1\n",
                           "cotter_expiry_due{repository=\"pki\",role=\"ca\"} 0\n",
                           "cotter_expiry_vehicles{repository=\"director\",role=\"root\"} 1\n"}) {
    EXPECT_TRUE(has(asked.out, part)) << part << "\n" << asked.out;
  }
}

TEST_F(ForecastCommand, SaysWhatItDoesNotUnderstand) {
  for (const auto& [option, value] :
       {std::pair{"--warn", "soon"}, {"--warn", "d"}, {"--until", "2027-13-01"}, {"--until", "May"}}) {
    const Ended asked = forecast(1h, {option, value});
    EXPECT_EQ(asked.exit_code, kUsage) << option << " " << value;
    EXPECT_TRUE(has(asked.err, "hint: write ")) << asked.err;
  }
}

TEST_F(ForecastCommand, KeysOfTheDirectorWereUsedForTheVehiclesSet) {
  const json::Value shown = parsed(cotter({"key", "show", "director-targets", "--json"}).out);
  EXPECT_TRUE(member(shown, "used").as_string() != nullptr);
  EXPECT_EQ(text_of(*member(shown, "depends").as_array()->begin(), "role"), "director/targets");
  EXPECT_TRUE(member(shown, "expires").as_string() != nullptr) << "when the set ends";
}

TEST_F(ForecastCommand, CheckJudgesTheSetsOfVehiclesAsTheyWould) {
  const Ended today = cotter({"check", "--director"});
  EXPECT_EQ(today.exit_code, kDone) << today.out;
  EXPECT_TRUE(has(today.out, "1 of 1 vehicle would take theirs, 0 have not asked for any yet\n"))
      << today.out;
  const Ended later = cotter({"check", "--director", "--at", format_utc(start + days(2)), "--json"});
  EXPECT_EQ(later.exit_code, kRefused);
  const json::Value director = member(parsed(later.out), "director");
  EXPECT_EQ(member(director, "accept"), json::Value(0));
  const json::Value& refusal = *member(director, "refusals").as_array()->begin();
  EXPECT_EQ(text_of(refusal, "rule"), "timestamp-expired");
  EXPECT_EQ(member(refusal, "vehicles"), json::Value(1));
  EXPECT_EQ(text_of(refusal, "example"), "CAR-1");
  const json::Value gone =
      member(parsed(cotter({"check", "--director", "--at", format_utc(start + days(366)), "--json"}).out),
             "director");
  EXPECT_EQ(text_of(*member(gone, "refusals").as_array()->begin(), "rule"), "root-expired");
  EXPECT_FALSE(member(gone, "problem").is_null());
  EXPECT_EQ(cotter({"check", "http://127.0.0.1:1/", "--director"}).exit_code, kUsage);
}

TEST_F(ForecastCommand, WithoutOneOfThreeKeysAllIsWell) {
  const Ended asked = cotter({"check", "--without", "image-targets-3", "--json"});
  EXPECT_EQ(asked.exit_code, kDone) << asked.out;
  const json::Value targets = role_without(parsed(asked.out), "image", "targets");
  EXPECT_EQ(member(targets, "keys_left"), json::Value(2));
  EXPECT_EQ(member(targets, "holds"), json::Value(true));
  EXPECT_EQ(member(targets, "renewable"), json::Value(true));
}

TEST_F(ForecastCommand, WithoutTwoOfThreeKeysTargetsCannotBeRenewed) {
  const std::string id = text_of(parsed(cotter({"key", "show", "image-targets-2", "--json"}).out), "keyid");
  const std::vector<std::string> both{"check", "--without", "image-targets-3", "--without", id.substr(0, 8)};
  const Ended words = cotter(both);
  EXPECT_EQ(words.exit_code, kRefused);
  EXPECT_TRUE(has(words.out, "without image-targets-3 (holder-3), image-targets-2 (holder-2)\n"))
      << words.out;
  EXPECT_TRUE(has(words.out, "image/targets: threshold-not-met: expected 2 valid signatures, got 1\n"))
      << words.out;
  EXPECT_TRUE(has(words.out, "image/targets cannot be signed again: 1 of its 3 keys are left, 2 must sign"))
      << words.out;
  std::vector<std::string> as_json = both;
  as_json.emplace_back("--json");
  const json::Value answer = parsed(cotter(as_json).out);
  const json::Value targets = role_without(answer, "image", "targets");
  EXPECT_EQ(member(targets, "holds"), json::Value(false));
  EXPECT_EQ(member(targets, "renewable"), json::Value(false));
  EXPECT_EQ(member(targets, "unrenewable_from"), member(targets, "expires"));
  EXPECT_EQ(member(role_without(answer, "image", "root"), "holds"), json::Value(true));
}

TEST_F(ForecastCommand, WithoutAKeyOfTheDirectorItsVehiclesAreCounted) {
  const Ended asked = cotter({"check", "--director", "--without", "director-snapshot", "--json"});
  EXPECT_EQ(asked.exit_code, kRefused);
  const json::Value answer = parsed(asked.out);
  const json::Value snapshot = role_without(answer, "director", "snapshot");
  EXPECT_EQ(member(snapshot, "holds"), json::Value(false));
  EXPECT_EQ(member(snapshot, "vehicles"), json::Value(1));
  EXPECT_EQ(member(role_without(answer, "director", "targets"), "holds"), json::Value(true));
  EXPECT_EQ(cotter({"check", "--without", "nobody"}).exit_code, kNotFound);
}

TEST_F(ForecastCommand, WithoutTwoRootKeysTheChainIsBroken) {
  const Ended asked = cotter({"check", "--without", "image-root-1", "--without", "image-root-2", "--json"});
  EXPECT_EQ(asked.exit_code, kRefused);
  const json::Value root = role_without(parsed(asked.out), "image", "root");
  EXPECT_EQ(member(root, "holds"), json::Value(false));
  EXPECT_EQ(member(root, "keys_left"), json::Value(1));
}

}  // namespace
}  // namespace cotter
