// Frames: what arrives on a connection, in whatever pieces. A target for libFuzzer.
//
// The first byte chooses how the rest is cut. It must hold that: the pieces make no difference; a
// frame that the scanner accepts decodes, and re-encodes to something stable; a value that decodes
// and begins like a frame is one, or breaks a limit; a parsed request is written back as it was
// read.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/buffer.h"
#include "protocol/base/ensure.h"
#include "protocol/base/result.h"
#include "protocol/wire/decode.h"
#include "protocol/wire/frame.h"
#include "protocol/wire/message.h"
#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"

namespace reprise::wire {
namespace {

constexpr std::size_t kFrameBytesMax = 4096;

struct Outcome {
  std::optional<std::size_t> frame_bytes;  // absent: incomplete or refused
  std::optional<base::Code> refused;
  bool operator==(const Outcome&) const = default;
};

// One frame from the front of `bytes`, at most `piece` bytes more each time.
Outcome ScanInPieces(FrameScanner& scanner, std::string_view bytes, std::size_t piece) {
  std::size_t given = 0;
  while (given < bytes.size()) {
    given = std::min(bytes.size(), given + piece);
    const auto scanned = scanner.Scan(bytes.substr(0, given), kFrameBytesMax);
    if (!scanned.ok()) {
      return {.frame_bytes = std::nullopt, .refused = scanned.error().code};
    }
    if (scanned.value().has_value()) {
      return {.frame_bytes = scanned.value(), .refused = std::nullopt};
    }
    ENSURE(scanner.NeededBytes() > given);
    ENSURE(scanner.NeededBytes() <= kFrameBytesMax);
  }
  return {};
}

bool Inside(std::string_view part, std::string_view whole) {
  return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

void CheckRequest(std::string_view frame) {
  const auto parsed = ParseRequest(frame);
  if (!parsed.ok()) {
    ENSURE(parsed.error().code == base::Code::kBadRequest);
    return;
  }
  const Request& request = parsed.value();
  ENSURE(Inside(request.method, frame) && Inside(request.params, frame));
  const auto params = Decode(request.params);
  ENSURE(params.ok() && params.value().AsArray() != nullptr);

  base::Buffer out;
  if (request.is_notification) {
    BeginNotification(request.method, out);
  } else {
    BeginRequest(request.msgid, request.method, out);
  }
  out.Append(request.params);
  const auto again = ParseRequest(out.view());
  ENSURE(again.ok() && again.value().method == request.method);
  ENSURE(again.value().msgid == request.msgid && again.value().params == request.params);
  ENSURE(again.value().is_notification == request.is_notification);
}

void CheckResponse(std::string_view frame) {
  const auto parsed = ParseResponse(frame);
  if (parsed.ok() && !parsed.value().is_notification) {
    ENSURE(Decode(parsed.value().error).ok() && Decode(parsed.value().result).ok());
    ENSURE(!ParseError(parsed.value().error).detail.empty() || !parsed.value().error.empty());
  }
}

void CheckFrame(std::string_view frame) {
  const auto decoded = Decode(frame);
  ENSURE(decoded.ok());
  const std::string encoded = Encode(decoded.value());
  ENSURE(encoded.size() <=
         2 * frame.size());  // float32 becomes float64, all else its shortest form.
  const auto again = Decode(encoded);
  ENSURE(again.ok() && Encode(again.value()) == encoded);
  const auto raw = Reader(frame).Raw();
  ENSURE(raw.ok() && raw.value() == frame);
  CheckRequest(frame);
  CheckResponse(frame);
}

void CheckBytes(std::string_view bytes, std::size_t piece) {
  FrameScanner in_pieces;
  FrameScanner at_once;
  while (!bytes.empty()) {
    const Outcome outcome = ScanInPieces(in_pieces, bytes, piece);
    ENSURE(outcome == ScanInPieces(at_once, bytes, bytes.size()));
    if (!outcome.frame_bytes.has_value()) {
      break;
    }
    ENSURE(*outcome.frame_bytes > 0 && *outcome.frame_bytes <= bytes.size());
    CheckFrame(bytes.substr(0, *outcome.frame_bytes));
    bytes.remove_prefix(*outcome.frame_bytes);
  }
}

void CheckValue(std::string_view bytes) {
  const bool begins_like_a_frame = !bytes.empty() && (bytes[0] == '\x94' || bytes[0] == '\x93');
  if (begins_like_a_frame && bytes.size() <= kFrameBytesMax && Decode(bytes).ok()) {
    FrameScanner scanner;
    const Outcome outcome = ScanInPieces(scanner, bytes, bytes.size());
    ENSURE(outcome.frame_bytes == bytes.size() || outcome.refused == base::Code::kTooLarge);
  }
}

}  // namespace
}  // namespace reprise::wire

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  reprise::wire::CheckBytes(bytes, std::size_t{data[0]} % 32 + 1);
  reprise::wire::CheckValue(bytes);
  return 0;
}
