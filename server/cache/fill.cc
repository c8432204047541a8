#include "server/cache/fill.h"

#include <utility>

#include "protocol/wire/decode.h"
#include "protocol/wire/reader.h"
#include "server/cache/identity.h"
#include "server/cache/poison.h"
#include "server/cache/stream_join.h"

namespace reprise::cache {
namespace {

using base::Code;
using base::Error;

constexpr std::string_view kNil = "\xc0";

// Apart from the order of keys and the spelling of numbers.
bool IsSameValue(std::string_view a, std::string_view b) {
  if (a == b) {
    return true;
  }
  std::string canonical_a;
  std::string canonical_b;
  return Canonicalize(a, canonical_a).ok() && Canonicalize(b, canonical_b).ok() &&
         canonical_a == canonical_b;
}

// `given` is an array that has the pieces as its first items.
base::Result<bool> BeginsWith(std::string_view given, std::string_view pieces) {
  wire::Reader all(given);
  wire::Reader first(pieces);
  ASSIGN_OR_RETURN(const wire::Kind kind, all.Peek());
  if (kind != wire::Kind::kArray) {
    return false;
  }
  ASSIGN_OR_RETURN(const std::uint32_t all_count, all.Array());
  ASSIGN_OR_RETURN(const std::uint32_t first_count, first.Array());
  for (std::uint32_t i = 0; i < first_count; ++i) {
    if (i == all_count) {
      return false;
    }
    ASSIGN_OR_RETURN(const std::string_view item, all.Raw());
    ASSIGN_OR_RETURN(const std::string_view piece, first.Raw());
    if (!IsSameValue(item, piece)) {
      return false;
    }
  }
  return true;
}

base::Status CheckEnding(const StreamAnswer& stream) {
  const bool is_bad =
      stream.ending.end == StreamEnd::kCut || stream.ending.end == StreamEnd::kUpstreamError;
  if (is_bad) {
    return Error{Code::kBadRequest, "the stream is no answer: " + stream.ending.why};
  }
  return base::Ok{};
}

// Whether it may be kept, and its joined form.
base::Result<std::string> CheckAnswer(std::string_view response, std::size_t bytes_max) {
  RETURN_IF_ERROR(CheckNotPoisoned(response));
  ASSIGN_OR_RETURN(const StreamAnswer stream, ReadStream(response));
  RETURN_IF_ERROR(CheckEnding(stream));
  if (stream.shape == StreamShape::kNone) {
    return std::string();
  }
  RETURN_IF_ERROR(CheckNotPoisoned(wire::Encode(stream.answer)));
  auto joined = PackAnswer(stream.answer, bytes_max);
  return joined.ok() ? std::move(joined).value()
                     : std::string();  // It is kept in pieces all the same.
}

base::Result<FillAnswer> ReadBoth(const FillParts& parts, std::size_t bytes_max) {
  ASSIGN_OR_RETURN(const bool has_pieces, BeginsWith(parts.given, parts.pieces));
  if (has_pieces) {
    ASSIGN_OR_RETURN(std::string joined, CheckAnswer(parts.given, bytes_max));
    return FillAnswer{parts.given, std::move(joined)};
  }
  RETURN_IF_ERROR(CheckNotPoisoned(parts.given));
  const auto stream = ReadStream(parts.pieces);
  if (stream.ok() && stream.value().shape != StreamShape::kNone) {
    RETURN_IF_ERROR(CheckEnding(stream.value()));
    const auto joined = PackAnswer(stream.value().answer, bytes_max);
    if (joined.ok() && IsSameValue(parts.given, joined.value())) {
      return FillAnswer{parts.given};
    }
  }
  return Error{Code::kBadRequest,
               "the answer is another one than the pieces that were appended; give nil, all of "
               "the pieces, or the answer that they make together"};
}

}  // namespace

base::Result<FillAnswer> ReadFill(const FillParts& parts, std::size_t bytes_max) {
  const bool is_nil = parts.given == kNil;
  if (is_nil && !parts.pieces.empty() && parts.cut) {
    return Error{Code::kBadRequest,
                 "a piece was refused, so that the others are no answer; give the whole answer "
                 "here"};
  }
  if (!is_nil && !parts.pieces.empty() && !parts.cut) {
    return ReadBoth(parts, bytes_max);
  }
  const std::string_view response = is_nil && !parts.pieces.empty() ? parts.pieces : parts.given;
  ASSIGN_OR_RETURN(std::string joined, CheckAnswer(response, bytes_max));
  return FillAnswer{response, std::move(joined)};
}

}  // namespace reprise::cache
