// The attack kit as people meet it: the program, real clients, and foolish ones.
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "common/json/strict_reader.h"
#include "tests/scenarios/runner/scenario.h"
#include "tests/sim/temp_dir.h"
#include "tests/world/process.h"

namespace cotter::replay {
namespace {

namespace fs = std::filesystem;
using scenario::at;
using scenario::find;
using scenario::number;
using scenario::text;

const std::string kVehicle = COTTER_PROGRAMS "/cotter-replay-vehicle";
const std::string kTuf = COTTER_PROGRAMS "/cotter-tuf";

world::Ended replay(std::vector<std::string> arguments) {
  const auto ended =
      world::run({COTTER_PROGRAMS "/cotter-replay", std::move(arguments), {}, {}}, std::chrono::minutes(5));
  EXPECT_TRUE(ended.has_value()) << summary(ended.error());
  return ended.value_or(world::Ended{});
}

std::string last_line(const std::string& text) {
  const std::string without_end = text.substr(0, text.find_last_not_of('\n') + 1);
  return without_end.substr(without_end.rfind('\n') + 1);
}

std::string content_of(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The verdict on one scenario in a JSON report.
json::Value verdict_in(const std::string& report, const std::string& name) {
  const auto document = json::read(as_bytes(report));
  EXPECT_TRUE(document.has_value()) << report;
  if (!document) return {};
  for (const json::Value& each : *at(*document, "scenarios").as_array()) {
    if (text(each, "name") == name) return each;
  }
  ADD_FAILURE() << name << " is not in the report";
  return {};
}

class Replay : public ::testing::Test {
 protected:
  /// A client of a few lines of shell.
  std::string script(const std::string& lines) {
    const fs::path file = dir.path() / "client.sh";
    std::ofstream(file) << "#!/bin/sh\n" << lines;
    fs::permissions(file, fs::perms::owner_all);
    return file.string();
  }
  sim::TempDir dir;
};

/// Installs what is served under the newest targets that it finds, and verifies nothing.
const char* const kFoolish = R"sh(
while [ $# -gt 0 ]; do
  case $1 in
    --metadata-url) url=$2; shift ;;
    --target-base-url) base=$2; shift ;;
    --target-name) name=$2; shift ;;
    --target-dir) dir=$2; shift ;;
    --*) shift ;;
    download) download=1 ;;
  esac
  shift
done
[ "$download" ] || exit 0
version=1
while curl -sf -o /dev/null "$url$((version + 1)).targets.json"; do version=$((version + 1)); done
hash=$(curl -s "$url$version.targets.json" | grep -o '"sha256":"[0-9a-f]*"' | tail -n 1 | cut -d '"' -f 4)
curl -sf -o "$dir/target" "$base$(dirname "$name")/$hash.$(basename "$name")"
)sh";

TEST_F(Replay, ListsEveryScenarioWithWhatTheClientMustDo) {
  const world::Ended ended = replay({"list", "--json"});
  ASSERT_EQ(ended.exit_code, 0) << ended.err;
  const auto list = json::read(as_bytes(ended.out));
  ASSERT_TRUE(list && list->as_array() != nullptr);
  EXPECT_EQ(list->as_array()->size(), scenario::all_files().size());
  for (const json::Value& each : *list->as_array()) {
    for (const char* member : {"name", "attack", "state", "must", "why"}) {
      EXPECT_NE(text(each, member), "") << member << " of " << text(each, "name");
    }
    EXPECT_EQ(text(each, "state") == "waiting", find(each, "waits_for") != nullptr);
    EXPECT_TRUE(text(each, "state") == "waiting" || find(each, "for") != nullptr) << text(each, "name");
  }
}

TEST_F(Replay, ListsATableInAPipe) {
  const world::Ended ended = replay({"list", "timestamp-rolled-back"});
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_TRUE(ended.out.starts_with("scenario ")) << ended.out;
  EXPECT_NE(ended.out.find("rollback"), std::string::npos);
  EXPECT_EQ(ended.out.find('\033'), std::string::npos) << "a pipe is no terminal";
}

TEST_F(Replay, FindsItsScenariosWhereItIsInstalled) {
  const fs::path prefix = dir.path() / "usr";
  ASSERT_TRUE(world::run_well({CMAKE, {"--install", COTTER_BUILD, "--prefix", prefix.string()}, {}, {}}));
  fs::remove(prefix / "share/cotter/scenarios/timestamp-rolled-back.json");
  const auto list = [&](const std::string& name) {
    return world::run({prefix / "bin/cotter-replay", {"list", name}, {}, {}})->exit_code;
  };
  EXPECT_EQ(list("image-of-a-supplier"), 0);
  EXPECT_EQ(list("timestamp-rolled-back"), 4) << "it looks into the source tree";
}

