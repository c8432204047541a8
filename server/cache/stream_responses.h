// ResponsesJoin: the events of a streamed OpenAI response, as the response.
//
// The last event (response.completed, response.incomplete) carries the whole response, and that is
// the answer. Some proxies send it without its output: then the items of
// response.output_item.done are it. All other events are pieces of the same and are skipped.
//
// Threads: one owner. Errors: kBadRequest. Limits: kStreamIndexMax. Complexity: O(bytes).
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/result.h"
#include "protocol/base/value.h"
#include "server/cache/stream_end.h"

namespace reprise::cache {

class ResponsesJoin {
 public:
  base::Status Take(const base::Value& event);
  StreamEnding Ending() const;
  bool has_ended() const { return response_.has_value(); }
  base::Value Answer() &&;

 private:
  std::optional<base::Value> response_;
  std::map<std::size_t, base::Value> items_;  // that are done
  bool has_failed_ = false;
  bool is_cancelled_ = false;
};

}  // namespace reprise::cache
