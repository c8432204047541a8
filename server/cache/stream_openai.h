// OpenAiJoin: the chunks of a streamed OpenAI chat completion, as the completion.
//
// Choices are joined by their index, tool calls by theirs (the place is left out of the answer, as
// the API does). Fields of a delta grow or are whole as stream_fields.h says, also those that no
// one has heard of yet; so are fields of a choice and of the chunk, of which the usage of the last
// chunk is one. `obfuscation` (padding) goes. A message that only calls tools or refuses has nil as
// its content.
//
// Threads: one owner. Errors: kBadRequest. Limits: kStreamIndexMax. Complexity: O(bytes log
// fields).
#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "protocol/base/result.h"
#include "protocol/base/value.h"
#include "server/cache/stream_end.h"
#include "server/cache/stream_fields.h"

namespace reprise::cache {

class OpenAiJoin {
 public:
  base::Status Take(const base::Value& chunk);
  // `[DONE]` has come, or never comes, because the holder appended parsed chunks.
  StreamEnding Ending(bool is_done, bool is_text) const;
  bool has_ended() const { return false; }  // Only [DONE] ends it.
  base::Value Answer() &&;

 private:
  struct Choice {
    Fields fields;
    Fields message;
    GrowingList tool_calls;
    GrowingList reasoning_details;
    bool is_finished = false;
  };

  base::Status TakeChoice(const base::Value& piece);
  static base::Status TakeDelta(const base::Value& delta, Choice& choice);
  static base::Value Message(Choice& choice);

  Fields fields_;
  std::map<std::size_t, Choice> choices_;
  bool has_failed_ = false;
};

}  // namespace reprise::cache
