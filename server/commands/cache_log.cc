// CACHE.LOG: what was decided, record by record.
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

enum Option : std::size_t { kAfter, kLimit, kBot, kType };
constexpr std::array kOptions{
    ArgSpec{.name = "after",
            .kind = ArgKind::kInt,
            .doc = "records behind this position; the oldest when not given",
            .max = std::int64_t{1} << 53},
    ArgSpec{.name = "limit",
            .kind = ArgKind::kInt,
            .doc = "most records of this page; 100 when not given",
            .min = 1,
            .max = static_cast<std::int64_t>(cache::kLogPageRecords)},
    ArgSpec{.name = "bot",
            .kind = ArgKind::kText,
            .doc = "only what this bot asked",
            .max = base::limits::kTagBytes.value},
    ArgSpec{.name = "type",
            .kind = ArgKind::kText,
            .doc = "only this query type",
            .max = base::limits::kNameBytes.value}};
constexpr std::array kErrors{base::Code::kCorrupt, base::Code::kIo};
constexpr std::array kExamples{
    Example{R"(["CACHE.LOG", []])",
            R"({"records": [], "next": 0, "more": false, "sample_ppm": 0})"},
    Example{R"(["CACHE.LOG", [{"after": 500, "limit": 10, "bot": "helpdesk"}]])",
            R"({"records": [], "next": 500, "more": false, "sample_ppm": 0})"},
};

void WriteRecord(const cache::LoggedDecision& logged, wire::Writer& reply) {
  const cache::DecisionRecord& record = logged.record;
  reply.Map(13);
  reply.Field("position", logged.position);
  reply.Field("time_ms", base::ToInt(record.time));
  reply.Field("decision", cache::NameOf(record.kind));
  reply.Field("reason", cache::NameOf(record.reason));
  reply.Str("tier");
  if (record.tier.has_value()) {
    reply.Str(cache::NameOf(*record.tier));
  } else {
    reply.Nil();
  }
  reply.Field("id", record.entry);
  reply.Field("type", logged.type);
  reply.Field("model", logged.model);
  reply.Field("bot", logged.bot);
  reply.Field("tokens_in", record.worth.tokens_in);
  reply.Field("tokens_out", record.worth.tokens_out);
  reply.Field("cost_nano", record.worth.cost_nano);
  reply.Field("sample_ppm", record.sample_ppm);
}

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  constexpr std::int64_t kDefaultLimit = 100;
  cache::LogRequest request;
  request.after = static_cast<std::uint64_t>(args.IntOr(kAfter, 0));
  request.limit = static_cast<std::size_t>(args.IntOr(kLimit, kDefaultLimit));
  if (args.Has(kBot)) {
    request.bot = args.BytesOr(kBot, "");
  }
  if (args.Has(kType)) {
    request.type = args.BytesOr(kType, "");
  }
  ASSIGN_OR_RETURN(const cache::LogPage page,
                   cache::ReadDecisionLog(context.view.store(), context.principal.namespace_id,
                                          request, context.now()));
  reply.Map(4);
  reply.Str("records");
  reply.Array(page.records.size());
  for (const cache::LoggedDecision& record : page.records) {
    WriteRecord(record, reply);
  }
  reply.Field("next", page.next);
  reply.Field("more", page.more);
  reply.Field("sample_ppm", context.config.cache.log_sample_ppm);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kCacheLog;
constexpr CommandSpec kCacheLog{
    .name = "CACHE.LOG",
    .family = Family::kCache,
    .summary =
        "Decisions of the cache, oldest first: hits with what they saved, misses, bypasses, "
        "refused fills. cache.log_sample_ppm says how many are recorded, and each record of how "
        "many it is one (1000000 / sample_ppm); cache.log_keep_ms how long they stay. Records "
        "appear within a second. Prompts and answers are never recorded.",
    .complexity = "O(limit); O(65536) when few records match",
    .since = "0.1",
    .flags = kRead | kBlocking | kIdempotent,
    .args = {},
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result =
        "{records: [{position, time_ms, decision (hit, stale, miss, bypass, refused), reason, tier "
        "or nil, id or 0, type, model, bot, tokens_in, tokens_out, cost_nano, sample_ppm}, ...], "
        "next: give it as `after` for the next page, more: whether that may have records now, "
        "sample_ppm: of decisions from now on}",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
