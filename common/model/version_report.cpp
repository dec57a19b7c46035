#include "common/model/file_names.h"
#include "common/model/header.h"
#include "common/model/manifest.h"

namespace cotter::model {
namespace {

constexpr std::string_view kType = "ecu-report";
constexpr std::size_t kMaxAttacksDetected = 1024;  // FMT-84

Result<InstalledImage> decode_installed(const json::ObjectView& view) {
  InstalledImage image;
  image.name = TargetName(TRY(view.string("filepath")));
  if (!is_safe_target_name(image.name.value())) {
    TRY(refuse(RuleId::TargetNameUnsafe, "installed_image.filepath as an image may be named",
               shown(image.name.value())));
  }
  const json::ObjectView info = TRY(view.object("fileinfo"));
  image.length = TRY(info.integer("length"));
  const json::Value* hashes = TRY(info.value("hashes"));
  image.hashes = TRY(crypto::Hashes::decode(*hashes));
  return image;
}

json::Value encode_installed(const InstalledImage& image) {
  return json::Object{
      {"filepath", json::Value(image.name.value())},
      {"fileinfo", json::Object{{"hashes", image.hashes.encode()}, {"length", json::Value(image.length)}}}};
}

Result<std::string> decode_attacks(const json::ObjectView& view) {
  std::string attacks = TRY(view.string("attacks_detected"));
  if (attacks.size() > kMaxAttacksDetected) {
    TRY(refuse(RuleId::MemberWrongKind, "attacks_detected of at most 1024 bytes",
               std::to_string(attacks.size())));
  }
  return attacks;
}

}  // namespace

Result<VersionReport> VersionReport::decode(const json::Value& signed_part) {
  const json::ObjectView view = TRY(open_typed(signed_part, kType));
  VersionReport report;
  report.vin = VehicleId(TRY(decode_identifier(view, "vin")));
  report.ecu = EcuSerial(TRY(decode_identifier(view, "ecu_serial")));
  const json::ObjectView installed = TRY(view.object("installed_image"));
  report.installed = TRY(decode_installed(installed));
  report.attacks_detected = TRY(decode_attacks(view));
  report.time = TRY(view.time("timeserver_time"));
  report.previous_time = TRY(view.time("previous_timeserver_time"));
  report.counter = TRY(view.integer("report_counter"));
  if (view.find("director_targets_version") != nullptr) {
    report.director_targets_version = Version(TRY(view.integer("director_targets_version")));
  }
  if (view.find("release_counter") != nullptr) {
    report.release_counter = ReleaseCounter(TRY(view.integer("release_counter")));
  }
  if (view.find("custom") != nullptr) {
    const json::ObjectView custom = TRY(view.object("custom"));
    report.custom = custom.members();
  }
  report.unknown = other_members(
      view, {"_type", "vin", "ecu_serial", "installed_image", "attacks_detected", "timeserver_time"},
      {"previous_timeserver_time", "report_counter", "director_targets_version", "release_counter",
       "custom"});
  return report;
}

json::Value VersionReport::encode() const {
  Members members = members_of(unknown);
  members.push_back({"_type", json::Value(kType)});
  members.push_back({"vin", json::Value(vin.value())});
  members.push_back({"ecu_serial", json::Value(ecu.value())});
  members.push_back({"installed_image", encode_installed(installed)});
  members.push_back({"attacks_detected", json::Value(attacks_detected)});
  members.push_back({"timeserver_time", json::Value(format_utc(time))});
  members.push_back({"previous_timeserver_time", json::Value(format_utc(previous_time))});
  members.push_back({"report_counter", json::Value(counter)});
  if (director_targets_version) {
    members.push_back({"director_targets_version", json::Value(director_targets_version->value())});
  }
  if (release_counter) members.push_back({"release_counter", json::Value(release_counter->value())});
  if (!custom.empty()) members.push_back({"custom", json::Value(custom)});
  return json::Object(std::move(members));
}

}  // namespace cotter::model
