// ReadStream, JoinStream, ReadFill: any bytes as the pieces of a streamed answer. A target for
// libFuzzer.
//
// It must hold that: text cut into pieces gives what it gives in one piece; an error is text and
// has a sentence; a joined answer is within its limits and can be read by a client; what was cut
// or ends with an error is neither joined nor filled; what is filled is not.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/base/ensure.h"
#include "protocol/base/value.h"
#include "protocol/wire/decode.h"
#include "protocol/wire/json.h"
#include "protocol/wire/plain_json.h"
#include "server/cache/fill.h"
#include "server/cache/stream_join.h"
#include "server/text/normalize.h"

namespace {

using reprise::base::Value;
using reprise::cache::ReadStream;
using reprise::cache::StreamEnd;

constexpr std::size_t kBytesMax = 1 << 20;

std::string Pieces(std::string_view text, std::size_t bytes) {
  Value::Array pieces;
  for (std::size_t at = 0; at < text.size(); at += bytes) {
    pieces.emplace_back(text.substr(at, bytes));
  }
  return reprise::wire::Encode(Value(std::move(pieces)));
}

void CheckError(const reprise::base::Error& error) {
  ENSURE(!error.detail.empty() && reprise::text::CheckUtf8(error.detail).ok());
}

// All that is done with a stored response; the same bytes for the same answer.
std::string CheckPieces(std::string_view pieces) {
  const auto stream = ReadStream(pieces);
  const auto joined = reprise::cache::JoinStream(pieces, kBytesMax);
  const auto fill = reprise::cache::ReadFill({"\xc0", pieces, false}, kBytesMax);
  if (!stream.ok()) {
    CheckError(stream.error());
    ENSURE(!joined.ok() && !fill.ok());
    return "error: " + stream.error().detail;
  }
  const auto& ending = stream.value().ending;
  if (ending.end == StreamEnd::kCut || ending.end == StreamEnd::kUpstreamError) {
    ENSURE(!ending.why.empty() && !joined.ok() && !fill.ok());
    CheckError(joined.error());
    CheckError(fill.error());
    return ending.why;
  }
  if (!joined.ok()) {
    CheckError(joined.error());
    return "not joined: " + joined.error().detail;
  }
  ENSURE(joined.value().size() <= kBytesMax);
  if (stream.value().shape != reprise::cache::StreamShape::kNone) {
    ENSURE(reprise::wire::Decode(joined.value()).ok());
    ENSURE(!fill.ok() || fill.value().joined == joined.value());
  }
  ENSURE(!fill.ok() || fill.value().response == pieces);
  return joined.value();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (bytes.empty()) {
    return 0;
  }
  const std::string whole = CheckPieces(Pieces(bytes, bytes.size()));
  constexpr std::size_t kSteps = 7;
  ENSURE(CheckPieces(Pieces(bytes, 1 + bytes.size() % kSteps)) == whole);
  // The same as parsed events: JSON for whoever writes seeds, or MessagePack.
  if (const auto typed = reprise::wire::FromJson(bytes); typed.ok()) {
    (void)CheckPieces(reprise::wire::Encode(typed.value()));
  }
  if (reprise::wire::Decode(bytes).ok()) {
    (void)CheckPieces(bytes);
  }
  if (const auto json = reprise::wire::FromPlainJson(bytes, reprise::cache::kStreamDepth);
      !json.ok()) {
    CheckError(json.error());
  }
  return 0;
}
