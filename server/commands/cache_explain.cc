// CACHE.EXPLAIN: what would happen to a question, and why.
#include "protocol/wire/writer.h"
#include "server/cache/explain.h"
#include "server/commands/args.h"
#include "server/commands/cache_common.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"
#include "server/commands/strategies.h"
#include "server/telemetry/escape.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{kPromptArg};
enum Option : std::size_t {
  kMaxAgeMs = kQuestionOptions,
  kTier,
  kStaleOkMs,
  kRows,
  kMaxError,
  kProbeVector,
  kConversation
};
constexpr std::int64_t kRowsDefault = 10'000;
constexpr std::int64_t kRowsMax = 1'000'000;
constexpr std::array kOptions{
    kIdentityOption,
    kRequestOption,
    kIdentityModeOption,
    kTypeOption,
    kMaxAgeOption,
    kTierOption,
    kStaleOkOption,
    ArgSpec{.name = "rows",
            .kind = ArgKind::kInt,
            .doc = "how many entries are read in search of the nearest ones (default 10000)",
            .max = kRowsMax},
    kMaxErrorOption,
    kVectorOption,
    kConversationOption};
constexpr std::array kExamples{
    Example{
        R"(["CACHE.STORE", ["What is RAII?", "An idiom.", {"identity": {"model": "m-large", "temperature": 0}}]])",
        R"({"stored": true, "id": "*", "tier_keys": "*", "expires_at_ms": "*"})"},
    Example{
        R"(["CACHE.EXPLAIN", ["what is raii", {"identity": {"model": "m-small", "temperature": 0}}]])",
        R"({"status": "miss", "reason": "*", "type": "general", "type_reason": "no rule matches", "kept": true, "ttl_ms": 3600000, "normalized": "what is raii", "tier_keys": "*", "tiers": {"exact": {"mode": "on", "status": "miss", "reason": "no entry for this prompt and identity"}, "normalized": {"mode": "on", "status": "miss", "reason": "no entry for this prompt and identity"}, "semantic": "*"}, "computing": "nobody", "nearest": [{"id": "*", "prompt": "What is RAII?", "model": "", "expires_at_ms": "*", "same_prompt": true, "overlap": 1.0, "differences": [{"path": "model", "asked": "\"m-small\"", "stored": "\"m-large\""}]}], "rows_read": 1, "complete": true})"},
};

std::string_view StatusOf(const cache::Outcome& outcome) {
  if (!outcome.found.has_value()) {
    return outcome.ruling.refused ? "bypass" : "miss";
  }
  return outcome.found->stale ? "stale" : "hit";
}

std::string_view ReasonOf(const cache::Outcome& outcome) {
  return outcome.ruling.refused ? outcome.ruling.refusal : outcome.reason;
}

// The lookup as if only this tier were there, and on.
base::Status WriteTier(Context& context, const cache::Question& question,
                       const cache::LookupLimits& limits, cache::Tier tier, wire::Writer& reply) {
  constexpr auto kOn = config::TierMode::kOn;
  constexpr auto kOff = config::TierMode::kOff;
  const bool is_exact = tier == cache::Tier::kExact;
  const config::TierMode mode = is_exact ? limits.modes->exact : limits.modes->normalized;
  cache::LookupLimits alone = limits;
  alone.deepest = cache::Tier::kNormalized;
  alone.modes = cache::TierModes{is_exact ? kOn : kOff, is_exact ? kOff : kOn, kOff};
  ASSIGN_OR_RETURN(
      const cache::Outcome outcome,
      context.instance.cache().Lookup(question, alone, context.config.cache, context.view));
  reply.Str(cache::NameOf(tier));
  reply.Map(3);
  reply.Field("mode", control::NameOf(mode));
  reply.Field("status", StatusOf(outcome));
  reply.Field("reason", ReasonOf(outcome));
  return base::Ok{};
}

