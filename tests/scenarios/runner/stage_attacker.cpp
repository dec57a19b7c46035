// The attacker between the repositories and the vehicle, who signs with what it holds and nothing else.
#include <algorithm>
#include <cstdio>

#include "common/json/canonical.h"
#include "common/json/strict_reader.h"
#include "common/model/file_names.h"
#include "common/model/time_source.h"
#include "tests/scenarios/runner/stage.h"

namespace cotter::scenario {
namespace {

std::vector<std::string> segments_of(std::string_view pointer) {
  std::vector<std::string> segments;
  COTTER_ASSERT(pointer.starts_with("/"));
  std::string segment;
  for (std::size_t i = 1; i <= pointer.size(); ++i) {
    if (i == pointer.size() || pointer[i] == '/') {
      segments.push_back(std::move(segment));
      segment.clear();
    } else if (pointer[i] == '~') {
      segment += pointer[++i] == '1' ? '/' : '~';
    } else {
      segment += pointer[i];
    }
  }
  return segments;
}

/// The place that a JSON pointer's segment names, made where it is not there; "-" is past an array's end.
json::Value* descend(json::Value& value, const std::string& segment) {
  if (auto* array = value.as_array()) {
    if (segment == "-") {
      array->emplace_back();
      return &array->back();
    }
    return &array->at(std::stoul(segment));
  }
  COTTER_ASSERT(value.as_object() != nullptr);
  if (value.as_object()->find(segment) == nullptr) value.as_object()->set(segment, json::Object{});
  return value.as_object()->find(segment);
}

json::Object meta_of(const json::Value& signed_part, const Bytes& file) {
  return {{"version", at(signed_part, "version")},
          {"length", std::uint64_t{file.size()}},
          {"hashes", json::Object{{"sha256", to_hex(crypto::sha256(file))}}}};
}

}  // namespace

void Stage::replay(const json::Value& what) {
  const auto& kept = remembered_.at(text(what, "from"));
  if (find(what, "repository") != nullptr) {
    const Repository which =
        text(what, "repository") == "director" ? Repository::Director : Repository::Image;
    repository(which).files = kept.at(which).files;
    state(which).paths = kept.at(which).paths;
    return;
  }
  const FileId file = FileId::parse(text(what, "file"));
  const State& old = kept.at(file.repository);
  const Bytes& bytes = old.files.at(old.paths.at(file.role));
  repository(file.repository).files[text_or(what, "path", path_of(file))] = bytes;
}

void Stage::must_hold(const std::string& key) const {
  if (key.starts_with("mallory") || key.find('@') != std::string::npos)
    return;  // its own, or long since useless
  const std::string role = key.substr(0, key.find('#'));
  const bool held =
      std::ranges::count(attacker_holds_, key) > 0 || std::ranges::count(attacker_holds_, role) > 0;
  if (!held) std::fprintf(stderr, "the attacker does not hold %s\n", key.c_str());
  COTTER_ASSERT(held);
}

/// "image/timestamp": all its keys; "image/timestamp#0": one; "image/timestamp@old": those before a rotation;
/// "mallory": nobody's.
sim::Keys Stage::signers(const std::vector<std::string>& names) {
  sim::Keys all;
  for (const std::string& name : names) {
    must_hold(name);
    if (name.starts_with("mallory")) {
      all.push_back(sim::key(name));
    } else if (const auto old = name.find("@old"); old != std::string::npos) {
      const sim::Keys& keys = old_keys_.at(name.substr(0, old));
      all.insert(all.end(), keys.begin(), keys.end());
    } else if (const auto hash = name.find('#'); hash != std::string::npos) {
      all.push_back(signers(FileId::parse(name.substr(0, hash))).at(std::stoul(name.substr(hash + 1))));
    } else {
      const sim::Keys keys = signers(FileId::parse(name));
      all.insert(all.end(), keys.begin(), keys.end());
    }
  }
  return all;
}

/// "{image/timestamp#0}" is that key's id, "{image/timestamp#0:key}" its public part.
std::string Stage::with_keyids(std::string text) {
  for (auto open = text.find('{'); open != std::string::npos; open = text.find('{', open + 1)) {
    const auto close = text.find('}', open);
    COTTER_ASSERT(close != std::string::npos);
    const std::string name = text.substr(open + 1, close - open - 1);
    std::string id;
    if (name.starts_with("mallory")) {
      id = sim::key(name)->public_key().computed_id().value();
    } else {
      const auto hash = name.find('#');
      id = signers(FileId::parse(name.substr(0, hash)))
               .at(std::stoul(name.substr(hash + 1)))
               ->public_key()
               .computed_id()
               .value();
    }
    text.replace(open, close - open + 1, id);
  }
  return text;
}

json::Value Stage::with_keyids(const json::Value& value) {
  if (const auto* string = value.as_string()) return with_keyids(std::string(string->view()));
  if (const auto* array = value.as_array()) {
    json::Array result;
    for (const json::Value& element : *array) result.push_back(with_keyids(element));
    return result;
  }
  if (const auto* object = value.as_object()) {
    if (const json::Value* key = object->find("public-key-of")) {  // a whole key, as metadata lists it
      return sim::key(*key->as_string())->public_key().encode();
    }
    json::Object result;
    for (const auto& [name, member] : *object)
      result.set(with_keyids(std::string(name.view())), with_keyids(member));
    return result;
  }
  return value;
}

void Stage::edit(json::Value& document, const json::Value& change) {
  std::vector<std::string> path = segments_of(with_keyids(text(change, "path")));
  const std::string last = std::move(path.back());
  path.pop_back();
  json::Value* place = &document;
  for (const std::string& segment : path) place = descend(*place, segment);
  if (flag(change, "remove")) {
    if (auto* array = place->as_array()) {
      array->erase(array->begin() + static_cast<std::ptrdiff_t>(std::stoul(last)));
    } else {
      place->as_object()->erase(last);
    }
  } else if (find(change, "copy") != nullptr) {
    json::Value* from = &document;
    for (const std::string& segment : segments_of(with_keyids(text(change, "copy"))))
      from = descend(*from, segment);
    const json::Value copied = *from;
    *descend(*place, last) = copied;
  } else if (find(change, "repeat") != nullptr) {
    *descend(*place, last) = std::string(number(change, "repeat"), 'x');
  } else {
    *descend(*place, last) = with_keyids(at(change, "to"));
  }
}

void Stage::put(const FileId& file, const json::Value& signed_part, const sim::Keys& keys,
                const std::string& path) {
  repository(file.repository).files[path] = sim::signed_file(signed_part, keys);
  state(file.repository).paths[file.role] = path;
}

void Stage::relist(const FileId& file, const json::Value& signed_part) {
  const bool in_timestamp = file.role == model::snapshot_role();
  const FileId parent{file.repository, in_timestamp ? model::timestamp_role() : model::snapshot_role()};
  const std::string name = std::string(name_of(file.repository)) + "/" + parent.role.value();
  json::Value listing = *json::read(current(parent));
  json::Value& content = *listing.as_object()->find("signed");
  *descend(*descend(content, "meta"), file.role.value() + ".json") = meta_of(signed_part, current(file));
  content.as_object()->set("version", number(content, "version") + 1);
  put(parent, content, signers({name}), path_for(parent, content));
  if (!in_timestamp) relist(parent, content);
}

/// Where a file of this content is looked for.
std::string Stage::path_for(const FileId& file, const json::Value& signed_part) {
  const json::Value* version = find(signed_part, "version");
  const bool versioned = file.role != model::timestamp_role() && version != nullptr && version->as_int();
  return versioned ? model::metadata_file_name(file.role, Version(number(signed_part, "version")))
                   : path_of(file);
}

void Stage::forge(const json::Value& what) {
  const FileId file = FileId::parse(text(what, "file"));
  json::Value document = *json::read(current(file));
  json::Value& content = *document.as_object()->find("signed");
  if (const json::Value* changes = find(what, "edit")) {
    for (const json::Value& change : *changes->as_array()) edit(content, change);
  }
  put(file, content, signers(texts(at(what, "sign"))), text_or(what, "path", path_for(file, content)));
  if (const json::Value* changes = find(what, "edit_envelope")) {
    json::Value envelope = *json::read(current(file));
    for (const json::Value& change : *changes->as_array()) edit(envelope, change);
    repository(file.repository).files[path_of(file)] = to_bytes(json::to_text(envelope));
  }
  if (flag(what, "relist")) relist(file, content);
}

void Stage::serve_bytes(const json::Value& what) {
  const FileId file = FileId::parse(text(what, "file"));
  std::string bytes = text_or(what, "text", "");
  for (std::uint64_t i = 0; i < number_or(what, "times", 0); ++i) bytes += text(what, "repeat");
  bytes += text_or(what, "end", "");
  if (const json::Value* from = find(what, "replace")) {
    bytes = as_text(current(file));
    const auto place = bytes.find(*from->as_string());
    COTTER_ASSERT(place != std::string::npos);
    bytes.replace(place, from->as_string()->size(), text(what, "by"));
  }
  repository(file.repository).files[path_of(file)] = to_bytes(bytes);
}

void Stage::flip(const json::Value& what) {
  Bytes& bytes = repository(FileId::parse(*what.as_string()).repository)
                     .files.at(path_of(FileId::parse(*what.as_string())));
  // Within the first string of digits: still JSON, other content.
  const auto digit = std::ranges::find_if(bytes, [](std::uint8_t c) { return c >= '1' && c <= '8'; });
  COTTER_ASSERT(digit != bytes.end());
  ++*digit;
}

void Stage::hide(const json::Value& what) {
  const FileId file = FileId::parse(*what.as_string());
  repository(file.repository).files.erase(path_of(file));
}

void Stage::break_network(const json::Value& what) {
  const Repository which = text(what, "repository") == "director" ? Repository::Director : Repository::Image;
  Faults& faults = faults_[which];
  if (flag(what, "mended")) {
    faults.clear();
  } else {
    faults[text_or(what, "path", kEveryPath)] =
        text(what, "fault") == "timeout" ? Fault::Kind::Timeout : Fault::Kind::Network;
  }
}

void Stage::serve_image(const json::Value& what) {
  const std::string name = text(what, "image");
  const auto slash = name.rfind('/');
  const std::string folder = "targets/" + name.substr(0, slash + 1);
  const std::string last = "." + name.substr(slash + 1);
  bool found = false;
  for (auto& [path, bytes] : vehicle.image.files) {
    if (!path.starts_with(folder) || !path.ends_with(last)) continue;
    found = true;
    if (find(what, "content") != nullptr) bytes = to_bytes(text(what, "content"));
    for (const char c : text_or(what, "append", "")) bytes.push_back(static_cast<std::uint8_t>(c));
    bytes.resize(bytes.size() - number_or(what, "cut", 0));
  }
  COTTER_ASSERT(found);
}

/// How the next questions for the time are answered; nothing said: by the honest time source.
void Stage::attest(const json::Value& what) {
  const FileId source{Repository::Director, model::time_source_role()};
  time_source.keys = find(what, "sign") != nullptr ? signers(texts(at(what, "sign"))) : signers(source);
  time_source.says.reset();
  if (find(what, "time") != nullptr) time_source.says = *parse_utc(text(what, "time"));
  const std::string nonces = text_or(what, "nonces", "as-asked");
  time_source.nonces = nonces == "none"              ? sim::TimeSourceSim::Nonces::None
                       : nonces == "and-a-strangers" ? sim::TimeSourceSim::Nonces::AndAStrangers
                                                     : sim::TimeSourceSim::Nonces::AsAsked;
  time_source.delay = std::chrono::seconds(number_or(what, "delay", 0));
  time_source.silent = flag(what, "silent");
  time_source.replays = flag(what, "replay");
}

}  // namespace cotter::scenario
