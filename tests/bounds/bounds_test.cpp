// No input makes a decoder take more than 16 times its size in memory, or more than linear time: the worst
// shapes that we could think of, at sizes n, 2n and 4n up to what the decoder is given in the field.
#include <gtest/gtest.h>
#include <time.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "client/install/floor_records.h"
#include "client/install/slot_records.h"
#include "client/secondary/packed_metadata.h"
#include "client/secondary/report_book.h"
#include "common/crypto/secret.h"
#include "common/json/strict_reader.h"
#include "common/model/manifest.h"
#include "common/trust/time_state.h"
#include "common/trust/verified.h"
#include "common/wire/messages.h"
#include "server/inventory/vehicle.h"
#include "server/ledger/proof.h"
#include "server/operations/papers.h"
#include "server/operations/submission.h"
#include "server/signing/canonical_reader.h"
#include "server/signing/policy.h"
#include "server/signing/protocol.h"
#include "tests/bounds/counted_memory.h"
#include "tests/sim/repository_sim.h"

namespace cotter::bounds {
namespace {

constexpr std::size_t kFactor = 16;
/// What any call may take besides: messages of a refusal, and what OpenSSL sets up for one key.
constexpr std::size_t kConstant = 64 * 1024;

using Decoder = std::function<void(ByteView)>;
/// Input of about so many bytes.
using Shape = std::function<std::string(std::size_t)>;

double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

/// The least of three: what disturbs a run only makes it longer.
double time_of(const Decoder& decode, ByteView input) {
  double least = 1e9;
  for (int i = 0; i < 3; ++i) {
    const double began = cpu_seconds();
    decode(input);
    least = std::min(least, cpu_seconds() - began);
  }
  return least;
}

Memory memory_of(const Decoder& decode, ByteView input) {
  const Counting counting;
  decode(input);
  return counting.memory();
}

/// Times four times the input, with twice as much for the caches of a machine that is busy, and three tries.
constexpr double kMostGrowth = 8;
constexpr double kTooShortToTell = 0.002;

constexpr std::size_t kEnoughToTime = 64 * 1024;

void expect_linear_time(const Decoder& decode, const Shape& shape, std::size_t most) {
  const std::string large = shape(most), small = shape(most / 4);
  double growth = 0;
  for (int attempt = 0; attempt < 3; ++attempt) {
    const double one = std::max(time_of(decode, as_bytes(small)), kTooShortToTell);
    growth = time_of(decode, as_bytes(large)) / one;
    if (growth < kMostGrowth) return;
  }
  ADD_FAILURE() << "four times the input takes " << growth << " times as long";
}

void expect_bounded(const std::string& name, const Decoder& decode, const Shape& shape, std::size_t most) {
  SCOPED_TRACE(name);
  const std::string large = shape(most), medium = shape(most / 2), small = shape(most / 4);
  for (const std::string* input : {&small, &medium, &large}) {
    const Memory memory = memory_of(decode, as_bytes(*input));
    EXPECT_LE(memory.peak, kFactor * input->size() + kConstant)
        << static_cast<double>(memory.peak) / static_cast<double>(input->size()) << " times "
        << input->size();
  }
  const Memory at_one = memory_of(decode, as_bytes(small)), at_four = memory_of(decode, as_bytes(large));
  EXPECT_LE(at_four.blocks, 5 * at_one.blocks + 1000);
  EXPECT_LE(at_four.bytes, 5 * at_one.bytes + kConstant);
  expect_linear_time(decode, shape, std::min(most, kEnoughToTime));
}

// --- shapes -----------------------------------------------------------------------------------------------

/// `begin`, then elements with commas between them, then `end`. An element is made from its number.
Shape list(const std::string& begin, const std::function<std::string(std::size_t)>& element,
           const std::string& end) {
  return [=](std::size_t size) {
    std::string text = begin;
    for (std::size_t i = 0; text.size() + end.size() < size; ++i) text += (i == 0 ? "" : ",") + element(i);
    return text + end;
  };
}
Shape list(const std::string& begin, const std::string& element, const std::string& end) {
  return list(
      begin, [=](std::size_t) { return element; }, end);
}

/// Short and different for each number: "a", "b", ...
std::string name_of(std::size_t number) {
  static constexpr std::string_view kLetters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  std::string name;
  do {
    name += kLetters[number % kLetters.size()];
    number /= kLetters.size();
  } while (number > 0);
  return name;
}
std::string quoted(const std::string& text) { return "\"" + text + "\""; }

std::string repeated(std::string_view piece, std::size_t size) {
  std::string text;
  while (text.size() < size) text += piece;
  return text;
}

struct NamedShape {
  const char* name;
  Shape shape;
};

/// Any JSON at all.
std::vector<NamedShape> json_shapes() {
  return {
      {"digits", list("[", "0", "]")},
      {"nulls", list("[", "null", "]")},
      {"empty strings", list("[", "\"\"", "]")},
      {"strings of one letter", list("[", "\"a\"", "]")},
      {"strings that just need a block", list("[", "\"12345678\"", "]")},
      {"empty arrays", list("[", "[]", "]")},
      {"arrays of one digit", list("[", "[0]", "]")},
      {"arrays of two digits", list("[", "[0,0]", "]")},
      {"empty objects", list("[", "{}", "]")},
      {"objects of one member", list("[", "{\"\":0}", "]")},
      {"arrays in arrays in arrays", list("[", "[[[[[[[[0]]]]]]]]", "]")},
      {"the deepest", list("[", std::string(31, '[') + std::string(31, ']'), "]")},
      {"many members", list(
                           "{", [](std::size_t i) { return quoted(name_of(i)) + ":0"; }, "}")},
      {"many members, last first",
       list(
           "{", [](std::size_t i) { return quoted(std::to_string(10'000'000 - i)) + ":0"; }, "}")},
      {"keys that differ at their end",
       list(
           "{", [](std::size_t i) { return quoted(std::string(40, 'k') + std::to_string(i)) + ":0"; }, "}")},
      {"one long string", [](std::size_t size) { return "[\"" + std::string(size, 's') + "\"]"; }},
      {"one long string of escapes", [](std::size_t size) { return "[\"" + repeated("\\n", size) + "\"]"; }},
      {"one long string of \\u escapes",
       [](std::size_t size) { return "[\"" + repeated("\\u0041", size) + "\"]"; }},
      {"one long key", [](std::size_t size) { return "{\"" + std::string(size, 'k') + "\":0}"; }},
      {"one long number", [](std::size_t size) { return "[" + std::string(size, '1') + "]"; }},
      {"white space", [](std::size_t size) { return "[" + std::string(size, ' ') + "]"; }},
      {"never closed", [](std::size_t size) { return repeated("[0,{\"a\":", size); }},
      {"never ending array", [](std::size_t size) { return "[" + repeated("0,", size); }},
  };
}

void read_json(ByteView input) { static_cast<void>(json::read(input)); }

TEST(Bounds, JsonTakesSixteenTimesItsSizeAndLinearTime) {
  for (const NamedShape& each : json_shapes()) expect_bounded(each.name, read_json, each.shape, 128 * 1024);
}

// --- signed metadata --------------------------------------------------------------------------------------

constexpr const char* kHeader = R"("spec_version":"1.0.0","version":1,"expires":"2031-01-01T00:00:00Z",)";

std::string ed25519_key(std::size_t number) {
  const std::string hex = to_hex(crypto::sha256(as_bytes(std::to_string(number))));
  return R"({"keytype":"ed25519","scheme":"ed25519","keyval":{"public":")" + hex + "\"}}";
}

/// A root whose keys sign for every role: what follows is what who holds a role's key can do to a client.
const trust::Verified<model::Root>& anchor() {
  static sim::RepositorySim repository("bounds", *parse_utc("2031-01-01T00:00:00Z"));
  static const trust::Verified<model::Root> root = [] {
    for (const RoleName& role : {model::targets_role(), model::snapshot_role(), model::timestamp_role()}) {
      repository.set_keys(role, {sim::key("bounds")});
    }
    repository.publish_again(model::root_role());
    auto file = trust::Unverified<model::Root>::parse(repository.file_of(model::root_role()),
                                                      model::Profile::Vehicle);
    return std::move(*file).verify_anchor().value();
  }();
  return root;
}

/// Parsing, the check of the signature, and decoding: all that happens to a file before it is trusted.
template <class T, model::Profile profile>
void read_metadata(ByteView input) {
  auto file = trust::Unverified<T>::parse(Bytes(input.begin(), input.end()), profile);
  if (!file) return;
  static_cast<void>(
      std::move(*file).verify(trust::Authority::of_root(anchor(), RoleName(std::string(T::kType)))));
}
void read_root(ByteView input) {
  auto file = trust::Unverified<model::Root>::parse(Bytes(input.begin(), input.end()), model::Profile::Tuf);
  if (file) static_cast<void>(std::move(*file).verify_anchor());
}

/// The same file with a signature that fits.
Shape signed_shape(const Shape& shape) {
  return [shape](std::size_t size) {
    const auto tree = json::read(as_bytes(shape(size)));
    COTTER_ASSERT(tree);
    const Bytes file = sim::signed_file(*tree->as_object()->find("signed"), {sim::key("bounds")});
    return std::string(as_text(file));
  };
}

std::string enveloped(const std::string& type, const std::string& begin) {
  return R"({"signatures":[],"signed":{"_type":")" + type + "\"," + kHeader + begin;
}

