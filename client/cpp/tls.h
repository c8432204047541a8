// The client side of TLS over a non-blocking socket. The only home of OpenSSL in client/cpp.
//
// Internal to client/cpp. TLS 1.2 and later; no byte of a request is written before the server was
// recognised. Threads: TlsContext any; TlsSession one owner. Errors: kBadRequest (options or
// files), kUnavailable (refused or ended by the peer), kUnauthenticated (the certificate is not
// trusted; the text says why and what to do). Lifetime: a session keeps its context.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "client/cpp/options.h"
#include "protocol/base/result.h"

namespace reprise::client {

class TlsContext {
 public:
  // `host` is the one of the address.
  static base::Result<std::shared_ptr<const TlsContext>> Create(const TlsOptions& options,
                                                                const std::string& host);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  TlsContext(TlsContext&&) = delete;
  TlsContext& operator=(TlsContext&&) = delete;

 private:
  friend class TlsSession;
  TlsContext() = default;

  struct Native;
  std::unique_ptr<Native> native_;
  std::string name_;  // to verify; empty: none is verified
  std::string pin_;   // 32 bytes, or empty
};

class TlsSession {
 public:
  // `descriptor` is a connected, non-blocking socket that outlives the session.
  static base::Result<std::unique_ptr<TlsSession>> Create(std::shared_ptr<const TlsContext> context,
                                                          int descriptor);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;
  TlsSession(TlsSession&&) = delete;
  TlsSession& operator=(TlsSession&&) = delete;

  // True when the handshake is done and the server was recognised.
  base::Result<bool> Handshake();
  // Bytes moved; 0: the socket is not ready. An end of the stream is kUnavailable.
  base::Result<std::size_t> Read(std::span<char> space);
  base::Result<std::size_t> Write(std::string_view bytes);

  // What the last operation that moved nothing waits for.
  bool WantsWrite() const { return wants_write_; }

 private:
  TlsSession() = default;
  base::Result<std::size_t> Stopped(int code);
  base::Error HandshakeError() const;
  base::Status CheckPinned() const;

  struct Native;
  std::shared_ptr<const TlsContext> context_;
  std::unique_ptr<Native> native_;
  bool wants_write_ = false;
};

}  // namespace reprise::client
