// What a worker sends to a model: one prompt for all items of a batch, or the lines of a provider's
// batch.
//
// A payload is a text, or a chat request as the provider takes it (a map with `messages`, or
// `input`); anything else goes out as its JSON. The shared context is a text, the system prompt, or
// a map: `system` and whatever else requests share (`tools`). Parameters fill in what a request
// does not say itself. Units: none. Threads: any. Errors: none; what cannot be read as MessagePack
// is left out. Complexity: O(bytes). Lifetime: results own their bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/jobs/jobs.h"

namespace reprise::jobs {

// The items by number, in their order, each behind a mark that no text can guess; the answer is
// asked for as a JSON array [{"task": 1, "answer": ...}, ...].
std::string NumberedPrompt(const Batch& batch);

enum class LineFormat : std::uint8_t { kOpenAi, kAnthropic };
std::optional<LineFormat> LineFormatNamed(std::string_view name);

// One JSON text for each item, with its ticket as custom_id: OpenAI's Batch API
// ({custom_id, method, url, body}), Anthropic's Message Batches ({custom_id, params}).
std::vector<std::string> ProviderLines(const Batch& batch, LineFormat format);

}  // namespace reprise::jobs
