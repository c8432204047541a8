// CACHE.INVALIDATE: answers that must not be served any more.
#include "protocol/base/buffer.h"
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/cache_common.h"
#include "server/commands/channels.h"
#include "server/commands/context.h"
#include "server/commands/server_state.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{
    ArgSpec{.name = "what",
            .kind = ArgKind::kText,
            .doc = "entry, tag, type, model, identity or all",
            .min = 1,
            .max = base::limits::kNameBytes.value},
    ArgSpec{.name = "value",
            .kind = ArgKind::kText,
            .doc =
                "the prompt of the entry, or the name of the tag, type or model; not for identity "
                "and all, nor beside `request`",
            .required = false,
            .nullable = true,
            .min = 1,
            .max = base::limits::kPromptBytes.ceiling}};
constexpr std::size_t kDryRun = kType;  // there is none
constexpr std::array kOptions{
    kIdentityOption, kRequestOption, kIdentityModeOption,
    ArgSpec{.name = "dry_run",
            .kind = ArgKind::kBool,
            .doc = "only say how many entries it would be (not for entry)"}};
constexpr std::array kErrors{base::Code::kTooLarge, base::Code::kReadOnly};
constexpr std::array kExamples{
    Example{R"(["CACHE.STORE", ["What is new in 2.0?", "Nothing.", {"tags": ["docs-1"]}]])",
            R"({"stored": true, "id": "*", "tier_keys": "*", "expires_at_ms": "*"})"},
    Example{R"(["CACHE.INVALIDATE", ["tag", "docs-1", {"dry_run": true}]])", R"({"entries": 1})"},
    Example{R"(["CACHE.INVALIDATE", ["tag", "docs-1"]])", R"({"entries": 1})"},
    Example{R"(["CACHE.LOOKUP", ["What is new in 2.0?"]])",
            R"({"status": "miss", "reason": "the entry was invalidated"})"},
    Example{R"(["CACHE.INVALIDATE", ["entry", "What is new in 2.0?"]])", R"({"entries": 1})"},
    Example{
        R"(["CACHE.STORE", ["Who are you?", "Ann.", {"identity": {"system": "You are Ann."}}]])",
        R"({"stored": true, "id": "*", "tier_keys": "*", "expires_at_ms": "*"})"},
    Example{R"(["CACHE.INVALIDATE", ["identity", {"identity": {"system": "You are Ann."}}]])",
            R"({"entries": 1})"},
    Example{R"(["CACHE.INVALIDATE", ["everything"]])", R"({"error": "bad_request"})"},
};

struct KindRow {
  std::string_view name;
  cache::LabelKind kind;
};
constexpr std::array kKinds{
    KindRow{"tag", cache::LabelKind::kTag}, KindRow{"type", cache::LabelKind::kType},
    KindRow{"model", cache::LabelKind::kModel}, KindRow{"all", cache::LabelKind::kAll}};

std::string_view ValueOf(const Args& args) {
  return args.size() > 1 ? args.Bytes(1) : std::string_view();
}

base::Result<cache::Label> LabelFrom(const Args& args) {
  const std::string_view value = ValueOf(args);
  if (args.Has(kRequest) || args.Has(kIdentityMode)) {
    return base::Error{base::Code::kBadRequest,
                       "CACHE.INVALIDATE: 'request' names an entry or an identity"};
  }
  for (const KindRow& row : kKinds) {
    if (row.name != args.Bytes(0)) {
      continue;
    }
    if (value.empty() != (row.kind == cache::LabelKind::kAll)) {
      return base::Error{base::Code::kBadRequest, value.empty()
                                                      ? "CACHE.INVALIDATE: 'value' is missing"
                                                      : "CACHE.INVALIDATE: all takes no 'value'"};
    }
    if (value.size() > static_cast<std::size_t>(base::limits::kTagBytes.value)) {
      return base::Error{base::Code::kTooLarge, "CACHE.INVALIDATE: a name has 1 to 128 bytes"};
    }
    return cache::Label{row.kind, value};
  }
  return base::Error{base::Code::kBadRequest,
                     "CACHE.INVALIDATE: 'what' must be entry, tag, type, model, identity or all"};
}

