// Random calls against the definition of the limit: no span of time ever sees more than it allows,
// with quantities put right afterwards, restarts, crashes and clocks that are set. Prints its seed.
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>

#include <catch2/catch.hpp>

#include "server/rate/test_support.h"

namespace reprise::rate {
namespace {

// NOLINTNEXTLINE(modernize-use-using): an alias takes no __extension__.
__extension__ typedef __int128 Wide;

// What was really used, as known by now.
struct Use {
  std::int64_t at_ms = 0;
  std::int64_t units = 0;
};

struct Held {
  std::string lease;
  std::size_t use = 0;  // in the uses of its key
  std::string key;
};

// The worst of all spans from one use to another, in units above what the rule allows.
std::int64_t OverGrant(const Rule& rule, const std::vector<Use>& uses) {
  std::int64_t worst = 0;
  for (std::size_t i = 0; i < uses.size(); ++i) {
    std::int64_t units = 0;
    for (std::size_t j = i; j < uses.size(); ++j) {
      units += uses[j].units;
      const std::int64_t span_ms = uses[j].at_ms - uses[i].at_ms;
      std::int64_t most = rule.limit;
      if (rule.algorithm == Algorithm::kGcra) {
        most = rule.burst + static_cast<std::int64_t>(Wide(span_ms) * rule.limit / rule.period_ms);
      } else if (span_ms >= rule.period_ms) {
        break;
      }
      worst = std::max(worst, units - most);
    }
  }
  return worst;
}

class Walk {
 public:
  Walk(std::uint64_t seed, const Rule& rule) : chance_(seed), rule_(rule) {}

  void Step() {
    const std::uint64_t kind = chance_() % 100;
    if (kind < 60) {
      Take();
    } else if (kind < 80) {
      PutRight();
    } else if (kind < 96) {
      Pass();
    } else if (kind < 97) {
      bench_.Reopen();
    } else if (kind < 98) {  // A crash with nothing unsaved.
      bench_.Save();
      bench_.Open();
    } else {
      SetClocks();
    }
  }

  std::int64_t over() const {
    std::int64_t worst = 0;
    for (const auto& [key, uses] : uses_) {
      worst = std::max(worst, OverGrant(rule_, uses));
    }
    return worst;
  }
  std::size_t granted() const { return granted_; }
  std::size_t given_back() const { return given_back_; }

 private:
  std::int64_t UpTo(std::int64_t most) {
    return 1 + static_cast<std::int64_t>(chance_() % static_cast<std::uint64_t>(most));
  }

  void Take() {
    const std::string key = "k" + std::to_string(chance_() % 3);
    TakeOptions options;
    options.lease_ms = chance_() % 2 == 0 ? 0 : 3'600'000;
    const Want want{key, "", rule_, UpTo(std::max<std::int64_t>(MostAtOnce(rule_) / 2, 1)), true};
    const auto taken = bench_.Take(want, options).value();
    if (!taken.allowed) {
      return;
    }
    ++granted_;
    uses_[key].push_back({real_ms_, want.quantity});
    if (taken.lease.has_value()) {
      held_.push_back({TextOf(*taken.lease), uses_[key].size() - 1, key});
    }
  }

  // What was really used is known: what was not given back counts as used.
  void PutRight() {
    if (held_.empty()) {
      return;
    }
    const std::size_t which = chance_() % held_.size();
    const Held held = held_[which];
    held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(which));
    std::int64_t& units = uses_[held.key][held.use].units;
    const std::int64_t used = UpTo(units) - 1;
    const auto corrected = bench_.limiter->Release(kHome, held.lease, used);
    if (corrected.ok()) {
      REQUIRE(corrected.value().given_back <= units - used);
      units -= corrected.value().given_back;
      given_back_ += corrected.value().given_back > 0 ? 1 : 0;
    }
  }

  void Pass() {
    const std::int64_t ms = UpTo(rule_.period_ms / 4);
    real_ms_ += ms;
    bench_.clock.Advance(ms);
    if (chance_() % 4 == 0) {
      bench_.limiter->Reclaim();
    }
  }

  // A restart that finds another wall clock.
  void SetClocks() {
    constexpr std::int64_t kTwoHours = 7'200'000;
    const std::int64_t by = chance_() % 2 == 0 ? kTwoHours : -kTwoHours;
    bench_.clock.JumpTo(bench_.clock.Now() + by);
    bench_.Reopen();
  }

  std::mt19937_64 chance_;
  Rule rule_;
  Bench bench_;
  std::int64_t real_ms_ = 0;  // by no clock that can be set
  std::map<std::string, std::vector<Use>> uses_;
  std::vector<Held> held_;
  std::size_t granted_ = 0;
  std::size_t given_back_ = 0;
};

TEST_CASE(
    "no span of time sees more than the limit, whatever is given back and whatever the clock") {
  const char* given = std::getenv("REPRISE_SEED");
  const std::uint64_t seed = given == nullptr ? 20'261'130 : std::strtoull(given, nullptr, 10);
  std::int64_t over = 0;
  std::size_t granted = 0;
  std::size_t given_back = 0;
  const std::array rules{PerMinute(10), PerMinute(1'000, 50), InAnyMinute(12), InAnyMinute(900)};
  for (std::size_t i = 0; i < rules.size(); ++i) {
    Walk walk(seed + i, rules[i]);
    for (int step = 0; step < 500; ++step) {
      walk.Step();
    }
    over = std::max(over, walk.over());
    granted += walk.granted();
    given_back += walk.given_back();
  }
  std::printf("limiter_model seed=%llu granted=%zu given_back=%zu overgrant=%lld\n",
              static_cast<unsigned long long>(seed), granted, given_back,
              static_cast<long long>(over));
  CHECK(over == 0);
  CHECK(granted > 200);
  CHECK(given_back > 20);
}

}  // namespace
}  // namespace reprise::rate
