// EcuLink over the framed protocol (schemas/secondary-protocol.md), whatever carries the frames.
// Never decides anything for the ECU. One thread a link.
#pragma once

#include "client/links/ecu_link.h"
#include "common/wire/messages.h"

namespace cotter::client {

class WireLink : public EcuLink {
 public:
  Result<EcuStatus> report() override;
  Result<model::Nonce> nonce() override;
  Result<void> put_time(ByteView attestation) override;
  Result<void> put_metadata(MetadataSource& source) override;
  Result<void> stage(const trust::Assignment& assignment, ImageSource& image) override;
  Result<void> back_up(ImageSink& sink) override;
  Result<InstallOutcome> commit(const trust::Assignment& assignment, ImageSource& image) override;
  Result<InstallOutcome> restore(ImageSource& backup) override;
  Result<void> abort() override;

 protected:
  /// One request, one reply. Faults: Network, Timeout.
  virtual Result<wire::Reply> exchange(const wire::Request& request) = 0;

 private:
  template <class Expected>
  Result<Expected> ask(const wire::Request& request);
  Result<void> send(ImageSource& image, std::uint64_t from);
};

}  // namespace cotter::client
