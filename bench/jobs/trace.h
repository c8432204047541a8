// The request traces that the jobs are measured with: rows of (time, tokens in, tokens out).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace reprise::bench {

struct TraceRow {
  std::int64_t at_ms = 0;  // since the first row
  std::uint32_t tokens_in = 0;
  std::uint32_t tokens_out = 0;
};

// TIMESTAMP,ContextTokens,GeneratedTokens with times of one day; empty when it cannot be read.
std::vector<TraceRow> ReadTrace(const std::string& path);

}  // namespace reprise::bench
