#include "server/http/problem.h"

#include "common/json/canonical.h"

namespace cotter::http {
namespace {

/// A Denied is ours too: a signer or the disk refused us. Who calls is judged by the router.
unsigned status_of(const Fault& fault) {
  switch (fault.kind) {
    case Fault::Kind::NotFound:
      return 404;
    case Fault::Kind::Busy:
    case Fault::Kind::Timeout:
      return 503;
    case Fault::Kind::NoSpace:
      return 507;
    default:
      return 500;
  }
}

unsigned status_of(const Rejection& rejection) {
  if (rejection.rule == RuleId::FileTooLarge) return 413;
  return rejection.rule == RuleId::ManifestOtherVehicle ? 403 : 422;
}

Response respond(unsigned status, json::Object members) {
  members.set("status", static_cast<std::int64_t>(status));
  Response response;
  response.status = status;
  response.headers["Content-Type"] = "application/problem+json";
  response.headers["Cache-Control"] = "no-store";
  response.body = to_bytes(json::to_text(std::move(members)));
  return response;
}

}  // namespace

Response problem(unsigned status, std::string_view title, std::string_view detail) {
  return respond(status, {{"type", "about:blank"}, {"title", title}, {"detail", detail}});
}

Response problem(const Error& error) {
  const auto* rejection = std::get_if<Rejection>(&error);
  if (rejection == nullptr) {
    // What a Fault says names files and systems of ours: for the log, not for the caller.
    const unsigned status = status_of(std::get<Fault>(error));
    if (status == 404) return problem(status, "not found", "there is no such vehicle or file");
    return problem(status, "the server failed", "its log says why; try again later");
  }
  const Rule& rule = rule_of(rejection->rule);
  return respond(status_of(*rejection), {{"type", "urn:cotter:rule:" + std::string(rule.name)},
                                         {"title", std::string(rule.name)},
                                         {"detail", summary(error)},
                                         {"rule", rule.name},
                                         {"attack", name_of(rule.attack)}});
}

}  // namespace cotter::http
