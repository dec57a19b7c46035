#include "client/secondary/report_book.h"

#include <algorithm>
#include <utility>

#include "common/json/canonical.h"
#include "common/json/object_view.h"
#include "common/json/strict_reader.h"
#include "common/model/file_names.h"

namespace cotter::client {
namespace {

constexpr std::string_view kReportRecord = "report";
constexpr std::string_view kLastRecord = "report-last";
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
  const std::optional<Bytes> record = TRY(store_.load(kReportRecord));
  if (const auto last = store_.load(kLastRecord); last && *last) {
    static_cast<void>(decode_last(**last));  // what a power cut took of it is found out anew
  }
  if (!record) return {};
  if (!decode(*record)) {
    counter_ = static_cast<std::uint64_t>(std::max<std::int64_t>(now.time_since_epoch().count(), 0));
    attacks_.clear();
  }
  kept_ = counter_;
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
  report.counter = TRY(next_counter());
  last_time_ = report.time;
  TRY(keep_last());
  return TRY(model::sign_document(report.encode(), signer)).wire();
}

/// An ECU whose floors cannot be read takes no update, and must all the more be heard: the book alone counts.
Result<std::uint64_t> ReportBook::next_counter() {
  const auto reserved = reserved_.next(counter_);
  counter_ = reserved ? *reserved : counter_ + 1;
  const std::uint64_t taken = std::max(counter_, reserved ? reserved_.reserved() : 0);
  if (taken > kept_) {
    // Before one of them is used: a power cut must not give it to another report, be the floors lost by then.
    const std::uint64_t before = std::exchange(kept_, taken);
    if (const auto saved = save(); !saved) {
      kept_ = before;
      return fail(saved.error());
    }
  }
  return counter_;
}

/// None of it must be durable: without the time a report may be a little older than the last one, where the
/// clock was set back too; without the version it is told anew once the director's targets were verified.
Result<void> ReportBook::keep_last() {
  json::Object record;
  if (last_time_) record.set("time", json::Value(format_utc(*last_time_)));
  if (director_targets_) record.set("director_targets", json::Value(director_targets_->value()));
  return store_.save_soon(kLastRecord, as_bytes(json::to_text(json::Value(std::move(record))) + "\n"));
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
  const bool newer = director_targets_ < director_targets;
  director_targets_ = director_targets;
  TRY(keep_last());
  if (!newer || std::erase_if(attacks_, [](const Attack& attack) { return attack.reported; }) == 0) return {};
  return save();
}

Bytes ReportBook::encode() const {
  json::Array attacks;
  for (const Attack& attack : attacks_) {
    attacks.push_back(json::Object{{"reported", json::Value(attack.reported)}, {"what", attack.text}});
  }
  json::Object record{{"attacks", std::move(attacks)}, {"counter", json::Value(kept_)}};
  return to_bytes(json::to_text(json::Value(std::move(record))) + "\n");
}

Result<void> ReportBook::decode_last(ByteView record) {
  const json::Value value = TRY(json::read(record));
  const auto view = TRY(json::ObjectView::of(value, std::string(kLastRecord)));
  if (view.find("time") != nullptr) last_time_ = TRY(view.time("time"));
  if (view.find("director_targets") != nullptr) {
    director_targets_ = Version(TRY(view.integer("director_targets")));
  }
  return {};
}

Result<void> ReportBook::decode(ByteView record) {
  const json::Value value = TRY(json::read(record));
  const auto view = TRY(json::ObjectView::of(value, std::string(kReportRecord)));
  counter_ = TRY(view.integer("counter"));
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
