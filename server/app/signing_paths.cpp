#include "server/app/signing_paths.h"

#include <map>
#include <utility>

#include "common/crypto/digest.h"
#include "common/model/file_names.h"
#include "common/trust/delegation_order.h"
#include "server/repository/reader.h"

namespace cotter::app {
namespace {

using trust::Found;
using trust::Passage;

/// What it takes to have a search, or one entry of several roles, answer as one likes.
struct Answer {
  Requirement chosen = Requirement::impossible();  ///< a file of one's choice
  Requirement silent = Requirement::nothing();     ///< no file, or at least none that anybody else lists
  std::optional<Found> today{};
  bool breaks_off = false;  ///< today: vehicles find nothing and say why
};

/// A stop of a search: a role, or an entry of several.
struct Stop {
  Answer answer;
  bool is_last = false;  ///< the role lists the name, or cannot be used: only its own keys go past it
};

struct Visit {
  Passage passage;
  RoleName delegator;
  std::uint32_t depth = 0;
};

std::string way_it_covers(const model::DelegatedRole& entry, const TargetName& target) {
  for (const std::string& pattern : entry.paths) {
    if (model::glob_matches(pattern, target.value())) return pattern;
  }
  const std::string digest = to_hex(crypto::sha256(as_bytes(target.value())));
  for (const std::string& prefix : entry.path_hash_prefixes) {
    if (digest.starts_with(prefix)) return "hash prefix " + prefix;
  }
  return "";
}

class Analysis {
 public:
  Analysis(trust::TrustedSet image, trust::Transport& transport, const TargetName& target,
           const std::optional<HardwareId>& hardware)
      : image_(std::move(image)), transport_(&transport), target_(&target), hardware_(&hardware) {}

  Result<SigningPaths> run() {
    const model::Root& root = *image_.root();
    const model::RoleKeys& keys = root.roles.at(model::targets_role());
    rings_.emplace(model::root_role(), &root.keys);
    const Visit top{{{{model::targets_role(), keys}}}, model::root_role()};
    paths_.requirement = TRY(search(top, {})).chosen;
    return std::move(paths_);
  }

 private:
  /// One search from `start` downward, as DelegationWalk makes it; but it goes on behind several roles that
  /// agree today, for they may be kept from it.
  Result<Answer> search(Visit start, std::set<RoleName> visited) {
    std::vector<Visit> waiting{std::move(start)};
    std::vector<Stop> stops;
    while (!waiting.empty()) {
      const Visit visit = std::move(waiting.back());
      waiting.pop_back();
      if (visit.passage.roles.size() > 1) {
        Answer answer = TRY(ask_several(visit, visited));
        stops.push_back({std::move(answer)});
        continue;
      }
      if (!visited.insert(visit.passage.roles.front().name).second) {
        pass_over(visit, "it has been asked already, on another way");
        continue;
      }
      stops.push_back(TRY(ask(visit, waiting)));
      if (stops.back().is_last) break;
    }
    return sum_of(stops);
  }

  /// From the last stop back: a stop's own keys are enough, or those that keep it silent and what comes
  /// after.
  static Answer sum_of(std::vector<Stop>& stops) {
    Answer sum;
    for (auto stop = stops.rbegin(); stop != stops.rend(); ++stop) {
      Answer& here = stop->answer;
      if (stop->is_last) {
        sum = std::move(here);
        continue;
      }
      sum.chosen =
          Requirement::any_of({here.chosen, Requirement::all_of({here.silent, std::move(sum.chosen)})});
      if (here.breaks_off || here.today) {
        sum.breaks_off = here.breaks_off;
        sum.today = std::move(here.today);
      }
      sum.silent = Requirement::any_of(
          {std::move(here.chosen), Requirement::all_of({std::move(here.silent), std::move(sum.silent)})});
    }
    return sum;
  }