TEST_F(Replay, OurOwnTufClientDoesAsRequired) {
  const world::Ended ended = replay(
      {"run", "--protocol", "tuf", "--client", kTuf, "--scenario", "timestamp-rolled-back", "--scenario",
       "image-of-another-content", "--scenario", "timestamp-expired", "--scenario", "image-of-a-supplier",
       "--scenario", "target-that-nobody-lists", "--scenario", "road-endless-image"});
  EXPECT_EQ(ended.exit_code, 0) << ended.out << ended.err;
  EXPECT_EQ(last_line(ended.out), "6 scenarios: 6 as required, 0 fooled, 0 waiting");
}

TEST_F(Replay, OurOwnVehicleDoesAsRequired) {
  for (const char* slots : {"--json", "--single-slot"}) {
    const world::Ended ended = replay({"run",        "--client",
                                       kVehicle,     slots,
                                       "--scenario", "update-of-two-ecus",
                                       "--scenario", "timestamp-rolled-back",
                                       "--scenario", "director-rolled-back",
                                       "--scenario", "older-release-assigned",
                                       "--scenario", "stored-timestamp-damaged",
                                       "--scenario", "small-ecu-gets-expired-targets",
                                       "--scenario", "directors-word-is-not-enough-for-an-ecu",
                                       "--scenario", "ecu-time-answer-to-another-ecu",
                                       "--scenario", "vehicle-clock-wrong",
                                       "--scenario", "image-altered-in-storage"});
    EXPECT_EQ(ended.exit_code, 0) << slots << "\n" << ended.out << ended.err;
  }
}

TEST_F(Replay, AFoolishClientIsFooledAndEveryReportSaysSo) {
  const fs::path junit = dir.path() / "report.xml", json_report = dir.path() / "report.json";
  const world::Ended ended =
      replay({"run", "--protocol", "tuf", "--client", script(kFoolish), "--report", junit.string(),
              "--report", json_report.string(), "--scenario", "image-of-another-content", "--scenario",
              "road-delays-every-answer", "--scenario", "director-rolled-back"});
  EXPECT_EQ(ended.exit_code, 3) << ended.out << ended.err;
  EXPECT_EQ(last_line(ended.out), "2 scenarios: 1 as required, 1 fooled, 0 waiting") << ended.out;
  EXPECT_NE(ended.out.find("FOOLED"), std::string::npos);

  const std::string xml = content_of(junit);
  EXPECT_NE(xml.find(R"(tests="3" failures="1" errors="0" skipped="1")"), std::string::npos) << xml;
  EXPECT_NE(xml.find(R"(<failure type="installed")"), std::string::npos) << xml;

  const json::Value fooled = verdict_in(content_of(json_report), "image-of-another-content");
  EXPECT_EQ(text(fooled, "outcome"), "fooled");
  EXPECT_EQ(text(fooled, "lapse"), "installed");
  EXPECT_EQ(text(fooled, "attack"), "arbitrary-software");
  EXPECT_EQ(text(verdict_in(content_of(json_report), "road-delays-every-answer"), "outcome"), "as-required");
  EXPECT_EQ(text(verdict_in(content_of(json_report), "director-rolled-back"), "outcome"), "not-asked");
}

TEST_F(Replay, AClientThatDoesNothingIsKeptFromItsUpdates) {
  const world::Ended ended = replay({"run", "--protocol", "tuf", "--client", script("exit 0\n"), "--json",
                                     "--scenario", "image-of-a-supplier"});
  EXPECT_EQ(ended.exit_code, 3) << ended.out;
  EXPECT_EQ(text(verdict_in(ended.out, "image-of-a-supplier"), "lapse"), "kept");
  EXPECT_NE(ended.err.find("warning: "), std::string::npos) << "it refuses everything: " << ended.err;
}

TEST_F(Replay, AClientThatHangsIsEndedWithAllThatItStarted) {
  const std::string pid = (dir.path() / "pid").string();
  const std::string client =
      script("case \"$*\" in *init*) exit 0 ;; esac\nsetsid sleep 600 & echo $! >" + pid + "\nsleep 600\n");
  const world::Ended ended = replay({"run", "--protocol", "tuf", "--client", client, "--limit", "1", "--json",
                                     "--scenario", "image-of-a-supplier"});
  EXPECT_EQ(ended.exit_code, 3) << ended.out << ended.err;
  EXPECT_EQ(text(verdict_in(ended.out, "image-of-a-supplier"), "lapse"), "held");
  EXPECT_NE(::kill(std::stoi(content_of(pid)), 0), 0) << "what it started runs on";
}

TEST_F(Replay, AClientThatBreaksTheContractIsTroubleAndNoVerdict) {
  const world::Ended refuses = replay({"run", "--client", script("echo 'no such vehicle' >&2; exit 7\n"),
                                       "--scenario", "timestamp-rolled-back"});
  EXPECT_EQ(refuses.exit_code, 1);
  EXPECT_EQ(refuses.out, "");
  EXPECT_NE(refuses.err.find("init ended with 7"), std::string::npos) << refuses.err;
  EXPECT_NE(refuses.err.find("no such vehicle"), std::string::npos) << "what it said itself: " << refuses.err;

  const world::Ended nobody =
      replay({"run", "--client", "/nowhere/client", "--scenario", "timestamp-rolled-back"});
  EXPECT_EQ(nobody.exit_code, 1);
  EXPECT_NE(nobody.err.find("hint:"), std::string::npos) << nobody.err;
}

