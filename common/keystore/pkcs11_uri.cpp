#include "common/keystore/pkcs11_uri.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>

namespace cotter::keystore {
namespace {

constexpr std::string_view kFileScheme = "file:";
constexpr const char* kExample =
    "it looks like pkcs11:token=LABEL, with the label that p11-kit list-modules shows";

Result<std::string> formatted(P11KitUri* uri, P11KitUriType type) {
  char* text = nullptr;
  if (p11_kit_uri_format(uri, type, &text) != P11_KIT_URI_OK)
    return fault(Fault::Kind::Io, "cannot write a PKCS #11 URI");
  std::string whole(text);
  std::free(text);
  return whole;
}

/// RFC 7512 2.4: a file by `file:` or as a path of its own.
Result<std::optional<std::filesystem::path>> read_pin_source(const char* source) {
  if (source == nullptr) return std::optional<std::filesystem::path>();
  std::string_view path(source);
  if (path.starts_with(kFileScheme)) path.remove_prefix(kFileScheme.size());
  if (path.starts_with("//")) path.remove_prefix(2);
  if (!path.starts_with("/")) {
    return fault(Fault::Kind::Usage, "the PIN's source is no file: pin-source=" + std::string(source),
                 "give pin-source=file:/path/to/file, or leave it out to be asked");
  }
  return std::optional<std::filesystem::path>(path);
}

}  // namespace

Result<Pkcs11Uri> Pkcs11Uri::parse(const std::string& text) {
  Pkcs11Uri uri{Handle(p11_kit_uri_new())};
  const int status = p11_kit_uri_parse(text.c_str(), P11_KIT_URI_FOR_ANY, uri.handle_.get());
  // Not the text itself in the messages: a PIN may stand in it.
  if (status != P11_KIT_URI_OK) return fault(Fault::Kind::Usage, "this is no PKCS #11 URI", kExample);
  if (p11_kit_uri_get_pin_value(uri.handle_.get()) != nullptr) {
    return fault(Fault::Kind::Usage,
                 "a PIN does not belong into a URI: everybody on this machine can read it",
                 "leave pin-value out to be asked, or use pin-source=file:/path");
  }
  if (p11_kit_uri_any_unrecognized(uri.handle_.get()) != 0) {
    return fault(Fault::Kind::Usage, "the PKCS #11 URI has a part that we do not know", kExample);
  }
  uri.pin_source_ = TRY(read_pin_source(p11_kit_uri_get_pin_source(uri.handle_.get())));
  return uri;
}

bool Pkcs11Uri::fits(const CK_TOKEN_INFO& token) const {
  return p11_kit_uri_match_token_info(handle_.get(), &token) != 0;
}

std::optional<std::string> Pkcs11Uri::module_path() const {
  const char* path = p11_kit_uri_get_module_path(handle_.get());
  return path == nullptr ? std::nullopt : std::optional<std::string>(path);
}

std::optional<Bytes> Pkcs11Uri::attribute(CK_ATTRIBUTE_TYPE type) const {
  const CK_ATTRIBUTE* found = p11_kit_uri_get_attribute(handle_.get(), type);
  if (found == nullptr) return std::nullopt;
  const auto* bytes = static_cast<const std::uint8_t*>(found->pValue);
  return Bytes(bytes, bytes + found->ulValueLen);
}

Result<std::string> Pkcs11Uri::of_token() const {
  const Handle bare{p11_kit_uri_new()};
  *p11_kit_uri_get_token_info(bare.get()) = *p11_kit_uri_get_token_info(handle_.get());
  p11_kit_uri_set_module_path(bare.get(), p11_kit_uri_get_module_path(handle_.get()));
  return formatted(bare.get(), P11_KIT_URI_FOR_TOKEN);
}

Result<std::string> Pkcs11Uri::of_key(const CK_TOKEN_INFO& token, ByteView id,
                                      const std::string& label) const {
  const Handle key{p11_kit_uri_new()};
  CK_TOKEN_INFO* named = p11_kit_uri_get_token_info(key.get());
  std::copy(std::begin(token.label), std::end(token.label), std::begin(named->label));
  std::copy(std::begin(token.serialNumber), std::end(token.serialNumber), std::begin(named->serialNumber));
  CK_OBJECT_CLASS kind = CKO_PRIVATE_KEY;
  Bytes id_bytes(id.begin(), id.end());
  std::string label_bytes = label;
  CK_ATTRIBUTE attributes[] = {{CKA_CLASS, &kind, sizeof kind},
                               {CKA_ID, id_bytes.data(), id_bytes.size()},
                               {CKA_LABEL, label_bytes.data(), label_bytes.size()}};
  p11_kit_uri_set_attributes(key.get(), attributes, std::size(attributes));
  p11_kit_uri_set_pin_source(key.get(), p11_kit_uri_get_pin_source(handle_.get()));
  p11_kit_uri_set_module_path(key.get(), p11_kit_uri_get_module_path(handle_.get()));
  return formatted(key.get(), P11_KIT_URI_FOR_OBJECT_ON_TOKEN);
}

}  // namespace cotter::keystore
