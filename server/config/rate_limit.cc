// Owns the shape of rate limits. Does not own what they count (server/rate).
#include "server/config/rate_limit.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "protocol/base/limits.h"
#include "server/config/quantity.h"

namespace reprise::config {
namespace {

namespace limits = base::limits;
using base::Code;
using base::Error;

constexpr std::array<std::string_view, 3> kNames{"gcra", "window", "concurrency"};
constexpr std::size_t kTextBytesMax = 256;
constexpr std::string_view kShape =
    "a limit is \"name: 60 per 1m\", \"name: 60 per 1m burst 90\", \"name: window 5 per 1h\" or "
    "\"name: 10 at a time for 5m\"";

Error Bad(std::string detail) {
  return {Code::kBadRequest, std::move(detail)};
}

base::Status CheckRange(std::string_view name, std::int64_t value, const base::Limit& limit) {
  if (value >= limit.floor && value <= limit.ceiling) {
    return base::Ok{};
  }
  return Bad("'" + std::string(name) + "' must be from " + std::to_string(limit.floor) + " to " +
             std::to_string(limit.ceiling) + ", found " + std::to_string(value));
}

base::Status Absent(std::string_view name, std::int64_t value, RateAlgorithm algorithm) {
  if (value == 0) {
    return base::Ok{};
  }
  return Bad("'" + std::string(name) + "' does not go with the algorithm " +
             std::string(NameOf(algorithm)));
}

std::vector<std::string_view> WordsOf(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end > 0) {
      words.push_back(text.substr(0, end));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

// The words of a limit, one behind the other.
class Words {
 public:
  explicit Words(std::string_view text) : words_(WordsOf(text)) {}

  bool AtEnd() const { return next_ == words_.size(); }
  bool Skip(std::string_view word) {
    const bool is_next = !AtEnd() && words_[next_] == word;
    next_ += is_next ? 1 : 0;
    return is_next;
  }
  bool SkipAll(std::initializer_list<std::string_view> words) {
    return std::all_of(words.begin(), words.end(),
                       [this](std::string_view word) { return Skip(word); });
  }
  // Absent when the next word is none.
  std::optional<std::int64_t> Quantity(Kind kind) {
    return AtEnd() ? std::nullopt : ParseQuantity(kind, words_[next_++]);
  }

 private:
  std::vector<std::string_view> words_;
  std::size_t next_ = 0;
};

bool ReadConcurrency(Words& words, RateRule& rule) {
  rule.algorithm = RateAlgorithm::kConcurrency;
  if (!words.SkipAll({"at", "a", "time"})) {
    return false;
  }
  if (!words.Skip("for")) {
    return words.AtEnd();
  }
  const auto lease_ms = words.Quantity(Kind::kMilliseconds);
  rule.lease_ms = lease_ms.value_or(0);
  return lease_ms.value_or(0) != 0 && words.AtEnd();
}

bool ReadRate(Words& words, RateRule& rule) {
  const auto period_ms = words.Skip("per") ? words.Quantity(Kind::kMilliseconds) : std::nullopt;
  rule.period_ms = period_ms.value_or(0);
  if (period_ms.value_or(0) == 0) {
    return false;
  }
  if (rule.algorithm == RateAlgorithm::kGcra && words.Skip("burst")) {
    const auto burst = words.Quantity(Kind::kInteger);
    rule.burst = burst.value_or(0);
    return burst.value_or(0) != 0 && words.AtEnd();
  }
  return words.AtEnd();
}

bool Read(std::string_view text, RateRule& rule) {
  Words words(text);
  const bool is_window = words.Skip("window");
  rule.algorithm = is_window ? RateAlgorithm::kWindow : RateAlgorithm::kGcra;
  const auto limit = words.Quantity(Kind::kInteger);
  rule.limit = limit.value_or(0);
  Words ahead = words;
  if (limit.has_value() && !is_window && ahead.Skip("at")) {
    return ReadConcurrency(words, rule);
  }
  return limit.has_value() && ReadRate(words, rule);
}

}  // namespace

std::string_view NameOf(RateAlgorithm algorithm) {
  return kNames.at(static_cast<std::size_t>(algorithm));
}

std::optional<RateAlgorithm> RateAlgorithmNamed(std::string_view name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) {
    return std::nullopt;
  }
  return static_cast<RateAlgorithm>(found - kNames.begin());
}

base::Result<RateRule> CompleteRate(const RateRule& given) {
  RateRule rule = given;
  if (rule.algorithm == RateAlgorithm::kConcurrency) {
    RETURN_IF_ERROR(Absent("period_ms", rule.period_ms, rule.algorithm));
    RETURN_IF_ERROR(Absent("burst", rule.burst, rule.algorithm));
    RETURN_IF_ERROR(CheckRange("limit", rule.limit, limits::kRateConcurrency));
    rule.lease_ms = rule.lease_ms == 0 ? limits::kLeaseMs.value : rule.lease_ms;
    RETURN_IF_ERROR(CheckRange("lease_ms", rule.lease_ms, limits::kLeaseMs));
    return rule;
  }
  RETURN_IF_ERROR(Absent("lease_ms", rule.lease_ms, rule.algorithm));
  RETURN_IF_ERROR(CheckRange("limit", rule.limit, limits::kRateLimit));
  if (rule.period_ms == 0) {
    return Bad("'limit' needs 'period_ms': how long it takes until so many are free again");
  }
  RETURN_IF_ERROR(CheckRange("period_ms", rule.period_ms, limits::kRatePeriodMs));
  if (rule.algorithm == RateAlgorithm::kWindow) {
    RETURN_IF_ERROR(Absent("burst", rule.burst, rule.algorithm));
    return rule;
  }
  rule.burst = rule.burst == 0 ? rule.limit : rule.burst;
  RETURN_IF_ERROR(CheckRange("burst", rule.burst, limits::kRateLimit));
  const double full_ms = static_cast<double>(rule.burst) / static_cast<double>(rule.limit) *
                         static_cast<double>(rule.period_ms);
  if (full_ms > static_cast<double>(limits::kTtlMs.ceiling)) {
    return Bad("a burst of " + std::to_string(rule.burst) +
               " takes longer than ten years to be free again");
  }
  return rule;
}

std::string_view RateNameProblem(std::string_view name) {
  const auto is_alphanumeric = [](char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9');
  };
  const bool is_valid = std::all_of(name.begin(), name.end(), [&](char byte) {
    return is_alphanumeric(byte) || byte == '.' || byte == '_' || byte == '-';
  });
  return !name.empty() && name.size() <= static_cast<std::size_t>(limits::kNameBytes.value) &&
                 is_alphanumeric(name.front()) && is_valid
             ? ""
             : "the name of a limit is a letter or digit and up to 63 letters, digits, '.', '_' or "
               "'-'";
}

base::Result<NamedRate> ParseRate(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (text.size() > kTextBytesMax || colon == std::string_view::npos) {
    return Bad(std::string(kShape));
  }
  std::string_view name = text.substr(0, colon);
  while (name.starts_with(' ')) {
    name.remove_prefix(1);
  }
  while (name.ends_with(' ')) {
    name.remove_suffix(1);
  }
  if (const std::string_view problem = RateNameProblem(name); !problem.empty()) {
    return Bad(std::string(problem));
  }
  RateRule given;
  if (!Read(text.substr(colon + 1), given)) {
    return Bad(std::string(kShape));
  }
  ASSIGN_OR_RETURN(const RateRule rule, CompleteRate(given));
  return NamedRate{std::string(name), rule};
}

std::string_view RateProblem(std::string_view text) {
  if (ParseRate(text).ok()) {
    return "";
  }
  return "a limit is \"name: 60 per 1m\", \"name: 60 per 1m burst 90\", \"name: window 5 per 1h\" "
         "or \"name: 10 at a time for 5m\"; numbers are 1 to 1000000000000 (100000 at a time), "
         "periods 1ms to 31d, leases 100ms to 1h, names letters, digits, '.', '_' and '-'";
}

}  // namespace reprise::config