std::vector<NamedShape> targets_shapes() {
  const auto targets = [](const std::string& begin) { return enveloped("targets", begin); };
  const std::string hash = std::string(64, '0');
  const std::string keyless = R"("delegations":{"keys":{},"roles":[)";
  const auto role = [](std::size_t i, const std::string& rest) {
    return R"({"name":")" + name_of(i) + R"(","keyids":[],"threshold":1,)" + rest + "}";
  };
  return {
      {"targets", list(
                      targets("\"targets\":{"),
                      [=](std::size_t i) {
                        return quoted(name_of(i)) + R"(:{"length":0,"hashes":{"sha256":")" + hash + "\"}}";
                      },
                      "}}}")},
      {"targets with custom", list(
                                  targets("\"targets\":{"),
                                  [=](std::size_t i) {
                                    return quoted(name_of(i)) +
                                           R"(:{"custom":{"a":[0,0,0,0,0,0,0,0]},"length":0,)" +
                                           R"("hashes":{"sha256":")" + hash + "\"}}";
                                  },
                                  "}}}")},
      {"hash functions", list(
                             targets(R"("targets":{"a":{"length":0,"hashes":{"sha256":")" + hash + "\","),
                             [](std::size_t i) { return quoted(name_of(i)) + ":\"\""; }, "}}}}}")},
      {"members that nobody knows", list(targets("\"targets\":{},\"x\":["), "0", "]}}")},
      {"objects that nobody knows", list(targets("\"targets\":{},\"x\":["), "[0]", "]}}")},
      {"delegations", list(
                          targets("\"targets\":{}," + keyless),
                          [=](std::size_t i) { return role(i, "\"paths\":[]"); }, "]}}}")},
      {"paths",
       list(targets("\"targets\":{}," + keyless + R"({"name":"a","keyids":[],"threshold":1,"paths":[)"),
            "\"\"", "]}]}}}")},
      {"hash prefixes", list(targets("\"targets\":{}," + keyless +
                                     R"({"name":"a","keyids":[],"threshold":1,"path_hash_prefixes":[)"),
                             "\"00\"", "]}]}}}")},
      {"key ids",
       list(
           targets("\"targets\":{}," + keyless + R"({"name":"a","paths":[],"threshold":1,"keyids":[)"),
           [](std::size_t i) { return quoted(name_of(i)); }, "]}]}}}")},
      {"one key id over and over",
       list(targets("\"targets\":{}," + keyless + R"({"name":"a","paths":[],"threshold":1,"keyids":[)"),
            "\"\"", "]}]}}}")},
      {"hardware ids", list(targets("\"targets\":{}," + keyless +
                                    R"({"name":"a","paths":[],"threshold":1,"keyids":[],"x-hardwareIds":[)"),
                            "\"a\"", "]}]}}}")},
  };
  // NOLINTNEXTLINE(clang-analyzer-cplusplus.NewDeleteLeaks): a block of std::function's own
}

