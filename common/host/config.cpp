#include "common/host/config.h"

#define TOML_EXCEPTIONS 0  // error values, as everywhere in this house
#include <toml++/toml.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "common/host/atomic_file.h"

namespace cotter::host {

struct Config::Document {
  std::string name;
  std::filesystem::path folder;
  toml::table root;
  std::set<const toml::node*> asked;  ///< values and arrays that a getter has looked at
};

namespace {

constexpr std::uint64_t kMaxConfigBytes = 1024 * 1024;

tl::unexpected<Error> wrong(const std::string& file, const toml::source_region& where,
                            const std::string& what) {
  return fault(Fault::Kind::Usage, file + ", line " + std::to_string(where.begin.line) + ": " + what);
}

using Lines = std::map<toml::source_index, std::string>;

/// What in `table` no getter has asked for, by line.
void collect_unasked(const toml::table& table, const std::string& prefix,
                     const std::set<const toml::node*>& asked, Lines& into) {
  for (const auto& [name, node] : table) {
    const std::string key = prefix + std::string(name.str());
    if (const toml::table* inner = node.as_table(); inner != nullptr) {
      collect_unasked(*inner, key + ".", asked, into);
    } else if (!asked.contains(&node)) {
      into.emplace(node.source().begin.line, key);
    } else if (node.is_array_of_tables()) {
      for (const toml::node& entry : *node.as_array())
        collect_unasked(*entry.as_table(), key + ".", asked, into);
    }
  }
}

const toml::table& table_at(const void* table) { return *static_cast<const toml::table*>(table); }

}  // namespace

/// Getting by type, once for all getters. T is one of toml++'s value types.
template <class T>
static Result<std::optional<T>> find_value(const std::string& name, const toml::node* node,
                                           std::string_view key, std::string_view kind) {
  if (node == nullptr) return std::optional<T>();
  const std::optional<T> value = node->value_exact<T>();
  if (!value) return wrong(name, node->source(), std::string(key) + " must be " + std::string(kind));
  return value;
}

Result<Config> Config::read(const std::filesystem::path& file) {
  const Bytes bytes = TRY(read_file(file, kMaxConfigBytes));
  Config config = TRY(parse(as_text(bytes), file.string()));
  config.document_->folder = file.parent_path();
  return config;
}

Result<Config> Config::parse(std::string_view text, std::string name) {
  toml::parse_result parsed = toml::parse(text, name);
  if (!parsed) return wrong(name, parsed.error().source(), std::string(parsed.error().description()));
  auto document = std::make_shared<Document>(Document{std::move(name), {}, std::move(parsed).table(), {}});
  const void* root = &document->root;
  return Config(std::move(document), root);
}

const void* Config::ask(std::string_view key) const {
  const toml::node* node = table_at(table_).at_path(key).node();
  if (node != nullptr) document_->asked.insert(node);
  return node;
}

Result<std::optional<std::string>> Config::find_string(std::string_view key) const {
  return find_value<std::string>(document_->name, static_cast<const toml::node*>(ask(key)), key, "a string");
}

Result<std::optional<std::int64_t>> Config::find_integer(std::string_view key) const {
  return find_value<std::int64_t>(document_->name, static_cast<const toml::node*>(ask(key)), key,
                                  "an integer");
}

Result<std::optional<bool>> Config::find_boolean(std::string_view key) const {
  return find_value<bool>(document_->name, static_cast<const toml::node*>(ask(key)), key, "true or false");
}

Result<std::vector<std::string>> Config::strings(std::string_view key) const {
  const auto* node = static_cast<const toml::node*>(ask(key));
  std::vector<std::string> strings;
  if (node == nullptr) return strings;
  const toml::array* array = node->as_array();
  if (array == nullptr) {
    return wrong(document_->name, node->source(), std::string(key) + " must be a list of strings");
  }
  for (const toml::node& element : *array) {
    const std::optional<std::string> text = element.value_exact<std::string>();
    if (!text)
      return wrong(document_->name, element.source(), std::string(key) + " must be a list of strings");
    strings.push_back(*text);
  }
  return strings;
}

Result<std::string> Config::string(std::string_view key) const {
  const std::optional<std::string> value = TRY(find_string(key));
  if (!value) return fail(bad_value(key, "is missing"));
  return *value;
}

Result<std::int64_t> Config::integer(std::string_view key) const {
  const std::optional<std::int64_t> value = TRY(find_integer(key));
  if (!value) return fail(bad_value(key, "is missing"));
  return *value;
}

Result<std::string> Config::string_or(std::string_view key, std::string fallback) const {
  return TRY(find_string(key)).value_or(std::move(fallback));
}

Result<bool> Config::boolean_or(std::string_view key, bool fallback) const {
  return TRY(find_boolean(key)).value_or(fallback);
}

Result<std::int64_t> Config::integer_or(std::string_view key, std::int64_t fallback, std::int64_t min,
                                        std::int64_t max) const {
  const std::int64_t value = TRY(find_integer(key)).value_or(fallback);
  if (value < min || value > max) {
    return fail(bad_value(key, "must be from " + std::to_string(min) + " to " + std::to_string(max)));
  }
  return value;
}

Result<std::filesystem::path> Config::path(std::string_view key) const {
  return document_->folder / TRY(string(key));
}

Result<std::optional<std::filesystem::path>> Config::find_path(std::string_view key) const {
  const std::optional<std::string> value = TRY(find_string(key));
  if (!value) return std::optional<std::filesystem::path>();
  return std::optional(document_->folder / *value);
}

Result<std::vector<Config>> Config::tables(std::string_view key) const {
  const auto* node = static_cast<const toml::node*>(ask(key));
  std::vector<Config> entries;
  if (node == nullptr) return entries;
  if (!node->is_array_of_tables()) {
    return wrong(document_->name, node->source(),
                 std::string(key) + " must be written as [[" + std::string(key) + "]]");
  }
  for (const toml::node& entry : *node->as_array()) entries.push_back(Config(document_, entry.as_table()));
  return entries;
}

Result<void> Config::refuse_unknown() const {
  Lines unasked;
  collect_unasked(document_->root, "", document_->asked, unasked);
  if (unasked.empty()) return {};
  const auto& [line, key] = *unasked.begin();
  return fault(Fault::Kind::Usage,
               document_->name + ", line " + std::to_string(line) + ": unknown key " + key,
               "correct its spelling or take it out");
}

Error Config::bad_value(std::string_view key, std::string_view reason) const {
  const toml::node* node = table_at(table_).at_path(key).node();
  const toml::node& nearest = node != nullptr ? *node : table_at(table_);
  const std::uint32_t line = nearest.source().begin.line;
  const bool known = line > 0 && (node != nullptr || &table_at(table_) != &document_->root);
  return Fault{Fault::Kind::Usage,
               document_->name + (known ? ", line " + std::to_string(line) : "") + ": " + std::string(key) +
                   " " + std::string(reason),
               {}};
}

}  // namespace cotter::host
