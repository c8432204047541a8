#include "server/loop/tls.h"

#include <cerrno>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "protocol/base/mutex.h"

namespace reprise::loop {

namespace {

constexpr char kCiphers12[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:"
    "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-CHACHA20-POLY1305";

std::string OpenSslReason() {
  const unsigned long error = ERR_peek_last_error();
  const char* reason = error == 0 ? nullptr : ERR_reason_error_string(error);
  ERR_clear_error();
  return reason == nullptr ? "unknown reason" : reason;
}

base::Error Refused(const std::string& what, const std::string& file) {
  return {base::Code::kBadRequest,
          "cannot use the TLS " + what + " " + file + ": " + OpenSslReason()};
}

base::Status MustBeReadable(const std::string& what, const std::string& file) {
  if (access(file.c_str(), R_OK) != 0) {
    return base::Error{base::Code::kIo, "cannot read the TLS " + what + " " + file + ": " +
                                            std::generic_category().message(errno)};
  }
  return base::Ok{};
}

base::Result<std::shared_ptr<SSL_CTX>> MakeContext(const std::string& certificate_file,
                                                   const std::string& key_file) {
  RETURN_IF_ERROR(MustBeReadable("certificate", certificate_file));
  RETURN_IF_ERROR(MustBeReadable("key", key_file));
  ERR_clear_error();
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (context == nullptr) {
    return base::Error{base::Code::kInternal, "OpenSSL: " + OpenSslReason()};
  }
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
                                         SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_num_tickets(context.get(), 0);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_cipher_list(context.get(), kCiphers12);
  if (SSL_CTX_use_certificate_chain_file(context.get(), certificate_file.c_str()) != 1) {
    return Refused("certificate", certificate_file);
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), key_file.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context.get()) != 1) {
    return Refused("key", key_file);
  }
  return context;
}

class FileTlsContext final : public TlsContext {
 public:
  FileTlsContext(std::string certificate_file, std::string key_file,
                 std::shared_ptr<SSL_CTX> context)
      : certificate_file_(std::move(certificate_file)),
        key_file_(std::move(key_file)),
        context_(std::move(context)) {}

  base::Status Reload() override {
    ASSIGN_OR_RETURN(std::shared_ptr<SSL_CTX> fresh, MakeContext(certificate_file_, key_file_));
    const base::MutexLock lock(mutex_);
    context_.swap(fresh);
    return base::Ok{};
  }

  std::shared_ptr<ssl_ctx_st> Current() const override {
    const base::MutexLock lock(mutex_);
    return context_;
  }

 private:
  const std::string certificate_file_;
  const std::string key_file_;
  mutable base::Mutex mutex_;
  std::shared_ptr<SSL_CTX> context_ GUARDED_BY(mutex_);
};

}  // namespace

base::Result<std::unique_ptr<TlsContext>> TlsContext::Load(const std::string& certificate_file,
                                                           const std::string& key_file) {
  ASSIGN_OR_RETURN(std::shared_ptr<SSL_CTX> context, MakeContext(certificate_file, key_file));
  return std::unique_ptr<TlsContext>(
      std::make_unique<FileTlsContext>(certificate_file, key_file, std::move(context)));
}

}  // namespace reprise::loop