TEST(Bounds, TargetsOfAnyTufRepository) {
  for (const NamedShape& each : targets_shapes()) {
    expect_bounded(each.name, read_metadata<model::Targets, model::Profile::Tuf>, signed_shape(each.shape),
                   128 * 1024);
  }
}

TEST(Bounds, RootsFullOfKeysAndRoles) {
  const auto root = [](const std::string& begin) {
    return enveloped("root", "\"consistent_snapshot\":true," + begin);
  };
  const NamedShape shapes[] = {
      {"keys", list(
                   root("\"roles\":{},\"keys\":{"),
                   [](std::size_t i) { return quoted(name_of(i)) + ":" + ed25519_key(i); }, "}}}")},
      {"keys of no known kind",
       list(
           root("\"roles\":{},\"keys\":{"),
           [](std::size_t i) { return quoted(name_of(i)) + R"(:{"keytype":"","scheme":"","keyval":{}})"; },
           "}}}")},
      {"roles",
       list(
           root("\"keys\":{},\"roles\":{"),
           [](std::size_t i) { return quoted(name_of(i)) + R"(:{"keyids":[],"threshold":1})"; }, "}}}")},
  };
  for (const NamedShape& each : shapes) {
    expect_bounded(each.name, read_root, signed_shape(each.shape), 128 * 1024);
  }
}

