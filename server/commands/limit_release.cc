// LIMIT.RELEASE: ends a lease of limits, and puts the quantity right.
#include <array>

#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/limit_common.h"
#include "server/commands/spec.h"

namespace reprise::commands {

extern const CommandSpec kLimitRelease;

namespace {

enum Option : std::size_t { kQuantity };
constexpr std::array kArgs{kLimitLeaseArg};
constexpr std::array kOptions{
    ArgSpec{.name = "quantity",
            .kind = ArgKind::kInt,
            .doc = "what was really used of the limits that were taken with a `quantity`: more is "
                   "charged, also when it is not free; less is given back as far as that cannot "
                   "grant more than the limit",
            .max = base::limits::kRateQuantity.ceiling}};
constexpr std::array kErrors{base::Code::kNotFound, base::Code::kBusy};
constexpr std::array kExamples{
    Example{R"(["LIMIT.RELEASE", ["0123456789abcdef"]])", R"({"error": "not_found"})"},
    Example{R"(["LIMIT.RELEASE", ["0123456789abcdef", {"quantity": -1}]])",
            R"({"error": "bad_request"})"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  ASSIGN_OR_RETURN(
      const auto corrected,
      In(kLimitRelease, context.instance.rate().Release(context.principal.namespace_id,
                                                        args.Bytes(0), args.MaybeInt(kQuantity))));
  reply.Map(2);
  reply.Field("given_back", corrected.given_back);
  reply.Field("charged", corrected.charged);
  return base::Ok{};
}

}  // namespace

constexpr CommandSpec kLimitRelease{
    .name = "LIMIT.RELEASE",
    .family = Family::kSpend,
    .summary =
        "Ends a lease of LIMIT.TAKE or LIMIT.ACQUIRE: its places of limits of concurrency are "
        "free, "
        "and what it took of others can be put right now that it is known.",
    .complexity = "O(limits + log leases)",
    .since = "0.1",
    .flags = kInMemory,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result =
        "{given_back, charged}: by how much the quantity was put right; of several limits the "
        "least. Behind a restart nothing is given back",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
