#include "server/loop/tls_session.h"

#include <algorithm>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "protocol/base/ensure.h"

namespace reprise::loop {

std::unique_ptr<TlsSession> TlsSession::Create(ssl_ctx_st* context) {
  ERR_clear_error();
  ssl_st* ssl = SSL_new(context);
  if (ssl == nullptr) {
    return nullptr;
  }
  std::unique_ptr<TlsSession> session(new TlsSession(ssl));
  bio_st* from_wire = BIO_new(BIO_s_mem());
  bio_st* to_wire = BIO_new(BIO_s_mem());
  if (from_wire == nullptr || to_wire == nullptr) {
    BIO_free(from_wire);
    BIO_free(to_wire);
    return nullptr;
  }
  BIO_set_mem_eof_return(from_wire, -1);  // Empty means "more later", not "the end".
  SSL_set_bio(ssl, from_wire, to_wire);
  SSL_set_accept_state(ssl);
  session->from_wire_ = from_wire;
  session->to_wire_ = to_wire;
  return session;
}

TlsSession::~TlsSession() {
  ERR_clear_error();
  SSL_free(ssl_);
}

bool TlsSession::Feed(std::string_view bytes) {
  DENSURE(bytes.size() <= kFeedBytes);
  ERR_clear_error();
  return BIO_write(from_wire_, bytes.data(), static_cast<int>(bytes.size())) ==
         static_cast<int>(bytes.size());
}

TlsSession::Progress TlsSession::Handshake() {
  ERR_clear_error();
  return Result(SSL_do_handshake(ssl_));
}

TlsSession::Progress TlsSession::Read(std::span<char> into) {
  ERR_clear_error();
  return Result(
      SSL_read(ssl_, into.data(), static_cast<int>(std::min(into.size(), std::size_t{1} << 20U))));
}

TlsSession::Progress TlsSession::Write(std::string_view plain) {
  DENSURE(!plain.empty());
  ERR_clear_error();
  return Result(SSL_write(ssl_, plain.data(),
                          static_cast<int>(std::min(plain.size(), std::size_t{1} << 20U))));
}

void TlsSession::Shutdown() {
  ERR_clear_error();
  SSL_shutdown(ssl_);
  Drain();
}

bool TlsSession::HasInput() const {
  return SSL_pending(ssl_) > 0 || BIO_ctrl_pending(from_wire_) > 0;
}

TlsSession::Progress TlsSession::Result(int result) {
  Progress progress;
  if (result > 0) {
    progress = {Outcome::kDone, static_cast<std::size_t>(result)};
  } else {
    switch (SSL_get_error(ssl_, result)) {  // Before Drain: BIO calls may change the error queue.
      case SSL_ERROR_WANT_READ:
        progress.outcome = Outcome::kWantsMore;
        break;
      case SSL_ERROR_ZERO_RETURN:
        progress.outcome = Outcome::kEnd;
        break;
      default:
        progress.outcome = Outcome::kFailed;
        break;
    }
  }
  Drain();
  return progress;
}

void TlsSession::Drain() {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(to_wire_, &bytes);
  if (size > 0) {
    cipher_.Append({bytes, static_cast<std::size_t>(size)});
    BIO_reset(to_wire_);
  }
}

}  // namespace reprise::loop