TEST(Bounds, SnapshotsAndTimestamps) {
  // Neighbours of one version would share what they hold.
  const auto entry = [](const std::string& name, std::size_t i) {
    return quoted(name + ".json") + R"(:{"version":)" + std::to_string(i + 1) + "}";
  };
  const Shape many = list(
      enveloped("snapshot", "\"meta\":{"), [&](std::size_t i) { return entry(name_of(i), i); }, "}}}");
  expect_bounded("entries", read_metadata<model::Snapshot, model::Profile::Tuf>, signed_shape(many),
                 1024 * 1024);
  expect_bounded("entries", read_metadata<model::Snapshot, model::Profile::Vehicle>, signed_shape(many),
                 64 * 1024);
  // "a.json" comes behind "a-.json", and that behind "a--.json": each of the first is the start of all
  // others.
  static constexpr std::size_t kChain = 56;  // a name has 64 letters at most
  const Shape chained = list(
      enveloped("snapshot", "\"meta\":{"),
      [&](std::size_t i) {
        const std::string name =
            "a" + std::string(std::min<std::size_t>(i, kChain), '-') + (i < kChain ? "" : name_of(i));
        return entry(name, i);
      },
      "}}}");
  expect_bounded("names that others begin with", read_metadata<model::Snapshot, model::Profile::Vehicle>,
                 signed_shape(chained), 512 * 1024);
  const Shape hashes = list(
      enveloped("timestamp", R"("meta":{"snapshot.json":{"version":1,"hashes":{)"),
      [](std::size_t i) { return quoted(name_of(i)) + ":\"\""; }, "}}}}}");
  expect_bounded("hashes", read_metadata<model::Timestamp, model::Profile::Tuf>, signed_shape(hashes),
                 64 * 1024);
}

/// Signatures by the thousand under keys by the thousand, none of which fits: each is looked up, and that is
/// all.
TEST(Bounds, SignaturesByTheThousand) {
  const Shape signatures =
      list(R"({"signed":{},"signatures":[)",
           [](std::size_t i) { return R"({"keyid":")" + name_of(i) + R"(","sig":""})"; }, "]}");
  expect_bounded("signatures", read_metadata<model::Targets, model::Profile::Tuf>, signatures, 512 * 1024);
}

// --- the other documents ----------------------------------------------------------------------------------

void read_manifest(ByteView input) {
  static const crypto::PublicKey key = crypto::PublicKey::ed25519(crypto::Ed25519Pair::generate().public_key);
  const auto document = json::read(input);
  if (!document) return;
  static_cast<void>(model::verify_manifest(*document, key));
  static_cast<void>(model::verify_report(*document, key));
  static_cast<void>(model::VehicleManifest::decode(*document));
}

