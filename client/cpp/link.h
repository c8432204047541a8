// Link: one connection as a state machine: connect, TLS, AUTH and HELLO, then frames both ways.
//
// Internal to client/cpp; Client drives it from the calling thread, AsyncClient from its own. The
// owner polls descriptor() for Events(), calls Advance, and takes what arrived with Next until that
// is empty. Threads: one owner. Errors: those of Channel; the server's own error when it refuses
// AUTH or HELLO; kCorrupt when the bytes are not the protocol, kTooLarge when a frame is above
// response_bytes_max. After any error the link is of no more use. Lifetime: what Next returns is
// valid until the next call of Next or Advance. Complexity: O(bytes).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/cpp/channel.h"
#include "client/cpp/options.h"
#include "protocol/base/buffer.h"
#include "protocol/base/result.h"
#include "protocol/wire/frame.h"
#include "protocol/wire/message.h"

namespace reprise::client {

class Link {
 public:
  static base::Result<std::unique_ptr<Link>> Begin(const Options& options,
                                                   std::shared_ptr<const TlsContext> tls);

  // Connected and, where asked for, authenticated and introduced.
  bool ready() const { return channel_->open() && greeting_.empty(); }
  int descriptor() const { return channel_->descriptor(); }
  // NOLINTNEXTLINE(google-runtime-int): the type of pollfd::events.
  short Events() const { return channel_->Events(!output_.empty()); }

  // Moves on without waiting: connects, greets, writes output, and reads when `readable`.
  base::Status Advance(bool readable);
  // The next message that has arrived.
  base::Result<std::optional<wire::Response>> Next();

  // Only when ready: queues a request and returns its msgid. Ids count up from the last one by one,
  // modulo 2^32.
  std::uint32_t Send(std::string_view body);
  // Bytes queued so far, and those of them that the system has taken.
  std::uint64_t queued_bytes() const { return written_bytes_ + output_.size(); }
  std::uint64_t written_bytes() const { return written_bytes_; }

 private:
  Link(std::unique_ptr<Channel> channel, const Options& options);
  base::Status Write();
  base::Status Read();
  base::Result<std::optional<wire::Response>> NextFrame();
  base::Status Greeted(const wire::Response& response);

  std::unique_ptr<Channel> channel_;
  std::size_t response_bytes_max_;
  std::vector<std::string> greeting_;  // bodies still to be sent and answered, last one first
  bool greeting_sent_ = false;
  std::uint32_t last_msgid_ = 0;
  base::Buffer output_;
  base::Buffer input_;
  wire::FrameScanner scanner_;
  std::size_t frame_bytes_ = 0;  // of the frame that Next returned last
  std::uint64_t written_bytes_ = 0;
};

}  // namespace reprise::client
