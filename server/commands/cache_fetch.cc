// CACHE.FETCH: the answer, or the right to compute it, or the wait for whoever does.
#include <algorithm>
#include <optional>
#include <utility>

#include "protocol/base/buffer.h"
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/cache_common.h"
#include "server/commands/channels.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"
#include "server/commands/strategies.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{kPromptArg};
enum Option : std::size_t {
  kMaxAgeMs = kQuestionOptions,
  kTier,
  kStaleOkMs,
  kWait,
  kWaitMs,
  kLeaseMs,
  kNoCache,
  kNoStore,
  kOnlyIfCached,
  kBypass,
  kStream,
  kReplay,
  kMaxError,
  kProbeVector,
  kConversation
};
constexpr std::array kOptions{
    kIdentityOption,
    kRequestOption,
    kIdentityModeOption,
    kTypeOption,
    kMaxAgeOption,
    kTierOption,
    kStaleOkOption,
    ArgSpec{.name = "wait",
            .kind = ArgKind::kBool,
            .doc = "false: answer `miss` instead of waiting for another caller (default true)"},
    ArgSpec{.name = "wait_ms",
            .kind = ArgKind::kMillis,
            .doc = "answer `timeout` when the answer has not come by then; otherwise the wait "
                   "lasts while somebody computes",
            .min = 1,
            .max = base::limits::kTimeoutMs.ceiling},
    ArgSpec{.name = "lease_ms",
            .kind = ArgKind::kMillis,
            .doc = "how long a lease lives without CACHE.RENEW (default 60000)",
            .min = base::limits::kLeaseMs.floor,
            .max = base::limits::kLeaseMs.ceiling},
    ArgSpec{.name = "no_cache",
            .kind = ArgKind::kBool,
            .doc = "do not take a stored answer; a new one is stored"},
    ArgSpec{.name = "no_store",
            .kind = ArgKind::kBool,
            .doc = "take a stored answer, but never a lease: `bypass` instead"},
    ArgSpec{.name = "only_if_cached",
            .kind = ArgKind::kBool,
            .doc = "a stored answer or `miss`, at once"},
    ArgSpec{.name = "bypass",
            .kind = ArgKind::kBool,
            .doc = "as if there were no cache: always `bypass`"},
    ArgSpec{.name = "stream",
            .kind = ArgKind::kText,
            .doc = "a label of yours: pieces of an answer that another caller streams arrive as "
                   "EVENT [\"chunk\", {stream, index, chunk}]; index 0 again means from the start",
            .min = 1,
            .max = base::limits::kNameBytes.value},
    kReplayOption,
    kMaxErrorOption,
    kVectorOption,
    kConversationOption};
constexpr std::array kErrors{base::Code::kTooLarge, base::Code::kBusy};
constexpr std::array kExamples{
    Example{
        R"(["CACHE.FETCH", ["What is RAII?"]])",
        R"({"status": "lease", "lease": "*", "lease_ms": 60000, "type": "general", "reason": "*"})"},
    Example{R"(["CACHE.FETCH", ["what is raii", {"wait": false}]])",
            R"({"status": "miss", "reason": "another caller computes the answer"})"},
    Example{R"(["CACHE.FETCH", ["What is RAID?", {"only_if_cached": true}]])",
            R"({"status": "miss", "reason": "*"})"},
    Example{R"(["CACHE.FETCH", ["What is RAID?", {"no_store": true}]])",
            R"({"status": "bypass", "reason": "not stored, and no_store was asked for"})"},
    Example{R"(["CACHE.FETCH", ["Delete my account"]])", R"({"status": "bypass", "reason": "*"})"},
    Example{R"(["CACHE.STORE", ["What is RAID?", "An array of disks."]])",
            R"({"stored": true, "id": "*", "tier_keys": "*", "expires_at_ms": "*"})"},
    Example{
        R"(["CACHE.FETCH", ["what is raid"]])",
        R"({"status": "hit", "tier": "normalized", "id": "*", "response": "An array of disks.", "type": "general", "age_ms": "*", "expires_at_ms": "*", "tokens_in": 0, "tokens_out": 0, "cost_nano": 0, "model": "", "reason": "the same prompt but for case, space or punctuation"})"},
};