TEST(Bounds, Manifests) {
  const std::string open =
      R"({"_type":"vehicle-manifest","vin":"V","primary_ecu_serial":"P","manifest_counter":1,)";
  const NamedShape shapes[] = {
      {"reports", list(
                      open + R"("missing":{},"rejected":{},"ecu_version_manifests":{)",
                      [](std::size_t i) { return quoted(name_of(i)) + ":0"; }, "}}")},
      {"missing", list(
                      open + R"("rejected":{},"ecu_version_manifests":{},"missing":{)",
                      [](std::size_t i) { return quoted(name_of(i)) + ":\"\""; }, "}}")},
      {"unknown", list(open + R"("rejected":{},"ecu_version_manifests":{},"missing":{},"x":[)", "0", "]}")},
      {"signed junk", list(R"({"signatures":[{}],"signed":[)", "0", "]}")},
  };
  for (const NamedShape& each : shapes)
    expect_bounded(each.name, read_manifest, each.shape, kMaxManifestBytes);
}

void read_vehicle(ByteView input) {
  const auto document = json::read(input);
  if (document) static_cast<void>(inventory::VehicleRecord::decode(*document));
}

TEST(Bounds, VehicleRecords) {
  const std::string image =
      R"("installed_image":{"name":"a","length":0,"hashes":{"sha256":")" + std::string(64, '0') + "\"}}";
  const Shape ecus = list(R"({"vin":"V","ecus":[)",
                          [=](std::size_t i) {
                            return R"({"serial":")" + name_of(i) + R"(","hardware_id":"h","primary":false,)" +
                                   R"("verification":"full","release_counter":0,"key":)" + ed25519_key(i) +
                                   "," + image + "}";
                          },
                          "]}");
  expect_bounded("ECUs", read_vehicle, ecus, 256 * 1024);
}

TEST(Bounds, TimeStates) {
  const Shape keys = list(
      R"({"floor":"2031-01-01T00:00:00Z","root_source":"","source":{"keyids":["a"],"threshold":1,"keys":{)",
      [](std::size_t i) { return quoted(name_of(i)) + ":" + ed25519_key(i); }, "}}}");
  expect_bounded(
      "keys", [](ByteView input) { static_cast<void>(trust::TimeState::decode(input)); }, keys, 64 * 1024);
}

// --- the ledger -------------------------------------------------------------------------------------------

TEST(Bounds, LedgerNotes) {
  const crypto::PublicKey key = crypto::PublicKey::ed25519(Bytes(32, 1));
  const auto verifier = ledger::verifier_key(key).value();
  const std::string text = verifier.name() + "\n1\n" + std::string(43, 'A') + "=\n\n";
  const auto open = [&](ByteView input) {
    static_cast<void>(ledger::open_checkpoint(as_text(input), verifier));
  };
  // A wrong signature of the key itself ends the reading.
  const Shape others = [&](std::size_t size) {
    return text + repeated("\xE2\x80\x94 witness AAAAAAAA\n", size - text.size());
  };
  expect_bounded("signatures of others", open, others, ledger::kMaxNoteBytes - 64);
  expect_bounded(
      "blank lines", open, [](std::size_t size) { return std::string(size, '\n'); }, ledger::kMaxNoteBytes);
}

TEST(Bounds, LedgerProofs) {
  const auto read = [](ByteView input) { static_cast<void>(ledger::Proof::decode(input)); };
  const std::string entry =
      R"({"_type":"cotter-ledger-entry","kind":"k","subject":"s","time":"2030-03-17T17:46:40Z","who":"w","x":)";
  const std::string begin = R"({"_type":"cotter-ledger-proof","checkpoint":"","index":0,"path":[],"entry":)";
  expect_bounded(
      "hashes", read,
      list(R"({"_type":"cotter-ledger-proof","checkpoint":"","index":0,"entry":)" + entry + R"(0},"path":[)",
           quoted(std::string(43, 'A') + "="), "]}"),
      ledger::kMaxProofBytes);
  expect_bounded("details", read, list(begin + entry + "[", "0", "]}}"), 60 * 1024);
  expect_bounded("too many details", read, list(begin + entry + "[", "0", "]}}"), ledger::kMaxProofBytes);
}

// --- the operations API -----------------------------------------------------------------------------------

