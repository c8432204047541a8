// What judging a pair of questions costs: once for each nearest entry of a lookup that had no exact
// hit.
#include <string>

#include <benchmark/benchmark.h>

#include "server/match/model.h"

namespace reprise::match {
namespace {

// Twelve words each.
constexpr const char* kStored =
    "How do I transfer money from my savings account to checking in Germany?";
constexpr const char* kAsked =
    "what is the way to move 500 euros from savings to my checking account";

void ReadOne(benchmark::State& state) {
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(ReadWords(kAsked).list.data());
  }
}

// The stored question's words are kept or read again; the asked one's are read once a lookup.
void AssessPair(benchmark::State& state) {
  const Words stored = ReadWords(kStored);
  const Words asked = ReadWords(kAsked);
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(Assess(stored, asked, nullptr).probability);
  }
}

void AssessLongest(benchmark::State& state) {
  std::string one;
  std::string other;
  for (int i = 0; i < 600; ++i) {
    one += "worda" + std::to_string(i) + "x ";
    other += "wordb" + std::to_string(i) + "y ";
  }
  const Words stored = ReadWords(one);
  const Words asked = ReadWords(other);
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(Assess(stored, asked, nullptr).probability);
  }
}

BENCHMARK(ReadOne);
BENCHMARK(AssessPair);
BENCHMARK(AssessLongest);

}  // namespace
}  // namespace reprise::match
