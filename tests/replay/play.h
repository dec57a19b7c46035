// One scenario played against one client, from the outside: the Stage and the hostile front, the client
// behind its command, and what was seen of it. What is particular to vehicles and to plain TUF clients stands
// in the two that are derived from it. Never stops at a lapse without saying which. One thread; the front has
// its own.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "tests/replay/client.h"
#include "tests/replay/front.h"
#include "tests/replay/verdict.h"
#include "tests/scenarios/runner/scenario.h"
#include "tests/scenarios/runner/stage.h"

namespace cotter::replay {

class Play {
 public:
  virtual ~Play() = default;
  Play(const Play&) = delete;
  Play& operator=(const Play&) = delete;

  /// `folder` is there, empty, and the play's own.
  static Result<std::unique_ptr<Play>> create(const scenario::Scenario& scenario, const ClientOrder& order,
                                              const Abilities& abilities,
                                              const std::filesystem::path& folder);
  /// From the client's provisioning to the last step, or to the first lapse.
  Verdict run();

 protected:
  Play(const scenario::Scenario& scenario, Client client, Abilities abilities, std::filesystem::path folder);

  /// Provisions the client.
  virtual Result<void> begin() = 0;
  /// A verb that the client, or an ECU, is put to; false: none that can be played from outside. Errors are
  /// trouble.
  virtual Result<bool> act(const std::string& verb, const json::Value& what) = 0;
  virtual Result<void> expect(const json::Value& what) = 0;
  virtual void time_passed() {}
  /// When all is over, however it ended.
  virtual void end() {}

  void lapse(Lapse lapse, std::string what);
  /// Whether there is a lapse that ends the scenario: one that is only about a name gives way to what may yet
  /// come.
  [[nodiscard]] bool lapsed() const noexcept {
    return verdict_.finding && verdict_.finding->lapse != Lapse::Unnamed;
  }
  void tell(const std::string& verb, std::string what);
  /// A verb of the client; what it did besides answering is judged here: held up, crashed, asked for what it
  /// must not.
  Result<Answer> call(const std::vector<std::string>& words);
  /// What an image is called whose content has this digest: "team/brake/2.bin", or that nobody published it.
  [[nodiscard]] std::string name_of_content(const std::string& sha256) const;
  [[nodiscard]] static std::string sha256_of(std::string_view content);

  scenario::Scenario scenario_;
  Client client_;
  Abilities abilities_;
  std::filesystem::path folder_;
  std::mutex guard_;
  scenario::Stage stage_;
  Front front_;

  /// What the director last wanted of each ECU, and what was published under each name.
  std::map<std::string, std::string> wanted_;
  std::map<std::string, std::string> published_;
  /// The content behind a name, for an ECU: as assigned, published or made in the factory.
  std::map<std::pair<std::string, std::string>, std::string> contents_;

 private:
  Result<void> step(const std::string& verb, const json::Value& what);
  void note(const std::string& verb, const json::Value& what);
  Verdict verdict_;
};

/// Those with a vehicle or its ECUs, and those with a plain TUF client.
std::unique_ptr<Play> vehicle_play(const scenario::Scenario& scenario, Client client, Abilities abilities,
                                   std::filesystem::path folder);
std::unique_ptr<Play> tuf_play(const scenario::Scenario& scenario, Client client, Abilities abilities,
                               std::filesystem::path folder);

}  // namespace cotter::replay