// What a lookup left to do: compute, with what it found.
struct Need {
  Asked asked;
  cache::LookupLimits limits;
  std::string type;
  std::string_view reason;
  // Whoever gets the lease may fall back on it, or is to compare it with what it computes.
  std::optional<cache::Found> stale;
  Form form;
  std::shared_ptr<const std::string> joined;  // what the stale answer borrows from
};

struct LeaseFor {
  cache::Lease lease;
  cache::KeyHash exact;
};

void WriteLease(const cache::Lease& lease, std::string_view type, std::string_view reason,
                wire::Writer& reply) {
  reply.Map(5);
  reply.Field("status", "lease");
  reply.Field("lease", lease.token);
  reply.Field("lease_ms", lease.lease_ms);
  reply.Field("type", type);
  reply.Field("reason", reason);
}

// With the stale answer beside it, should the upstream fail.
void WriteLease(const cache::Lease& lease, const Need& need, base::UnixMillis now,
                wire::Writer& reply) {
  if (!need.stale.has_value()) {
    WriteLease(lease, need.type, need.reason, reply);
    return;
  }
  reply.Map(4 + FoundFields(*need.stale));
  reply.Field("status", need.stale->likeness.is_to_verify ? "verify" : "lease");
  reply.Field("lease", lease.token);
  reply.Field("lease_ms", lease.lease_ms);
  reply.Field("reason", need.reason);
  WriteFound(*need.stale, now, reply);
}

void WriteFailure(const cache::Failure& failure, const base::Clock& clock, wire::Writer& reply) {
  const std::int64_t left = std::max<std::int64_t>(failure.ends - clock.Elapsed(), 0);
  reply.Map(4);
  reply.Field("status", "error");
  reply.Field("error", failure.error);
  reply.Field("retry_after_ms", left / base::kNanosPerMilli + 1);
  reply.Field("reason", "the upstream failed for another caller a moment ago");
}

base::Status WriteFilled(const cache::Filled& filled, cache::Tier tier, const Form& form,
                         base::UnixMillis now, wire::Writer& reply) {
  cache::Found found;
  found.tier = tier;
  found.type = filled.type;
  found.created_at = filled.created_at;
  found.expires_at = filled.expires_at;
  found.worth = filled.worth;
  found.body.id = filled.id;
  found.body.response = filled.response;
  found.body.model = filled.model;
  std::shared_ptr<const std::string> joined;
  if (form.replay == Form::Replay::kJoined && !filled.joined.empty()) {
    found.body.response = filled.joined;  // Once for all who wait.
  } else {
    RETURN_IF_ERROR(Reshape(form, found, joined));
  }
  WriteHit(found, "another caller computed it meanwhile", now, reply);
  return base::Ok{};
}

// One caller that waits. It owns its request, and answers it when it is woken.
class FetchWaiter final : public cache::Waiter {
 public:
  struct Parts {
    instance::Instance& instance;
    storage::NamespaceId namespace_id;
    cache::KeyHash exact;
    std::string stream;
    std::string type;
    Form form;
    std::string bot;
    base::Nanos arrived{0};
  };
  FetchWaiter(std::shared_ptr<LateReply> reply, Parts parts)
      : reply_(std::move(reply)), parts_(std::move(parts)) {}

