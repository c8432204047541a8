#include "server/commands/spend_common.h"

#include <algorithm>
#include <array>

#include "protocol/base/buffer.h"
#include "protocol/wire/decode.h"
#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"
#include "server/commands/channels.h"
#include "server/commands/server_state.h"

namespace reprise::commands {
namespace {

using base::Code;
using base::Error;

void WriteEvent(const spend::BudgetEvent& event, std::string_view name_space,
                wire::Writer& writer) {
  constexpr std::size_t kFields = 7;
  writer.Map(kFields + (name_space.empty() ? 0 : 1));
  if (!name_space.empty()) {
    writer.Field("namespace", name_space);
  }
  writer.Field("budget", event.budget);
  writer.Field("scope", event.scope);
  writer.Field("threshold_percent", event.threshold_percent);
  writer.Field("spent_nano", event.spent_nano);
  writer.Field("reserved_nano", event.reserved_nano);
  writer.Field("limit_nano", event.limit_nano);
  WriteMoment("ends_at_ms", event.ends_at, writer);
}

void Publish(const Context& context, const std::string& channel, const spend::BudgetEvent& event,
             std::string_view name_space) {
  base::Buffer bytes;
  wire::Writer writer(bytes);
  WriteEvent(event, name_space, writer);
  context.view.transaction().OnCommit(
      [&events = context.server->events, channel, event = std::string(bytes.view())] {
        (void)events.Publish(channel, event).ok();
      });
}

}  // namespace

base::Result<spend::CallScopes> ScopesFrom(const Context& context, std::string_view texts,
                                           std::string_view model) {
  spend::CallScopes scopes;
  wire::Reader reader(texts);
  std::uint32_t count = 0;
  if (!texts.empty()) {
    ASSIGN_OR_RETURN(count, reader.Array());
  }
  if (count > spend::kScopesOfCallMax) {
    return Error{Code::kTooLarge, "'scopes' has at most 16 texts"};
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    ASSIGN_OR_RETURN(const std::string_view text, reader.Str());
    ASSIGN_OR_RETURN(const spend::Scope scope, spend::ParseScope(text));
    RETURN_IF_ERROR(scopes.Add(scope));
  }
  if (!model.empty()) {
    ASSIGN_OR_RETURN(const spend::Scope scope, spend::ParseScope("model:" + std::string(model)));
    RETURN_IF_ERROR(scopes.Add(scope));
  }
  const access::Principal& caller = context.principal;
  if (!caller.key_label.empty() && !scopes.bot.empty() && scopes.bot != caller.key_label) {
    return Error{Code::kForbidden, "the access key is that of the bot '" + caller.key_label +
                                       "', which cannot spend as another"};
  }
  if (scopes.bot.empty()) {
    scopes.bot = caller.key_label.empty() ? std::string(context.asker.bot) : caller.key_label;
  }
  if (caller.key_id != 0) {
    RETURN_IF_ERROR(scopes.Add({spend::ScopeKind::kKey, access::KeyIdText(caller.key_id)}));
  }
  return scopes;
}

base::Result<spend::CostAsk> CostFrom(const Args& args, std::size_t amount, std::size_t first) {
  spend::CostAsk ask;
  ask.nano = args.MaybeIntAt(amount);
  constexpr std::string_view kNil = "\xc0";
  if (args.Has(first) && args.BytesOr(first, "") != kNil) {
    ASSIGN_OR_RETURN(const base::Value map, wire::Decode(args.BytesOr(first, "")));
    ASSIGN_OR_RETURN(ask.usage, spend::UsageFrom(map));
  }
  ask.provider = args.BytesOr(first + 1, "");
  ask.tier = args.BytesOr(first + 2, "");
  return ask;
}

base::Status CheckCurrencyOption(const Args& args, std::size_t option) {
  return spend::CheckCurrency(args.BytesOr(option, "USD"));
}

base::Result<storage::NamespaceId> NamespaceFrom(const Context& context, const Args& args,
                                                 std::size_t option) {
  return args.Has(option) ? context.instance.access().Find(args.BytesOr(option, ""))
                          : context.principal.namespace_id;
}

void PublishBudgetEvents(const Context& context, const std::vector<spend::BudgetEvent>& events) {
  if (context.server == nullptr) {
    return;
  }
  for (const spend::BudgetEvent& event : events) {
    const bool is_global = event.owner == spend::kServerWide;
    if (!is_global) {
      Publish(context, HubChannel(kBudgetRow, event.owner), event, "");
    }
    Publish(context, HubChannel(kBudgetsRow, event.owner), event,
            is_global ? std::string_view("*") : context.principal.namespace_name);
  }
}

void WriteNames(const std::vector<std::string>& names, wire::Writer& reply) {
  reply.Array(names.size());
  for (const std::string& name : names) {
    reply.Str(name);
  }
}

void WriteSettled(const spend::Settled& settled, wire::Writer& reply) {
  reply.Map(7);
  reply.Field("charged_nano", settled.cost_nano);
  reply.Field("reserved_nano", settled.reserved_nano);
  const bool is_reserved = settled.reserved_nano > 0 && !settled.is_duplicate;
  reply.Field("over_nano",
              is_reserved ? std::max<std::int64_t>(settled.cost_nano - settled.reserved_nano, 0)
                          : std::int64_t{0});
  reply.Field("duplicate", settled.is_duplicate);
  reply.Field("late", settled.is_late);
  reply.Field("sequence", settled.sequence);
  reply.Str("exceeded");
  WriteNames(settled.exceeded, reply);
}

void WriteMoment(std::string_view name, base::UnixMillis at, wire::Writer& reply) {
  if (at == base::UnixMillis{0}) {
    reply.Str(name);
    reply.Nil();
  } else {
    reply.Field(name, base::ToInt(at));
  }
}

void WriteBudgetFields(const spend::Budget& budget, wire::Writer& reply) {
  const spend::BudgetTerms& terms = budget.terms;
  const spend::PeriodTerms& period = terms.period;
  reply.Field("budget", spend::NameOf(terms));
  reply.Field("scope", spend::ScopeText(terms.scope));
  reply.Field("period", spend::kPeriodNames[static_cast<std::size_t>(period.kind)]);
  reply.Field("window_ms", period.window_ms);
  reply.Field("timezone", period.timezone);
  reply.Field("hard", terms.is_hard);
  reply.Field("limit_nano", terms.limit_nano);
  reply.Field("spent_nano", budget.balance.spent_nano);
  reply.Field("reserved_nano", budget.reserved_nano);
  reply.Field("reservations", budget.reservations);
  reply.Field("left_nano", budget.left_nano());
  reply.Field("used_ppm", budget.used_ppm());
  WriteMoment("starts_at_ms", budget.balance.begin, reply);
  WriteMoment("ends_at_ms", budget.balance.end, reply);
}

void WriteBudget(const spend::Budget& budget, wire::Writer& reply) {
  reply.Map(kBudgetFieldCount);
  WriteBudgetFields(budget, reply);
}

}  // namespace reprise::commands
