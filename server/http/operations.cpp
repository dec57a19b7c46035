#include "server/http/operations.h"

#include <spdlog/spdlog.h>

#include <charconv>
#include <optional>
#include <string>

#include "common/json/canonical.h"
#include "server/http/conditional.h"
#include "server/http/problem.h"

namespace cotter::http {
namespace {

using operations::Caller;
using operations::SubmissionRecord;
using operations::TokenRole;

constexpr std::string_view kSubmissions = "/api/v1/submissions";
constexpr std::string_view kFiles = "/files/";
constexpr std::string_view kComplete = "/complete";
constexpr std::string_view kPartType = "application/partial-upload";
// draft-ietf-httpbis-resumable-upload, 4.1
constexpr const char* kMismatch = "https://iana.org/assignments/http-problem-types#mismatching-upload-offset";

/// What a path under /api/v1/submissions names.
struct Place {
  enum class Kind : std::uint8_t { All, One, File, Completion };
  Kind kind = Kind::All;
  std::string id{};
  Bytes sha256{};
};

std::optional<Place> place_of(std::string_view path) {
  if (!path.starts_with(kSubmissions)) return std::nullopt;
  std::string_view rest = path.substr(kSubmissions.size());
  if (rest.empty()) return Place{};
  if (!rest.starts_with('/')) return std::nullopt;
  rest.remove_prefix(1);
  const bool is_completion = rest.ends_with(kComplete);
  if (is_completion) rest.remove_suffix(kComplete.size());
  const auto files = rest.find(kFiles);
  Place place{Place::Kind::One, std::string(rest.substr(0, files))};
  if (!operations::is_submission_id(place.id)) return std::nullopt;
  if (is_completion) place.kind = Place::Kind::Completion;
  if (files == std::string_view::npos) return place;
  if (is_completion) return std::nullopt;
  auto sha256 = from_hex(rest.substr(files + kFiles.size()));
  if (!sha256) return std::nullopt;
  place.kind = Place::Kind::File;
  place.sha256 = *std::move(sha256);
  return place;
}

Response json_response(unsigned status, json::Object object) {
  Response response;
  response.status = status;
  response.headers["Content-Type"] = "application/json";
  response.headers["Cache-Control"] = "no-store";
  response.body = to_bytes(json::to_text(std::move(object)));
  return response;
}

/// A Usage or a Conflict is about what was asked for, in words for the caller; all other Faults are ours.
Response refused(const Caller& caller, const Error& error) {
  spdlog::warn("the operations API refuses {}: {}", caller.name, summary(error));
  if (is_fault(error, Fault::Kind::NotFound)) return problem(404, "not found", "there is no such thing here");
  if (is_fault(error, Fault::Kind::Usage)) return problem(422, "not taken", summary(error));
  if (is_fault(error, Fault::Kind::Conflict)) return problem(409, "conflict", summary(error));
  return problem(error);
}

Response not_allowed(const char* allowed) {
  Response response = problem(405, "method not allowed", std::string("this takes ") + allowed);
  response.headers["Allow"] = allowed;
  return response;
}

json::Object as_json(const SubmissionRecord& record) {
  json::Array files;
  for (const auto& file : record.submission.files) {
    json::Object entry{
        {"kind", name_of(file.kind)}, {"sha256", to_hex(file.sha256)}, {"length", file.length}};
    json::Array roles;
    for (const RoleName& role : file.roles) roles.emplace_back(role.value());
    if (!roles.empty()) entry.set("roles", std::move(roles));
    files.emplace_back(std::move(entry));
  }
  return {{"id", record.id},
          {"supplier", record.supplier},
          {"token", record.token},
          {"state", name_of(record.state)},
          {"created", format_utc(record.created)},
          {"changed", format_utc(record.changed)},
          {"files", std::move(files)},
          {"remarks", json::Array(record.remarks.begin(), record.remarks.end())},
          {"approvals", json::Array(record.approvals.begin(), record.approvals.end())}};
}

Response list(app::OperationsService& service, const Request& request) {
  static constexpr std::string_view kAfter = "after=";
  std::optional<std::string_view> after;
  if (!request.query.empty()) after = request.query;
  if (after && !after->starts_with(kAfter))
    return problem(400, "bad request", "after is all that can be asked for");
  if (after) after->remove_prefix(kAfter.size());
  const auto page = service.submissions(*request.bearer, after);
  if (!page) return refused(*request.bearer, page.error());
  json::Array all;
  for (const SubmissionRecord& record : page->submissions) all.emplace_back(as_json(record));
  json::Object answer{{"submissions", std::move(all)}};
  if (page->next) answer.set("next", *page->next);
  return json_response(200, std::move(answer));
}

Response create(app::OperationsService& service, const Request& request) {
  const auto record = service.open_submission(*request.bearer, request.body);
  if (!record) return refused(*request.bearer, record.error());
  spdlog::info("{} hands in submission {}", request.bearer->name, record->id);
  Response response = json_response(201, as_json(*record));
  response.headers["Location"] = std::string(kSubmissions) + '/' + record->id;
  return response;
}

Response show(app::OperationsService& service, const Caller& caller, const Place& place) {
  const auto record = service.submission(caller, place.id);
  return record ? json_response(200, as_json(*record)) : refused(caller, record.error());
}

Response withdraw(app::OperationsService& service, const Caller& caller, const Place& place) {
  const auto done = service.withdraw(caller, place.id);
  if (!done) return refused(caller, done.error());
  return show(service, caller, place);
}

std::optional<Bytes> token_hash_of(const Request& head) {
  const std::string* authorization = header(head, "authorization");
  return authorization == nullptr ? std::nullopt : operations::bearer_hash(*authorization);
}

bool may_hand_in(const Caller& caller) { return caller.role == TokenRole::Supplier; }

Response forbidden(app::OperationsService& service, const Caller& caller) {
  service.note_forbidden(caller);
  return problem(
      403, "not allowed",
      "a token of role " + std::string(name_of(caller.role)) + " may not do this: suppliers hand in");
}

/// All that is wrong, at once.
Response not_good(const SubmissionRecord& record) {
  Response response = json_response(
      422,
      {{"type", "urn:cotter:submission-refused"},
       {"title", "submission refused"},
       {"status", 422},
       {"detail", std::to_string(record.remarks.size()) + " things are wrong with submission " + record.id},
       {"problems", json::Array(record.remarks.begin(), record.remarks.end())}});
  response.headers["Content-Type"] = "application/problem+json";
  return response;
}

Response complete(app::OperationsService& service, const Request& request, const Place& place) {
  const Caller& caller = *request.bearer;
  if (request.method != Method::Post) return not_allowed("POST");
  if (!may_hand_in(caller)) return forbidden(service, caller);
  const auto record = service.complete(caller, place.id);
  if (!record) return refused(caller, record.error());
  spdlog::info("submission {} of {} is {}", record->id, caller.name, name_of(record->state));
  if (record->state == operations::SubmissionState::Refused) return not_good(*record);
  return json_response(200, as_json(*record));
}

Response with_offset(Response response, const app::UploadState& state) {
  response.headers["Upload-Offset"] = std::to_string(state.held);
  response.headers["Upload-Length"] = std::to_string(state.length);
  response.headers["Upload-Complete"] = state.held == state.length ? "?1" : "?0";
  response.headers["Upload-Limit"] = "max-append-size=" + std::to_string(app::kMaxUploadPiece);
  return response;
}

json::Object as_json(const app::UploadState& state) {
  return {{"offset", state.held}, {"length", state.length}};
}

Response upload_state(app::OperationsService& service, const Caller& caller, const Place& place) {
  const auto state = service.upload_state(caller, place.id, place.sha256);
  return state ? with_offset(json_response(200, as_json(*state)), *state) : refused(caller, state.error());
}

std::optional<std::uint64_t> number_in(const std::string* text) {
  std::uint64_t number = 0;
  if (text == nullptr || text->empty()) return std::nullopt;
  const char* const end = text->data() + text->size();
  const auto [parsed, error] = std::from_chars(text->data(), end, number);
  if (error != std::errc() || parsed != end) return std::nullopt;
  return number;
}

Response append(app::OperationsService& service, const Request& request, const Place& place) {
  const Caller& caller = *request.bearer;
  const std::string* type = header(request, "content-type");
  const auto offset = number_in(header(request, "upload-offset"));
  if (type == nullptr || *type != kPartType || !offset) {
    return problem(400, "bad request",
                   "Upload-Offset and Content-Type application/partial-upload are needed");
  }
  const auto state = service.append(caller, place.id, place.sha256, *offset, request.body);
  if (state) return with_offset(json_response(200, as_json(*state)), *state);
  Response response = refused(caller, state.error());
  if (response.status != 409) return response;
  const auto now = service.upload_state(caller, place.id, place.sha256);
  if (!now) return response;
  json::Object members{{"type", kMismatch},
                       {"title", "conflict"},
                       {"status", 409},
                       {"detail", summary(state.error())},
                       {"expected-offset", now->held},
                       {"provided-offset", *offset}};
  response.body = to_bytes(json::to_text(std::move(members)));
  return with_offset(std::move(response), *now);
}

Response handle_all(app::OperationsService& service, const Request& request) {
  if (request.method == Method::Get || request.method == Method::Head) return list(service, request);
  if (request.method != Method::Post) return not_allowed("GET, HEAD, POST");
  return may_hand_in(*request.bearer) ? create(service, request) : forbidden(service, *request.bearer);
}

Response handle_one(app::OperationsService& service, const Request& request, const Place& place) {
  const Caller& caller = *request.bearer;
  if (request.method == Method::Get || request.method == Method::Head) return show(service, caller, place);
  if (request.method != Method::Delete) return not_allowed("GET, HEAD, DELETE");
  return may_hand_in(caller) ? withdraw(service, caller, place) : forbidden(service, caller);
}

Response handle_file(app::OperationsService& service, const Request& request, const Place& place) {
  const Caller& caller = *request.bearer;
  if (!may_hand_in(caller)) return forbidden(service, caller);
  if (request.method == Method::Get || request.method == Method::Head)
    return upload_state(service, caller, place);
  return request.method == Method::Patch ? append(service, request, place) : not_allowed("GET, HEAD, PATCH");
}

}  // namespace

bool OperationsDoor::bears_token(const Request& head) { return token_hash_of(head).has_value(); }

void OperationsDoor::identify(Request& head) const {
  const auto hash = token_hash_of(head);
  if (!hash) return;
  auto caller = service_->identify(*hash);
  if (!caller) {
    spdlog::error("no token can be looked up: {}", summary(caller.error()));
    head.bearer_unclear = true;
    return;
  }
  head.bearer = *std::move(caller);
}

std::uint64_t OperationsDoor::max_body(const Request& head) const {
  if (!head.bearer || !may_hand_in(*head.bearer)) return 0;
  const auto place = place_of(head.path);
  if (!place) return 0;
  if (place->kind == Place::Kind::All && head.method == Method::Post) return operations::kMaxSubmissionBytes;
  if (place->kind == Place::Kind::File && head.method == Method::Patch) return app::kMaxUploadPiece;
  return 0;
}

Response OperationsDoor::stranger(const Request& request) const {
  if (const auto wait = failures_->take(request.peer, std::chrono::steady_clock::now())) {
    Response response = problem(429, "too many requests", "too often without a good token; see Retry-After");
    response.headers["Retry-After"] = std::to_string(std::chrono::ceil<std::chrono::seconds>(*wait).count());
    return response;
  }
  spdlog::warn("{} comes to the operations API without a good token", request.peer);
  Response response =
      problem(401, "token needed", "send Authorization: Bearer with a token that is still good");
  response.headers["WWW-Authenticate"] = "Bearer";
  return response;
}

Response OperationsDoor::handle(const Request& request) const {
  if (request.bearer_unclear) return problem(503, "not now", "no token can be looked up; try again");
  if (!request.bearer) return stranger(request);
  const auto place = place_of(request.path);
  if (!place) return problem(404, "not found", "nothing is served under this path");
  switch (place->kind) {
    case Place::Kind::All:
      return handle_all(*service_, request);
    case Place::Kind::One:
      return handle_one(*service_, request, *place);
    case Place::Kind::File:
      return handle_file(*service_, request, *place);
    case Place::Kind::Completion:
      return complete(*service_, request, *place);
  }
  return problem(404, "not found", "nothing is served under this path");
}

}  // namespace cotter::http
