// CACHE.STATS: what the cache did and saved.
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::array kOptions{
    ArgSpec{.name = "by",
            .kind = ArgKind::kText,
            .doc = "what accounts are shown: type (the default), model (who made the answer; \"\" "
                   "where there is none), bot (who asked: the label of its access key, or its name "
                   "in HELLO, or `unnamed`)",
            .max = base::limits::kNameBytes.value}};
constexpr std::array kExamples{
    Example{
        R"(["CACHE.STATS", []])",
        R"({"entries": 0, "entries_max": 10000, "bytes": 0, "bytes_max": 1073741824, "eviction": "cost", "memory_bytes": 0, "types": {}, "total": {"lookups": 0, "hits_exact": 0, "hits_normalized": 0, "misses": 0, "stores": 0, "evictions": 0, "tokens_saved_in": 0, "tokens_saved_out": 0, "cost_saved_nano": 0, "followers": 0, "stale": 0, "shadow_hits": 0, "shadow_cost_nano": 0, "bypasses": 0, "misses_expired": 0, "misses_too_old": 0, "misses_invalidated": 0, "misses_by_policy": 0, "refused_fills": 0, "hit_age_ms": 0, "lookup_micros": 0, "follower_wait_ms": 0, "hits_semantic": 0, "misses_guarded": 0, "misses_unsure": 0, "misses_barred": 0, "misses_no_vector": 0, "misses_to_verify": 0, "misses_template": 0, "misses_context": 0, "misses_too_long": 0, "misses_unknown": 0, "hit_ages": [0, 0, 0, 0], "lookup_times": [0, 0, 0, 0, 0, 0]}, "log": {"sample_ppm": 0, "pending": 0, "recorded": 0, "dropped": 0, "dropped_tokens_in": 0, "dropped_tokens_out": 0, "dropped_cost_nano": 0}, "semantic": {"general": {"serves": "*", "threshold": "*", "bound": "*", "evidence": 0, "verified": 0, "verified_wrong": 0, "wrong_share": 0.0, "wrong_share_low": 0.0, "wrong_share_high": 1.0}, "research": "*", "factLookup": "*", "codePattern": "*", "commonTemplate": "*"}})"},
    Example{R"(["CACHE.LOOKUP", ["What is RAII?"]])", R"("*")"},
    Example{
        R"(["CACHE.STATS", [{"by": "bot"}]])",
        R"({"entries": 0, "entries_max": 10000, "bytes": 0, "bytes_max": 1073741824, "eviction": "cost", "memory_bytes": 0, "bots": {"unnamed": "*"}, "total": "*", "log": "*", "semantic": "*"})"},
    Example{R"(["CACHE.STATS", [{"by": "colour"}]])", R"({"error": "bad_request"})"},
};

struct View {
  std::string_view by;
  std::string_view field;
  cache::Dimension dimension;
};
constexpr std::array kViews{View{"type", "types", cache::Dimension::kType},
                            View{"model", "models", cache::Dimension::kModel},
                            View{"bot", "bots", cache::Dimension::kBot}};

base::Result<const View*> ViewNamed(std::string_view name) {
  for (const View& view : kViews) {
    if (view.by == name) {
      return &view;
    }
  }
  return base::Error{base::Code::kBadRequest, "CACHE.STATS: 'by' must be type, model or bot"};
}

constexpr std::size_t CountOf(cache::CounterKind kind) {
  std::size_t count = 0;
  for (const cache::CounterField& row : cache::kCounterFields) {
    count += row.kind == kind ? 1 : 0;
  }
  return count;
}

void WriteBuckets(std::string_view name, const cache::Counters& counters, cache::CounterKind kind,
                  wire::Writer& reply) {
  reply.Str(name);
  reply.Array(CountOf(kind));
  for (const cache::CounterField& row : cache::kCounterFields) {
    if (row.kind == kind) {
      reply.Uint(counters.*row.field);
    }
  }
}

void WriteCounters(const cache::Counters& counters, wire::Writer& reply) {
  constexpr std::size_t kDerived = 4;
  reply.Map(CountOf(cache::CounterKind::kFigure) + kDerived);
  reply.Field("lookups", counters.lookups());
  for (const cache::CounterField& row : cache::kCounterFields) {
    if (row.kind == cache::CounterKind::kFigure) {
      reply.Field(row.name, counters.*row.field);
    }
  }
  reply.Field("misses_unknown", counters.misses_unknown());
  WriteBuckets("hit_ages", counters, cache::CounterKind::kAgeBucket, reply);
  WriteBuckets("lookup_times", counters, cache::CounterKind::kTimeBucket, reply);
}