// What each guard found that did not pass.
void WriteGuards(const match::Verdicts& verdicts, wire::Writer& reply) {
  std::size_t failed = 0;
  for (const match::Verdict& verdict : verdicts) {
    failed += verdict.pass ? 0 : 1;
  }
  reply.Array(failed);
  for (const match::Verdict& verdict : verdicts) {
    if (!verdict.pass) {
      reply.Map(4);
      reply.Field("guard", match::NameOf(verdict.guard));
      reply.Field("veto", verdict.veto);
      reply.Field("asked", verdict.asked);
      reply.Field("stored", verdict.stored);
    }
  }
}

void WriteConsidered(const cache::Considered& entry, wire::Writer& reply) {
  const std::string_view prompt = telemetry::CutAt(entry.question.text, cache::kShownBytes);
  reply.Map(8);
  reply.Field("id", entry.found.body.id);
  reply.Field("prompt", prompt);
  reply.Field("embedder", entry.embedder);
  reply.Field("similarity", static_cast<double>(entry.cosine));
  reply.Field("p_correct", entry.probability);
  reply.Field("barred", entry.is_barred);
  reply.Field("refused", semantic::ReasonOf(entry.facing.refusal));
  reply.Str("guards");
  WriteGuards(entry.verdicts, reply);
}

std::string_view ReasonOf(const cache::Likely& likely, config::TierMode mode) {
  if (!likely.allowed) {
    return "its query type does not allow this tier";
  }
  if (mode == config::TierMode::kOff) {
    return "the tier is off";
  }
  if (likely.chosen) {
    return "the same question in other words";
  }
  if (!likely.report.ruling.serves && !likely.neighbours.entries.empty()) {
    return "no threshold is known to keep the error budget; CACHE.CALIBRATE gives evidence";
  }
  return cache::ReasonOf(likely.why);
}

// What the semantic tier thinks of the nearest entries, whatever the other tiers answer.
base::Status WriteSemantic(Context& context, const cache::Question& question,
                           const cache::LookupLimits& limits, wire::Writer& reply) {
  const config::TierMode mode = limits.modes->semantic;
  ASSIGN_OR_RETURN(
      const cache::Likely likely,
      context.instance.cache().FindLikely(question, limits, context.config.cache, context.view));
  const semantic::Ruling& ruling = likely.report.ruling;
  reply.Str(cache::NameOf(cache::Tier::kSemantic));
  reply.Map(8);
  reply.Field("mode", control::NameOf(mode));
  reply.Field("status", likely.chosen ? "hit" : "miss");
  reply.Field("reason", ReasonOf(likely, mode));
  reply.Field("max_error", likely.max_error);
  reply.Field("threshold", ruling.serves ? ruling.threshold : 1.0);
  reply.Field("bound", ruling.bound);
  reply.Field("evidence", likely.report.evidence);
  reply.Str("considered");
  reply.Array(likely.neighbours.entries.size());
  for (const cache::Considered& entry : likely.neighbours.entries) {
    WriteConsidered(entry, reply);
  }
  return base::Ok{};
}

void WriteNeighbour(const cache::Neighbour& neighbour, wire::Writer& reply) {
  reply.Map(7);
  reply.Field("id", neighbour.id);
  reply.Field("prompt", neighbour.prompt);
  reply.Field("model", neighbour.model);
  reply.Field("expires_at_ms", base::ToInt(neighbour.expires_at));
  reply.Field("same_prompt", neighbour.same_prompt);
  reply.Str("overlap");
  reply.Double(neighbour.overlap);
  reply.Str("differences");
  reply.Array(neighbour.differences.size());
  for (const cache::Difference& difference : neighbour.differences) {
    reply.Map(3);
    reply.Field("path", difference.path);
    reply.Field("asked", difference.asked);
    reply.Field("stored", difference.stored);
  }
}

void WriteNeighbourhood(const cache::Neighbourhood& around, wire::Writer& reply) {
  reply.Str("nearest");
  reply.Array(around.nearest.size());
  for (const cache::Neighbour& neighbour : around.nearest) {
    WriteNeighbour(neighbour, reply);
  }
  reply.Field("rows_read", around.rows_read);
  reply.Field("complete", around.complete);
}

