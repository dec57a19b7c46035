// Ceremonies for the root of a small image repository, in a workspace of the test's choice. One thread.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/app/root_ceremony.h"
#include "server/keys/keyring.h"
#include "server/storage/sqlite/database.h"
#include "server/storage/sqlite/ledger_store.h"
#include "tests/unit/server/ceremony/holding.h"
#include "tests/unit/server/test_workspace.h"

namespace cotter::test {

/// The online keys, some of them numbered.
class OnlineKeys final : public keys::Signers {
 public:
  void put(const std::string& name, std::shared_ptr<crypto::Signer> key) { keys_[name] = std::move(key); }
  Result<crypto::Signer*> signer(Repository repository, const RoleName& role) override {
    const auto found = keys_.find(keys::key_name(repository, role));
    if (found == keys_.end()) return fault(Fault::Kind::NotFound, "no key for " + role.value());
    return found->second.get();
  }
  Result<std::vector<crypto::Signer*>> all_of(Repository repository, const RoleName& role) override {
    std::vector<crypto::Signer*> all;
    for (int number = 1; number <= keys::kMostKeysOfARole; ++number) {
      const auto found = keys_.find(keys::numbered(keys::key_name(repository, role), number));
      if (found != keys_.end()) all.push_back(found->second.get());
    }
    return all;
  }
  [[nodiscard]] ledger::LogSigner* ledger() const noexcept override { return nullptr; }

 private:
  std::map<std::string, std::shared_ptr<crypto::Signer>> keys_;
};

/// A ceremony for the root of a small image repository, or of a director beside it.
template <class Workspace>
class RootCeremonyIn {
 public:
  explicit RootCeremonyIn(const std::optional<std::filesystem::path>& dir = std::nullopt) : ws(dir) {
    online.put("image-snapshot", ws.keys.snapshot.front());
    online.put("image-timestamp", ws.keys.timestamp.front());
  }

  Result<app::OpenCeremony> open(const ceremony::KeyChange& change, bool replaces = false) {
    app::RootWish wish;
    wish.repository = repository;
    wish.change = change;
    wish.replaces = replaces;
    return app::open_root_ceremony(ws.workspace(), wish, kNow);
  }
  Result<app::OpenCeremony> open_for_ten_days() {
    app::RootWish wish;
    wish.repository = repository;
    wish.lifetime = std::chrono::days(10);
    return app::open_root_ceremony(ws.workspace(), wish, kNow);
  }
  [[nodiscard]] ceremony::OfflineBundle signed_copy(const app::OpenCeremony& opened,
                                                    const sim::Keys& keys) const {
    ceremony::OfflineBundle copy = opened.content;
    const auto made = ceremony::sign(copy, as_bytes(copy.roots.front()), holding(keys));
    EXPECT_TRUE(made) << explain(made.error());
    return copy;
  }
  Result<app::ClosedRoot> close(const std::vector<ceremony::OfflineBundle>& copies, UtcTime now = kNow) {
    return app::close_root_ceremony(
        ws.workspace(), repository, copies, [this] { return Result<keys::Signers*>(&online); }, now);
  }
  [[nodiscard]] Version root_version() const { return (*ws.read()->root()).version; }
  [[nodiscard]] std::vector<std::string> ledger_kinds() const {
    host::Db db = storage::open_database(ws.workspace().db_path()).value();
    std::vector<std::string> kinds;
    storage::LedgerStore store(db);
    EXPECT_TRUE(store.each({}, [&](const storage::LedgerRow& row) -> Result<void> {
      kinds.push_back(ledger::Entry::decode(row.body).value().kind);
      return {};
    }));
    return kinds;
  }

  Workspace ws;
  OnlineKeys online;
  Repository repository = Repository::Image;
};

inline ceremony::KeyChange swap(const RoleName& role, const crypto::Signer& out, const crypto::Signer& in) {
  return {{{role, in.public_key()}}, {{role, out.public_key().computed_id()}}, {}};
}

}  // namespace cotter::test