struct Done {
  std::string value;  // as it is told on the channel
  std::uint64_t entries = 0;
};

base::Result<Done> RemoveEntry(Context& context, const Args& args) {
  if ((ValueOf(args).empty() && !args.Has(kRequest)) || args.BoolOr(kDryRun, false)) {
    return base::Error{base::Code::kBadRequest,
                       "CACHE.INVALIDATE: entry needs the prompt, or the option 'request', and has "
                       "no dry_run"};
  }
  ASSIGN_OR_RETURN(const Asked asked, AskedBy(context, args, ValueOf(args), ""));
  ASSIGN_OR_RETURN(const bool removed,
                   context.instance.cache().Remove(asked.question, context.config.cache,
                                                   context.view.transaction()));
  return Done{std::string(asked.question.prompt), removed ? 1U : 0U};
}

// Of everything that was asked in the way that an identity, or a request, says.
base::Result<std::string> IdentityFrom(Context& context, const Args& args) {
  constexpr std::string_view kNil = "\xc0";
  const std::string_view identity = args.BytesOr(kIdentity, "");
  const bool has_identity = !identity.empty() && identity != kNil;
  if (!ValueOf(args).empty() || has_identity == args.Has(kRequest)) {
    return base::Error{base::Code::kBadRequest,
                       "CACHE.INVALIDATE: identity takes no 'value' but one of the options "
                       "'identity' and 'request'"};
  }
  cache::Cache& cache = context.instance.cache();
  const storage::NamespaceId home = context.principal.namespace_id;
  if (has_identity) {
    return cache.IdentityLabel(home, identity);
  }
  ASSIGN_OR_RETURN(const Asked asked, AskedBy(context, args, "", ""));
  return cache.IdentityLabel(home, asked.question.identity);
}

base::Result<Done> InvalidateLabel(Context& context, const Args& args) {
  cache::Cache& cache = context.instance.cache();
  const storage::NamespaceId home = context.principal.namespace_id;
  cache::Label label;
  std::string partition;
  if (args.Bytes(0) == "identity") {
    ASSIGN_OR_RETURN(partition, IdentityFrom(context, args));
    label = {cache::LabelKind::kIdentity, partition};
  } else {
    ASSIGN_OR_RETURN(label, LabelFrom(args));
  }
  return Done{std::string(ValueOf(args)),
              args.BoolOr(kDryRun, false)
                  ? cache.CountLabel(home, label)
                  : cache.Invalidate(home, label, context.view.transaction())};
}

// Bots that keep answers of their own drop them when this arrives.
void Publish(const Context& context, const Args& args, const Done& done) {
  base::Buffer event;
  wire::Writer writer(event);
  writer.Map(3);
  writer.Field("what", args.Bytes(0));
  writer.Field("value", done.value);
  writer.Field("entries", done.entries);
  const std::string channel = HubChannel(kInvalidationRow, context.principal);
  context.view.transaction().OnCommit(
      [&events = context.server->events, channel, bytes = std::string(event.view())] {
        (void)events.Publish(channel, bytes).ok();
      });
}

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  const bool one_entry = args.Bytes(0) == "entry";
  ASSIGN_OR_RETURN(const Done done,
                   one_entry ? RemoveEntry(context, args) : InvalidateLabel(context, args));
  if (context.server != nullptr && !args.BoolOr(kDryRun, false)) {
    Publish(context, args, done);
  }
  reply.Map(1);
  reply.Field("entries", done.entries);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kCacheInvalidate;
constexpr CommandSpec kCacheInvalidate{
    .name = "CACHE.INVALIDATE",
    .family = Family::kCache,
    .summary =
        "Voids all entries with a tag, type, model or identity (one model, persona and set of "
        "tools, "
        "whatever was asked), one entry, or all of the namespace; what is "
        "stored later is not meant. As safe as a stored answer when it replies (store.durability); "
        "told on the channel invalidation; "
        "space comes back in the background.",
    .complexity = "O(1) in the number of entries",
    .since = "0.1",
    .flags = kWrite | kIdempotent,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result =
        "{entries}: how many; one that another invalidation voided a moment ago may be "
        "counted again",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
