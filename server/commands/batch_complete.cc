// BATCH.COMPLETE: the results of a batch.
#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/batch_common.h"
#include "server/commands/batch_fill.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

using base::Code;
using base::Error;

constexpr std::int64_t kCostMax = 1'000'000'000'000'000;  // a million dollars
constexpr std::array kArgs{kBatchLeaseArg, ArgSpec{.name = "ticket",
                                                   .kind = ArgKind::kText,
                                                   .doc = "of the item; nil when `items` are given",
                                                   .required = false,
                                                   .nullable = true,
                                                   .min = 1,
                                                   .max = base::limits::kNameBytes.value}};
enum Option : std::size_t { kResult, kUsage, kCost, kItems };
constexpr std::array kOptions{
    ArgSpec{.name = "result",
            .kind = ArgKind::kValue,
            .doc = "any value; at most jobs.payload_bytes_max"},
    ArgSpec{.name = "usage",
            .kind = ArgKind::kValue,
            .doc = "what the call used, as the provider says it; any value",
            .max = 4096},
    ArgSpec{.name = "cost_nano",
            .kind = ArgKind::kInt,
            .doc = "what was paid for the item, in nano-dollars",
            .max = kCostMax},
    ArgSpec{.name = "items",
            .kind = ArgKind::kValue,
            .doc = "several items at once, all of them or none: [{ticket, result, usage, "
                   "cost_nano}, ...], "
                   "at most 1000"}};
constexpr std::array kErrors{Code::kBadRequest, Code::kTooLarge, Code::kNotFound, Code::kExists,
                             Code::kReadOnly};
constexpr std::array kExamples{
    Example{
        R"(["BATCH.COMPLETE", ["00000000000000010000000000000002", "00000000000000ff", {"result": "done"}]])",
        R"({"error": "not_found"})"},
    Example{R"(["BATCH.COMPLETE", ["00000000000000010000000000000002"]])",
            R"({"error": "bad_request"})"},
};

base::Status CheckResult(std::string_view result, const Context& context) {
  if (result.size() > static_cast<std::size_t>(context.config.jobs.payload_bytes_max)) {
    return Error{Code::kTooLarge, "BATCH.COMPLETE: 'result' has " + std::to_string(result.size()) +
                                      " bytes, the limit is " +
                                      std::to_string(context.config.jobs.payload_bytes_max) +
                                      " (jobs.payload_bytes_max)"};
  }
  return base::Ok{};
}

base::Result<jobs::CompletedItem> ItemOf(wire::Reader& reader, const Context& context) {
  ASSIGN_OR_RETURN(const std::uint32_t pairs, reader.Map());
  jobs::CompletedItem item;
  for (std::uint32_t i = 0; i < pairs; ++i) {
    ASSIGN_OR_RETURN(const std::string_view name, reader.Text());
    if (name == "ticket") {
      ASSIGN_OR_RETURN(const std::string_view text, reader.Text());
      ASSIGN_OR_RETURN(item.id, TicketOf("BATCH.COMPLETE", text));
    } else if (name == "result") {
      ASSIGN_OR_RETURN(item.result, reader.Raw());
      RETURN_IF_ERROR(CheckResult(item.result, context));
    } else if (name == "usage") {
      ASSIGN_OR_RETURN(item.usage, reader.Raw());
    } else if (name == "cost_nano") {
      ASSIGN_OR_RETURN(const std::int64_t cost, reader.Int());
      if (cost < 0 || cost > kCostMax) {
        return Error{Code::kBadRequest,
                     "BATCH.COMPLETE: 'cost_nano' must be from 0 to " + std::to_string(kCostMax)};
      }
      item.cost_nano = static_cast<std::uint64_t>(cost);
    } else {
      return Error{Code::kBadRequest,
                   "BATCH.COMPLETE: an item has ticket, result, usage and cost_nano"};
    }
  }
  return item;
}

base::Result<std::vector<jobs::CompletedItem>> ItemsOf(const Context& context, const Args& args) {
  std::vector<jobs::CompletedItem> items;
  const bool has_ticket = args.size() > 1 && !args.Bytes(1).empty();
  if (has_ticket == args.Has(kItems)) {
    return Error{Code::kBadRequest, "BATCH.COMPLETE takes a ticket or 'items', one of the two"};
  }
  if (has_ticket) {
    jobs::CompletedItem item;
    ASSIGN_OR_RETURN(item.id, TicketOf("BATCH.COMPLETE", args.Bytes(1)));
    item.result = args.BytesOr(kResult, "");
    RETURN_IF_ERROR(CheckResult(item.result, context));
    item.usage = args.BytesOr(kUsage, "");
    if (args.Has(kCost)) {
      item.cost_nano = static_cast<std::uint64_t>(args.IntOr(kCost, 0));
    }
    items.push_back(item);
    return items;
  }
  wire::Reader reader(args.BytesOr(kItems, ""));
  ASSIGN_OR_RETURN(const std::uint32_t count, reader.Array());
  if (count == 0 || count > base::limits::kJobsPerCall.value) {
    return Error{Code::kTooLarge, "BATCH.COMPLETE: jobs_per_call: " + std::to_string(count) +
                                      " items, allowed are 1 to " +
                                      std::to_string(base::limits::kJobsPerCall.value)};
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    ASSIGN_OR_RETURN(jobs::CompletedItem item, ItemOf(reader, context));
    items.push_back(item);
  }
  return items;
}

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  ASSIGN_OR_RETURN(const jobs::LeaseAsk ask, LeaseAskOf(context, "BATCH.COMPLETE", args.Bytes(0)));
  ASSIGN_OR_RETURN(const std::vector<jobs::CompletedItem> items, ItemsOf(context, args));
  auto completed = context.instance.jobs().Complete(ask, items, context.view.transaction());
  if (!completed.ok()) {
    return Error{completed.error().code, "BATCH.COMPLETE: " + completed.error().detail};
  }
  std::size_t filled = 0;
  for (const jobs::Completed& done : completed.value()) {
    const auto stored = FillCache(context, done);
    filled += stored.ok() && stored.value() ? 1 : 0;  // The result counts, whatever the cache says.
  }
  reply.Map(2);
  reply.Field("completed", completed.value().size());
  reply.Field("filled", filled);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kBatchComplete;
constexpr CommandSpec kBatchComplete{
    .name = "BATCH.COMPLETE",
    .family = Family::kJobs,
    .summary =
        "Hands in the result of an item, or of several. Each result is taken once: after the end "
        "of the "
        "lease, a cancel, or a second time it is refused, and the error says why. Answered when it "
        "is "
        "durable.",
    .complexity = "O(bytes of the results)",
    .since = "0.2",
    .flags = kWrite,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result =
        "{completed, filled}: how many, and how many went into the cache as their `fill` asked",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