TEST_F(Replay, WhatAClientDoesNotDeclareIsNotAsked) {
  const std::string undeclared = script("[ \"$1\" = abilities ] && exit 2\nexec " + kVehicle + " \"$@\"\n");
  const world::Ended ended =
      replay({"run", "--client", undeclared, "--scenario", "frame-cut-short", "--scenario",
              "manifest-sent-again", "--scenario", "stored-targets-damaged"});
  EXPECT_EQ(ended.exit_code, 0) << ended.out << ended.err;
  EXPECT_EQ(last_line(ended.out), "0 scenarios: 0 as required, 0 fooled, 0 waiting");
  EXPECT_NE(ended.out.find("needs the ability \"bus\""), std::string::npos) << ended.out;
}

/// The example of the manual, alone in a folder of somebody's own.
TEST_F(Replay, PlaysAScenarioThatSomebodyWrote) {
  const std::string manual = content_of(scenario::source_folder() / "../../docs/attack-kit.md");
  const auto name = manual.find(R"("name": "timestamp-hidden")");
  ASSERT_NE(name, std::string::npos);
  const auto begins = manual.rfind("```json\n", name) + 8;
  const fs::path own = dir.path() / "own";
  fs::create_directory(own);
  std::ofstream(own / "timestamp-hidden.json") << manual.substr(begins, manual.find("```", begins) - begins);
  const std::vector<std::string> order = {"run", "--protocol",  "tuf",       "--client",
                                          kTuf,  "--scenarios", own.string()};
  const world::Ended ended = replay(order);
  EXPECT_EQ(ended.exit_code, 0) << ended.out << ended.err;
  EXPECT_EQ(last_line(ended.out), "1 scenarios: 1 as required, 0 fooled, 0 waiting");

  std::ofstream(own / "broken.json") << R"({"name": "broken", "why": "It has no steps."})";
  const world::Ended refused = replay(order);
  EXPECT_EQ(refused.exit_code, 2) << refused.err;
  EXPECT_NE(refused.err.find("broken.json: "), std::string::npos) << refused.err;
}

TEST_F(Replay, BadUsageSaysWhatToDo) {
  EXPECT_EQ(replay({}).exit_code, 2);
  EXPECT_EQ(replay({"run"}).exit_code, 2);
  EXPECT_EQ(replay({"run", "--client", kTuf, "--protocol", "ssh"}).exit_code, 2);
  EXPECT_EQ(replay({"run", "--client", kTuf, "--report", "card.pdf"}).exit_code, 2);
  EXPECT_EQ(replay({"list", "no-such-scenario"}).exit_code, 4);
  EXPECT_EQ(replay({"list", "--scenarios", dir.path().string()}).exit_code, 4);
  const world::Ended ended = replay({"run", "--client", kTuf, "--report", "card.pdf"});
  EXPECT_NE(ended.err.find("hint: "), std::string::npos) << ended.err;
}

TEST_F(Replay, ServesAScenarioToAClientOnABench) {
  const fs::path bench = dir.path() / "bench";
  auto server = world::Daemon::start({COTTER_PROGRAMS "/cotter-replay",
                                      {"serve", "timestamp-rolled-back", "--dir", bench.string()},
                                      {},
                                      {}});
  ASSERT_TRUE(server) << summary(server.error());
  std::string url;
  const auto read_to = [&](const std::string& words) {
    for (auto line = server->read_line(); line; line = server->read_line()) {
      if (line->starts_with("  image repository ")) url = line->substr(line->rfind(' ') + 1);
      if (line->find(words) != std::string::npos) return true;
    }
    return false;
  };
  const auto fetched = [&](const std::string& file) {
    return world::run_well({"/usr/bin/curl", {"-sf", url + file}, {}, {}}).value_or("");
  };
  ASSERT_TRUE(read_to("it must come to: installed"));
  ASSERT_TRUE(read_to("Enter or SIGUSR1"));
  EXPECT_TRUE(fs::exists(bench / "vehicle.json"));
  EXPECT_EQ(content_of(bench / "image-root.json"), fetched("1.root.json"));
  const std::string newest = fetched("timestamp.json");
  EXPECT_NE(newest, "");
  ASSERT_TRUE(read_to("GET /repo/timestamp.json")) << "each request is shown";
  ::kill(server->pid(), SIGUSR1);
  ASSERT_TRUE(read_to("it must fail and change nothing"));
  EXPECT_NE(fetched("timestamp.json"), newest) << "the older one is served now";
  EXPECT_EQ(server->stop(), 0);
}

}  // namespace
}  // namespace cotter::replay
