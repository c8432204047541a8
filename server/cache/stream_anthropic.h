// AnthropicJoin: the events of a streamed Anthropic message, as the message.
//
// The message of message_start, with the content blocks (text with citations, thinking with its
// signature, redacted_thinking, tool_use and server tools, results) that the events between
// content_block_start and content_block_stop make; a tool's input is the JSON that its pieces make
// together. Stop reason, stop sequence, container and what else message_delta brings replace those
// of message_start, its usage field by field. A field of a delta that is not known joins its text,
// or appends. Unknown events are skipped, as the API asks of its clients.
//
// Threads: one owner. Errors: kBadRequest (events out of order, a tool's input that is no JSON),
// kTooLarge (nesting of a tool's input). Limits: kStreamIndexMax, kJsonDepth. Complexity: O(bytes
// log fields).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.h"
#include "protocol/base/value.h"
#include "server/cache/stream_end.h"
#include "server/cache/stream_fields.h"

namespace reprise::cache {

// message_start, content_block_delta ...: a type that only these streams have.
bool IsAnthropicType(std::string_view type);

class AnthropicJoin {
 public:
  base::Status Take(const base::Value& event);
  StreamEnding Ending() const;
  bool has_ended() const { return is_stopped_; }
  base::Value Answer() &&;

 private:
  struct Block {
    Fields fields;
    std::string input;  // JSON, as it comes
    bool is_open = true;
  };

  base::Status StartMessage(const base::Value& event);
  base::Status StartBlock(const base::Value& event);
  base::Status GrowBlock(const base::Value& event);
  base::Status StopBlock(const base::Value& event);
  base::Status ChangeMessage(const base::Value& event);
  base::Status StopMessage();
  base::Result<Block*> OpenBlock(const base::Value& event);

  Fields message_;
  Fields usage_;
  std::vector<Block> blocks_;
  bool is_started_ = false;
  bool is_stopped_ = false;
};

}  // namespace reprise::cache
