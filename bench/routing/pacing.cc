// A day of calls under a budget of 70 % of what the strong model would cost for all: does the money
// last until the end, and which calls became cheap?
//
//   reprise-route-pacing [TRACE.csv]
//
// The trace (TIMESTAMP, ContextTokens, GeneratedTokens) is stretched to a day; without one, a day
// of calls at random. Each call has an importance; one in twenty is critical. Each is routed with
// the pressure of its budget, reserved, and charged what it took, as ROUTE.SELECT, BUDGET.RESERVE
// and BUDGET.COMMIT do it, on a clock of the program's own. The last line is
//   pacing calls=n refused=n spent_of_budget=n over=n cheap_share=n critical_cheap=n ordered=n
// ordered: of pairs of a cheap and a strong call that are not critical, within an hour of each
// other, the share where the cheap one matters less. Exit code 1 when the spend is over the budget,
// or, with a trace, when more than 1 % of it is left.
#include "server/routing/pacing.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "protocol/base/ensure.h"
#include "server/routing/routing.h"
#include "server/spend/spend.h"

namespace reprise::routing {
namespace {

constexpr storage::NamespaceId kHome{1};
constexpr std::int64_t kDayMs = 86'400'000;
constexpr base::UnixMillis kMidnight{1'700'006'400'000};
constexpr double kBudgetShare = 0.7;
constexpr std::uint64_t kSeed = 42;

struct Call {
  std::int64_t at_ms = 0;  // of the day
  std::int64_t tokens_in = 0;
  std::int64_t tokens_out = 0;
  double importance = 0;
  bool critical = false;
  bool refused = false;
  bool cheap = false;
};

// "2023-11-16 18:15:46.6805900": milliseconds of its day.
std::int64_t MillisOf(const std::string& time) {
  const auto number = [&](std::size_t at) { return std::strtod(time.c_str() + at, nullptr); };
  return std::llround(1'000 * (number(11) * 3'600 + number(14) * 60 + number(17)));
}

std::vector<Call> ReadTrace(const char* path) {
  std::vector<Call> calls;
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    const std::size_t first = line.find(',');
    const std::size_t second = line.find(',', first + 1);
    Call call;
    call.at_ms = MillisOf(line);
    call.tokens_in = std::strtol(line.c_str() + first + 1, nullptr, 10);
    call.tokens_out = std::strtol(line.c_str() + second + 1, nullptr, 10);
    calls.push_back(call);
  }
  ENSURE(calls.size() > 1);
  const std::int64_t begin = calls.front().at_ms;
  const std::int64_t length = calls.back().at_ms - begin + 1;
  for (Call& call : calls) {
    call.at_ms = (call.at_ms - begin) * kDayMs / length;
  }
  return calls;
}

