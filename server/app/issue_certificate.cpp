#include "server/app/issue_certificate.h"

#include "common/crypto/digest.h"
#include "server/app/record.h"
#include "server/keys/pki.h"
#include "server/storage/sqlite/inventory_store.h"

namespace cotter::app {

Result<std::string> issue_certificate(host::Db& db, const Workspace& workspace,
                                      const crypto::Secret& passphrase, const VehicleId& vin,
                                      std::string_view csr_pem, UtcTime now) {
  TRY(storage::InventoryStore(db).desired_revision(vin));
  std::string pem = TRY(keys::issue_device_certificate(workspace.pki_dir(), passphrase, vin, csr_pem, now));
  const keys::Validity validity = TRY(keys::validity_of(pem, "the certificate of " + vin.value()));
  json::Object details{{"expires", format_utc(validity.not_after)},
                       {"sha256", to_hex(crypto::sha256(as_bytes(pem)))}};
  auto transaction = TRY(host::Transaction::begin(db));
  TRY(record(
      db, {std::string(ledger::kDeviceCertificate), now, acting_account(), vin.value(), std::move(details)}));
  TRY(transaction.commit());
  return pem;
}

}  // namespace cotter::app
