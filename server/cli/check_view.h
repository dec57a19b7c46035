// What `cotter check` prints: text for people, JSON for programs.
// Never judges: every word comes from server/app. One thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/json/value.h"
#include "server/app/check_director.h"
#include "server/app/check_repository.h"
#include "server/app/check_without.h"
#include "server/app/key_names.h"

namespace cotter::cli {

/// The answer to --without.
struct WithoutView {
  app::KeyNames names;
  std::vector<app::SigningKey> keys;
  std::vector<app::RoleWithout> roles;
  [[nodiscard]] bool is_sound() const;
};

struct CheckView {
  std::string place;
  app::RepositoryHealth repository;
  std::optional<app::DirectorHealth> director;  ///< of --director
  std::optional<WithoutView> without;
  [[nodiscard]] bool healthy() const;
};

json::Object as_json(const CheckView& view);
void show(const CheckView& view);

}  // namespace cotter::cli