void WriteLog(const Context& context, const cache::LogStats& log, wire::Writer& reply) {
  reply.Map(7);
  reply.Field("sample_ppm", context.config.cache.log_sample_ppm);
  reply.Field("pending", log.pending);
  reply.Field("recorded", log.totals.recorded);
  reply.Field("dropped", log.totals.dropped);
  reply.Field("dropped_tokens_in", log.totals.dropped_tokens_in);
  reply.Field("dropped_tokens_out", log.totals.dropped_tokens_out);
  reply.Field("dropped_cost_nano", log.totals.dropped_cost_nano);
}

// For each type that the tier may answer: what its budget allows, and what verification found.
void WriteSemantic(const Context& context, wire::Writer& reply) {
  constexpr double kMillion = 1'000'000;
  std::vector<const config::QueryType*> types;
  for (const config::QueryType& type : context.config.cache.types) {
    if (type.store && type.semantic) {
      types.push_back(&type);
    }
  }
  reply.Str("semantic");
  reply.Map(types.size());
  for (const config::QueryType* type : types) {
    const semantic::Report report = context.instance.semantic().ReportOf(
        {context.principal.namespace_id, type->name, semantic::Setting::kInCrowd},
        static_cast<double>(type->error_budget_ppm) / kMillion);
    reply.Str(type->name);
    reply.Map(9);
    reply.Field("serves", report.ruling.serves);
    reply.Field("threshold", report.ruling.threshold);
    reply.Field("bound", report.ruling.bound);
    reply.Field("evidence", report.evidence);
    reply.Field("verified", report.verified.pairs);
    reply.Field("verified_wrong", report.verified.wrong);
    reply.Field("wrong_share", report.verified.share);
    reply.Field("wrong_share_low", report.verified.low);
    reply.Field("wrong_share_high", report.verified.high);
  }
}

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  ASSIGN_OR_RETURN(const View* view, ViewNamed(args.BytesOr(0, "type")));
  const storage::NamespaceId home = context.principal.namespace_id;
  const cache::NamespaceStats stats = context.instance.cache().Stats(home);
  const cache::AccountsStats accounts = context.instance.cache().StatsBy(home, view->dimension);
  reply.Map(10);
  reply.Field("entries", stats.entries);
  reply.Field("entries_max", context.config.cache.entries_max);
  reply.Field("bytes", stats.bytes);
  reply.Field("bytes_max", context.config.cache.bytes_max);
  reply.Field("eviction", cache::NameOf(context.config.cache.eviction));
  reply.Field("memory_bytes", stats.memory_bytes);
  reply.Str(view->field);
  reply.Map(accounts.accounts.size());
  for (const cache::AccountStats& account : accounts.accounts) {
    reply.Str(account.name);
    WriteCounters(account.counters, reply);
  }
  reply.Str("total");
  WriteCounters(accounts.total, reply);
  reply.Str("log");
  WriteLog(context, accounts.log, reply);
  WriteSemantic(context, reply);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kCacheStats;
constexpr CommandSpec kCacheStats{
    .name = "CACHE.STATS",
    .family = Family::kCache,
    .summary =
        "Entries, and what each query type, model or bot did and saved since the namespace was "
        "made. The sums over types, over models and over bots are equal. The counters survive "
        "restarts, and after a crash they agree with CACHE.LOG.",
    .complexity = "O(accounts)",
    .since = "0.1",
    .flags = kRead | kIdempotent,
    .args = {},
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result =
        "{entries, entries_max, bytes, bytes_max, eviction, memory_bytes, types (or models, or "
        "bots): {name: counters}, total: "
        "counters, log: {sample_ppm, pending, recorded, dropped, dropped_tokens_in, "
        "dropped_tokens_out, dropped_cost_nano}, semantic: {type: {serves: whether the tier may "
        "answer at all, threshold: of p_correct, bound: of the wrong share above it, evidence: "
        "judged pairs, verified and verified_wrong: hits that were verified, wrong_share with its "
        "95 % interval wrong_share_low to wrong_share_high}}}; counters are {lookups, hits_exact, "
        "hits_normalized, misses, stores, evictions, tokens_saved_in, tokens_saved_out, "
        "cost_saved_nano, followers, stale, shadow_hits, shadow_cost_nano, bypasses, "
        "misses_expired, misses_too_old, "
        "misses_invalidated, misses_by_policy, refused_fills, hit_age_ms, lookup_micros, "
        "follower_wait_ms, hits_semantic, misses_guarded, misses_unsure, misses_barred, "
        "misses_no_vector, misses_to_verify, misses_template, misses_context, misses_too_long, "
        "misses_unknown, hit_ages: hits [under a minute, an hour, a day old, older], lookup_times: "
        "lookups [under 10 us, 100 us, 1 ms, 10 ms, 100 ms, longer]}",
    .errors = {},
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
