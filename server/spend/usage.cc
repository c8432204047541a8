#include "server/spend/usage.h"

#include <algorithm>
#include <string>

namespace reprise::spend {
namespace {

using base::Code;
using base::Error;

std::string FieldList() {
  std::string list;
  for (const UsageField& row : kUsageFields) {
    list.append(list.empty() ? "" : ", ").append(row.name);
  }
  return list;
}

struct Whole {
  std::string_view parts;
  std::int64_t sum;
  std::string_view whole;
  std::int64_t size;
};

}  // namespace

base::Status CheckUsage(const Usage& usage) {
  for (const UsageField& row : kUsageFields) {
    const std::int64_t number = usage.*row.field;
    if (number < 0) {
      return Error{Code::kBadRequest, "usage: '" + std::string(row.name) +
                                          "' must not be negative, found " +
                                          std::to_string(number)};
    }
    if (number > row.max) {
      return Error{Code::kTooLarge, "usage: '" + std::string(row.name) + "' is " +
                                        std::to_string(number) + ", the limit is " +
                                        std::to_string(row.max)};
    }
  }
  // Audio from the cache is counted in both, and once here.
  const std::array wholes{
      Whole{"the parts of the input (cache_read, cache_write, input_audio)",
            usage.cache_read_tokens + usage.cache_write_tokens + usage.input_audio_tokens -
                usage.cache_audio_read_tokens,
            "input_tokens", usage.input_tokens},
      Whole{"cache_write_1h_tokens", usage.cache_write_1h_tokens, "cache_write_tokens",
            usage.cache_write_tokens},
      Whole{"cache_audio_read_tokens", usage.cache_audio_read_tokens, "cache_read_tokens",
            usage.cache_read_tokens},
      Whole{"cache_audio_read_tokens", usage.cache_audio_read_tokens, "input_audio_tokens",
            usage.input_audio_tokens},
      Whole{"the parts of the output (reasoning, audio, image)",
            usage.output_reasoning_tokens + usage.output_audio_tokens + usage.output_image_tokens,
            "output_tokens", usage.output_tokens}};
  for (const Whole& each : wholes) {
    if (each.sum > each.size) {
      return Error{Code::kBadRequest, "usage: " + std::string(each.parts) + " are " +
                                          std::to_string(each.sum) + ", more than " +
                                          std::string(each.whole) + " (" +
                                          std::to_string(each.size) + "), which includes them"};
    }
  }
  return base::Ok{};
}

base::Result<Usage> UsageFrom(const base::Value& map) {
  if (map.AsMap() == nullptr) {
    return Error{Code::kBadRequest, "'usage' must be a map of " + FieldList()};
  }
  Usage usage;
  for (const auto& [key, value] : *map.AsMap()) {
    const auto name = key.AsText();
    const auto row = std::find_if(kUsageFields.begin(), kUsageFields.end(),
                                  [&name](const auto& field) { return name == field.name; });
    if (row == kUsageFields.end()) {
      return Error{Code::kBadRequest, "usage: unknown field; allowed are " + FieldList()};
    }
    if (!value.AsInt().has_value()) {
      return Error{Code::kBadRequest, "usage: '" + std::string(row->name) +
                                          "' must be an integer from 0 to " +
                                          std::to_string(row->max)};
    }
    usage.*row->field = *value.AsInt();
  }
  RETURN_IF_ERROR(CheckUsage(usage));
  return usage;
}

}  // namespace reprise::spend
