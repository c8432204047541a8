// MakeSelfSigned: a certificate for trying things out, not for a network.
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <memory>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <string>
#include <sys/stat.h>
#include <system_error>

#include "server/loop/tls.h"

namespace reprise::loop {

namespace {

constexpr long kBackdateSeconds = -3600;  // for clocks that are a little behind
constexpr long kValidSeconds = 10L * 365 * 86'400;
constexpr int kSerialBytes = 16;

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

base::Error OpenSslFailed() {
  ERR_clear_error();
  return {base::Code::kInternal, "OpenSSL could not make a self-signed certificate"};
}

bool AddExtension(X509* certificate, int name, const char* text) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, name, text);
  const bool added = extension != nullptr && X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

bool SetRandomSerial(X509* certificate) {
  unsigned char bytes[kSerialBytes] = {};
  if (RAND_bytes(bytes, kSerialBytes) != 1) {
    return false;
  }
  bytes[0] &= 0x7fU;  // Serial numbers are positive.
  BIGNUM* number = BN_bin2bn(bytes, kSerialBytes, nullptr);
  const bool set = number != nullptr &&
                   BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
  BN_free(number);
  return set;
}

bool Fill(X509* certificate, EVP_PKEY* key) {
  X509_NAME* name = X509_get_subject_name(certificate);
  return X509_set_version(certificate, 2) == 1 && SetRandomSerial(certificate) &&
         X509_gmtime_adj(X509_getm_notBefore(certificate), kBackdateSeconds) != nullptr &&
         X509_gmtime_adj(X509_getm_notAfter(certificate), kValidSeconds) != nullptr &&
         X509_set_pubkey(certificate, key) == 1 &&
         X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                    reinterpret_cast<const unsigned char*>("localhost"), -1, -1,
                                    0) == 1 &&
         X509_set_issuer_name(certificate, name) == 1 &&
         AddExtension(certificate, NID_subject_alt_name,
                      "DNS:localhost,IP:127.0.0.1,IP:0:0:0:0:0:0:0:1") &&
         AddExtension(certificate, NID_basic_constraints, "critical,CA:TRUE") &&
         AddExtension(certificate, NID_ext_key_usage, "serverAuth") &&
         X509_sign(certificate, key, EVP_sha256()) > 0;
}

File OpenForWriting(const std::string& file, mode_t mode) {
  const int descriptor = open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (descriptor < 0) {
    return {nullptr, std::fclose};
  }
  // A file that was there before keeps its mode through open; a key must not be readable.
  fchmod(descriptor, mode);
  return {fdopen(descriptor, "w"), std::fclose};
}

template <typename Write>
base::Status WriteFile(const std::string& file, mode_t mode, Write write) {
  File out = OpenForWriting(file, mode);
  if (out == nullptr) {
    return base::Error{base::Code::kIo,
                       "cannot write " + file + ": " + std::generic_category().message(errno)};
  }
  const bool written = write(out.get()) == 1;
  if (std::fclose(out.release()) != 0 || !written) {
    return base::Error{base::Code::kIo, "cannot write " + file};
  }
  return base::Ok{};
}

}  // namespace

base::Status MakeSelfSigned(const std::string& certificate_file, const std::string& key_file) {
  const Key key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const Certificate certificate(X509_new(), X509_free);
  if (key == nullptr || certificate == nullptr || !Fill(certificate.get(), key.get())) {
    return OpenSslFailed();
  }
  RETURN_IF_ERROR(WriteFile(key_file, 0600, [&key](std::FILE* out) {
    return PEM_write_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  }));
  return WriteFile(certificate_file, 0644, [&certificate](std::FILE* out) {
    return PEM_write_X509(out, certificate.get());
  });
}

}  // namespace reprise::loop
