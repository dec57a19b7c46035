#include "server/ledger/entry.h"

#include <algorithm>
#include <array>

#include "common/json/canonical.h"
#include "common/json/object_view.h"
#include "common/json/strict_reader.h"

namespace cotter::ledger {
namespace {

constexpr std::string_view kEntryType = "cotter-ledger-entry";
constexpr std::array<std::string_view, 5> kMembers = {"_type", "kind", "time", "who", "subject"};

Error malformed_entry(std::string_view what) {
  return Fault{Fault::Kind::Denied, "not an entry of the log: " + std::string(what), {}};
}

}  // namespace

Result<Bytes> Entry::encode() const {
  json::Object object = details;
  for (const std::string_view member : kMembers) {
    if (object.find(member) != nullptr) {
      return fault(Fault::Kind::Usage, "an entry's detail is named " + std::string(member));
    }
  }
  object.set("_type", kEntryType);
  object.set("kind", kind);
  object.set("time", format_utc(time));
  object.set("who", who);
  object.set("subject", subject);
  Bytes bytes = to_bytes(json::to_text(object));
  if (bytes.size() > kMaxEntryBytes) {
    return fault(Fault::Kind::Usage,
                 "an entry of kind " + kind + " about " + subject + " takes " + std::to_string(bytes.size()) +
                     " bytes: the log holds entries of at most " + std::to_string(kMaxEntryBytes),
                 "do it in smaller steps");
  }
  // The log is never rewritten: what nobody could read would damage it for good.
  if (const auto read = decode(bytes); !read) {
    return fault(Fault::Kind::Usage,
                 "an entry of kind " + kind + " could not be read again: " + summary(read.error()),
                 "give text as UTF-8");
  }
  return bytes;
}

Result<Entry> Entry::decode(ByteView bytes) {
  if (bytes.size() > kMaxEntryBytes) return fail(malformed_entry("it is too long"));
  const json::Value value = TRY(json::read(bytes));
  if (json::to_text(value) != as_text(bytes))
    return fail(malformed_entry("it could be written in another way"));
  const auto view = TRY(json::ObjectView::of(value, "entry"));
  if (TRY(view.string("_type")) != kEntryType) return fail(malformed_entry("it is of another type"));
  Entry entry;
  entry.kind = TRY(view.string("kind"));
  entry.time = TRY(view.time("time"));
  entry.who = TRY(view.string("who"));
  entry.subject = TRY(view.string("subject"));
  entry.details = view.members();
  for (const std::string_view member : kMembers) entry.details.erase(member);
  return entry;
}

}  // namespace cotter::ledger