TEST(Bounds, Submissions) {
  const auto read = [](ByteView input) { static_cast<void>(operations::Submission::decode(input)); };
  const auto file = [](std::size_t i) {
    const std::string digits = std::to_string(i);
    return R"({"kind":"image","length":1,"sha256":")" + std::string(64 - digits.size(), '0') + digits +
           R"("})";
  };
  const std::string begin = R"({"_type":"cotter-submission","files":[)";
  expect_bounded("files", read, list(begin, file, "]}"), operations::kMaxSubmissionBytes / 4);
  expect_bounded("too many files", read, list(begin, "0", "]}"), operations::kMaxSubmissionBytes);
}

TEST(Bounds, Sboms) {
  const auto read = [](ByteView input) { static_cast<void>(operations::Sbom::decode(input)); };
  const std::string begin = R"({"bomFormat":"CycloneDX","specVersion":"1.5","components":[)";
  const auto component = [](std::size_t i) {
    const std::string digits = std::to_string(i);
    return R"({"hashes":[{"alg":"SHA-256","content":")" + std::string(64 - digits.size(), '0') + digits +
           R"("}]})";
  };
  expect_bounded("components", read, list(begin, component, "]}"), operations::kMaxPaperBytes / 8);
  expect_bounded("empty components", read, list(begin, "{}", "]}"), operations::kMaxPaperBytes / 8);
  expect_bounded("fractions", read, list(begin + R"({"x":[)", "0.5", "]}]}"), operations::kMaxPaperBytes / 8);
}

TEST(Bounds, Provenance) {
  const auto read = [](ByteView input) { static_cast<void>(operations::Provenance::decode(input)); };
  const std::string begin = R"({"payloadType":"application/vnd.in-toto+json","payload":")";
  const Shape statement = [&](std::size_t size) {
    const Shape subjects =
        list(R"({"_type":"https://in-toto.io/Statement/v1","predicateType":"https://slsa.dev/provenance/v1",)"
             R"("predicate":{},"subject":[)",
             R"({"digest":{"sha256":")" + std::string(64, 'a') + R"("}})", "]}");
    return begin + to_base64(as_bytes(subjects(size / 4 * 3 - 250))) + R"(","signatures":[]})";
  };
  expect_bounded("subjects", read, statement, operations::kMaxPaperBytes / 8);
  expect_bounded("signatures", read, list(begin + R"(","signatures":[)", R"({"sig":"AAAA"})", "]}"),
                 operations::kMaxPaperBytes / 8);
}

// --- the signing process ----------------------------------------------------------------------------------

TEST(Bounds, SigningRequests) {
  const auto read = [](ByteView input) { static_cast<void>(signing::decode_request(input)); };
  const Shape message = [](std::size_t size) {
    return R"({"ask":"sign","key":"ledger","message":")" + std::string(size / 4 * 4 - 64, 'A') + R"("})";
  };
  expect_bounded("a message", read, message, signing::kMaxFrameBytes);
  expect_bounded("members", read,
                 list(R"({"ask":"sign",)", [](std::size_t i) { return quoted(name_of(i)) + ":0"; }, "}"),
                 signing::kMaxFrameBytes);
  const auto answer = [](ByteView input) { static_cast<void>(signing::decode_answer(input)); };
  expect_bounded("a key", answer, list(R"({"answer":"key","key":[)", "0", "]}"), signing::kMaxFrameBytes);
}

TEST(Bounds, MessagesToBeSigned) {
  const auto canonical = [](ByteView input) { static_cast<void>(signing::read_canonical(input)); };
  constexpr std::size_t kMost = signing::kMaxFrameBytes / 4 * 3;
  expect_bounded(
      "newlines", canonical, [](std::size_t size) { return '"' + std::string(size, '\n') + '"'; }, kMost);
  expect_bounded("numbers", canonical, list("[", "0", "]"), kMost);
  const crypto::PublicKey key = crypto::PublicKey::ed25519(Bytes(32, 1));
  const auto snapshot = [&](ByteView input) {
    static_cast<void>(signing::read_content(signing::Duty::ImageSnapshot, input, {&key, &key}));
  };
  expect_bounded("roles", snapshot,
                 list(R"({"_type":"snapshot","expires":"2031-01-01T00:00:00Z","meta":{)",
                      [](std::size_t i) { return quoted(name_of(i) + ".json") + R"(:{"version":1})"; },
                      R"(},"spec_version":"1.0.34","version":1})"),
                 kMost);
}

