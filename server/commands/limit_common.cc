#include "server/commands/limit_common.h"

#include <algorithm>
#include <string>

#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"

namespace reprise::commands {
namespace {

using base::Code;
using base::Error;

enum ItemOption : std::size_t { kItemQuantity = kLimitOptions, kItemKey };
constexpr ArgSpec kItemKeyOption{.name = "key",
                                 .kind = ArgKind::kKey,
                                 .doc = "whose count it is; that of the call when not given",
                                 .min = 1,
                                 .max = base::limits::kRateKeyBytes.value};
constexpr std::array kItemOptions{kLimitOption,     kPeriodMsOption, kBurstOption,  kRuleOption,
                                  kAlgorithmOption, kQuantityOption, kItemKeyOption};
// An item of `limits` reads as a call with nothing but options.
constexpr CommandSpec kItem{.name = "an item of 'limits'",
                            .family = Family::kSpend,
                            .summary = "",
                            .complexity = "",
                            .since = "",
                            .flags = 0,
                            .args = {},
                            .repeat_from = kNoRepeat,
                            .options = kItemOptions,
                            .result = "",
                            .errors = {},
                            .examples = {},
                            .run = nullptr};

Error Bad(std::string detail) {
  return {Code::kBadRequest, std::move(detail)};
}

base::Result<rate::Algorithm> AlgorithmOf(const Args& args) {
  const auto algorithm = config::RateAlgorithmNamed(args.BytesOr(kAlgorithm, "gcra"));
  if (!algorithm.has_value()) {
    return Bad("'algorithm' must be gcra, window or concurrency");
  }
  return *algorithm;
}

base::Result<GivenLimit> Named(std::string_view rule) {
  if (const std::string_view problem = config::RateNameProblem(rule); !problem.empty()) {
    return Bad("'rule': " + std::string(problem));
  }
  return GivenLimit{rule, {}};
}

base::Result<GivenLimit> Given(const Args& args) {
  rate::Rule given;
  ASSIGN_OR_RETURN(given.algorithm, AlgorithmOf(args));
  given.limit = args.IntOr(kLimit, 0);
  given.period_ms = args.IntOr(kPeriodMs, 0);
  given.burst = args.IntOr(kBurst, 0);
  ASSIGN_OR_RETURN(const rate::Rule complete, config::CompleteRate(given));
  return GivenLimit{{}, complete};
}

base::Result<GivenLimit> LimitIn(const Args& args, std::string_view key) {
  const bool has_parts = args.Has(kPeriodMs) || args.Has(kBurst) || args.Has(kAlgorithm);
  if (args.Has(kRule)) {
    if (has_parts || args.Has(kLimit)) {
      return Bad(
          "'rule' names a limit; 'limit', 'period_ms', 'burst' and 'algorithm' do not go with it");
    }
    return Named(args.BytesOr(kRule, ""));
  }
  if (args.Has(kLimit)) {
    return Given(args);
  }
  if (has_parts) {
    return Bad("'period_ms', 'burst' and 'algorithm' need 'limit'");
  }
  if (!config::RateNameProblem(key).empty()) {
    return Error{Code::kNotFound,
                 "the key is not the name of a limit: give 'rule', or 'limit' and 'period_ms'"};
  }
  return GivenLimit{key, {}};
}

base::Result<rate::Want> WantOf(const Args& args, std::string_view key, std::size_t quantity) {
  ASSIGN_OR_RETURN(const GivenLimit limit, LimitIn(args, key));
  return rate::Want{key, limit.rule, limit.given, args.IntOr(quantity, 1), args.Has(quantity)};
}

// `bytes` is what stands at one place of the array.
base::Result<rate::Want> ItemOf(std::string_view bytes, std::string_view key) {
  wire::Reader reader(bytes);
  ASSIGN_OR_RETURN(const wire::Kind kind, reader.Peek());
  if (kind != wire::Kind::kMap) {
    return Bad("an item of 'limits' must be a map, found " + std::string(wire::NameOf(kind)));
  }
  // Texts must point into the request, so only their places are taken from the copy.
  std::string params = "\x91";  // an array of one
  params.append(bytes);
  Args args;
  RETURN_IF_ERROR(args.Decode(kItem, params));
  if (args.timeout_ms() != 0) {
    return Bad("'timeout_ms' is of the whole call, not of an item of 'limits'");
  }
  const auto in_request = [&](std::string_view text) {
    return bytes.substr(static_cast<std::size_t>(text.data() - params.data()) - 1, text.size());
  };
  const std::string_view item_key =
      args.Has(kItemKey) ? in_request(args.BytesOr(kItemKey, "")) : key;
  ASSIGN_OR_RETURN(rate::Want want, WantOf(args, item_key, kItemQuantity));
  if (args.Has(kRule)) {
    want.rule = in_request(want.rule);
  }
  return want;
}

base::Result<std::vector<rate::Want>> ListOf(std::string_view bytes, std::string_view key) {
  wire::Reader reader(bytes);
  ASSIGN_OR_RETURN(const wire::Kind kind, reader.Peek());
  if (kind != wire::Kind::kArray) {
    return Bad("'limits' must be an array of maps, found " + std::string(wire::NameOf(kind)));
  }
  ASSIGN_OR_RETURN(const std::uint32_t count, reader.Array());
  if (count == 0) {
    return Bad("'limits' must have at least one item");
  }
  if (count > kLimitsPerCall) {
    return Error{Code::kTooLarge, "rate_limits_per_call: 'limits' has " + std::to_string(count) +
                                      " items, the limit is " + std::to_string(kLimitsPerCall)};
  }
  std::vector<rate::Want> wants;
  for (std::uint32_t i = 0; i < count; ++i) {
    ASSIGN_OR_RETURN(const std::string_view item, reader.Raw());
    ASSIGN_OR_RETURN(const rate::Want want, ItemOf(item, key));
    wants.push_back(want);
  }
  return wants;
}

// 0 is what an algorithm has none of.
std::optional<std::int64_t> Given(std::int64_t number) {
  return number == 0 ? std::nullopt : std::optional(number);
}

}  // namespace

base::Error In(const CommandSpec& spec, const Error& error) {
  return {error.code, std::string(spec.name) + ": " + error.detail};
}

base::Result<GivenLimit> LimitOf(const CommandSpec& spec, const Args& args, std::string_view key) {
  return In(spec, LimitIn(args, key));
}

base::Result<LimitCall> LimitCallOf(const CommandSpec& spec, const Args& args, std::size_t quantity,
                                    std::size_t limits) {
  if (!args.Has(limits)) {
    ASSIGN_OR_RETURN(const rate::Want want, In(spec, WantOf(args, args.Bytes(0), quantity)));
    return LimitCall(want);
  }
  bool is_alone = !args.Has(quantity);
  for (std::size_t i = 0; i < kLimitOptions; ++i) {
    is_alone = is_alone && !args.Has(i);
  }
  if (!is_alone) {
    return In(spec, Bad("with 'limits', 'rule', 'limit', 'period_ms', 'burst', 'algorithm' and "
                        "'quantity' stand in its items"));
  }
  ASSIGN_OR_RETURN(auto wants, In(spec, ListOf(args.BytesOr(limits, ""), args.Bytes(0))));
  return LimitCall(std::move(wants));
}

void WriteVerdict(const rate::Verdict& verdict, wire::Writer& reply) {
  reply.Field("allowed", verdict.allowed);
  reply.Field("limit", verdict.limit);
  reply.Field("remaining", verdict.remaining);
  reply.Field("retry_after_ms", verdict.retry_after_ms);
  reply.Field("reset_ms", verdict.reset_ms);
}

void WriteTaken(LimitCall& call, const rate::Taken& taken, wire::Writer& reply) {
  constexpr std::size_t kLeaseFields = 2;
  constexpr std::size_t kListFields = 2;
  const std::span<const rate::Verdict> verdicts = call.verdicts();
  reply.Map(kVerdictFields + (taken.lease.has_value() ? kLeaseFields : 0) +
            (call.is_list() ? kListFields : 0));
  WriteVerdict(verdicts[taken.decisive], reply);
  if (taken.lease.has_value()) {
    reply.Field("lease", rate::TextOf(*taken.lease));
    reply.Field("lease_ms", taken.lease_ms);
  }
  if (!call.is_list()) {
    return;
  }
  reply.Str("blocked_by");
  if (taken.allowed) {
    reply.Nil();
  } else {
    reply.Uint(taken.decisive);
  }
  reply.Str("limits");
  reply.Array(verdicts.size());
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    const std::string_view rule = call.wants()[i].rule;
    reply.Map(kVerdictFields + 1);
    reply.Str("rule");
    if (rule.empty()) {
      reply.Nil();
    } else {
      reply.Str(rule);
    }
    WriteVerdict(verdicts[i], reply);
  }
}

void WriteRule(const rate::Rule& rule, wire::Writer& reply) {
  reply.Field("algorithm", config::NameOf(rule.algorithm));
  reply.Field("limit", rule.limit);
  reply.Field("period_ms", Given(rule.period_ms));
  reply.Field("burst", Given(rule.burst));
  reply.Field("lease_ms", Given(rule.lease_ms));
}

}  // namespace reprise::commands