  Result<Stop> ask(const Visit& visit, std::vector<Visit>& waiting) {
    const model::AgreeingRole& role = visit.passage.roles.front();
    AskedRole& asked = note(visit);
    const Requirement keys = asked.keys;
    const Limits& limits = image_.policy().limits;
    if (asked_ > limits.delegated_roles || visit.depth > limits.delegation_depth) {
      asked.broken = "too many roles, or too deep: vehicles give up here";
      return Stop{{Requirement::impossible(), Requirement::impossible(), {}, true}, true};
    }
    if (const auto loaded = load(role.name, visit.delegator); !loaded) {
      if (rejection_in(loaded.error()) == nullptr && !is_fault(loaded.error(), Fault::Kind::NotFound)) {
        return fail(loaded.error());
      }
      asked.broken = summary(loaded.error());
      hide(waiting, "vehicles stop at " + role.name.value() + ", whose file cannot be used");
      return Stop{{keys, keys, {}, true}, true};
    }
    ++asked_;
    const model::Targets& file = **image_.targets(role.name, visit.delegator);
    if (const auto entry = file.targets.find(*target_); entry != file.targets.end()) {
      asked.lists = true;
      hide(waiting, role.name.value() + " is asked before it, and lists the name already");
      return Stop{{keys, keys, Found{entry->second, role.name}}, true};
    }
    if (file.delegations) go_onward(role.name, visit.depth + 1, *file.delegations, waiting);
    return Stop{{keys, Requirement::nothing()}};
  }

  void go_onward(const RoleName& role, std::uint32_t depth, const model::Delegations& delegations,
                 std::vector<Visit>& waiting) {
    rings_.insert_or_assign(role, &delegations.keys);
    for (const model::DelegatedRole& entry : delegations.roles) {
      if (entry.covers(*target_)) {
        paths_.hardware_named.insert(entry.hardware_ids.begin(), entry.hardware_ids.end());
      }
    }
    trust::Onward next = trust::onward(delegations, *target_, *hardware_);
    if (next.ends_the_rest) {
      const std::string& last = next.passages.back().entry == nullptr
                                    ? next.passages.back().roles.front().name.value()
                                    : next.passages.back().entry->name.value();
      const std::string why = last + " is asked before it and is terminating: the search ends there";
      hide(waiting, why);
      hide_siblings_behind(next.passages.back().entry, role, delegations, why);
      waiting.clear();
    }
    for (auto passage = next.passages.rbegin(); passage != next.passages.rend(); ++passage) {
      waiting.push_back({std::move(*passage), role, depth});
    }
  }

  /// Each of several roles is searched for itself (VER-47).
  Result<Answer> ask_several(const Visit& visit, const std::set<RoleName>& visited) {
    std::vector<Answer> answers;
    for (const model::AgreeingRole& role : visit.passage.roles) {
      Visit alone{{{role}, 1, visit.passage.entry}, visit.delegator, visit.depth};
      answers.push_back(TRY(search(std::move(alone), visited)));
    }
    return joined(answers, visit.passage.least);
  }

  /// By trust::agreed_upon(): of the sets that agree and are large enough, the one with the earliest role.
  static Answer joined(const std::vector<Answer>& answers, std::uint32_t least) {
    std::vector<std::optional<Found>> today;
    std::vector<Requirement> chosen, sound;
    Answer sum;
    for (const Answer& each : answers) {
      today.push_back(each.today);
      chosen.push_back(each.chosen);
      if (!each.breaks_off) continue;
      sum.breaks_off = true;  // and the whole with it, whatever the others say (VER-41)
      sound.push_back(each.silent);
    }
    if (!sum.breaks_off) sum.today = trust::agreed_upon(today, least);
    const auto rivals = rivals_in(today, least);
    const auto with_rivals_held_off = [&](std::size_t first, std::vector<Requirement> all) {
      all.insert(all.end(), sound.begin(), sound.end());
      for (const auto& set : rivals) all.push_back(held_off(set, answers, least, first));
      return Requirement::all_of(std::move(all));
    };
    const Requirement enough = Requirement::at_least(least, chosen);
    if (rivals.empty()) {
      sum.chosen = with_rivals_held_off(0, {enough});
    } else {
      for (std::size_t first = 0; first < answers.size(); ++first) {
        sum.chosen = Requirement::any_of(
            {std::move(sum.chosen), with_rivals_held_off(first, {enough, chosen[first]})});
      }
    }
    sum.silent = with_rivals_held_off(answers.size(), {});
    return sum;
  }

