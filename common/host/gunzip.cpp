#include "common/host/gunzip.h"

#include <zlib.h>

#include <array>
#include <limits>

namespace cotter::host {
namespace {

constexpr int kGzipWindow = MAX_WBITS + 16;  ///< with gzip's header and checksum

uInt size_of(std::size_t bytes) {
  COTTER_ASSERT(bytes <= std::numeric_limits<uInt>::max());
  return static_cast<uInt>(bytes);
}

}  // namespace

struct Gunzip::State {
  z_stream stream{};
  bool ended = false;
  std::array<std::uint8_t, kMostAtOnce> out{};

  State() { COTTER_ASSERT(inflateInit2(&stream, kGzipWindow) == Z_OK); }
  ~State() { inflateEnd(&stream); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

Gunzip::Gunzip() : state_(std::make_unique<State>()) {}
Gunzip::~Gunzip() = default;

Result<void> Gunzip::feed(ByteView piece, const Sink& sink) {
  State& state = *state_;
  z_stream& stream = state.stream;
  stream.next_in = const_cast<Bytef*>(piece.data());
  stream.avail_in = size_of(piece.size());
  do {
    if (state.ended) {
      if (stream.avail_in == 0) return {};
      return fault(Fault::Kind::Io, "something follows the end of the gzip stream");
    }
    stream.next_out = state.out.data();
    stream.avail_out = size_of(state.out.size());
    const int outcome = inflate(&stream, Z_NO_FLUSH);
    // Z_BUF_ERROR: nothing to do, for want of more.
    if (outcome != Z_OK && outcome != Z_STREAM_END && outcome != Z_BUF_ERROR)
      return fault(Fault::Kind::Io, "the gzip stream is damaged");
    state.ended = outcome == Z_STREAM_END;
    const std::size_t got = state.out.size() - stream.avail_out;
    if (got > 0) TRY(sink({state.out.data(), got}));
  } while (stream.avail_in > 0 || stream.avail_out == 0);
  return {};
}

Result<void> Gunzip::finish() const {
  if (state_->ended) return {};
  return fault(Fault::Kind::Io, "the gzip stream is cut short");
}

}  // namespace cotter::host
