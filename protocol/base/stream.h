// Stream and StreamHandler: the two halves of a connection, so that a protocol needs no socket.
//
// A Stream is the byte side (a socket, with or without TLS, or a fake); a StreamHandler is the
// protocol side (session, admin HTTP). The loop owns both. Threads: all of it on the loop that owns
// the connection. Lifetime: the handler lives until OnClosed returns; after that the Stream is
// gone. Errors: a failed write or a reset peer arrives as OnClosed.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "protocol/base/buffer.h"
#include "protocol/base/thread_role.h"

namespace reprise::base {

class Stream {
 public:
  virtual ~Stream() = default;

  // Bytes appended here are sent by Flush. What the peer has not taken yet stays in it.
  virtual Buffer& Output() ON_LOOP_THREAD = 0;
  // Sends as much as the peer takes now; the rest follows by itself.
  virtual void Flush() ON_LOOP_THREAD = 0;
  // Bytes that were appended but that the peer has not taken.
  virtual std::size_t Unsent() const ON_LOOP_THREAD = 0;

  virtual void PauseReading() ON_LOOP_THREAD = 0;
  virtual void ResumeReading() ON_LOOP_THREAD = 0;

  // Ends the connection: at once, or after the output was sent (bounded by the handshake deadline).
  // OnClosed follows in a later loop turn. Calling it again does nothing.
  virtual void Close() ON_LOOP_THREAD = 0;
  virtual void CloseAfterFlush() ON_LOOP_THREAD = 0;

  // Asks for OnResume in the next loop turn, after other connections had theirs.
  virtual void YieldTurn() ON_LOOP_THREAD = 0;

  // "127.0.0.1:51234" or "unix", for logs and CLIENT.LIST.
  virtual std::string_view Peer() const ON_LOOP_THREAD = 0;
  // "tcp", "unix" or "tls".
  virtual std::string_view Transport() const ON_LOOP_THREAD = 0;
};

class StreamHandler {
 public:
  virtual ~StreamHandler() = default;

  // Where the next bytes should be read to when the handler keeps a partial message; empty means
  // "into the loop's shared buffer".
  virtual std::span<char> ReadSpace() ON_LOOP_THREAD = 0;
  // `bytes` lie in the span from ReadSpace (when that was not empty) or in the loop's shared
  // buffer, which is valid during the call only.
  virtual void OnBytes(std::string_view bytes) ON_LOOP_THREAD = 0;
  // The peer closed its sending side. What was accepted is answered before the stream is closed.
  virtual void OnEndOfInput() ON_LOOP_THREAD = 0;
  // Follows YieldTurn.
  virtual void OnResume() ON_LOOP_THREAD = 0;
  // The peer took output: Unsent() has become smaller.
  virtual void OnWritable() ON_LOOP_THREAD = 0;
  // About every 100 ms: deadlines are checked here. May call Stream::Close.
  virtual void OnTick() ON_LOOP_THREAD = 0;
  // Last call. The Stream must not be used any more.
  virtual void OnClosed() ON_LOOP_THREAD = 0;
};

}  // namespace reprise::base