  void Wake(const cache::Wakeup& wakeup) override {
    const bool revoked = reply_->revoked();
    if (revoked && wakeup.kind == cache::Wakeup::Kind::kLease) {
      // To the next one; this one could not fill it.
      (void)parts_.instance.cache().flights().Abandon(parts_.namespace_id, wakeup.lease.token).ok();
    }
    reply_->Give([&](wire::Writer& writer) -> base::Status {
      if (revoked) {
        return base::Error{base::Code::kUnauthenticated,
                           "the access key of this connection was revoked; send AUTH"};
      }
      switch (wakeup.kind) {
        case cache::Wakeup::Kind::kFilled:
          return Answer(*wakeup.filled, writer);
        case cache::Wakeup::Kind::kLease:
          WriteLease(wakeup.lease, parts_.type,
                     "whoever computed the answer gave up; it is your turn", writer);
          break;
        case cache::Wakeup::Kind::kFailed:
          WriteFailure(*wakeup.failure, parts_.instance.clock(), writer);
          break;
        case cache::Wakeup::Kind::kTimeout:
          WriteStatus("timeout", "the answer did not come in time", writer);
          break;
        case cache::Wakeup::Kind::kEnded:
          WriteStatus("miss", "nobody computes the answer any more", writer);
          break;
      }
      return base::Ok{};
    });
  }
  void Chunk(std::uint32_t index, std::string_view chunk) override {
    if (reply_->revoked()) {
      return;
    }
    base::Buffer event;
    wire::Writer writer(event);
    writer.Map(3);
    writer.Field("stream", parts_.stream);
    writer.Field("index", index);
    writer.Str("chunk");
    writer.Raw(chunk);
    reply_->Notify(kChunkChannel, event.view());
  }

 private:
  base::Status Answer(const cache::Filled& filled, wire::Writer& writer) {
    const cache::Tier tier =
        filled.exact == parts_.exact ? cache::Tier::kExact : cache::Tier::kNormalized;
    RETURN_IF_ERROR(WriteFilled(filled, tier, parts_.form, parts_.instance.clock().Now(), writer));
    parts_.instance.cache().CountFollower(parts_.namespace_id, filled, tier,
                                          {parts_.bot, parts_.arrived});
    return base::Ok{};
  }

  const std::shared_ptr<LateReply> reply_;
  const Parts parts_;
};

cache::JoinRequest JoinRequestOf(const Context& context, const Args& args, const Need& need) {
  cache::JoinRequest request;
  request.model = need.asked.model();
  request.owner = context.owner;
  request.may_lead = (context.principal.permissions & access::kMayWrite) != 0;
  request.wants_chunks = args.Has(kStream);
  request.lease_ms = args.IntOr(kLeaseMs, base::limits::kLeaseMs.value);
  request.wait_ms = args.IntOr(kWaitMs, args.timeout_ms());
  return request;
}

std::shared_ptr<const cache::Filled> FilledFrom(const cache::Found& found,
                                                const cache::KeyHash& exact) {
  auto filled = std::make_shared<cache::Filled>();
  // An entry that was found by its normal form has another exact key than this question.
  filled->exact = found.tier == cache::Tier::kExact ? exact : cache::KeyHash();
  filled->id = found.body.id;
  filled->response = found.body.response;
  filled->model = found.body.model;
  filled->type = found.type;
  filled->worth = found.worth;
  filled->created_at = found.created_at;
  filled->expires_at = found.expires_at;
  return filled;
}

// The lease came after a lookup that missed; an answer may have been committed in between. Then it
// is handed on to those who wait behind this lease already.
base::Status Lead(Context& context, const Args& args, const Need& need, const LeaseFor& got,
                  wire::Writer& reply) {
  if (!args.BoolOr(kNoCache, false)) {
    cache::LookupLimits limits = need.limits;
    limits.count_miss = false;
    limits.stale_ok_ms = 0;
    limits.deepest = std::min(limits.deepest, cache::Tier::kNormalized);
    auto outcome = context.instance.cache().Lookup(need.asked.question, limits,
                                                   context.config.cache, context.view);
    if (outcome.ok() && outcome.value().found.has_value()) {
      cache::Found& found = *outcome.value().found;
      context.instance.cache().flights().EndFill(got.lease.token, FilledFrom(found, got.exact));
      std::shared_ptr<const std::string> joined;
      RETURN_IF_ERROR(Reshape(need.form, found, joined));
      WriteHit(found, outcome.value().reason, context.now(), reply);
      return base::Ok{};
    }
  }
  WriteLease(got.lease, need, context.now(), reply);
  return base::Ok{};
}