base::Status WritePolicy(const Context& context, const cache::Question& question,
                         wire::Writer& reply) {
  ASSIGN_OR_RETURN(const cache::Ruling ruling, cache::Cache::Judge(question, context.config.cache));
  std::int64_t ttl_ms = 0;
  for (const config::QueryType& type : context.config.cache.types) {
    ttl_ms = type.name == ruling.type ? type.ttl_ms : ttl_ms;
  }
  reply.Field("type", ruling.type);
  reply.Field("type_reason", ruling.reason);
  reply.Field("kept", !ruling.refused);
  reply.Field("ttl_ms", ttl_ms);
  return base::Ok{};
}

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  cache::Cache& cache = context.instance.cache();
  cache::LookupLimits limits;
  limits.max_age_ms = args.MaybeInt(kMaxAgeMs);
  limits.stale_ok_ms = args.MaybeInt(kStaleOkMs);
  limits.peek = true;
  ASSIGN_OR_RETURN(limits.deepest, TierNamed(args.BytesOr(kTier, "semantic")));
  limits.max_error = args.MaybeShare(kMaxError);
  ASSIGN_OR_RETURN(limits.vector, VectorOf(args.BytesOr(kProbeVector, "")));
  limits.pause = context.pause;
  limits.modes = TierModesFor(context, args.BytesOr(kConversation, ""));
  ASSIGN_OR_RETURN(const Asked given, AskedBy(context, args));
  const cache::Question& question = given.question;
  ASSIGN_OR_RETURN(const cache::Outcome outcome,
                   cache.Lookup(question, limits, context.config.cache, context.view));
  ASSIGN_OR_RETURN(const cache::FlightQuestion asked,
                   cache.Ask(question, DeepestInFlight(limits), context.config.cache));
  ASSIGN_OR_RETURN(
      const cache::Neighbourhood around,
      cache.FindNeighbours(asked, context.view,
                           static_cast<std::uint64_t>(args.IntOr(kRows, kRowsDefault))));
  reply.Map(13);
  reply.Field("status", StatusOf(outcome));
  reply.Field("reason", ReasonOf(outcome));
  RETURN_IF_ERROR(WritePolicy(context, question, reply));
  reply.Field("normalized", asked.normalized_prompt);
  reply.Str("tier_keys");
  reply.Map(2);
  reply.Field("exact", asked.exact.Hex());
  reply.Field("normalized", asked.normalized.Hex());
  reply.Str("tiers");
  reply.Map(3);
  for (const cache::Tier tier : {cache::Tier::kExact, cache::Tier::kNormalized}) {
    RETURN_IF_ERROR(WriteTier(context, question, limits, tier, reply));
  }
  RETURN_IF_ERROR(WriteSemantic(context, question, limits, reply));
  reply.Field("computing", cache.flights().Describe(asked));
  WriteNeighbourhood(around, reply);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kCacheExplain;
constexpr CommandSpec kCacheExplain{
    .name = "CACHE.EXPLAIN",
    .family = Family::kCache,
    .summary =
        "What CACHE.LOOKUP would answer and why: the type and which rule found it, each tier by "
        "itself, who computes the answer, and the nearest entries with the fields in which their "
        "identities differ. Counts nothing and changes nothing.",
    .complexity = "O(entries read x bytes)",
    .since = "0.1",
    .flags = kRead | kBlocking | kWaits | kIdempotent,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result =
        "{status, reason, type, type_reason, kept, ttl_ms, normalized, tier_keys, tiers: {name: "
        "{mode, status, reason}, of semantic also max_error, threshold, bound: of the wrong share "
        "from there on, evidence: judged pairs of this namespace and type, considered: [{id, "
        "embedder, prompt, similarity, p_correct, barred, refused: why the two prompts are not "
        "compared, or \"\", guards: [{guard, veto, asked, stored}]}]}, "
        "computing: \"nobody\", \"another caller\" or \"failed\", "
        "nearest: "
        "[{id, prompt, model, expires_at_ms, same_prompt, overlap, differences: [{path, asked, "
        "stored}]}], rows_read, complete}; asked and stored are JSON, empty where there is nothing",
    .errors = {},
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
