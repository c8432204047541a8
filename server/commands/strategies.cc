#include "server/commands/strategies.h"

#include <memory>
#include <string>

#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"
#include "server/telemetry/escape.h"

namespace reprise::commands {
namespace {

using base::Code;
using base::Error;
using control::Strategy;

constexpr double kPpmPerPercent = 10'000;
constexpr double kMillion = 1'000'000;

std::string Quoted(std::string_view text) {
  std::string quoted;
  telemetry::AppendTextValue(telemetry::CutAt(text, 64), quoted);
  return quoted;
}

control::Asker AskerOf(const Context& context, std::string_view conversation) {
  return {context.principal.namespace_id, context.asker.bot, conversation, context.now()};
}

void WriteOverrides(const control::Book& book, Strategy strategy, base::UnixMillis now,
                    wire::Writer& reply) {
  std::size_t count = 0;
  for (const auto& [key, item] : book.overrides) {
    count += key.strategy == strategy && !item.HasExpired(now) ? 1 : 0;
  }
  reply.Array(count);
  for (const auto& [key, item] : book.overrides) {
    if (key.strategy == strategy && !item.HasExpired(now)) {
      reply.Map(5);
      reply.Field("scope", control::NameOf(key.scope));
      reply.Field("name", key.name);
      reply.Field("mode", control::NameOf(item.mode));
      reply.Field("set_at_ms", base::ToInt(item.set_at));
      reply.Field("expires_at_ms", base::ToInt(item.expires_at));
    }
  }
}

}  // namespace

control::Decision Decide(const Context& context, Strategy strategy, std::string_view conversation) {
  return context.instance.control().Decide(strategy, AskerOf(context, conversation),
                                           context.config);
}

cache::TierModes TierModesFor(const Context& context, std::string_view conversation) {
  const control::Control& control = context.instance.control();
  const control::Asker asker = AskerOf(context, conversation);
  return {control.Decide(Strategy::kCacheExact, asker, context.config).mode,
          control.Decide(Strategy::kCacheNormalized, asker, context.config).mode,
          control.Decide(Strategy::kCacheSemantic, asker, context.config).mode};
}

bool SemanticMayRun(const Context& context) {
  return context.instance.control().MayRun(Strategy::kCacheSemantic, context.principal.namespace_id,
                                           context.config);
}

base::Result<Strategy> StrategyFrom(std::string_view name) {
  const auto strategy = config::StrategyNamed(name);
  if (!strategy.has_value()) {
    return Error{Code::kBadRequest, "there is no strategy " + Quoted(name) + "; strategies are " +
                                        std::string(config::kStrategyList)};
  }
  return *strategy;
}

base::Result<control::Mode> ModeFrom(std::string_view option, std::string_view name) {
  for (const control::Mode mode :
       {control::Mode::kOn, control::Mode::kShadow, control::Mode::kOff}) {
    if (control::NameOf(mode) == name) {
      return mode;
    }
  }
  return Error{Code::kBadRequest,
               "'" + std::string(option) + "' must be on, shadow or off, found " + Quoted(name)};
}

base::Result<control::StrategySet> StrategiesFrom(std::string_view texts) {
  control::StrategySet set;
  wire::Reader reader(texts);
  ASSIGN_OR_RETURN(const std::uint32_t count, reader.Array());
  for (std::uint32_t i = 0; i < count; ++i) {
    ASSIGN_OR_RETURN(const std::string_view name, reader.Str());
    if (name == "all") {
      set = control::StrategySet::All();
      continue;
    }
    ASSIGN_OR_RETURN(const Strategy strategy, StrategyFrom(name));
    set.Add(strategy);
  }
  return set;
}

void WriteStrategies(const control::StrategySet& strategies, wire::Writer& reply) {
  std::size_t count = 0;
  for (const Strategy strategy : config::kStrategies) {
    count += strategies.Has(strategy) ? 1 : 0;
  }
  reply.Array(count);
  for (const Strategy strategy : config::kStrategies) {
    if (strategies.Has(strategy)) {
      reply.Str(config::NameOf(strategy));
    }
  }
}

base::Result<storage::NamespaceId> HomeFrom(const Context& context, std::string_view name) {
  if (name.empty() || name == context.principal.namespace_name) {
    return context.principal.namespace_id;
  }
  if ((context.principal.permissions & access::kMayAdminister) == 0) {
    return Error{Code::kForbidden,
                 "'namespace' other than one's own needs an access key with the "
                 "permission 'admin'"};
  }
  return context.instance.access().Find(name);
}

void WriteStrategy(const Context& context, Strategy strategy, const Shown& shown,
                   wire::Writer& reply) {
  const control::Control& control = context.instance.control();
  const std::shared_ptr<const control::Book> book = control.BookOf(shown.home);
  const auto& own = book->settings[config::IndexOf(strategy)];
  const control::Setting setting = control.SettingOf(shown.home, strategy, context.config);
  const control::Trip* trip = book->TripOf(strategy);
  const control::Asker asker{shown.home, shown.bot, shown.conversation, context.now()};
  const control::Decision decision = control.Decide(strategy, asker, context.config);
  reply.Map(9);
  reply.Field("strategy", config::NameOf(strategy));
  reply.Field("mode", control::NameOf(setting.mode));
  reply.Field("source", own.has_value() ? "namespace" : "configuration");
  reply.Field("rollout_percent", static_cast<double>(setting.rollout_ppm) / kPpmPerPercent);
  reply.Field("hold_out_percent",
              static_cast<double>(setting.hold_out_ppm.value_or(0)) / kPpmPerPercent);
  reply.Field("unit", control::NameOf(setting.unit));
  reply.Str("tripped_by");
  if (trip != nullptr) {
    reply.Str(trip->rule.name);
  } else {
    reply.Nil();
  }
  reply.Str("overrides");
  WriteOverrides(*book, strategy, context.now(), reply);
  reply.Str("decision");
  reply.Map(3);
  reply.Field("mode", control::NameOf(decision.mode));
  reply.Field("group", control::NameOf(decision.group));
  reply.Field("reason", control::TextOf(decision.reason));
}

std::size_t TripFields() {
  return 15;
}

void WriteTrip(const control::Trip& trip, wire::Writer& reply) {
  const control::Finding& finding = trip.finding;
  reply.Field("guardrail", trip.rule.name);
  reply.Field("metric", config::NameOf(trip.rule.metric));
  reply.Field("limit", static_cast<double>(trip.rule.limit_ppm) / kMillion);
  reply.Field("strategy", config::NameOf(trip.strategy));
  reply.Str("turned_off");
  WriteStrategies(trip.rule.strategies, reply);
  reply.Field("at_ms", base::ToInt(trip.at));
  reply.Field("ends_at_ms", base::ToInt(trip.ends_at));
  reply.Field("since_ms", base::ToInt(finding.since));
  reply.Field("slices", finding.slices);
  reply.Field("samples", finding.treated);
  reply.Field("control_samples", finding.control);
  reply.Field("estimate", finding.figure);
  reply.Field("bound", finding.bound);
  reply.Field("evidence", finding.wealth);
  reply.Field("needed", finding.needed);
}

void WriteEvent(const control::Event& event, wire::Writer& writer) {
  writer.Map(1 + TripFields());
  writer.Field("what", control::NameOf(event.kind));
  WriteTrip(event.trip, writer);
}

}  // namespace reprise::commands
