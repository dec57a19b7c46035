#include "common/trust/time_state.h"

#include "common/json/canonical.h"
#include "common/json/object_view.h"
#include "common/json/strict_reader.h"
#include "common/trust/record_seal.h"

namespace cotter::trust {
namespace {

Result<TimeState::Attested> decode_attested(const json::ObjectView& view) {
  TimeState::Attested attested;
  attested.time = TRY(view.time("time"));
  attested.at.boot = TRY(view.string("boot"));
  attested.at.since = std::chrono::seconds(TRY(view.integer("since")));
  return attested;
}

}  // namespace

Result<TimeState> TimeState::decode(ByteView record) {
  const json::Value document = TRY(json::read(record));
  const json::ObjectView view = TRY(json::ObjectView::of(document, "time state"));
  TimeState state;
  if (!is_whole(view)) return fault(Fault::Kind::Io, "the time state is damaged");
  state.floor = TRY(view.time("floor"));
  state.root_expires = TRY(view.time("root_expires"));
  state.root_source = TRY(view.string("root_source"));
  if (const json::Value* source = view.find("source")) state.source = TRY(model::TimeSource::decode(*source));
  if (view.find("attested") != nullptr) {
    const json::ObjectView attested = TRY(view.object("attested"));
    state.attested = TRY(decode_attested(attested));
  }
  if (view.find("unconfirmed") != nullptr) state.unconfirmed = TRY(view.time("unconfirmed"));
  return state;
}

Bytes TimeState::encode() const {
  json::Object record{
      {"floor", format_utc(floor)}, {"root_expires", format_utc(root_expires)}, {"root_source", root_source}};
  if (source) record.set("source", source->encode());
  if (attested) {
    record.set("attested", json::Object{{"boot", attested->at.boot},
                                        {"since", std::int64_t{attested->at.since.count()}},
                                        {"time", format_utc(attested->time)}});
  }
  if (unconfirmed) record.set("unconfirmed", format_utc(*unconfirmed));
  seal(record);
  return to_bytes(json::to_text(json::Value(std::move(record))) + "\n");
}

}  // namespace cotter::trust