// --- an ECU's records and frames ---------------------------------------------------------------------------

/// One record, whatever its name is; what is written is forgotten.
struct OneRecord final : client::StateStore {
  explicit OneRecord(ByteView content) : record(content) {}
  [[nodiscard]] Result<std::optional<Bytes>> load(std::string_view) const override {
    return std::optional(Bytes(record.begin(), record.end()));
  }
  Result<void> save(std::string_view, ByteView) override { return {}; }
  Result<void> erase(std::string_view) override { return {}; }
  ByteView record;
};

TEST(Bounds, RecordsOfAnEcu) {
  const auto slots = [](ByteView input) {
    OneRecord store(input);
    client::FloorRecords floors(store, "the flash");
    client::SlotRecords records(store, {floors, EcuSerial("ecu1")});
    static_cast<void>(records.settle_floor());
    static_cast<void>(records.confirmed());
    static_cast<void>(records.incoming());
    static_cast<void>(records.floor());
  };
  const auto book = [](ByteView input) {
    OneRecord store(input);
    client::FloorRecords floors(store, "the flash");
    static_cast<void>(client::ReportBook(store, floors, EcuSerial("ecu1")).open(UtcTime{}));
  };
  const NamedShape attacks = {"attacks",
                              list(R"({"counter":1,"attacks":[)", R"({"what":"","reported":true})", "]}")};
  for (const NamedShape& each : json_shapes()) {
    expect_bounded(each.name, slots, each.shape, 32 * 1024);
    expect_bounded(each.name, book, each.shape, 32 * 1024);
  }
  expect_bounded(attacks.name, book, attacks.shape, 64 * 1024);
}

TEST(Bounds, PackedMetadata) {
  const auto load = [](ByteView input) {
    OneRecord store(input);
    static_cast<void>(client::PackedMetadata(store).load(Repository::Director, RoleName("root")));
  };
  const Shape files = [](std::size_t size) {
    wire::FieldWriter out;
    for (std::size_t i = 0; out.bytes().size() < size; ++i) {
      out.text(name_of(i));
      out.blob({});
    }
    return std::string(as_text(out.bytes()));
  };
  const Shape claims = [](std::size_t size) {
    return std::string("\x00\x04root\xff\xff\xff\xff", 10) + std::string(size, 'x');
  };
  expect_bounded("many files", load, files, 256 * 1024);
  expect_bounded("a file that claims 4 GiB", load, claims, 256 * 1024);
}

TEST(Bounds, FramesThatClaimMoreThanTheyHold) {
  const auto decode = [](ByteView input) {
    for (unsigned type = 0; type < 256; ++type) {
      static_cast<void>(wire::decode_request(static_cast<std::uint8_t>(type), input));
      static_cast<void>(wire::decode_reply(static_cast<std::uint8_t>(type), input));
    }
  };
  const Shape blob = [](std::size_t size) {
    return std::string("\xff\xff\xff\xff", 4) + std::string(size, 'x');
  };
  const Shape whole = [](std::size_t size) {
    wire::FieldWriter out;
    out.blob(to_bytes(std::string(size, 'x')));
    return std::string(as_text(out.bytes()));
  };
  expect_bounded("a blob of 4 GiB", decode, blob, wire::kMaxPayload);
  expect_bounded("a blob", decode, whole, wire::kMaxPayload);
  const Bytes header{'C', 't', 1, 1, 0xff, 0xff, 0xff, 0xff};
  const Memory memory = memory_of(
      [](ByteView input) { static_cast<void>(wire::read_header(input, wire::kMaxPayload)); }, header);
  EXPECT_LT(memory.peak, 1024U);
}

// --- the test itself --------------------------------------------------------------------------------------

TEST(Bounds, AreNoticedWhenTheyAreBroken) {
  const auto greedy = [](ByteView input) { const Bytes all(input.size() * 40); };
  const std::string input(100'000, 'x');
  EXPECT_GT(memory_of(greedy, as_bytes(input)).peak, kFactor * input.size() + kConstant);
  EXPECT_GE(memory_of([](ByteView) { std::string(100, 'x').append(100, 'y'); }, {}).blocks, 2U);
}

}  // namespace
}  // namespace cotter::bounds
