#include "tests/sim/time_source_sim.h"

namespace cotter::sim {

Result<Bytes> TimeSourceSim::answer(std::span<const model::Nonce> request, UtcTime now) {
  if (silent) return fault(Fault::Kind::Network, "the time source does not answer");
  if (replays && first_) return *first_;
  model::TimeAttestation attestation;
  attestation.time = says.value_or(now - delay);
  attestation.nonces.assign(request.begin(), request.end());
  if (nonces == Nonces::None) attestation.nonces = {numbered_nonce(0xfe)};
  if (nonces == Nonces::AndAStrangers) attestation.nonces.push_back(numbered_nonce(0xff));
  Bytes file = signed_file(attestation.encode(), keys);
  if (!first_) first_ = file;
  return file;
}

model::Nonce numbered_nonce(std::uint8_t number) {
  return model::nonce_of(Bytes(model::kNonceBytes, number));
}

}  // namespace cotter::sim
