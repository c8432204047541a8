// Usage: what one model call took, as providers report it.
//
// `input_tokens` and `output_tokens` are whole numbers of the call; the others are parts of them
// (cached, audio, reasoning ...) and are counted inside. Units: tokens and counts. Threads: values.
// Errors: kBadRequest (negative, a part larger than the whole, an unknown field), kTooLarge.
// Complexity: O(fields). Limits: kTokensMax, kCountMax.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "protocol/base/result.h"
#include "protocol/base/value.h"

namespace reprise::spend {

inline constexpr std::int64_t kTokensMax = 1'000'000'000'000;
inline constexpr std::int64_t kCountMax = 1'000'000;  // requests, searches

struct Usage {
  std::int64_t input_tokens = 0;
  std::int64_t output_tokens = 0;
  std::int64_t cache_read_tokens = 0;
  std::int64_t cache_write_tokens = 0;     // of any life
  std::int64_t cache_write_1h_tokens = 0;  // of those, the ones kept for an hour
  std::int64_t input_audio_tokens = 0;
  std::int64_t cache_audio_read_tokens = 0;  // audio that was read from the cache: inside both
  std::int64_t output_reasoning_tokens = 0;
  std::int64_t output_audio_tokens = 0;
  std::int64_t output_image_tokens = 0;
  std::int64_t requests = 1;
  std::int64_t web_searches = 0;

  bool operator==(const Usage&) const = default;
};

struct UsageField {
  std::string_view name;
  std::int64_t Usage::*field;
  std::int64_t max = kTokensMax;
};
inline constexpr std::array kUsageFields{
    UsageField{"input_tokens", &Usage::input_tokens},
    UsageField{"output_tokens", &Usage::output_tokens},
    UsageField{"cache_read_tokens", &Usage::cache_read_tokens},
    UsageField{"cache_write_tokens", &Usage::cache_write_tokens},
    UsageField{"cache_write_1h_tokens", &Usage::cache_write_1h_tokens},
    UsageField{"input_audio_tokens", &Usage::input_audio_tokens},
    UsageField{"cache_audio_read_tokens", &Usage::cache_audio_read_tokens},
    UsageField{"output_reasoning_tokens", &Usage::output_reasoning_tokens},
    UsageField{"output_audio_tokens", &Usage::output_audio_tokens},
    UsageField{"output_image_tokens", &Usage::output_image_tokens},
    UsageField{"requests", &Usage::requests, kCountMax},
    UsageField{"web_searches", &Usage::web_searches, kCountMax},
};

base::Status CheckUsage(const Usage& usage);
// A map of the fields above; all may be missing.
base::Result<Usage> UsageFrom(const base::Value& map);

}  // namespace reprise::spend
