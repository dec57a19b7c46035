#include "server/http/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "common/host/atomic_file.h"
#include "common/model/file_names.h"
#include "server/keys/certificate.h"

namespace cotter::http {
namespace {

constexpr std::uint64_t kMaxPem = 64 * 1024;

Fault openssl_fault(const std::string& what) {
  const unsigned long reason = ERR_peek_last_error();
  const char* text = ERR_reason_error_string(reason);
  ERR_clear_error();
  return {Fault::Kind::Io, what + (text == nullptr ? "" : std::string(": ") + text),
          "restore the workspace's pki/ from a backup"};
}

/// A clear word about a missing or damaged file; OpenSSL, which reads chains, says less.
Result<void> check_certificate(const std::filesystem::path& file) {
  const Bytes pem = TRY(host::read_file(file, kMaxPem));
  TRY(keys::read_certificate(as_text(pem), file.string()));
  return {};
}

Result<void> show_own_identity(SSL_CTX& context, const TlsMaterial& material) {
  TRY(check_certificate(material.certificate));
  if (SSL_CTX_use_certificate_chain_file(&context, material.certificate.c_str()) != 1)
    return fail(openssl_fault("cannot use " + material.certificate.string()));
  const Bytes pem = TRY(host::read_file(material.key, kMaxPem));
  const auto key = TRY(keys::open_sealed_pem(as_text(pem), *material.passphrase, material.key.string()));
  if (SSL_CTX_use_PrivateKey(&context, key.get()) != 1)
    return fail(openssl_fault("cannot use " + material.key.string()));
  return {};
}

Result<void> trust_clients_of(SSL_CTX& context, const std::filesystem::path& ca) {
  TRY(check_certificate(ca));
  if (SSL_CTX_load_verify_file(&context, ca.c_str()) != 1)
    return fail(openssl_fault("cannot use " + ca.string()));
  SSL_CTX_set_client_CA_list(&context, SSL_load_client_CA_file(ca.c_str()));  // takes what it is given
  // No SSL_VERIFY_FAIL_IF_NO_PEER_CERT: health needs no certificate, and who lacks one is told so in words.
  SSL_CTX_set_verify(&context, SSL_VERIFY_PEER, nullptr);
  return {};
}

}  // namespace

Result<TlsContext> make_tls_context(const TlsMaterial& material) {
  TlsContext context(SSL_CTX_new(TLS_server_method()));
  if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1)
    return fail(openssl_fault("cannot set up TLS"));
  // A certificate is judged anew on every connection, so that taking one back works at once.
  SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_num_tickets(context.get(), 0);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  TRY(show_own_identity(*context, material));
  TRY(trust_clients_of(*context, material.ca));
  return context;
}

std::optional<VehicleId> named_by_certificate(SSL* connection) {
  const keys::CertificateHandle certificate(SSL_get1_peer_certificate(connection));
  if (!certificate || SSL_get_verify_result(connection) != X509_V_OK) return std::nullopt;
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  // Two common names would be two callers.
  if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0) return std::nullopt;
  unsigned char* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  if (size < 0) return std::nullopt;
  std::string name(reinterpret_cast<char*>(utf8), static_cast<std::size_t>(size));
  OPENSSL_free(utf8);
  if (!model::is_identifier(name)) return std::nullopt;
  return VehicleId(std::move(name));
}

std::string certificate_complaint(SSL* connection) {
  const long result = SSL_get_verify_result(connection);
  return result == X509_V_OK ? std::string() : X509_verify_cert_error_string(result);
}

}  // namespace cotter::http
