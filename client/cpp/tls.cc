#include "client/cpp/tls.h"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

namespace reprise::client {

struct TlsContext::Native {
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context{nullptr, &SSL_CTX_free};
  std::unique_ptr<BIO_METHOD, decltype(&BIO_meth_free)> method{nullptr, &BIO_meth_free};
};

struct TlsSession::Native {
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl{nullptr, &SSL_free};
  int descriptor = -1;
};

namespace {

// OpenSSL's own socket BIO writes without MSG_NOSIGNAL, and a library must not end its program with
// SIGPIPE; hence these few lines.
int DescriptorOf(BIO* bio) {
  return *static_cast<const int*>(BIO_get_data(bio));
}

bool WouldBlock() {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

int BioWrite(BIO* bio, const char* bytes, int count) {
  BIO_clear_retry_flags(bio);
  const ssize_t sent =
      send(DescriptorOf(bio), bytes, static_cast<std::size_t>(count), MSG_NOSIGNAL);
  if (sent < 0 && WouldBlock()) {
    BIO_set_retry_write(bio);
  }
  return static_cast<int>(sent);
}

int BioRead(BIO* bio, char* space, int count) {
  BIO_clear_retry_flags(bio);
  const ssize_t received = recv(DescriptorOf(bio), space, static_cast<std::size_t>(count), 0);
  if (received < 0 && WouldBlock()) {
    BIO_set_retry_read(bio);
  }
  return static_cast<int>(received);
}

// NOLINTNEXTLINE(google-runtime-int): OpenSSL's signature.
long BioControl(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

int BioCreate(BIO* bio) {
  BIO_set_init(bio, 1);
  return 1;
}

std::string Reason() {
  const unsigned long code = ERR_peek_last_error();  // NOLINT(google-runtime-int): OpenSSL's type.
  if (code == 0) {
    return "no further reason";
  }
  const char* text = ERR_reason_error_string(code);
  return text == nullptr ? "code " + std::to_string(code) : text;
}

base::Error Bad(const std::string& what) {
  return {base::Code::kBadRequest, what + ": " + Reason()};
}

unsigned HexDigit(char letter) {
  if (letter >= '0' && letter <= '9') {
    return static_cast<unsigned>(letter - '0');
  }
  return static_cast<unsigned>((letter | 0x20) - 'a') + 10U;
}

// Options::Check has made sure of 64 digits and colons.
std::string PinBytes(std::string_view text) {
  std::string bytes;
  unsigned high = 0;
  bool has_high = false;
  for (const char letter : text) {
    if (letter == ':') {
      continue;
    }
    if (has_high) {
      bytes.push_back(static_cast<char>(high << 4U | HexDigit(letter)));
    } else {
      high = HexDigit(letter);
    }
    has_high = !has_high;
  }
  return bytes;
}

bool IsIpAddress(const std::string& name) {
  std::array<unsigned char, sizeof(in6_addr)> space{};
  return inet_pton(AF_INET, name.c_str(), space.data()) == 1 ||
         inet_pton(AF_INET6, name.c_str(), space.data()) == 1;
}

base::Status ExpectName(SSL* ssl, const std::string& name) {
  if (IsIpAddress(name)) {
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str()) != 1) {
      return Bad("cannot verify the address " + name);
    }
    return base::Ok{};
  }
  if (SSL_set_tlsext_host_name(ssl, name.c_str()) != 1 || SSL_set1_host(ssl, name.c_str()) != 1) {
    return Bad("cannot verify the name " + name);
  }
  return base::Ok{};
}

}  // namespace

TlsContext::~TlsContext() = default;

base::Result<std::shared_ptr<const TlsContext>> TlsContext::Create(const TlsOptions& options,
                                                                   const std::string& host) {
  ERR_clear_error();
  std::shared_ptr<TlsContext> context(new TlsContext());
  context->native_ = std::make_unique<Native>();
  Native& native = *context->native_;
  native.context.reset(SSL_CTX_new(TLS_client_method()));
  native.method.reset(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "reprise socket"));
  if (native.context == nullptr || native.method == nullptr) {
    return Bad("cannot set up TLS");
  }
  BIO_meth_set_write(native.method.get(), BioWrite);
  BIO_meth_set_read(native.method.get(), BioRead);
  BIO_meth_set_ctrl(native.method.get(), BioControl);
  BIO_meth_set_create(native.method.get(), BioCreate);
  SSL_CTX_set_min_proto_version(native.context.get(), TLS1_2_VERSION);
  SSL_CTX_set_mode(native.context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                             SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                             SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_options(native.context.get(), SSL_OP_NO_RENEGOTIATION);
  if (options.insecure || !options.pinned_sha256.empty()) {
    // A pinned certificate is compared after the handshake, before anything is sent.
    SSL_CTX_set_verify(native.context.get(), SSL_VERIFY_NONE, nullptr);
    context->pin_ = options.insecure ? "" : PinBytes(options.pinned_sha256);
    return std::shared_ptr<const TlsContext>(std::move(context));
  }
  SSL_CTX_set_verify(native.context.get(), SSL_VERIFY_PEER, nullptr);
  context->name_ = options.server_name.empty() ? host : options.server_name;
  const bool loaded = options.ca_file.empty()
                          ? SSL_CTX_set_default_verify_paths(native.context.get()) == 1
                          : SSL_CTX_load_verify_locations(native.context.get(),
                                                          options.ca_file.c_str(), nullptr) == 1;
  if (!loaded) {
    return Bad("cannot read certificates from '" + options.ca_file + "'");
  }
  return std::shared_ptr<const TlsContext>(std::move(context));
}

base::Result<std::unique_ptr<TlsSession>> TlsSession::Create(
    std::shared_ptr<const TlsContext> context, int descriptor) {
  ERR_clear_error();
  std::unique_ptr<TlsSession> session(new TlsSession());
  session->native_ = std::make_unique<Native>();
  session->native_->descriptor = descriptor;
  session->native_->ssl.reset(SSL_new(context->native_->context.get()));
  BIO* bio = BIO_new(context->native_->method.get());
  SSL* ssl = session->native_->ssl.get();
  if (ssl == nullptr || bio == nullptr) {
    BIO_free(bio);
    return Bad("cannot set up TLS");
  }
  BIO_set_data(bio, &session->native_->descriptor);
  SSL_set_bio(ssl, bio, bio);
  SSL_set_connect_state(ssl);
  if (!context->name_.empty()) {
    RETURN_IF_ERROR(ExpectName(ssl, context->name_));
  }
  session->context_ = std::move(context);
  return session;
}

TlsSession::~TlsSession() = default;

base::Result<bool> TlsSession::Handshake() {
  ERR_clear_error();
  const int code = SSL_do_handshake(native_->ssl.get());
  if (code == 1) {
    RETURN_IF_ERROR(CheckPinned());
    return true;
  }
  const int reason = SSL_get_error(native_->ssl.get(), code);
  if (reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE) {
    return HandshakeError();
  }
  wants_write_ = reason == SSL_ERROR_WANT_WRITE;
  return false;
}

base::Error TlsSession::HandshakeError() const {
  const long verdict = SSL_get_verify_result(
      native_->ssl.get());  // NOLINT(google-runtime-int): OpenSSL returns long
  if (!context_->name_.empty() && verdict != X509_V_OK) {
    return {base::Code::kUnauthenticated,
            "the server's certificate is not trusted for '" + context_->name_ +
                "': " + X509_verify_cert_error_string(verdict) +
                " (name its authority with ca_file, or pin the certificate)"};
  }
  if (ERR_peek_last_error() == 0) {
    return {base::Code::kUnavailable, "the server ended the TLS handshake; is this its TLS port?"};
  }
  return {base::Code::kUnavailable, "the TLS handshake failed: " + Reason()};
}

base::Status TlsSession::CheckPinned() const {
  if (context_->pin_.empty()) {
    return base::Ok{};
  }
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(
      SSL_get1_peer_certificate(native_->ssl.get()), &X509_free);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (certificate != nullptr &&
      X509_digest(certificate.get(), EVP_sha256(), digest.data(), &size) == 1 &&
      std::string_view(reinterpret_cast<const char*>(digest.data()), size) == context_->pin_) {
    return base::Ok{};
  }
  return base::Error{base::Code::kUnauthenticated,
                     "the server's certificate is not the pinned one"};
}

base::Result<std::size_t> TlsSession::Stopped(int code) {
  const int reason = SSL_get_error(native_->ssl.get(), code);
  if (reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE) {
    wants_write_ = reason == SSL_ERROR_WANT_WRITE;
    return std::size_t{0};
  }
  if (reason == SSL_ERROR_SSL) {
    return base::Error{base::Code::kUnavailable, "TLS: " + Reason()};
  }
  return base::Error{base::Code::kUnavailable, "the server closed the connection"};
}

base::Result<std::size_t> TlsSession::Read(std::span<char> space) {
  ERR_clear_error();
  std::size_t count = 0;
  const int code = SSL_read_ex(native_->ssl.get(), space.data(), space.size(), &count);
  if (code == 1) {
    return count;
  }
  return Stopped(code);
}

base::Result<std::size_t> TlsSession::Write(std::string_view bytes) {
  ERR_clear_error();
  wants_write_ = false;
  std::size_t count = 0;
  const int code = SSL_write_ex(native_->ssl.get(), bytes.data(), bytes.size(), &count);
  if (code == 1) {
    return count;
  }
  return Stopped(code);
}

}  // namespace reprise::client