// One caller computes it anew, the others take the stale answer meanwhile.
base::Status Revalidate(Context& context, const Args& args, const Need& need, wire::Writer& reply) {
  cache::Cache& cache = context.instance.cache();
  ASSIGN_OR_RETURN(
      cache::FlightQuestion question,
      cache.Ask(need.asked.question, DeepestInFlight(need.limits), context.config.cache));
  const cache::KeyHash exact = question.exact;
  if (cache.flights().FindFailure(question) == nullptr) {
    const auto lease =
        cache.flights().Join(std::move(question), JoinRequestOf(context, args, need), nullptr);
    if (lease.ok()) {
      cache.CountRenewal(context.principal.namespace_id, *need.stale, context.asker);
      return Lead(context, args, need, {*lease.value(), exact}, reply);
    }
  }
  cache.CountStale(context.principal.namespace_id, *need.stale, context.asker);
  WriteHit(*need.stale, "past its time to live; another caller computes it anew", context.now(),
           reply);
  return base::Ok{};
}

// Nothing is stored that may be served: compute, or wait for whoever does.
base::Status Join(Context& context, const Args& args, const Need& need, wire::Writer& reply) {
  cache::Cache& cache = context.instance.cache();
  ASSIGN_OR_RETURN(
      cache::FlightQuestion question,
      cache.Ask(need.asked.question, DeepestInFlight(need.limits), context.config.cache));
  if (const auto failure = cache.flights().FindFailure(question);
      failure != nullptr && !args.BoolOr(kNoCache, false)) {
    WriteFailure(*failure, context.instance.clock(), reply);
    return base::Ok{};
  }
  const cache::JoinRequest request = JoinRequestOf(context, args, need);
  const cache::KeyHash exact = question.exact;
  if (context.deferral == nullptr || !args.BoolOr(kWait, true)) {
    const auto lease = cache.flights().Join(std::move(question), request, nullptr);
    if (lease.ok()) {
      return Lead(context, args, need, {*lease.value(), exact}, reply);
    }
    if (args.BoolOr(kWait, true) && lease.error().code != base::Code::kNotFound) {
      return lease.error();
    }
    WriteStatus("miss", lease.error().detail, reply);
    return base::Ok{};
  }
  const std::shared_ptr<LateReply> late = context.deferral->Take();
  auto waiter = std::make_shared<FetchWaiter>(
      late, FetchWaiter::Parts{context.instance, context.principal.namespace_id, exact,
                               std::string(args.BytesOr(kStream, "")), need.type, need.form,
                               std::string(context.asker.bot), context.asker.arrived});
  const auto lease = cache.flights().Join(std::move(question), request, std::move(waiter));
  if (lease.ok() && !lease.value().has_value()) {
    return base::Ok{};  // It waits; from here on the request may be gone.
  }
  late->Give([&](wire::Writer& writer) -> base::Status {
    if (lease.ok()) {
      return Lead(context, args, need, {*lease.value(), exact}, writer);
    }
    if (lease.error().code != base::Code::kNotFound) {
      return lease.error();
    }
    WriteStatus("miss", lease.error().detail, writer);
    return base::Ok{};
  });
  return base::Ok{};
}

// A stored answer is all that the caller wants.
base::Status Settle(Context& context, const Args& args, const Need& need, wire::Writer& reply) {
  if (need.stale.has_value() && need.stale->stale) {
    context.instance.cache().CountStale(context.principal.namespace_id, *need.stale, context.asker);
    WriteHit(*need.stale, need.reason, context.now(), reply);
  } else if (args.BoolOr(kOnlyIfCached, false)) {
    WriteStatus("miss", need.reason, reply);
  } else {
    WriteStatus("bypass", "not stored, and no_store was asked for", reply);
  }
  return base::Ok{};
}

// Nothing fresh was found.
base::Status Compute(Context& context, const Args& args, const Need& need, wire::Writer& reply) {
  if (context.on_loop()) {
    return base::Error{base::Code::kWouldBlock, "it may have to wait"};
  }
  if (args.BoolOr(kOnlyIfCached, false) || args.BoolOr(kNoStore, false)) {
    return Settle(context, args, need, reply);
  }
  return need.stale.has_value() && need.stale->stale ? Revalidate(context, args, need, reply)
                                                     : Join(context, args, need, reply);
}

