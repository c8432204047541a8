// What normalizing a prompt costs: once for each CACHE.STORE, and for each lookup that has no exact
// hit.
#include <string>

#include <benchmark/benchmark.h>

#include "server/text/normalize.h"

namespace reprise::text {
namespace {

void NormalizeText(benchmark::State& state, const std::string& sentence) {
  std::string prompt;
  while (prompt.size() < static_cast<std::size_t>(state.range(0))) {
    prompt += sentence;
  }
  std::string out;
  for ([[maybe_unused]] auto _ : state) {
    auto status = Normalize(prompt, out);
    if (!status.ok()) {
      state.SkipWithError(status.error().detail.c_str());
      break;
    }
    benchmark::DoNotOptimize(out.data());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(prompt.size()));
}

void NormalizeAscii(benchmark::State& state) {
  NormalizeText(state, "What is the capital of  France and who lives there? ");
}

void NormalizeUnicode(benchmark::State& state) {
  NormalizeText(state, "Wie heißt die größte Straße in Köln, und was ist ﬁnal? ");
}

BENCHMARK(NormalizeAscii)->Arg(64)->Arg(1024)->Arg(16384);
BENCHMARK(NormalizeUnicode)->Arg(64)->Arg(1024)->Arg(16384);

}  // namespace
}  // namespace reprise::text