std::vector<Call> MakeDay(std::mt19937_64& random) {
  std::vector<Call> calls(1'500);
  for (std::size_t i = 0; i < calls.size(); ++i) {
    calls[i].at_ms =
        static_cast<std::int64_t>(i) * kDayMs / static_cast<std::int64_t>(calls.size());
    calls[i].tokens_in = 100 + static_cast<std::int64_t>(random() % 2'000);
    calls[i].tokens_out = 10 + static_cast<std::int64_t>(random() % 300);
  }
  return calls;
}

ModelCard CardOf(const char* name, std::int64_t input, std::int64_t output) {
  ModelCard card;
  card.name = name;
  card.prices = Prices{input, output, input};
  return card;
}

class Day {
 public:
  explicit Day(std::vector<Call> calls) : calls_(std::move(calls)) {
    storage::StoreOptions memory;
    memory.engine = storage::EngineKind::kMemory;
    store_ = storage::Store::OpenWithClock(memory, clock_).value();
    options_.cheap_share_ppm = 0;
    options_.cost_weight_ppm = 0;
    options_.explore_ppm = 0;
    routing_ = Routing::Load(*store_, options_, kSeed).value();
    spend_ = spend::Spend::Load(*store_, {kHome}, clock_.Now()).value();
    std::int64_t all_strong = 0;
    for (const Call& call : calls_) {
      all_strong += CostOf(*strong_.prices, {call.tokens_in, 0, call.tokens_out});
    }
    budget_ = std::llround(kBudgetShare * static_cast<double>(all_strong));
    const spend::BudgetTerms terms{
        {spend::ScopeKind::kBot, "bot"}, {.kind = spend::PeriodKind::kDay}, budget_, true};
    Run([&](storage::Transaction& transaction) {
      ENSURE(routing_->SetModel(kHome, cheap_, transaction).ok());
      ENSURE(routing_->SetModel(kHome, strong_, transaction).ok());
      ENSURE(spend_->budgets().Set(kHome, terms, transaction).ok());
    });
    payers_.bot = "bot";
  }

  void Play() {
    for (Call& call : calls_) {
      clock_.JumpTo(kMidnight + call.at_ms);
      PlayOne(call);
    }
  }

  std::int64_t budget() const { return budget_; }
  std::int64_t spent() const { return spent_; }
  const std::vector<Call>& calls() const { return calls_; }

 private:
  template <typename Change>
  void Run(const Change& change) {
    ENSURE(store_
               ->Run([&](storage::Transaction& transaction) -> base::Status {
                 change(transaction);
                 return base::Ok{};
               })
               .ok());
  }

  void PlayOne(Call& call) {
    constexpr double kMillion = 1'000'000;
    const spend::Pressure pressure = spend_->budgets().PressureOf(kHome, payers_, clock_.Now());
    SelectRequest request;
    request.prompt.text = "a call of the trace";
    request.prompt.context_tokens = call.tokens_in;
    request.critical = call.critical;
    request.wish.importance = 2 * call.importance;
    request.pressure = PressureOf(static_cast<double>(pressure.used_ppm) / kMillion,
                                  static_cast<double>(pressure.elapsed_ppm) / kMillion);
    const Selection selection = routing_->Select(kHome, request, options_, clock_.Now()).value();
    // The strong one where there is room, else the other.
    std::vector<std::string> models{selection.model};
    models.insert(models.end(), selection.fallbacks.begin(), selection.fallbacks.end());
    for (const std::string& model : models) {
      const Prices& prices = model == "cheap" ? *cheap_.prices : *strong_.prices;
      if (Pay(CostOf(prices, {call.tokens_in, 0, call.tokens_out}))) {
        call.cheap = model == "cheap";
        return;
      }
    }
    call.refused = true;
  }

  bool Pay(std::int64_t nano) {
    spend::Reserved reserved;
    Run([&](storage::Transaction& transaction) {
      reserved =
          spend_->budgets()
              .Reserve({.id = kHome, .scopes = payers_, .amount_nano = nano, .lease_ms = 60'000},
                       transaction)
              .value();
    });
    if (!reserved.granted()) {
      return false;
    }
    Run([&](storage::Transaction& transaction) {
      ENSURE(spend_
                 ->Commit({.id = kHome,
                           .reservation = reserved.reservation,
                           .cost = {.nano = nano},
                           .charge_id = std::to_string(++charges_)},
                          transaction)
                 .ok());
    });
    spent_ += nano;
    return true;
  }

  std::vector<Call> calls_;
  const ModelCard cheap_ = CardOf("cheap", 150'000'000, 600'000'000);
  const ModelCard strong_ = CardOf("strong", 2'500'000'000, 10'000'000'000);
  base::FakeClock clock_{kMidnight};
  config::RoutingOptions options_;
  std::int64_t budget_ = 0;
  std::int64_t spent_ = 0;
  std::uint64_t charges_ = 0;
  spend::CallScopes payers_;
  std::unique_ptr<Routing> routing_;
  std::unique_ptr<spend::Spend> spend_;
  std::unique_ptr<storage::Store> store_;  // goes first
};

// Of pairs of a cheap and a strong call that are near in time, those in the right order.
double Ordered(const std::vector<Call>& calls) {
  constexpr std::int64_t kNearMs = 3'600'000;
  constexpr std::size_t kStep = 7;  // Not all pairs are needed.
  double pairs = 0;
  double right = 0;
  for (std::size_t i = 0; i < calls.size(); i += kStep) {
    for (std::size_t j = i + 1; j < calls.size() && calls[j].at_ms - calls[i].at_ms < kNearMs;
         ++j) {
      const bool counts = !calls[i].critical && !calls[j].critical && !calls[i].refused &&
                          !calls[j].refused && calls[i].cheap != calls[j].cheap;
      if (counts) {
        const Call& cheap = calls[i].cheap ? calls[i] : calls[j];
        const Call& strong = calls[i].cheap ? calls[j] : calls[i];
        pairs += 1;
        right += cheap.importance < strong.importance ? 1 : 0;
      }
    }
  }
  return pairs > 0 ? right / pairs : 1;
}

int Main(int argc, char** argv) {
  constexpr double kLeftMax = 0.01;
  std::mt19937_64 random(kSeed);
  std::vector<Call> calls = argc > 1 ? ReadTrace(argv[1]) : MakeDay(random);
  for (Call& call : calls) {
    call.importance = std::uniform_real_distribution<double>(0.05, 1)(random);
    call.critical = random() % 20 == 0;
  }
  Day day(std::move(calls));
  day.Play();
  const auto count = [&](auto is) {
    return std::count_if(day.calls().begin(), day.calls().end(), is);
  };
  const double spent = static_cast<double>(day.spent()) / static_cast<double>(day.budget());
  std::printf(
      "pacing calls=%zu refused=%td spent_of_budget=%.5f over=%d cheap_share=%.3f "
      "critical_cheap=%td ordered=%.4f\n",
      day.calls().size(), count([](const Call& call) { return call.refused; }), spent,
      day.spent() > day.budget() ? 1 : 0,
      static_cast<double>(count([](const Call& call) { return call.cheap; })) /
          static_cast<double>(day.calls().size()),
      count([](const Call& call) { return call.critical && call.cheap; }), Ordered(day.calls()));
  const bool is_short = argc > 1 && spent < 1 - kLeftMax;
  return day.spent() > day.budget() || is_short ? 1 : 0;
}

}  // namespace
}  // namespace reprise::routing

int main(int argc, char** argv) {
  return reprise::routing::Main(argc, argv);
}