// A request is not read for that: its prompt would only tell the query type.
void CountBypass(Context& context, const Args& args) {
  const cache::Question question{
      context.principal.namespace_id, args.Bytes(0), {}, args.BytesOr(kType, ""), context.asker};
  context.instance.cache().CountBypass(question, context.config.cache);
}

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  Need need;
  need.limits.max_age_ms = args.MaybeInt(kMaxAgeMs);
  need.limits.stale_ok_ms = args.MaybeInt(kStaleOkMs);
  need.limits.count_miss = !context.on_loop();
  ASSIGN_OR_RETURN(need.limits.deepest, TierNamed(args.BytesOr(kTier, "semantic")));
  need.limits.max_error = args.MaybeShare(kMaxError);
  need.limits.pause = context.pause;
  need.limits.modes = TierModesFor(context, args.BytesOr(kConversation, ""));
  ASSIGN_OR_RETURN(need.limits.vector, VectorOf(args.BytesOr(kProbeVector, "")));
  ASSIGN_OR_RETURN(need.form, FormOf(context, args, kReplay));
  const bool no_cache = args.BoolOr(kNoCache, false);
  if (args.BoolOr(kBypass, false)) {
    CountBypass(context, args);
    WriteStatus("bypass", "asked for", reply);
    return base::Ok{};
  }
  if (no_cache && args.BoolOr(kNoStore, false)) {
    CountBypass(context, args);
    WriteStatus("bypass", "no_cache and no_store were asked for", reply);
    return base::Ok{};
  }
  ASSIGN_OR_RETURN(need.asked, AskedBy(context, args));
  const cache::Question& question = need.asked.question;
  cache::Ruling ruling;
  if (no_cache) {
    ASSIGN_OR_RETURN(ruling, cache::Cache::Judge(question, context.config.cache));
    need.reason = "no_cache was asked for";
    if (ruling.refused || !context.on_loop()) {  // Otherwise it is run again.
      context.instance.cache().CountBypass(question, context.config.cache);
    }
  } else {
    ASSIGN_OR_RETURN(
        cache::Outcome outcome,
        context.instance.cache().Lookup(question, need.limits, context.config.cache, context.view));
    if (outcome.found.has_value() && !outcome.found->stale &&
        !outcome.found->likeness.is_to_verify) {
      RETURN_IF_ERROR(Reshape(need.form, *outcome.found, need.joined));
      WriteHit(*outcome.found, outcome.reason, context.now(), reply);
      return base::Ok{};
    }
    need.reason = outcome.reason;
    if (outcome.found.has_value() && Reshape(need.form, *outcome.found, need.joined).ok()) {
      need.stale = std::move(outcome.found);
    }
    ruling = std::move(outcome.ruling);
  }
  if (ruling.refused) {
    WriteStatus("bypass", ruling.refusal, reply);
    return base::Ok{};
  }
  need.type = need.stale.has_value() ? need.stale->type : ruling.type;
  return Compute(context, args, need, reply);
}

}  // namespace

extern const CommandSpec kCacheFetch;
constexpr CommandSpec kCacheFetch{
    .name = "CACHE.FETCH",
    .family = Family::kCache,
    .summary =
        "The stored answer; or a lease, when nobody computes it yet: compute, then CACHE.FILL; or "
        "the wait for the caller who has the lease. When that one gives up, goes away or does not "
        "renew in time, the next waiter gets the lease. Where a stale answer is allowed, one "
        "caller "
        "gets the lease and the others that answer. A key without the permission 'write' waits, "
        "but "
        "never gets a lease.",
    .complexity = "O(prompt + identity + response bytes)",
    .since = "0.1",
    .flags = kRead | kWaits | kIdempotent,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result =
        "{status: \"hit\" or \"stale\", ... as CACHE.LOOKUP}; {status: \"verify\", lease, "
        "lease_ms, ... as CACHE.LOOKUP}: compute, fill, and tell CACHE.FEEDBACK whether the "
        "answers agree; {status: \"lease\", lease, lease_ms, "
        "type, reason}, with the fields of a stale answer when there is one, should the upstream "
        "fail; {status: \"error\", error, retry_after_ms, reason}: the upstream failed for another "
        "caller, leave it alone for so long; or {status: \"miss\", \"bypass\" or \"timeout\", "
        "reason}: "
        "compute, but there is nothing to fill",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