  /// The sets of places that agree today and are large enough to win.
  static std::vector<std::vector<std::size_t>> rivals_in(const std::vector<std::optional<Found>>& today,
                                                         std::uint32_t least) {
    std::vector<std::vector<std::size_t>> sets;
    std::vector<bool> is_in_one(today.size());
    for (std::size_t one = 0; one < today.size(); ++one) {
      if (!today[one] || is_in_one[one]) continue;
      std::vector<std::size_t>& set = sets.emplace_back();
      for (std::size_t other = one; other < today.size(); ++other) {
        if (!today[other] || !trust::agree(today[one]->target, today[other]->target)) continue;
        set.push_back(other);
        is_in_one[other] = true;
      }
      if (set.size() < least) sets.pop_back();
    }
    return sets;
  }

  /// Too few of the rivals are left, or none that is asked before `first`.
  static Requirement held_off(const std::vector<std::size_t>& rivals, const std::vector<Answer>& answers,
                              std::uint32_t least, std::size_t first) {
    std::vector<Requirement> silent, earlier;
    for (const std::size_t rival : rivals) {
      silent.push_back(answers[rival].silent);
      if (rival < first) earlier.push_back(answers[rival].silent);
    }
    const auto too_many = static_cast<std::uint32_t>(rivals.size() - least + 1);
    return Requirement::any_of(
        {Requirement::at_least(too_many, std::move(silent)), Requirement::all_of(std::move(earlier))});
  }

  AskedRole& note(const Visit& visit) {
    const model::AgreeingRole& role = visit.passage.roles.front();
    AskedRole asked;
    asked.role = role.name;
    asked.delegator = visit.delegator;
    asked.depth = visit.depth;
    asked.keys = Requirement::keys_of(role.name, role.keys, *rings_.at(visit.delegator));
    if (const model::DelegatedRole* entry = visit.passage.entry) {
      asked.by = way_it_covers(*entry, *target_);
      asked.hardware = entry->hardware_ids;
      asked.terminating = entry->terminating;
      if (entry->roleinfo.size() > 1) {
        asked.among = entry->name;
        asked.agreeing = entry->min_roles_in_agreement;
      }
    } else if (visit.depth > 0) {
      asked.by = "hash bin";
      asked.terminating = true;
    }
    return paths_.asked.emplace_back(std::move(asked));
  }

  void pass_over(const Visit& visit, const std::string& why) {
    for (const model::AgreeingRole& role : visit.passage.roles) {
      paths_.unasked.push_back({role.name, visit.delegator, why});
    }
  }
  /// The next to be asked stands last.
  void hide(const std::vector<Visit>& waiting, const std::string& why) {
    for (auto visit = waiting.rbegin(); visit != waiting.rend(); ++visit) pass_over(*visit, why);
  }
  void hide_siblings_behind(const model::DelegatedRole* last, const RoleName& delegator,
                            const model::Delegations& delegations, const std::string& why) {
    bool is_behind = last == nullptr;
    for (const model::DelegatedRole& entry : delegations.roles) {
      if (is_behind && trust::applies(entry, *target_, *hardware_)) {
        pass_over({{entry.roles(), 1, &entry}, delegator}, why);
      }
      is_behind = is_behind || &entry == last;
    }
  }

  Result<void> load(const RoleName& role, const RoleName& delegator) {
    if (image_.targets(role, delegator) != nullptr) return {};
    return repository::load_delegated(image_, *transport_, role, delegator);
  }

  trust::TrustedSet image_;
  trust::Transport* transport_;
  const TargetName* target_;
  const std::optional<HardwareId>* hardware_;
  std::map<RoleName, const model::KeyRing*> rings_;  ///< by who lists them
  std::uint32_t asked_ = 0;
  SigningPaths paths_;
};

}  // namespace

Result<SigningPaths> signing_paths(trust::TrustedSet image, trust::Transport& transport,
                                   const TargetName& target, const std::optional<HardwareId>& hardware) {
  if (!model::is_safe_target_name(target.value())) {
    return fault(Fault::Kind::Usage, "no vehicle takes an image of this name: " + target.value(),
                 "1 to 255 of A-Z a-z 0-9 . _ + - in parts set apart by slashes");
  }
  return Analysis(std::move(image), transport, target, hardware).run();
}

}  // namespace cotter::app
