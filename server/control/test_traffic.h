// Traffic: calls of a fleet of bots as they look in production, for tests of the guardrails. Not
// for product code.
//
// Nothing in it is independent and nothing is normal: more calls by day than by night and fewer at
// weekends; conversations of several calls, each with a level of its own in quality, speed and
// cost, on bots that differ; quality with a heavy tail to the bad side; response times of a
// logarithmic normal with a Pareto tail, slow at peak hours; answers from the cache in between, a
// thousand times quicker; minutes in which the provider fails every third call, and longer spells
// in which it is slow. All of that is health. What a Fault adds is not.
//
// Units: milliseconds, nano-dollars. Threads: one owner. Errors: none. The same seed gives the same
// traffic.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "server/control/draw.h"
#include "server/control/watches.h"

namespace reprise::control {

// What went wrong; each is about the calls with one strategy in force.
enum class Fault : std::uint8_t {
  kNone,
  kCompressionSpoils,  // quality falls by 0.06 or so: to 0.03 below the limit
  kContextSpoils,      // the same
  kDeferralStalls,     // twice the response time, and more
  kToolsFail,          // three times as many errors as the limit allows
  kRoutingSavesNought  // all goes to the dear model
};

struct TrafficOptions {
  std::uint64_t seed = 1;
  double calls_per_minute = 20;  // on average
  double control_percent = 5;    // of the conversations
};

class Traffic {
 public:
  explicit Traffic(const TrafficOptions& options);

  struct Call {
    CallFigures figures;
    Places places{};
  };
  // The next call; time goes on.
  Call Next(Fault fault);
  base::UnixMillis now() const { return base::UnixMillis{static_cast<std::int64_t>(now_ms_)}; }

 private:
  struct Conversation {
    std::string name;
    std::size_t bot = 0;
    double quality = 0;  // differences to the mean
    double log_time = 0;
    double log_cost = 0;
    double failure_factor = 1;
    bool is_easy = false;
  };
  struct Bot {
    double quality = 0;
    double log_time = 0;
  };
  // Of the provider: until `ends_ms` calls fail so often, and take so much longer.
  struct Spell {
    double ends_ms = 0;
    double failure_share = 0;
    double log_time = 0;
  };

  double Normal(double sd) { return std::normal_distribution<double>(0, sd)(random_); }
  double Uniform() { return std::uniform_real_distribution<double>(0, 1)(random_); }
  bool Chance(double share) { return Uniform() < share; }
  double Exponential(double mean) {
    return std::exponential_distribution<double>(1 / mean)(random_);
  }
  double DayWave() const;  // -1 at night to 1 in the afternoon
  Conversation Begin();
  void Weather(double elapsed_ms);
  Places Place(const Conversation& conversation) const;
  double QualityOf(const Conversation& conversation);
  double TimeOf(const Conversation& conversation);

  TrafficOptions options_;
  std::mt19937_64 random_;
  Draw draw_;
  double now_ms_ = 1.7e12;
  std::uint64_t begun_ = 0;
  std::vector<Bot> bots_;
  std::vector<Conversation> open_;
  Spell bad_;
  Spell slow_;
};

// Runs traffic through the watches of the shipped guardrails.
struct Outcome {
  std::uint64_t days = 0;
  std::uint64_t calls = 0;
  std::vector<Watches::Tripped> trips;
};
// Healthy days; a rule that trips is re-armed at once.
Outcome RunHealthy(const TrafficOptions& options, std::uint64_t days);

struct Regression {
  Fault fault = Fault::kNone;
  std::string rule;  // that has to trip
  bool is_caught = false;
  std::uint64_t calls = 0;  // recorded since the fault began, until then
  double hours = 0;
  std::vector<std::string> others;  // rules that tripped before it
};
// A healthy day or so, and then the fault; gives up after `calls_max` calls.
Regression RunRegression(Fault fault, const TrafficOptions& options, std::uint64_t calls_max);

inline constexpr std::array kFaults{Fault::kCompressionSpoils, Fault::kContextSpoils,
                                    Fault::kDeferralStalls, Fault::kToolsFail,
                                    Fault::kRoutingSavesNought};
std::string_view NameOf(Fault fault);

}  // namespace reprise::control
