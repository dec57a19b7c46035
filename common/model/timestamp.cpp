#include "common/model/header.h"
#include "common/model/roles.h"

namespace cotter::model {
namespace {

constexpr std::string_view kSnapshotFile = "snapshot.json";

/// Uptane asks for hashes where TUF leaves them open (FMT-40); the length lets a vehicle stop reading in time
/// (GAP-39).
Result<void> check_complete(const FileMeta& snapshot) {
  if (!snapshot.length) TRY(refuse(RuleId::MemberMissing, "signed.meta.snapshot.json.length", "absent"));
  if (!snapshot.hashes) TRY(refuse(RuleId::MemberMissing, "signed.meta.snapshot.json.hashes", "absent"));
  return {};
}

}  // namespace

Result<Timestamp> Timestamp::decode(const json::Value& signed_part, Profile profile) {
  const json::ObjectView view = TRY(open_typed(signed_part, kType));
  Timestamp timestamp;
  static_cast<Header&>(timestamp) = TRY(decode_header(view, profile, {"meta", "vin"}));
  const json::ObjectView meta = TRY(view.object("meta"));
  if (meta.members().size() != 1 || meta.find(kSnapshotFile) == nullptr) {
    TRY(refuse(RuleId::TimestampMetaNotOnlySnapshot, "signed.meta with snapshot.json alone",
               std::to_string(meta.members().size()) + " entries" +
                   (meta.find(kSnapshotFile) == nullptr ? " without it" : "")));
  }
  const json::ObjectView entry = TRY(meta.object(kSnapshotFile));
  timestamp.snapshot = TRY(FileMeta::decode(entry));
  if (profile == Profile::Vehicle) TRY(check_complete(timestamp.snapshot));
  timestamp.vin = TRY(decode_vin(view, profile));
  return timestamp;
}

json::Value Timestamp::encode() const {
  Members members = encode_header(*this, kType);
  members.push_back({"meta", json::Object{{std::string(kSnapshotFile), snapshot.encode()}}});
  encode_vin(vin, members);
  return json::Object(std::move(members));
}

}  // namespace cotter::model
