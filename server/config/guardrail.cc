// Owns the shape of guardrails. Does not own what they do (server/control).
#include "server/config/guardrail.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "protocol/base/limits.h"
#include "server/config/trimmed.h"

namespace reprise::config {
namespace {

constexpr double kMillion = 1'000'000;
constexpr std::string_view kShape =
    "a guardrail is \"name: metric < limit: strategies\", as in \"quality: quality < 0.92: "
    "compression context\" or \"errors: error_rate > 0.03: all\"";

// What stands in front of `mark`, which is taken off together with it; nothing when it is not
// there.
std::optional<std::string_view> TakeUntil(char mark, std::string_view& text) {
  const std::size_t place = text.find(mark);
  if (place == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view taken = Trimmed(text.substr(0, place));
  text.remove_prefix(place + 1);
  return taken;
}

std::optional<std::int64_t> PpmIn(std::string_view text) {
  double number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  constexpr double kLargest = 1e9;
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() ||
      !(std::abs(number) < kLargest)) {  // NaN, too.
    return std::nullopt;
  }
  return std::llround(number * kMillion);
}

std::optional<StrategySet> StrategiesIn(std::string_view text) {
  StrategySet set;
  if (text == "all") {
    return StrategySet::All();
  }
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (const std::string_view name = text.substr(0, end); !name.empty()) {
      const auto strategy = StrategyNamed(name);
      if (!strategy.has_value()) {
        return std::nullopt;
      }
      set.Add(*strategy);
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return set;
}

// The rule, as far as it could be read, with what is wrong.
struct Reading {
  Guardrail rule;
  std::string_view problem;
};

Reading Read(std::string_view text) {
  Reading reading;
  Guardrail& rule = reading.rule;
  const auto wrong = [&reading](std::string_view problem) {
    reading.problem = problem;
    return reading;
  };
  if (text.size() > kGuardrailBytesMax) {
    return wrong("a guardrail has at most 256 bytes");
  }
  const auto name = TakeUntil(':', text);
  auto condition = TakeUntil(':', text);
  if (!name.has_value() || !condition.has_value()) {
    return wrong(kShape);
  }
  if (const std::string_view problem = GuardrailNameProblem(*name); !problem.empty()) {
    return wrong(problem);
  }
  rule.name = *name;
  const bool is_floor = condition->find('<') != std::string_view::npos;
  const auto measured = TakeUntil(is_floor ? '<' : '>', *condition);
  const auto metric = MetricNamed(measured.value_or(""));
  if (!metric.has_value()) {
    return wrong(measured.has_value()
                     ? "a metric is quality, error_rate, response_time or cost_reduction"
                     : kShape);
  }
  rule.metric = *metric;
  if (RowOf(*metric).is_floor != is_floor) {
    return wrong(is_floor ? "more of it is bad: error_rate and response_time are written with >"
                          : "less of it is bad: quality and cost_reduction are written with <");
  }
  const auto limit_ppm = PpmIn(Trimmed(*condition));
  if (!limit_ppm.has_value()) {
    return wrong(RowOf(*metric).allowed);
  }
  rule.limit_ppm = *limit_ppm;
  const auto strategies = StrategiesIn(Trimmed(text));
  if (!strategies.has_value() || strategies->empty()) {
    return wrong(
        "behind the limit stand strategies with spaces between them, or all: cache.exact, "
        "cache.normalized, cache.semantic, routing, batching, deferral, context, compression, "
        "tools");
  }
  rule.strategies = *strategies;
  return wrong(LimitProblem(*metric, *limit_ppm));
}

std::string NumberText(std::int64_t ppm) {
  constexpr std::int64_t kOne = 1'000'000;
  std::string text = std::to_string(ppm / kOne);
  std::string fraction = std::to_string(kOne + ppm % kOne).substr(1);
  while (fraction.ends_with('0')) {
    fraction.pop_back();
  }
  return fraction.empty() ? text : text + "." + fraction;
}

}  // namespace

std::optional<Metric> MetricNamed(std::string_view name) {
  for (const MetricRow& row : kMetrics) {
    if (row.name == name) {
      return row.metric;
    }
  }
  return std::nullopt;
}

std::string_view GuardrailNameProblem(std::string_view name) {
  constexpr std::string_view kRule =
      "the name of a guardrail is a letter and up to 63 letters, digits, '_', '-' or '.'";
  const auto is_letter = [](char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
  };
  if (name.empty() || name.size() > static_cast<std::size_t>(base::limits::kNameBytes.value) ||
      !is_letter(name.front())) {
    return kRule;
  }
  const bool is_valid = std::all_of(name.begin(), name.end(), [&is_letter](char byte) {
    return is_letter(byte) || (byte >= '0' && byte <= '9') || byte == '_' || byte == '-' ||
           byte == '.';
  });
  return is_valid ? "" : kRule;
}

std::string_view LimitProblem(Metric metric, std::int64_t limit_ppm) {
  const MetricRow& row = RowOf(metric);
  return limit_ppm >= row.min_ppm && limit_ppm <= row.max_ppm ? std::string_view() : row.allowed;
}

std::string_view GuardrailProblem(std::string_view text) {
  return Read(text).problem;
}

std::optional<Guardrail> ParseGuardrail(std::string_view text) {
  Reading reading = Read(text);
  return reading.problem.empty() ? std::optional(std::move(reading.rule)) : std::nullopt;
}

std::string TextOf(const StrategySet& strategies) {
  if (strategies.IsAll()) {
    return "all";
  }
  std::string text;
  for (const Strategy strategy : kStrategies) {
    if (strategies.Has(strategy)) {
      text.append(text.empty() ? "" : " ").append(NameOf(strategy));
    }
  }
  return text;
}

std::string TextOf(const Guardrail& rule) {
  return rule.name + ": " + std::string(NameOf(rule.metric)) +
         (RowOf(rule.metric).is_floor ? " < " : " > ") + NumberText(rule.limit_ppm) + ": " +
         TextOf(rule.strategies);
}

std::string ContradictionIn(const std::vector<Guardrail>& rules) {
  for (std::size_t i = 0; i < rules.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const Guardrail& one = rules[j];
      const Guardrail& other = rules[i];
      if (one.name == other.name) {
        return "two guardrails have the name '" + one.name + "'";
      }
      if (one.metric == other.metric && one.strategies.Overlaps(other.strategies)) {
        return "the guardrails '" + one.name + "' and '" + other.name +
               "' contradict each other: both say what " + std::string(NameOf(one.metric)) +
               " may be for the same strategy";
      }
    }
  }
  return {};
}

}  // namespace reprise::config
