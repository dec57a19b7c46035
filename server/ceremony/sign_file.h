// A holder signs a bundle's file: sees what it changes, says yes to its hash, signs with what is in one
// folder. Never signs unseen, and never by the bundle's own word for what is published: the holder's folder
// has a root of its own. No network. One thread.
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/keystore/key_folder.h"
#include "server/ceremony/offline_bundle.h"
#include "server/ceremony/signing.h"

namespace cotter::ceremony {

/// "image.root.json": the root in a holder's folder that this holder measures bundles by. `cotter init`
/// writes it.
std::string trusted_root_name(Repository repository);

/// The root that `dir` trusts, or `file` where it is given. Faults: NotFound (says where to get it), Denied,
/// Io.
Result<Bytes> trusted_root(const std::filesystem::path& dir, const std::optional<std::filesystem::path>& file,
                           Repository repository);

/// What is asked for, what it changes, who has signed, and the hash to read aloud. Of what is shown all but
/// printable ASCII is replaced.
void show(const OfflineBundle& bundle, const Standing& standing, std::FILE* out);

/// Where a person who has heard the hash says it again: `given`, or at the terminal. Faults: Denied (another
/// hash), Usage (nobody can be asked).
Result<void> confirm(const OfflineBundle& bundle, const std::optional<std::string>& given);

struct SignWish {
  std::filesystem::path bundle;
  std::filesystem::path holder;  ///< its folder
  keystore::Unlock unlock;
  std::optional<std::filesystem::path> root{};  ///< none: the one in the folder
  std::optional<std::string> hash{};            ///< as it was heard; none: asked for
  std::optional<std::filesystem::path> out{};   ///< none: back into `bundle`
  std::FILE* told = nullptr;                    ///< where to show it; none: not at all
};

struct SignedFile {
  OfflineBundle bundle;
  Standing standing;
  std::uint32_t signatures = 0;  ///< that came in
  std::filesystem::path file;
};

/// Faults: those of trusted_root(), confirm(), open_holder() and sign(); NoSpace, Denied, Io. Whatever fails,
/// the file is as it was. Rejections: those of a bundle, and of the files in it.
Result<SignedFile> sign_file(const SignWish& wish);

}  // namespace cotter::ceremony
