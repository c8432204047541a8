// TlsSession: one server-side TLS connection over memory BIOs (notes/0002-tls.md). Turns bytes from
// the wire into plain bytes and back; knows no socket and no handler.
//
// For the files of this module only. Threads: one owner. Errors: kFailed means that the connection
// is lost; what lies in cipher() (an alert) may still be sent. Each call clears the thread's
// OpenSSL error queue first and moves what OpenSSL produced to cipher() afterwards. Limits: feed at
// most kFeedBytes between two reads; stop writing above kCipherBytesMax of cipher().
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "protocol/base/buffer.h"

struct ssl_ctx_st;
struct ssl_st;
struct bio_st;

namespace reprise::loop {

class TlsSession {
 public:
  static constexpr std::size_t kFeedBytes = std::size_t{16} * 1024;
  static constexpr std::size_t kCipherBytesMax = std::size_t{256} * 1024;

  enum class Outcome { kDone, kWantsMore, kEnd, kFailed };
  struct Progress {
    Outcome outcome = Outcome::kFailed;
    std::size_t bytes = 0;
  };

  // Null when OpenSSL has no memory.
  static std::unique_ptr<TlsSession> Create(ssl_ctx_st* context);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;
  TlsSession(TlsSession&&) = delete;
  TlsSession& operator=(TlsSession&&) = delete;

  // Bytes from the wire, at most kFeedBytes.
  bool Feed(std::string_view bytes);
  // kDone once the handshake is complete.
  Progress Handshake();
  // kDone with bytes > 0, kWantsMore, kEnd when the peer closed its side, or kFailed.
  Progress Read(std::span<char> into);
  // kDone with how much of `plain` (not empty) was taken, at most one record; or kFailed.
  Progress Write(std::string_view plain);
  // Tells the peer that nothing follows.
  void Shutdown();

  // Whether a Read may give something without a Feed.
  bool HasInput() const;
  // Bytes for the wire.
  base::Buffer& cipher() { return cipher_; }
  const base::Buffer& cipher() const { return cipher_; }

 private:
  explicit TlsSession(ssl_st* ssl) : ssl_(ssl) {}
  Progress Result(int result);
  void Drain();

  ssl_st* ssl_;
  bio_st* from_wire_ = nullptr;  // owned by ssl_
  bio_st* to_wire_ = nullptr;    // owned by ssl_
  base::Buffer cipher_;
};

}  // namespace reprise::loop
