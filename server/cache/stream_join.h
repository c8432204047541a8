// ReadStream: the pieces of a streamed answer, as the answer that the same API gives without
// streaming.
//
// The pieces are what a holder appended (CACHE.APPEND), stored as one MessagePack array. They are
//   - maps: events that were parsed: chunks of OpenAI's Chat Completions, events of OpenAI's
//     Responses or of Anthropic's Messages; the text "[DONE]" may stand among them
//   - str or bin: the text of such events as it came over the wire, cut anywhere
//   - other texts: their answer is all of them, one behind the other; a str when that is UTF-8 and
//     not all pieces were bin
// Anything else is no stream. What each API's answer is made of: stream_openai.h,
// stream_responses.h, stream_anthropic.h; what happens to fields that are not known:
// stream_fields.h.
//
// Complete is: [DONE], or when chunks come as maps, all choices finished; message_stop;
// response.completed or response.incomplete. A text that ends in the middle of an event, and one of
// nothing but comments, is cut. What follows the end of a stream is an error: two streams are no
// answer. Events of no known shape that come as text are a text.
//
// Pure. Units: bytes. Threads: any. Lifetime: the result owns its bytes. Errors: kBadRequest
// (events that cannot be read, with their number; none of them repeats the text), kTooLarge
// (nesting of an event beyond kStreamDepth). Complexity: O(bytes log fields). Limits: kStreamDepth,
// kStreamIndexMax (stream_fields.h), and those of PackAnswer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/base/result.h"
#include "protocol/base/value.h"
#include "server/cache/stream_end.h"

namespace reprise::cache {

inline constexpr std::size_t kStreamDepth = 64;  // of arrays and maps in one event

enum class StreamShape : std::uint8_t {
  kNone,  // no pieces of a stream: a response that came whole
  kText,
  kOpenAiChat,
  kOpenAiResponses,
  kAnthropicMessages,
};

struct StreamAnswer {
  StreamShape shape = StreamShape::kNone;
  StreamEnding ending{};
  base::Value answer{};  // when the end is kComplete, or the shape kText and the end kUnknown
};

// `response` is one MessagePack value.
base::Result<StreamAnswer> ReadStream(std::string_view response);

// The answer as MessagePack. Errors: kTooLarge, when it is beyond `bytes_max` or what a frame can
// carry (kDepth, kContainerItems, kFrameItems).
base::Result<std::string> PackAnswer(const base::Value& answer, std::size_t bytes_max);

// What a reader who wants one answer gets: the joined one, or the response as it is when it is no
// stream. Errors: as above; kBadRequest for a stream that was cut or ends with an error.
base::Result<std::string> JoinStream(std::string_view response, std::size_t bytes_max);

}  // namespace reprise::cache
