#include "protocol/wire/frame.h"

#include <string>

namespace reprise::wire {
namespace {

constexpr char kRequestStart = static_cast<char>(0x94);
constexpr char kNotificationStart = static_cast<char>(0x93);

base::Error TooLarge(const base::Limit& limit, std::size_t limit_value, std::uint64_t claimed) {
  return {base::Code::kTooLarge, std::string(limit.name) + ": " + std::to_string(claimed) +
                                     " is more than the limit of " + std::to_string(limit_value)};
}

}  // namespace

void FrameScanner::Reset() {
  position_ = 0;  // What stands in remaining_ is written before it is read.
  needed_ = 1;
  items_ = 0;
  depth_ = 0;
}

base::Result<std::optional<std::size_t>> FrameScanner::Scan(std::string_view bytes,
                                                            std::size_t frame_bytes_max) {
  if (position_ == 0 && !bytes.empty() && bytes[0] != kRequestStart &&
      bytes[0] != kNotificationStart) {
    return base::Error{base::Code::kBadRequest,
                       "not MessagePack-RPC: a frame begins with 0x94 (request) or 0x93 "
                       "(notification)"};
  }
  while (true) {
    Token token;
    const TokenState state = ReadToken(bytes.substr(position_), token);
    if (state == TokenState::kInvalid) {
      return base::Error{base::Code::kBadRequest, "byte 0xc1 is not MessagePack"};
    }
    const std::size_t end = position_ + token.header_bytes +
                            (state == TokenState::kOk && token.HasBody() ? token.length : 0);
    if (end > frame_bytes_max) {
      return TooLarge(base::limits::kFrameBytes, frame_bytes_max, end);
    }
    if (state == TokenState::kIncomplete || end > bytes.size()) {
      needed_ = end;
      return std::optional<std::size_t>{};
    }
    position_ = end;
    RETURN_IF_ERROR(Enter(token, frame_bytes_max));
    if (token.IsContainer() && token.length > 0) {
      continue;
    }
    if (Leave()) {
      Reset();
      return std::optional(end);
    }
  }
}

base::Status FrameScanner::Enter(const Token& token, std::size_t frame_bytes_max) {
  if (++items_ > base::limits::kFrameItems.value) {
    return TooLarge(base::limits::kFrameItems, base::limits::kFrameItems.value, items_);
  }
  if (!token.IsContainer()) {
    return base::Ok{};
  }
  if (token.length > base::limits::kContainerItems.value) {
    return TooLarge(base::limits::kContainerItems, base::limits::kContainerItems.value,
                    token.length);
  }
  if (depth_ == kDepthMax) {  // An empty container is a level as well.
    return TooLarge(base::limits::kDepth, kDepthMax, kDepthMax + 1);
  }
  if (token.length == 0) {
    return base::Ok{};
  }
  const std::uint32_t children = token.kind == Kind::kMap ? 2 * token.length : token.length;
  if (position_ + children > frame_bytes_max) {  // Each child has at least one byte.
    return TooLarge(base::limits::kFrameBytes, frame_bytes_max, position_ + children);
  }
  remaining_[depth_++] = children;
  return base::Ok{};
}

bool FrameScanner::Leave() {
  while (depth_ > 0 && --remaining_[depth_ - 1] == 0) {
    --depth_;
  }
  return depth_ == 0;
}

}  // namespace reprise::wire
