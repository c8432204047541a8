// What ROUTE.SELECT costs behind the wire, with many stored outcomes and a known vector.
//
//   reprise-route-select [--outcomes N] [--calls N]
//
// Outcomes of two models, of prompts that stand in clusters as real ones do. The last line is
//   select outcomes=n calls=n p50_us=n p99_us=n learn_us=n
// The clock is the CPU time of the thread, so that a neighbour's load does not count, and the
// wall's as p99_wall_us.
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/ensure.h"
#include "server/routing/routing.h"

namespace reprise::routing {
namespace {

constexpr storage::NamespaceId kHome{1};
constexpr std::size_t kWidth = 512;
constexpr std::size_t kClusters = 400;
constexpr std::uint64_t kSeed = 42;

double CpuMicros() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

double WallMicros() {
  return std::chrono::duration<double, std::micro>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// Prompts of some thirty words, and vectors around the centre of their cluster.
class Traffic {
 public:
  Traffic() {
    for (auto& centre : centres_) {
      centre.resize(kWidth);
      for (float& number : centre) {
        number = normal_(random_);
      }
    }
  }
  struct Asked {
    std::string text;
    std::vector<float> vector;
  };
  Asked Next() {
    const std::size_t cluster = random_() % kClusters;
    Asked asked;
    for (int i = 0; i < 30; ++i) {
      const std::size_t word = i % 3 == 0 ? cluster * 20 + random_() % 20 : random_() % 5'000;
      asked.text += "w" + std::to_string(word) + " ";
    }
    asked.text += "?";
    asked.vector = centres_[cluster];
    float norm = 0;
    for (float& number : asked.vector) {
      number += 0.7F * normal_(random_);
      norm += number * number;
    }
    for (float& number : asked.vector) {
      number /= std::sqrt(norm);
    }
    return asked;
  }
  float Quality(bool is_dear) {
    return std::uniform_real_distribution<double>(0, 1)(random_) < (is_dear ? 0.9 : 0.6) ? 1.0F
                                                                                         : 0.0F;
  }

 private:
  std::mt19937_64 random_{kSeed};
  std::normal_distribution<float> normal_;
  std::array<std::vector<float>, kClusters> centres_;
};

Prompt PromptOf(const Traffic::Asked& asked) {
  return {.text = asked.text, .vector = asked.vector, .is_use_lite = true, .embedder = 1};
}

struct Fixture {
  Fixture() {
    storage::StoreOptions memory;
    memory.engine = storage::EngineKind::kMemory;
    store = storage::Store::OpenWithClock(memory, clock).value();
    routing = Routing::Load(*store, options, kSeed).value();
    Run([&](storage::Transaction& transaction) {
      for (const auto& [name, price] : {std::pair{"cheap", 1}, {"dear", 10}}) {
        ModelCard card;
        card.name = name;
        card.prices = Prices{price * 1'000'000, price * 1'000'000, price * 1'000'000};
        ENSURE(routing->SetModel(kHome, card, transaction).ok());
      }
    });
  }
  template <typename Change>
  void Run(const Change& change) const {
    ENSURE(store
               ->Run([&](storage::Transaction& transaction) -> base::Status {
                 change(transaction);
                 return base::Ok{};
               })
               .ok());
  }
  void Teach(Traffic& traffic, std::size_t count) const {
    constexpr std::size_t kAtOnce = 32;
    for (std::size_t done = 0; done < count; done += kAtOnce) {
      std::vector<Example> examples(std::min(kAtOnce, count - done));
      for (Example& example : examples) {
        example.features = routing->reader().Read(PromptOf(traffic.Next()));
        example.qualities = {{"cheap", traffic.Quality(false), 0},
                             {"dear", traffic.Quality(true), 1}};
      }
      Run([&](storage::Transaction& transaction) {
        ENSURE(routing->Teach(kHome, examples, options, transaction).ok());
      });
    }
  }

  base::FakeClock clock;
  config::RoutingOptions options;
  std::unique_ptr<Routing> routing;
  std::unique_ptr<storage::Store> store;  // goes first
};

double Percentile(std::vector<double>& times, double share) {
  std::sort(times.begin(), times.end());
  return times[std::min(static_cast<std::size_t>(share * static_cast<double>(times.size())),
                        times.size() - 1)];
}

void Measure(std::size_t outcomes, std::size_t calls) {
  Traffic traffic;
  const Fixture fixture;
  const double begin = WallMicros();
  fixture.Teach(traffic, outcomes);
  const double taught = WallMicros() - begin;
  std::vector<double> cpu;
  std::vector<double> wall;
  for (std::size_t i = 0; i < calls; ++i) {
    const Traffic::Asked asked = traffic.Next();
    SelectRequest request;
    request.prompt = PromptOf(asked);
    request.type = "chat";
    const double cpu_begin = CpuMicros();
    const double wall_begin = WallMicros();
    ENSURE(fixture.routing->Select(kHome, request, fixture.options, fixture.clock.Now()).ok());
    wall.push_back(WallMicros() - wall_begin);
    cpu.push_back(CpuMicros() - cpu_begin);
  }
  ENSURE(fixture.routing->Stats(kHome, fixture.options).outcomes == outcomes);
  std::printf(
      "select outcomes=%zu calls=%zu p50_us=%.1f p99_us=%.1f p99_wall_us=%.1f learn_us=%.1f\n",
      outcomes, calls, Percentile(cpu, 0.5), Percentile(cpu, 0.99), Percentile(wall, 0.99),
      taught / static_cast<double>(2 * outcomes));
}

int Main(int argc, char** argv) {
  std::size_t outcomes = 100'000;
  std::size_t calls = 20'000;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    (name == "--outcomes" ? outcomes : calls) = std::strtoul(argv[i + 1], nullptr, 10);
  }
  Measure(outcomes, calls);
  return 0;
}

}  // namespace
}  // namespace reprise::routing

int main(int argc, char** argv) {
  return reprise::routing::Main(argc, argv);
}
