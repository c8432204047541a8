// BATCH.TAKE: a batch for a worker.
#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/batch_common.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"
#include "server/jobs/provider_lines.h"

namespace reprise::commands {
namespace {

using base::Code;
using base::Error;

constexpr std::array kArgs{kWorkerArg};
enum Option : std::size_t {
  kCategories,
  kModels,
  kMaxItems,
  kMaxTokens,
  kWaitMs,
  kLeaseMs,
  kFormat,
  kAllNamespaces
};
constexpr std::array kOptions{
    ArgSpec{.name = "categories",
            .kind = ArgKind::kTexts,
            .doc = "take tasks of these only",
            .max = 8192},
    ArgSpec{
        .name = "models", .kind = ArgKind::kTexts, .doc = "take tasks of these only", .max = 8192},
    ArgSpec{.name = "max_items",
            .kind = ArgKind::kInt,
            .doc = "as many tasks at most; and no more than jobs.max_items",
            .min = 1,
            .max = base::limits::kJobBatchItems.ceiling},
    ArgSpec{.name = "max_tokens",
            .kind = ArgKind::kInt,
            .doc = "as many tokens of payloads at most, but one task; no more than jobs.max_tokens",
            .min = 1,
            .max = 1'000'000'000},
    ArgSpec{.name = "wait_ms",
            .kind = ArgKind::kMillis,
            .doc = "wait for a batch for so long; 0 (the default): only what is there",
            .max = base::limits::kJobWaitMs.ceiling},
    kLeaseMsOption,
    ArgSpec{
        .name = "format",
        .kind = ArgKind::kText,
        .doc =
            "openai or anthropic: `lines` has the items as lines of a provider's batch, with the "
            "ticket as custom_id",
        .max = base::limits::kNameBytes.value},
    ArgSpec{
        .name = "all_namespaces",
        .kind = ArgKind::kBool,
        .doc =
            "serve all namespaces, each by its weight (jobs.weights), one namespace a batch; needs "
            "the permission 'admin'"}};
constexpr std::array kErrors{Code::kBadRequest, Code::kForbidden, Code::kBusy, Code::kReadOnly};
constexpr std::array kExamples{
    Example{R"(["BATCH.TAKE", ["w"]])", R"(null)"},
    Example{
        R"(["BATCH.SUBMIT", [[{"payload": "one", "max_wait_ms": 0, "context": "Be brief."}, {"payload": "two", "max_wait_ms": 0, "context": "Be brief."}]]])",
        R"("*")"},
    Example{
        R"(["BATCH.TAKE", ["w", {"max_items": 1, "format": "openai"}]])",
        R"({"lease": "*", "lease_ms": 60000, "namespace": "default", "category": "", "model": "", "context_key": "", "context": "Be brief.", "parameters": null, "items": [{"ticket": "*", "payload": "*", "custom_id": "", "attempt": 1, "age_ms": 0, "deadline_ms": null}], "template": "*", "lines": ["*"]})"},
    Example{R"(["BATCH.TAKE", ["w", {"format": "xml"}]])", R"({"error": "bad_request"})"},
};

struct Style {
  std::optional<jobs::LineFormat> lines;
};

// The batch with everything that a worker needs.
void WriteBatch(const jobs::Batch& batch, const Style& style, instance::Instance& instance,
                wire::Writer& reply) {
  const jobs::BatchView& view = batch.view;
  const std::int64_t now_ms = base::ToInt(instance.clock().Now());
  const auto raw_or_nil = [&reply](std::string_view name, std::string_view raw) {
    reply.Str(name);
    reply.Raw(raw.empty() ? std::string_view("\xc0") : raw);
  };
  reply.Map(style.lines.has_value() ? 11 : 10);
  reply.Field("lease", jobs::LeaseText(view.token));
  reply.Field("lease_ms", std::max<std::int64_t>(view.ends_ms - now_ms, 0));
  reply.Field("namespace", instance.access().NameOf(view.home));
  reply.Field("category", view.group.category);
  reply.Field("model", view.group.model);
  reply.Field("context_key", view.group.context_key);
  raw_or_nil("context", batch.context);
  raw_or_nil("parameters", batch.parameters);
  reply.Str("items");
  reply.Array(view.items.size());
  for (std::size_t i = 0; i < view.items.size(); ++i) {
    const jobs::BatchView::Item& item = view.items[i];
    reply.Map(6);
    reply.Field("ticket", jobs::TicketText(item.id));
    raw_or_nil("payload", batch.payloads[i]);
    reply.Field("custom_id", item.custom_id);
    reply.Field("attempt", item.attempt);
    reply.Field("age_ms", now_ms - item.submitted_ms);
    reply.Str("deadline_ms");
    if (item.deadline_ms != 0) {
      reply.Int(item.deadline_ms);
    } else {
      reply.Nil();
    }
  }
  reply.Field("template", jobs::NumberedPrompt(batch));
  if (style.lines.has_value()) {
    reply.Str("lines");
    const std::vector<std::string> lines = jobs::ProviderLines(batch, *style.lines);
    reply.Array(lines.size());
    for (const std::string& line : lines) {
      reply.Str(line);
    }
  }
}

class WaitingTake final : public jobs::BatchReceiver {
 public:
  WaitingTake(std::shared_ptr<LateReply> reply, instance::Instance& instance, Style style)
      : reply_(std::move(reply)), instance_(instance), style_(style) {}

  void Give(const jobs::Batch& batch) override {
    const bool revoked = reply_->revoked();
    if (revoked) {  // To the next one; this one could not settle it.
      instance_.jobs().GiveBack(batch.view.token.id);
    }
    reply_->Give([&](wire::Writer& writer) -> base::Status {
      if (revoked) {
        return Error{Code::kUnauthenticated,
                     "the access key of this connection was revoked; send AUTH"};
      }
      WriteBatch(batch, style_, instance_, writer);
      return base::Ok{};
    });
  }
  void Nothing() override {
    reply_->Give([](wire::Writer& writer) -> base::Status {
      writer.Nil();
      return base::Ok{};
    });
  }
  void Refuse(const Error& error) override {
    reply_->Give([&](wire::Writer&) -> base::Status {
      return Error{error.code, "BATCH.TAKE: " + error.detail};
    });
  }

 private:
  std::shared_ptr<LateReply> reply_;
  instance::Instance& instance_;
  Style style_;
};

base::Result<Style> StyleOf(const Args& args) {
  Style style;
  const std::string_view format = args.BytesOr(kFormat, "");
  if (format.empty()) {
    return style;
  }
  style.lines = jobs::LineFormatNamed(format);
  if (!style.lines.has_value()) {
    return Error{Code::kBadRequest, "BATCH.TAKE: 'format' must be openai or anthropic"};
  }
  return style;
}

base::Result<jobs::TakeAsk> AskOf(const Context& context, const Args& args) {
  jobs::TakeAsk ask;
  ask.home = context.principal.namespace_id;
  ask.worker = args.Bytes(0);
  ask.all_namespaces = args.BoolOr(kAllNamespaces, false);
  const std::uint8_t has = context.principal.permissions;
  if (ask.all_namespaces && (has & access::kMayAdminister) == 0) {
    return Error{Code::kForbidden,
                 "BATCH.TAKE: 'all_namespaces' needs an access key with the permission 'admin'"};
  }
  if (!ask.all_namespaces && (has & access::kMayWrite) == 0) {
    return Error{Code::kForbidden, "BATCH.TAKE needs an access key with the permission 'write'"};
  }
  ASSIGN_OR_RETURN(ask.categories,
                   NamesOf("categories", args.BytesOr(kCategories, ""),
                           static_cast<std::size_t>(base::limits::kNameBytes.value)));
  ASSIGN_OR_RETURN(ask.models, NamesOf("models", args.BytesOr(kModels, ""),
                                       static_cast<std::size_t>(base::limits::kTagBytes.value)));
  ask.items_max = static_cast<std::uint32_t>(args.IntOr(kMaxItems, 0));
  ask.tokens_max = static_cast<std::uint64_t>(args.IntOr(kMaxTokens, 0));
  ask.lease_ms = args.IntOr(kLeaseMs, context.config.jobs.lease_ms);
  return ask;
}

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  ASSIGN_OR_RETURN(const Style style, StyleOf(args));
  jobs::Jobs::TakeRequest request;
  ASSIGN_OR_RETURN(request.ask, AskOf(context, args));
  if (context.deferral == nullptr) {  // Embedded: only what is there.
    ASSIGN_OR_RETURN(const auto batch, context.instance.jobs().TakeNow(request.ask));
    if (batch.has_value()) {
      WriteBatch(*batch, style, context.instance, reply);
    } else {
      reply.Nil();
    }
    return base::Ok{};
  }
  request.owner = context.owner;
  request.wait_ms = args.IntOr(kWaitMs, 0);
  instance::Instance& instance = context.instance;
  auto receiver = std::make_shared<WaitingTake>(context.deferral->Take(), instance, style);
  instance.jobs().Take(request, std::move(receiver));  // From here on the request may be gone.
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kBatchTake;
constexpr CommandSpec kBatchTake{
    .name = "BATCH.TAKE",
    .family = Family::kJobs,
    .summary =
        "A batch of similar tasks under a lease, in shuffled order, with the context once; nil "
        "when "
        "there is none. Settle each item with BATCH.COMPLETE or BATCH.FAIL; BATCH.EXTEND or "
        "BATCH.BEAT "
        "keep the lease. When it ends, open items go to other workers, and what comes late is "
        "refused. "
        "`template` is a prompt that asks for all items at once, by number, in the order of "
        "`items`.",
    .complexity = "O(queues with tasks + bytes of the batch)",
    .since = "0.2",
    .flags = kBlocking | kWaits,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result =
        "nil, or {lease, lease_ms, namespace, category, model, context_key, context, parameters, "
        "items: [{ticket, payload, custom_id, attempt, age_ms, deadline_ms}], template, lines "
        "(with "
        "`format`)}",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
