#include "tests/replay/front.h"

#include <algorithm>

#include "common/json/object_view.h"
#include "common/json/strict_reader.h"

namespace cotter::replay {
namespace {

using scenario::find;
using scenario::flag;
using scenario::number_or;
using scenario::text;
using scenario::text_or;

constexpr std::chrono::hours kForEver(1);  // longer than any client may wait
constexpr std::size_t kEndlessPiece = 64 * 1024;

/// With %2e as a dot and %2f as a slash: what a server that decodes would make of it.
std::string decoded(std::string_view target) {
  std::string plain;
  for (std::size_t i = 0; i < target.size(); ++i) {
    const auto byte =
        target[i] == '%' && i + 2 < target.size() ? from_hex(target.substr(i + 1, 2)) : std::nullopt;
    plain += byte ? static_cast<char>(byte->front()) : target[i];
    if (byte) i += 2;
  }
  return plain;
}

bool is_forbidden(const std::string& request) {
  const std::string path = decoded(request.substr(request.find(' ') + 1));
  if (path.find("/../") != std::string::npos || path.ends_with("/..")) return true;
  return !path.starts_with("/director/") && !path.starts_with("/repo/") && path != "/time";
}

bool covers(const std::string& pattern, const std::string& path) {
  if (pattern.ends_with('*')) return path.starts_with(pattern.substr(0, pattern.size() - 1));
  return pattern == path;
}

sim::HttpResponse with_status(int status) {
  sim::HttpResponse response;
  response.status = status;
  return response;
}

}  // namespace

Front::Front(scenario::Stage& stage, std::mutex& guard, const std::string& address, std::uint16_t port)
    : stage_(stage),
      guard_(guard),
      server_([this](const sim::HttpRequest& request) { return answer(request); }, address, port) {}

void Front::road(const json::Value& what) {
  if (flag(what, "mended")) {
    roads_.clear();
    return;
  }
  const bool directors = text_or(what, "repository", "image") == "director";
  roads_.push_back({directors ? Repository::Director : Repository::Image, text_or(what, "path", "*"), what});
}

std::optional<std::string> Front::forbidden(std::size_t from) const {
  const std::vector<std::string> all = requests();
  const auto found = std::find_if(all.begin() + static_cast<std::ptrdiff_t>(std::min(from, all.size())),
                                  all.end(), is_forbidden);
  return found == all.end() ? std::nullopt : std::optional(*found);
}

std::vector<std::string> Front::manifests() const {
  const std::lock_guard lock(guard_);
  return manifests_;
}

sim::HttpResponse Front::answer(const sim::HttpRequest& request) {
  const std::lock_guard lock(guard_);
  const std::string path = request.target.substr(0, request.target.find('?'));
  for (const auto& [prefix, repository] :
       {std::pair<std::string, Repository>("/director/", Repository::Director),
        {"/repo/", Repository::Image}}) {
    if (!path.starts_with(prefix)) continue;
    const std::string below = path.substr(prefix.size());
    sim::HttpResponse response = serve(repository, below, request);
    misbehave(response, repository, below);
    return response;
  }
  if (path == "/time" && request.method == "POST") return attest(request);
  return with_status(404);
}

sim::HttpResponse Front::serve(Repository repository, const std::string& path,
                               const sim::HttpRequest& request) {
  if (request.method == "PUT" || request.method == "POST") {
    if (repository != Repository::Director || path != "manifest") return with_status(405);
    manifests_.emplace_back(as_text(request.body));
    sim::HttpResponse taken = sim::ok_or_404(to_bytes("{}"));
    taken.headers.emplace_back("Content-Type", "application/json");
    return taken;
  }
  auto found = stage_.network(repository).get(path, UINT64_MAX);
  if (found) return sim::ok_or_404(std::move(*found));
  sim::HttpResponse response = with_status(404);
  if (is_fault(found.error(), Fault::Kind::Timeout)) response.silent_for = kForEver;
  if (is_fault(found.error(), Fault::Kind::Network)) response.dropped = true;
  return response;
}

sim::HttpResponse Front::attest(const sim::HttpRequest& request) {
  const auto question = json::read(request.body);
  const json::Value* list =
      question && question->as_object() != nullptr ? find(*question, "nonces") : nullptr;
  std::vector<model::Nonce> nonces;
  if (list != nullptr && list->as_array() != nullptr) {
    for (const json::Value& nonce : *list->as_array()) {
      if (nonce.as_string() != nullptr) nonces.emplace_back(*nonce.as_string());
    }
  }
  if (nonces.empty()) return with_status(400);
  // The client's clock runs on between the steps; an honest source's does too.
  const auto running = std::chrono::ceil<std::chrono::seconds>(std::chrono::steady_clock::now() - began_);
  auto answer = stage_.time_source.answer(nonces, stage_.vehicle.now + running);
  if (answer) return sim::ok_or_404(std::move(*answer));
  sim::HttpResponse silent;
  silent.dropped = true;
  return silent;
}

void Front::misbehave(sim::HttpResponse& response, Repository repository, const std::string& path) const {
  const auto road = std::find_if(roads_.rbegin(), roads_.rend(), [&](const Road& each) {
    return each.repository == repository && covers(each.path, path);
  });
  if (road == roads_.rend()) return;
  const std::string does = text(road->what, "does");
  if (does == "drop") response.dropped = true;
  if (does == "hang") response.silent_for = kForEver;
  if (does == "delay")
    response.silent_for = std::chrono::milliseconds(number_or(road->what, "milliseconds", 1000));
  if (does == "truncate") response.cut_after = number_or(road->what, "bytes", response.body.size() / 2);
  if (does == "error") response = with_status(static_cast<int>(number_or(road->what, "status", 500)));
  if (does == "trickle") {
    response.bytes_a_piece = 1;
    response.between_pieces = std::chrono::seconds(1);
  }
  if (does == "throttle") {
    response.bytes_a_piece = std::max<std::size_t>(1, number_or(road->what, "bytes_a_second", 1000) / 10);
    response.between_pieces = std::chrono::milliseconds(100);
  }
  if (does == "endless") {
    response.status = 200;
    const Bytes once = response.body.empty() ? to_bytes("{}") : response.body;
    while (response.body.size() < kEndlessPiece)
      response.body.insert(response.body.end(), once.begin(), once.end());
    response.endless = true;
  }
}

}  // namespace cotter::replay
