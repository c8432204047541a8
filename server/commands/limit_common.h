// What the LIMIT commands share: how a limit is named or given, how its verdict is told. Threads:
// as the command.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"
#include "server/rate/limiter.h"

namespace reprise::commands {

inline constexpr ArgSpec kLimitKeyArg{
    .name = "key",
    .kind = ArgKind::kKey,
    .doc =
        "whose count it is, such as a user: str or bin; without `rule` and `limit` it is the "
        "name of a limit, too",
    .min = 1,
    .max = base::limits::kRateKeyBytes.value};

// How a limit is named or given; in this order, from index 0 of the row's options.
enum LimitOption : std::size_t { kLimit, kPeriodMs, kBurst, kRule, kAlgorithm, kLimitOptions };
inline constexpr ArgSpec kRuleOption{
    .name = "rule",
    .kind = ArgKind::kText,
    .doc = "the name of a limit: of the configuration (rate.limits), or made by LIMIT.SET",
    .min = 1,
    .max = base::limits::kNameBytes.value};
inline constexpr ArgSpec kLimitOption{
    .name = "limit",
    .kind = ArgKind::kInt,
    .doc = "instead of a name: how much in `period_ms`, or at a time",
    .min = base::limits::kRateLimit.floor,
    .max = base::limits::kRateLimit.ceiling};
inline constexpr ArgSpec kPeriodMsOption{.name = "period_ms",
                                         .kind = ArgKind::kMillis,
                                         .doc = "how long it takes until `limit` is free again",
                                         .min = base::limits::kRatePeriodMs.floor,
                                         .max = base::limits::kRatePeriodMs.ceiling};
inline constexpr ArgSpec kBurstOption{.name = "burst",
                                      .kind = ArgKind::kInt,
                                      .doc = "the most at once (gcra); `limit` when not given",
                                      .min = base::limits::kRateLimit.floor,
                                      .max = base::limits::kRateLimit.ceiling};
inline constexpr ArgSpec kAlgorithmOption{
    .name = "algorithm",
    .kind = ArgKind::kText,
    .doc =
        "gcra (the default): a bucket of `burst` that fills evenly; window: at most `limit` in "
        "any `period_ms`; concurrency: at most `limit` held at a time, each by a lease",
    .min = 1,
    .max = base::limits::kNameBytes.value};
inline constexpr ArgSpec kQuantityOption{
    .name = "quantity",
    .kind = ArgKind::kInt,
    .doc =
        "how much is taken, such as tokens; 1 when not given; 0 is allowed as long as nothing "
        "is owed",
    .min = base::limits::kRateQuantity.floor,
    .max = base::limits::kRateQuantity.ceiling};
inline constexpr ArgSpec kLimitLeaseOption{
    .name = "lease_ms",
    .kind = ArgKind::kMillis,
    .doc =
        "how long the lease lives that a limit of concurrency gives, instead of what the limit "
        "says; of other limits: a lease with which LIMIT.RELEASE can put `quantity` right",
    .min = base::limits::kLeaseMs.floor,
    .max = base::limits::kLeaseMs.ceiling};
inline constexpr ArgSpec kLimitsOption{
    .name = "limits",
    .kind = ArgKind::kValue,
    .doc =
        "several limits, all or none: an array of 1 to 16 maps with `rule`, or `limit`, "
        "`period_ms`, `burst`, `algorithm`; and `quantity`, and `key` where it is another",
    .max = 65'536};
inline constexpr ArgSpec kLimitLeaseArg{.name = "lease",
                                        .kind = ArgKind::kText,
                                        .doc = "as LIMIT.TAKE or LIMIT.ACQUIRE gave it",
                                        .min = 1,
                                        .max = base::limits::kNameBytes.value};

inline constexpr auto kLimitsPerCall =
    static_cast<std::size_t>(base::limits::kRateLimitsPerCall.value);

// The limit that the options of a row say, which begin with those above; `limit` is complete.
// Absent: only the key does. Errors: kBadRequest for what contradicts.
struct GivenLimit {
  std::string_view rule;  // empty: `given` is the limit
  rate::Rule given;
};
base::Result<GivenLimit> LimitOf(const CommandSpec& spec, const Args& args, std::string_view key);

// The limits of one LIMIT.TAKE or LIMIT.PEEK, and what they say. Lifetime: views into the request.
class LimitCall {
 public:
  explicit LimitCall(const rate::Want& want) : want_(want) {}
  // Asked for with `limits`.
  explicit LimitCall(std::vector<rate::Want> wants)
      : list_(std::move(wants)), list_verdicts_(list_.size()) {}

  bool is_list() const { return !list_.empty(); }
  std::span<const rate::Want> wants() const {
    return is_list() ? std::span<const rate::Want>(list_) : std::span<const rate::Want>(&want_, 1);
  }
  std::span<rate::Verdict> verdicts() {
    return is_list() ? std::span<rate::Verdict>(list_verdicts_)
                     : std::span<rate::Verdict>(&verdict_, 1);
  }

 private:
  // One limit, which is the rule, takes no memory.
  rate::Want want_;
  rate::Verdict verdict_;
  std::vector<rate::Want> list_;
  std::vector<rate::Verdict> list_verdicts_;
};
// `quantity` and `limits` are the indices of those options in the row.
base::Result<LimitCall> LimitCallOf(const CommandSpec& spec, const Args& args, std::size_t quantity,
                                    std::size_t limits);

// The error with the name of the command in front.
base::Error In(const CommandSpec& spec, const base::Error& error);
template <typename T>
base::Result<T> In(const CommandSpec& spec, base::Result<T> result) {
  if (!result.ok()) {
    return In(spec, result.error());
  }
  return result;
}

// The five fields {allowed, limit, remaining, retry_after_ms, reset_ms}, to a map.
void WriteVerdict(const rate::Verdict& verdict, wire::Writer& reply);
// The answer to LIMIT.TAKE and LIMIT.PEEK.
void WriteTaken(LimitCall& call, const rate::Taken& taken, wire::Writer& reply);
// {algorithm, limit, period_ms, burst, lease_ms}, to a map; nil where the algorithm has none.
void WriteRule(const rate::Rule& rule, wire::Writer& reply);
inline constexpr std::size_t kVerdictFields = 5;
inline constexpr std::size_t kRuleFields = 5;

}  // namespace reprise::commands
