// What bench sign prints.
#include <fmt/format.h>

#include <string>
#include <utility>

#include "tests/bench/benches.h"

namespace cotter::bench {
namespace {

void add_wire_bytes(Figures& rows, const char* whose, const world::MetadataSent& sent, double at_most) {
  const auto bytes = [](std::string name, std::uint64_t count) {
    return counted(std::move(name), Unit::Bytes, static_cast<double>(count));
  };
  rows.push_back(with_limit(bytes(fmt::format("first update of {}: metadata, sent", whose), sent.total()),
                            "G16", at_most));
  rows.push_back(beside(bytes("  of the image repository", sent.image), "the same files, plain",
                        static_cast<double>(sent.image_plain)));
  rows.push_back(bytes("  of the director, with the time and answers to reports", sent.director));
}

}  // namespace

Figures SignFigures::rows() const {
  Figures rows;
  const auto alone = [&](const char* what, double us) {
    rows.push_back(counted(what, Unit::Microseconds, us));
  };
  rows.push_back(release);
  alone("  read and hashed alone", hash_us);
  alone("  written, durable, alone", write_us);
  alone("  its bins signed alone", sign_us);
  alone("  its bins signed in the token alone", token_sign_us);
  for (const SizeFigures& size : sizes) {
    const std::string how = size.releases > 1
                                ? fmt::format("in {} releases, half by each key, times two", size.releases)
                                : "at once";
    rows.push_back(
        counted(fmt::format("{} published, {}", size.images, how), Unit::Microseconds, size.published_us));
    if (size.published_by_token) rows.push_back(*size.published_by_token);
    rows.push_back(
        counted(fmt::format("one more into {}", size.images), Unit::Microseconds, size.one_more_us));
    rows.push_back(size.one_more_by_token);
    rows.push_back(counted("  peak memory", Unit::Bytes, size.peak_bytes));
  }
  rows.push_back(one_into_most);
  alone("  its snapshot hashed, signed and verified alone", snapshot_us);
  rows.push_back(
      counted("  its bins with the version of the one before", Unit::Count, static_cast<double>(alike)));
  rows.push_back(counted("an image's entry in its bin", Unit::Bytes, entry_bytes));
  add_wire_bytes(rows, "one ECU", wire_bytes_one, 100'000);
  add_wire_bytes(rows, "six ECUs", wire_bytes_six, 150'000);
  alone("this bench", wall_us);
  return rows;
}

std::string SignFigures::json_line() const {
  constexpr double kMilli = 1e3, kMega = 1e6;
  std::string line = fmt::format(
      R"({{"bench":"sign","publish_15000_over_limit":{:.3f},"one_into_1m_over_one_into_1k":{:.3f},)"
      R"("first_update_wire_bytes_1m_one_ecu":{},"first_update_wire_bytes_1m_six_ecus":{},"peak_rss_mb":{:.1f},)"
      R"("first_update_director_bytes_one_ecu":{},"first_update_director_bytes_six_ecus":{},)"
      R"("missed":{},"largest":{},"largest_in_releases":{},"bins_alike":{},"entry_bytes":{:.0f},)"
      R"("limit_ms":{:.0f},"limit_hash_ms":{:.0f},"limit_write_ms":{:.0f},"sign_alone_ms":{:.1f},"pkcs11_sign_alone_ms":{:.1f})",
      *release.ratio, *one_into_most.ratio, wire_bytes_one.total(), wire_bytes_six.total(),
      sizes.back().peak_bytes / kMega, wire_bytes_one.director, wire_bytes_six.director,
      missed(rows()).size(), sizes.back().images, releases, alike, entry_bytes, release.baseline / kMilli,
      hash_us / kMilli, write_us / kMilli, sign_us / kMilli, token_sign_us / kMilli);
  for (const SizeFigures& size : sizes) {
    const std::string by_token =
        size.published_by_token ? fmt::format("{:.1f}", size.published_by_token->ours / kMilli) : "null";
    line += fmt::format(
        R"(,"publish_{0}_ms":{1:.1f},"pkcs11_publish_{0}_ms":{2},"one_into_{0}_ms":{3:.1f},"pkcs11_one_into_{0}_ms":{4:.1f},"peak_rss_mb_{0}":{5:.1f})",
        size.images, size.published_us / kMilli, by_token, size.one_more_us / kMilli,
        size.one_more_by_token.ours / kMilli, size.peak_bytes / kMega);
  }
  return line + fmt::format(R"(,"snapshot_alone_ms":{:.1f},"bench_s":{:.0f}}})", snapshot_us / kMilli,
                            wall_us / kMega);
}

}  // namespace cotter::bench
