#include "server/cli/requirement_view.h"

#include <fmt/format.h>

namespace cotter::cli {
namespace {

using app::Requirement;

std::string words_within(const Requirement& requirement) {
  const bool is_plain = requirement.parts.empty();
  return is_plain ? words(requirement) : "(" + words(requirement) + ")";
}

}  // namespace

std::string words(const Requirement& requirement) {
  if (requirement.is_impossible()) return "nobody";
  if (requirement.is_nothing()) return "nothing";
  if (requirement.parts.empty()) {
    return fmt::format("{} of {} {} of {}", requirement.least, requirement.keys.size(),
                       requirement.keys.size() == 1 ? "key" : "keys", requirement.role.value());
  }
  const bool is_any = requirement.least == 1, is_all = requirement.least == requirement.parts.size();
  std::string text = is_any || is_all ? "" : fmt::format("{} of: ", requirement.least);
  const std::string_view between = is_any ? ", or " : is_all ? " and " : "; ";
  for (const Requirement& part : requirement.parts) {
    if (&part != &requirement.parts.front()) text += between;
    text += words_within(part);
  }
  return text;
}

json::Object key_json(const app::SigningKey& key, const app::KeyNames& names) {
  json::Object object{{"keyid", key.id.value()}};
  if (const auto name = names.of(key)) {
    object.set("name", name->name);
    if (!name->holder.empty()) object.set("holder", name->holder);
  }
  return object;
}

json::Object requirement_json(const Requirement& requirement, const app::KeyNames& names) {
  json::Array parts;
  for (const app::SigningKey& key : requirement.keys) parts.emplace_back(key_json(key, names));
  for (const Requirement& part : requirement.parts) parts.emplace_back(requirement_json(part, names));
  if (requirement.parts.empty() && !requirement.role.value().empty()) {
    return {{"role", requirement.role.value()},
            {"threshold", std::uint64_t{requirement.least}},
            {"keys", std::move(parts)}};
  }
  return {{"at_least", std::uint64_t{requirement.least}}, {"of", std::move(parts)}};
}

}  // namespace cotter::cli
