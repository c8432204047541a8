// Trace: which questions are asked one after the other, made from a seed.
//
//   zipf    question k is asked in proportion to 1 / k^skew
//   scan    the same, with floods of questions that are asked once: of each 50,000 requests the
//           first 15,000, and a tenth of the others
//   shift   the same as zipf; ten times in the trace the popularity moves to other questions at
//           once, by three tenths of all
//   drift   the same as zipf; the popularity moves on all the time, over half of the questions
//
// Units: requests. Threads: any. Errors: none. Complexity: O(requests log questions).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace reprise::bench {

enum class TraceKind : std::uint8_t { kZipf, kScan, kShift, kDrift };

struct TraceSpec {
  TraceKind kind = TraceKind::kZipf;
  double skew = 1.0;
  std::uint32_t questions = 100'000;  // that may be asked more than once
  std::uint32_t requests = 1'000'000;
};

// Numbers of questions: below `questions`, and above it those that are asked once.
std::vector<std::uint32_t> MakeTrace(const TraceSpec& spec, std::uint64_t seed);
std::string NameOf(const TraceSpec& spec);

}  // namespace reprise::bench
