// CACHE.ABANDON: the lease holder gives up.
#include <algorithm>

#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/cache_common.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{kLeaseArg};
enum Option : std::size_t { kError, kTtlMs };
constexpr std::int64_t kErrorBytesMax = 1'024;
constexpr std::int64_t kNegativeTtlMsMax = 3'600'000;
constexpr std::array kOptions{
    ArgSpec{.name = "error",
            .kind = ArgKind::kText,
            .doc = "what went wrong; told to others only with `ttl_ms`",
            .max = kErrorBytesMax},
    ArgSpec{.name = "ttl_ms",
            .kind = ArgKind::kMillis,
            .doc = "the upstream is to be left alone for so long: whoever waits, and whoever asks "
                   "the same meanwhile, is told the error; at most cache.negative_ttl_ms",
            .min = 1,
            .max = kNegativeTtlMsMax}};
constexpr std::array kErrors{base::Code::kNotFound};
constexpr std::array kExamples{
    Example{R"(["CACHE.ABANDON", ["0123456789abcdef0123456789abcdef"]])",
            R"({"error": "not_found"})"},
    Example{R"(["CACHE.ABANDON", ["0123456789abcdef0123456789abcdef", {"ttl_ms": 1000}]])",
            R"({"error": "bad_request"})"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  cache::Flights& flights = context.instance.cache().flights();
  const storage::NamespaceId home = context.principal.namespace_id;
  const std::string_view error = args.BytesOr(kError, "");
  const std::int64_t ttl_ms = std::min(args.IntOr(kTtlMs, 0), context.config.cache.negative_ttl_ms);
  if (args.Has(kTtlMs) && error.empty()) {
    return base::Error{base::Code::kBadRequest,
                       "CACHE.ABANDON: 'ttl_ms' is how long an 'error' is told; give both"};
  }
  RETURN_IF_ERROR(ttl_ms > 0 ? flights.Fail(home, args.Bytes(0), error, ttl_ms)
                             : flights.Abandon(home, args.Bytes(0)));
  reply.Map(0);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kCacheAbandon;
constexpr CommandSpec kCacheAbandon{
    .name = "CACHE.ABANDON",
    .family = Family::kCache,
    .summary =
        "Gives a lease back without an answer: the caller who has waited longest gets it. With an "
        "error and a time nobody gets it: all are told the error until the time is over.",
    .complexity = "O(log leases), O(waiters) with an error",
    .since = "0.1",
    .flags = kRead,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result = "{}",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
