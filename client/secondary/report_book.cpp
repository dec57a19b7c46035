#include "client/secondary/report_book.h"

#include <algorithm>
#include <utility>

#include "common/json/canonical.h"
#include "common/json/object_view.h"
#include "common/json/strict_reader.h"
#include "common/model/file_names.h"

namespace cotter::client {
namespace {

constexpr std::string_view kRecord = "report";
constexpr std::size_t kMaxAttacks = 8;        // FVS-8
constexpr std::size_t kMaxAttackBytes = 127;  // eight of them and their commas fit FMT-84's 1024 bytes

/// "director/targets:rule-id"; what stands before the colon is encoded, for a role's name is anybody's.
std::string spelt(const Rejection& rejection) {
  const std::string rule = ":" + std::string(rule_of(rejection.rule).name);
  std::string where;
  if (rejection.repository) where = std::string(name_of(*rejection.repository)) + "/";
  where += model::percent_encoded_segment(rejection.role);
  return where.substr(0, kMaxAttackBytes - rule.size()) + rule;
}

/// A clock set back a little is not believed, since the director takes no report older than the last
/// (DIR-25). One that ran far ahead was not believed by the director either, and must not hold up every
/// report until the calendar has caught up.
UtcTime report_time(UtcTime now, std::optional<UtcTime> last, std::chrono::seconds ahead) {
  return last && *last > now && *last - now <= ahead ? *last : now;
}

}  // namespace

Result<void> ReportBook::open(UtcTime now) {
  const std::optional<Bytes> record = TRY(store_.load(kRecord));
  if (!record || decode(*record)) return {};
  counter_ = static_cast<std::uint64_t>(std::max<std::int64_t>(now.time_since_epoch().count(), 0));
  last_time_.reset();
  director_targets_.reset();
  attacks_.clear();
  return {};
}

Result<Bytes> ReportBook::report(const EcuIdentity& identity, const Running& running, UtcTime now,
                                 crypto::Signer& signer, std::chrono::seconds ahead) {
  model::VersionReport report;
  report.vin = identity.vin;
  report.ecu = identity.serial;
  report.installed = running.image;
  report.release_counter = running.release_counter;
  report.director_targets_version = director_targets_;
  report.time = report_time(now, last_time_, ahead);
  report.previous_time = last_time_.value_or(report.time);
  for (Attack& attack : attacks_) {
    if (!report.attacks_detected.empty()) report.attacks_detected += ",";
    report.attacks_detected += attack.text;
    attack.reported = true;
  }
  counter_ = next_counter();
  report.counter = counter_;
  last_time_ = report.time;
  TRY(save());  // before the counter is used: a power cut must not give it to another report
  return TRY(model::sign_document(report.encode(), signer)).wire();
}

/// An ECU whose floors cannot be read takes no update, and must all the more be heard.
std::uint64_t ReportBook::next_counter() {
  const auto reserved = reserved_.next(counter_);
  return reserved ? *reserved : counter_ + 1;
}

void ReportBook::note(const Rejection& rejection) {
  std::string text = spelt(rejection);
  // One fault met again and again must not push the others out.
  std::erase_if(attacks_, [&](const Attack& known) { return known.text == text; });
  if (attacks_.size() == kMaxAttacks) attacks_.erase(attacks_.begin());
  attacks_.push_back({std::move(text)});
  // Storage that fails here fails the next report too, and loudly; the record in memory is still there then.
  static_cast<void>(save());
}

Result<void> ReportBook::accepted(Version director_targets) {
  if (director_targets_ == director_targets) return {};
  if (director_targets_ < director_targets) {
    std::erase_if(attacks_, [](const Attack& attack) { return attack.reported; });
  }
  director_targets_ = director_targets;
  return save();
}

Bytes ReportBook::encode() const {
  json::Array attacks;
  for (const Attack& attack : attacks_) {
    attacks.push_back(json::Object{{"reported", json::Value(attack.reported)}, {"what", attack.text}});
  }
  json::Object record{{"attacks", std::move(attacks)}, {"counter", json::Value(counter_)}};
  if (last_time_) record.set("time", json::Value(format_utc(*last_time_)));
  if (director_targets_) record.set("director_targets", json::Value(director_targets_->value()));
  return to_bytes(json::to_text(json::Value(std::move(record))) + "\n");
}

Result<void> ReportBook::decode(ByteView record) {
  const json::Value value = TRY(json::read(record));
  const auto view = TRY(json::ObjectView::of(value, std::string(kRecord)));
  counter_ = TRY(view.integer("counter"));
  if (view.find("time") != nullptr) last_time_ = TRY(view.time("time"));
  if (view.find("director_targets") != nullptr) {
    director_targets_ = Version(TRY(view.integer("director_targets")));
  }
  const json::Array& attacks = *TRY(view.array("attacks"));
  if (attacks.size() > kMaxAttacks) return fault(Fault::Kind::Io, "more attacks than are kept");
  for (const json::Value& each : attacks) {
    const auto attack = TRY(json::ObjectView::of(each, "attack"));
    std::string what = TRY(attack.string("what"));
    if (what.size() > kMaxAttackBytes) return fault(Fault::Kind::Io, "an attack that no report could name");
    const bool reported = TRY(attack.boolean("reported"));
    attacks_.push_back({std::move(what), reported});
  }
  return {};
}

}  // namespace cotter::client
