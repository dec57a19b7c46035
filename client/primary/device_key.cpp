#include "client/primary/device_key.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>

#include "common/crypto/free_by.h"
#include "common/disk/files.h"

namespace cotter::client {
namespace {

using crypto::FreeBy;
using Key = std::unique_ptr<EVP_PKEY, FreeBy<EVP_PKEY_free>>;
using Csr = std::unique_ptr<X509_REQ, FreeBy<X509_REQ_free>>;
using Memory = std::unique_ptr<BIO, FreeBy<BIO_free_all>>;

ByteView content(BIO* memory) {
  char* data = nullptr;
  const auto size = BIO_get_mem_data(memory, &data);
  return as_bytes({data, static_cast<std::size_t>(size)});
}

Csr make_request(EVP_PKEY* key, const std::string& name) {
  Csr request(X509_REQ_new());
  X509_NAME* subject = request ? X509_REQ_get_subject_name(request.get()) : nullptr;
  const auto* text = reinterpret_cast<const unsigned char*>(name.c_str());
  const bool made = subject != nullptr && X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) == 1 &&
                    X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, text,
                                               static_cast<int>(name.size()), -1, 0) == 1 &&
                    X509_REQ_set_pubkey(request.get(), key) == 1 &&
                    X509_REQ_sign(request.get(), key, EVP_sha256()) > 0;
  return made ? std::move(request) : nullptr;
}

}  // namespace

Result<void> make_device_key(disk::Disk& disk, const VehicleId& vehicle, const std::string& key_file,
                             const std::string& csr_file) {
  const Key key(EVP_EC_gen("P-256"));
  const Csr request = key ? make_request(key.get(), vehicle.value()) : nullptr;
  // Secure memory is wiped when it is freed.
  const Memory key_pem(BIO_new(BIO_s_secmem()));
  const Memory request_pem(BIO_new(BIO_s_mem()));
  if (!request ||
      PEM_write_bio_PrivateKey(key_pem.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1 ||
      PEM_write_bio_X509_REQ(request_pem.get(), request.get()) != 1) {
    return fault(Fault::Kind::Io, "OpenSSL could not make a key and a certificate request");
  }
  TRY(disk::create_file(disk, key_file, content(key_pem.get()), disk::kSecretFile));
  return disk::create_file(disk, csr_file, content(request_pem.get()));
}

}  // namespace cotter::client
