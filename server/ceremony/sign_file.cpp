#include "server/ceremony/sign_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "common/base/limits.h"
#include "common/base/printable.h"
#include "common/host/atomic_file.h"

namespace cotter::ceremony {
namespace {

constexpr std::size_t kShownOfId = 16;

std::string digits_of(std::string_view hash) {
  std::string digits;
  for (const char c : hash) {
    if (c != '-' && c != ' ' && c != '\n')
      digits += c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return digits;
}

/// The answer at the person's terminal, wherever stdin and stdout lead.
std::optional<std::string> ask(const std::string& question) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> terminal(std::fopen("/dev/tty", "r+e"), &std::fclose);
  if (terminal == nullptr) return std::nullopt;
  fmt::print(terminal.get(), "{}", question);
  std::fflush(terminal.get());
  std::array<char, 128> line{};
  if (std::fgets(line.data(), line.size(), terminal.get()) == nullptr) return std::string();
  return std::string(line.data());
}

}  // namespace

std::string trusted_root_name(Repository repository) {
  return std::string(name_of(repository)) + ".root.json";
}

Result<Bytes> trusted_root(const std::filesystem::path& dir, const std::optional<std::filesystem::path>& file,
                           Repository repository) {
  const std::filesystem::path path = file.value_or(dir / trusted_root_name(repository));
  auto root = host::read_file(path, Limits{}.root_bytes);
  if (root || !is_fault(root.error(), Fault::Kind::NotFound)) return root;
  return fault(
      Fault::Kind::NotFound, "no root to measure the bundle by: " + path.string() + " is not there",
      "copy " + trusted_root_name(repository) +
          " from another holder's folder into this one, or name a root file that you trust by --root");
}

void show(const OfflineBundle& bundle, const Standing& standing, std::FILE* out) {
  fmt::print(out, "{} {}, version {}\n\n", name_of(bundle.repository), bundle.role.value(),
             bundle.version.value());
  for (const std::string& line : standing.changes) fmt::print(out, "  {}\n", printable(line));
  fmt::print(out, "\n");
  for (const Quorum& quorum : standing.quorums) {
    fmt::print(out, "{}: {} of {} signatures{}\n", quorum.of, quorum.signed_by.size(), quorum.threshold,
               quorum.lacking ? ", and it takes " + *quorum.lacking : "");
    for (const KeyId& id : quorum.may) {
      const bool has_signed = std::ranges::find(quorum.signed_by, id) != quorum.signed_by.end();
      fmt::print(out, "  {} {}\n", has_signed ? "signed" : "      ",
                 printable(id.value().substr(0, kShownOfId)));
    }
  }
  fmt::print(out, "\nhash to read aloud: {}\n", bundle.read_aloud());
}

Result<void> confirm(const OfflineBundle& bundle, const std::optional<std::string>& given) {
  const auto said =
      given ? given : ask("Type the hash that you were told (not the one above), or nothing to stop: ");
  if (!said) {
    return fault(Fault::Kind::Usage, "nobody is here to say whether the hash is right",
                 "give the hash that you were told by another way: --hash 4f3a-91bc-07de-55aa");
  }
  if (digits_of(*said) == digits_of(bundle.read_aloud())) return {};
  return fault(Fault::Kind::Denied,
               "the hash of this bundle is " + bundle.read_aloud() + ", not what was given",
               "do not sign it before you know why: it may not be what the others sign");
}

Result<SignedFile> sign_file(const SignWish& wish) {
  SignedFile result;
  result.bundle = TRY(OfflineBundle::read(wish.bundle));
  const Bytes root = TRY(trusted_root(wish.holder, wish.root, result.bundle.repository));
  result.standing = TRY(look_at(result.bundle, root));
  if (wish.told != nullptr) show(result.bundle, result.standing, wish.told);
  TRY(confirm(result.bundle, wish.hash));
  const std::string keys = std::string(name_of(result.bundle.repository)) + "-" + result.bundle.role.value();
  const Signers signers = TRY(open_holder(wish.holder, wish.unlock, keys));
  result.signatures = TRY(sign(result.bundle, root, signers));
  result.standing = TRY(look_at(result.bundle, root));
  result.file = wish.out.value_or(wish.bundle);
  TRY(result.bundle.write_as(result.file));
  return result;
}

}  // namespace cotter::ceremony
