// A plain TUF client: the image repository alone, and the contract of cotter-tuf. The judge reads its two
// folders.
#include <fstream>
#include <iterator>

#include "common/host/atomic_file.h"
#include "common/json/strict_reader.h"
#include "common/model/file_names.h"
#include "tests/replay/play.h"

namespace cotter::replay {
namespace {

namespace fs = std::filesystem;
using scenario::at;
using scenario::FileId;
using scenario::find;
using scenario::text;

constexpr std::uint64_t kMaxFile = 64ULL * 1024 * 1024;

/// The digest of every file below a folder.
std::map<std::string, std::string> digests_below(const fs::path& folder) {
  std::map<std::string, std::string> all;
  std::error_code gone;
  for (const auto& entry : fs::recursive_directory_iterator(folder, gone)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(in), {}};
    all[fs::relative(entry.path(), folder).string()] = to_hex(crypto::sha256(as_bytes(content)));
  }
  return all;
}

class TufPlay final : public Play {
 public:
  TufPlay(const scenario::Scenario& scenario, Client client, Abilities abilities, fs::path folder)
      : Play(scenario, std::move(client), std::move(abilities), std::move(folder)) {}

 private:
  [[nodiscard]] fs::path metadata() const { return folder_ / "client/metadata"; }
  [[nodiscard]] fs::path targets() const { return folder_ / "client/targets"; }

  Result<void> begin() override {
    TRY(host::make_dir(folder_ / "client"));
    TRY(host::make_dir(metadata()));
    TRY(host::make_dir(targets()));
    const fs::path root = folder_ / "root.json";
    TRY(host::write_atomically(root, stage_.vehicle.image.files.at("1.root.json")));
    const Answer answer = TRY(call({"--metadata-dir", metadata().string(), "init", root.string()}));
    if (!lapsed() && answer.exit_code != 0) {
      return fault(Fault::Kind::Usage,
                   "init with a good root ended with " + std::to_string(answer.exit_code));
    }
    if (!front_.requests().empty()) lapse(Lapse::Asked, "init made a request: " + front_.requests().front());
    outside_ = names_outside();
    return {};
  }

  Result<bool> act(const std::string& verb, const json::Value& what) override {
    if (verb == "cycle") {
      TRY(cycle(what));
    } else if (verb == "find") {
      TRY(judged(download({text(what, "image")}), at(what, "result")));
      if (at(what, "result").as_string() != nullptr) baseline_ = digests_below(targets());
    } else if (verb == "damage") {
      const FileId file = FileId::parse(*what.as_string());
      TRY(host::write_atomically(stored(file.role), as_bytes("{\"signed\":{}}")));
    } else {
      return false;
    }
    return true;
  }

  /// What a vehicle's cycle is to a client that is told the names: a download of all that is wanted and was
  /// ever listed, or else a mere refresh.
  Result<void> cycle(const json::Value& what) {
    const json::Value* rule = what.as_object() != nullptr ? find(what, "reject") : nullptr;
    const bool searches = rule != nullptr && (*rule == "match-image-unknown" || *rule == "delegation-bomb");
    std::vector<std::string> names;
    for (const auto& [ecu, image] : wanted_) {
      if (searches || published_.contains(image)) names.push_back(image);
    }
    if (!names.empty()) return judged(download(names), what);
    return judged({"--metadata-dir", metadata().string(), "--metadata-url", front_.image_url(), "refresh"},
                  what);
  }

  [[nodiscard]] std::vector<std::string> download(const std::vector<std::string>& names) const {
    std::vector<std::string> words = {"--metadata-dir",    metadata().string(),      "--metadata-url",
                                      front_.image_url(),  "--target-dir",           targets().string(),
                                      "--target-base-url", front_.image_target_url()};
    for (const std::string& name : names) words.insert(words.end(), {"--target-name", name});
    words.emplace_back("download");
    return words;
  }

  Result<void> judged(const std::vector<std::string>& words, const json::Value& must) {
    const auto before = digests_below(targets());
    const Answer answer = TRY(call(words));
    const auto after = digests_below(targets());
    const bool succeeds = must.as_string() != nullptr;
    if (names_outside() != outside_) lapse(Lapse::Wrote, "it wrote a file outside its two folders");
    if (!succeeds && after != before)
      lapse(Lapse::Installed, "its targets changed: " + difference(before, after));
    if (!succeeds && answer.exit_code == 0) lapse(Lapse::Accepted, "it took for success what it must refuse");
    if (succeeds && answer.exit_code != 0)
      lapse(Lapse::Kept, "it failed where it must succeed: " + client_.complaint());
    return {};
  }

  [[nodiscard]] std::string difference(const std::map<std::string, std::string>& before,
                                       const std::map<std::string, std::string>& after) const {
    for (const auto& [name, digest] : after) {
      const auto was = before.find(name);
      if (was == before.end() || was->second != digest) return name + " is " + name_of_content(digest);
    }
    return "a file is gone";
  }

  Result<void> expect(const json::Value& what) override {
    if (const json::Value* trusted = find(what, "trusted")) {
      for (const auto& [name, version] : *trusted->as_object()) {
        const FileId file = FileId::parse(name);
        if (file.repository == Repository::Image) expect_trusted(name, file.role, version);
      }
    }
    const auto now = digests_below(targets());
    if (const json::Value* installed = find(what, "installed")) {
      if (const auto* images = installed->as_object()) {
        for (const auto& [ecu, image] : *images) expect_stored(*image.as_string(), now);
      } else if (now != baseline_) {
        lapse(Lapse::Installed, "its targets changed: " + difference(baseline_, now));
      }
    }
    baseline_ = now;
    return {};
  }

  void expect_stored(const std::string& image, const std::map<std::string, std::string>& now) {
    const auto content = published_.find(image);
    if (content == published_.end()) return;  // made in the factory: a client of TUF never had it
    for (const auto& [name, digest] : now) {
      if (digest == sha256_of(content->second)) return;
    }
    lapse(Lapse::Kept, image + " is not among its targets");
  }

  void expect_trusted(const std::string& name, const RoleName& role, const json::Value& version) {
    const auto bytes = host::read_file(stored(role), kMaxFile);
    const auto document = bytes ? json::read(*bytes) : Result<json::Value>(fail(bytes.error()));
    const json::Value* content =
        document && document->as_object() != nullptr ? find(*document, "signed") : nullptr;
    const json::Value* has =
        content != nullptr && content->as_object() != nullptr ? find(*content, "version") : nullptr;
    if (has == nullptr ? version.is_null() : *has == version) return;
    const auto in_words = [](const json::Value* number) {
      return number != nullptr && number->as_int() ? "version " + std::to_string(*number->as_int()) : "none";
    };
    lapse(Lapse::Trusted,
          "it trusts " + in_words(has) + " of " + name + ", and must trust " + in_words(&version));
  }

  [[nodiscard]] fs::path stored(const RoleName& role) const {
    return metadata() / (model::percent_encoded_segment(role.value()) + ".json");
  }

  /// What lies round the client's folders.
  [[nodiscard]] std::vector<std::string> names_outside() const {
    std::vector<std::string> names;
    for (const fs::path& folder : {folder_, folder_ / "client"}) {
      for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  std::map<std::string, std::string> baseline_;
  std::vector<std::string> outside_;
};

}  // namespace

std::unique_ptr<Play> tuf_play(const scenario::Scenario& scenario, Client client, Abilities abilities,
                               fs::path folder) {
  return std::make_unique<TufPlay>(scenario, std::move(client), std::move(abilities), std::move(folder));
}

}  // namespace cotter::replay
