// FrameScanner: finds where a MessagePack-RPC frame ends, however its bytes arrive.
//
// It is fed the bytes from the start of the frame, again and again as more arrive, and continues
// where it stopped: total work is O(frame bytes), plus O(1) for each call. It takes no memory and
// follows no length that a limit forbids, so a claim of 4 GiB costs its five bytes.
//
// First-byte rule: 0x94 (request, response) or 0x93 (notification); all else is refused at byte
// one, so that an HTTP request can never be read as numbers until a request hides in its body.
//
// Errors: kBadRequest (not MessagePack-RPC), kTooLarge (frame, depth, count); after either the
// connection is beyond repair. Threads: one owner.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "protocol/base/limits.h"
#include "protocol/base/result.h"
#include "protocol/wire/token.h"

namespace reprise::wire {

class FrameScanner {
 public:
  // `bytes` begin at the frame's first byte and contain all that previous calls have seen.
  // Returns the frame's size when it is complete, and is then ready for the next frame.
  base::Result<std::optional<std::size_t>> Scan(std::string_view bytes,
                                                std::size_t frame_bytes_max);

  // After an incomplete Scan: the least size that the frame is known to have, never above the
  // limit.
  std::size_t NeededBytes() const { return needed_; }
  void Reset();

 private:
  // Takes `token` into account; an error when a limit forbids it.
  base::Status Enter(const Token& token, std::size_t frame_bytes_max);
  // Counts a finished value; true when it was the frame's last.
  bool Leave();

  static constexpr std::size_t kDepthMax = static_cast<std::size_t>(base::limits::kDepth.value);

  std::size_t position_ = 0;
  std::size_t needed_ = 1;
  std::uint32_t items_ = 0;
  std::uint32_t depth_ = 0;
  std::array<std::uint32_t, kDepthMax> remaining_{};
};

}  // namespace reprise::wire
