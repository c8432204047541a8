// reprise-spend: what the money of a call costs over the wire: BUDGET.RESERVE, then BUDGET.COMMIT,
// each synced before its reply.
//
// So many bots, each with a connection and a thread of its own, go round for some seconds, over
// three budgets each (bot, model, global). Beside it the same number of SPEND.RECORD, and
// PRICE.QUOTE, which writes nothing. Prints one line of name=value for each; exit code 1 when a
// reply was wrong or the books are not sound afterwards. A figure is a measurement, not a verdict.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "client/cpp/client.h"
#include "client/cpp/spend.h"

namespace reprise::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;
using client::Client;

struct Settings {
  std::string address = "127.0.0.1:7377";
  int bots = 16;
  double seconds = 5;
};

// What one bot did.
struct Tally {
  std::vector<double> micros;  // of each round
  std::uint64_t errors = 0;
  std::string problem;
};

using Round = std::function<bool(Client& client, int bot, std::uint64_t number)>;

Tally Go(const Settings& settings, int bot, const Round& round) {
  Tally tally;
  const auto client = Client::Create({.address = settings.address});
  if (!client.ok()) {
    tally.errors = 1;
    tally.problem = client.error().detail;
    return tally;
  }
  const auto end = SteadyClock::now() + std::chrono::duration<double>(settings.seconds);
  for (std::uint64_t number = 0; SteadyClock::now() < end; ++number) {
    const auto start = SteadyClock::now();
    const bool is_right = round(*client.value(), bot, number);
    tally.errors += is_right ? 0 : 1;
    tally.micros.push_back(
        std::chrono::duration<double, std::micro>(SteadyClock::now() - start).count());
  }
  return tally;
}

double PercentileOf(const std::vector<double>& sorted, double share) {
  return sorted.empty()
             ? 0
             : sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
}

bool Measure(const Settings& settings, const char* name, const Round& round) {
  std::vector<Tally> tallies(static_cast<std::size_t>(settings.bots));
  std::vector<std::thread> threads;
  for (int bot = 0; bot < settings.bots; ++bot) {
    threads.emplace_back(
        [&, bot] { tallies[static_cast<std::size_t>(bot)] = Go(settings, bot, round); });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  std::vector<double> micros;
  std::uint64_t errors = 0;
  for (const Tally& tally : tallies) {
    micros.insert(micros.end(), tally.micros.begin(), tally.micros.end());
    errors += tally.errors;
    if (!tally.problem.empty()) {
      std::fprintf(stderr, "%s\n", tally.problem.c_str());
    }
  }
  std::sort(micros.begin(), micros.end());
  std::printf("%s bots=%d rounds=%zu per_second=%.0f p50_us=%.0f p99_us=%.0f errors=%llu\n", name,
              settings.bots, micros.size(), static_cast<double>(micros.size()) / settings.seconds,
              PercentileOf(micros, 0.5), PercentileOf(micros, 0.99),
              static_cast<unsigned long long>(errors));
  return errors == 0 && !micros.empty();
}

std::vector<std::string> ScopesOf(int bot) {
  return {"bot:bench-" + std::to_string(bot), "model:bench"};
}

bool ReserveAndCommit(Client& client, int bot, std::uint64_t number) {
  const auto amount = static_cast<std::int64_t>(number % 1'000);
  const auto held = client.Spend().Reserve(ScopesOf(bot), amount, {.lease_ms = 10'000});
  if (!held.ok() || !held.value().granted) {
    return false;
  }
  const auto done = client.Spend().Commit(held.value().reservation, amount / 2);
  return done.ok() && done.value().charged_nano == amount / 2 && !done.value().late;
}

bool Prepare(Client& client, const Settings& settings) {
  constexpr std::int64_t kLimit = 1'000'000'000'000'000;
  client::SpendCommands spend = client.Spend();
  bool is_done = spend.SetBudget("model:bench", kLimit, {.period = "day"}).ok() &&
                 spend.SetBudget("global", kLimit).ok();
  for (int bot = 0; bot < settings.bots; ++bot) {
    is_done = is_done && spend.SetBudget(ScopesOf(bot).front(), kLimit, {.period = "hour"}).ok();
  }
  return is_done && client
                        .Call("PRICE.SET", {"bench", "bench",
                                            base::Value::Map{{"input", "0.15"}, {"output", "0.6"}}})
                        .ok();
}

int Main(const Settings& settings) {
  const auto client = Client::Create({.address = settings.address});
  if (!client.ok() || !Prepare(*client.value(), settings)) {
    std::fprintf(stderr, "no server there, or it takes no budgets\n");
    return 1;
  }
  bool is_right = Measure(settings, "reserve_commit", ReserveAndCommit);
  is_right &= Measure(settings, "record", [](Client& each, int bot, std::uint64_t number) {
    return each.Spend()
        .Record(5, {.scopes = ScopesOf(bot),
                    .charge_id = std::to_string(bot) + "-" + std::to_string(number)})
        .ok();
  });
  is_right &= Measure(settings, "quote", [](Client& each, int /*bot*/, std::uint64_t number) {
    const auto tokens = static_cast<std::int64_t>(number % 100'000);
    const auto quote =
        each.Spend().Quote({.input_tokens = tokens}, {.model = "bench", .provider = "bench"});
    return quote.ok() && quote.value() == tokens * 150;
  });
  const auto sound = client.value()->Call("SPEND.VERIFY");
  const base::Value* verdict = sound.ok() ? sound.value().Find("sound") : nullptr;
  is_right = is_right && verdict != nullptr && verdict->AsBool() == true;
  return is_right ? 0 : 1;
}

}  // namespace
}  // namespace reprise::bench

int main(int argc, char** argv) {
  reprise::bench::Settings settings;
  CLI::App app("What the money of a call costs over the wire");
  app.add_option("--address", settings.address, "Of the server")->capture_default_str();
  app.add_option("--bots", settings.bots, "Connections, each with a thread")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
  app.add_option("--seconds", settings.seconds, "Of each phase")
      ->check(CLI::Range(0.1, 3'600.0))
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  return reprise::bench::Main(settings);
}
