#include "bench/traces/replay.h"

#include <catch2/catch.hpp>

#include "bench/traces/trace.h"

namespace reprise::bench {
namespace {

using config::EvictionPolicy;

std::vector<Answer> Plain(std::size_t count) {
  return std::vector<Answer>(count, Answer{1000, 100});
}

TEST_CASE("lru, replayed, hits what a reader of the trace would say") {
  const std::vector<std::uint32_t> trace{0, 1, 0, 2, 0, 1, 2, 2};
  const std::vector<Answer> answers{{10, 1}, {20, 1}, {30, 1}};
  // Room for two: 0 hits twice, then 2 takes its place and hits once.
  const Saved saved = Replay({trace, answers}, EvictionPolicy::kLru, {2, 0});
  CHECK(saved.hits == 3);
  CHECK(saved.nano == 10 + 10 + 30);
  const Saved all = Unbounded({trace, answers});
  CHECK(all.hits == 5);
  CHECK(all.nano == 10 + 10 + 20 + 30 + 30);
}

TEST_CASE("Belady's rule keeps what is asked for next") {
  const std::vector<std::uint32_t> trace{0, 1, 2, 0, 1, 2, 0, 1, 2};
  CHECK(BeladyHits({trace, Plain(3)}, 1) == 2);
  CHECK(BeladyHits({trace, Plain(3)}, 2) == 4);
  CHECK(BeladyHits({trace, Plain(3)}, 3) == 6);
}

TEST_CASE("no policy is above Belady, and nothing is above the upper bound") {
  const auto kind =
      GENERATE(TraceKind::kZipf, TraceKind::kScan, TraceKind::kShift, TraceKind::kDrift);
  const TraceSpec spec{kind, 0.9, 2'000, 30'000};
  const std::vector<std::uint32_t> trace = MakeTrace(spec, 7);
  const std::vector<Answer> answers = DrawAnswers(40'000, {{1, 4}, {10, 30}, {0.1, 0.2}}, 7);
  const Load load{trace, answers};
  for (const cache::Room bound : {cache::Room{100, 0}, cache::Room{0, 150'000}}) {
    const Saved most = UpperBound(load, bound);
    for (const auto policy : {EvictionPolicy::kLru, EvictionPolicy::kLfu, EvictionPolicy::kCost}) {
      const Saved saved = Replay(load, policy, bound);
      CHECK(saved.hits > 0);
      CHECK(saved.hits <= most.hits);
      CHECK(saved.nano <= most.nano);
      if (bound.bytes == 0) {
        CHECK(saved.hits <= BeladyHits(load, bound.entries));
      }
    }
    if (bound.bytes == 0) {
      CHECK(BeladyHits(load, bound.entries) <= most.hits + 1e-6);
    }
  }
  CHECK(UpperBound(load, {1'000'000, 0}).hits == Unbounded(load).hits);
}

TEST_CASE("a trace is the same for the same seed, and another for another") {
  const TraceSpec spec{TraceKind::kDrift, 1.0, 1'000, 5'000};
  const bool same = MakeTrace(spec, 1) == MakeTrace(spec, 1);
  CHECK(same);
  const bool other = MakeTrace(spec, 1) != MakeTrace(spec, 2);
  CHECK(other);
}

}  // namespace
}  // namespace reprise::bench
