// What a vector costs: on every lookup that has no exact hit. One case for each kernel that this
// processor can run; without the model (make setup) its cases are left out.
#include <cstdlib>
#include <memory>
#include <string>

#include <benchmark/benchmark.h>

#include "server/embed/hash_embedder.h"
#include "server/embed/kernels.h"
#include "server/embed/use_lite.h"

namespace reprise::embed {
namespace {

// Text of this many tokens: each of these words is one piece.
std::string TextOf(std::size_t tokens) {
  constexpr const char* kWords[] = {"What", "is", "the", "best", "way", "to", "learn", "music"};
  std::string text;
  for (std::size_t i = 0; i < tokens; ++i) {
    text += (i == 0 ? "" : " ");
    text += kWords[i % std::size(kWords)];
  }
  return text;
}

std::string ModelPath() {
  const char* models = std::getenv("REPRISE_MODELS_DIR");
  return UseLitePath(models != nullptr ? models : DEFAULT_MODELS_DIR);
}

void EmbedText(benchmark::State& state, const UseLite& model) {
  const auto tokens = static_cast<std::size_t>(state.range(0));
  const std::string text = TextOf(tokens);
  if (model.Tokens(text).value().size() != tokens) {
    state.SkipWithError("the text has another number of tokens");
    return;
  }
  for ([[maybe_unused]] auto _ : state) {
    auto vector = model.Embed(text);
    benchmark::DoNotOptimize(vector.value().data());
  }
}

void CutText(benchmark::State& state, const UseLite& model) {
  const std::string text = TextOf(static_cast<std::size_t>(state.range(0)));
  for ([[maybe_unused]] auto _ : state) {
    auto tokens = model.Tokens(text);
    benchmark::DoNotOptimize(tokens.value().data());
  }
}

void HashText(benchmark::State& state) {
  const std::string text = TextOf(static_cast<std::size_t>(state.range(0)));
  const HashEmbedder embedder;
  for ([[maybe_unused]] auto _ : state) {
    auto vector = embedder.Embed(text);
    benchmark::DoNotOptimize(vector.value().data());
  }
}

BENCHMARK(HashText)->Arg(8)->Arg(16)->Unit(benchmark::kMicrosecond);

void RegisterModel(Precision precision, const Kernel* kernel) {
  auto opened = UseLite::Open(ModelPath(), {precision, kernel});
  if (!opened.ok()) {
    std::fprintf(stderr, "left out: %s\n", opened.error().detail.c_str());
    return;
  }
  const std::shared_ptr<const UseLite> model = std::move(opened).value();
  const std::string name =
      std::string(kernel->name) + (precision == Precision::kInt8 ? "/int8" : "/float");
  auto* embed = benchmark::RegisterBenchmark(
      ("UseLite/" + name).c_str(), [model](benchmark::State& state) { EmbedText(state, *model); });
  embed->Arg(8)->Arg(16)->Arg(32)->Arg(128)->Unit(benchmark::kMicrosecond);
  if (precision == Precision::kInt8 && kernel == UsableKernels().front()) {
    benchmark::RegisterBenchmark("UseLiteTokens",
                                 [model](benchmark::State& state) { CutText(state, *model); })
        ->Arg(8)
        ->Arg(128)
        ->Unit(benchmark::kMicrosecond);
  }
}

[[maybe_unused]] const bool kRegistered = [] {
  for (const Kernel* kernel : UsableKernels()) {
    RegisterModel(Precision::kInt8, kernel);
  }
  RegisterModel(Precision::kFloat, UsableKernels().front());
  return true;
}();

}  // namespace
}  // namespace reprise::embed
