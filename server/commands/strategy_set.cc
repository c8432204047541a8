// STRATEGY.SET: switches a strategy, rolls it out, overrides it.
#include <cmath>

#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"
#include "server/commands/strategies.h"

namespace reprise::commands {
namespace {

using base::Code;
using base::Error;

constexpr std::int64_t kHundredMillionths = 100'000'000;  // of percent
constexpr std::array kArgs{kStrategyArg};
enum Option : std::size_t {
  kMode,
  kRollout,
  kHoldOut,
  kUnit,
  kReset,
  kOverride,
  kBot,
  kConversation,
  kTtlMs,
  kHome
};
constexpr std::array kOptions{
    ArgSpec{.name = "mode",
            .kind = ArgKind::kText,
            .doc = "on; off; or shadow: it decides and counts, and changes nothing",
            .max = base::limits::kNameBytes.value},
    ArgSpec{.name = "rollout_percent",
            .kind = ArgKind::kShare,
            .doc =
                "share of the units, 0 to 100, that have the mode; the others have it off. Raising "
                "it only adds units",
            .max = kHundredMillionths},
    ArgSpec{.name = "hold_out_percent",
            .kind = ArgKind::kShare,
            .doc =
                "share of the units, 0 to 50, that stay without even when it is rolled out to all, "
                "for comparison; control.hold_out_percent when never given, and none of the tiers "
                "of the cache",
            .max = kHundredMillionths / 2},
    ArgSpec{.name = "unit",
            .kind = ArgKind::kText,
            .doc =
                "what is in or outside as a whole: conversation (the default; the bot where a call "
                "names no conversation, and then it is never held out), or bot",
            .max = base::limits::kNameBytes.value},
    ArgSpec{.name = "reset",
            .kind = ArgKind::kBool,
            .doc = "true: back to the configuration; overrides stay"},
    ArgSpec{
        .name = "override",
        .kind = ArgKind::kText,
        .doc = "on, shadow or off, whatever mode and rollout say, for one conversation, one bot or "
               "the whole namespace; none: takes the override back",
        .max = base::limits::kNameBytes.value},
    ArgSpec{.name = "bot",
            .kind = ArgKind::kText,
            .doc = "of the override: for this bot",
            .min = 1,
            .max = base::limits::kUnitBytes.value},
    ArgSpec{.name = "conversation",
            .kind = ArgKind::kText,
            .doc = "of the override: for this conversation",
            .min = 1,
            .max = base::limits::kUnitBytes.value},
    ArgSpec{.name = "ttl_ms",
            .kind = ArgKind::kMillis,
            .doc = "of the override: how long it holds; for good when not given",
            .min = base::limits::kTtlMs.floor,
            .max = base::limits::kTtlMs.ceiling},
    kHomeOption};
constexpr std::array kErrors{Code::kBadRequest, Code::kNotFound, Code::kTooLarge, Code::kReadOnly};
constexpr std::array kExamples{
    Example{
        R"(["STRATEGY.SET", ["compression", {"mode": "on", "rollout_percent": 10, "unit": "bot"}]])",
        R"({"strategy": "compression", "mode": "on", "source": "namespace", "rollout_percent": 10.0, "hold_out_percent": 5.0, "unit": "bot", "tripped_by": null, "overrides": [], "decision": "*"})"},
    Example{
        R"(["STRATEGY.SET", ["compression", {"override": "off", "bot": "support", "ttl_ms": 3600000}]])",
        R"({"strategy": "compression", "mode": "on", "source": "namespace", "rollout_percent": 10.0, "hold_out_percent": 5.0, "unit": "bot", "tripped_by": null, "overrides": [{"scope": "bot", "name": "support", "mode": "off", "set_at_ms": "*", "expires_at_ms": "*"}], "decision": "*"})"},
    Example{
        R"(["STRATEGY.LIST", [{"bot": "support"}]])",
        R"(["*", "*", "*", "*", "*", "*", "*", {"strategy": "compression", "mode": "on", "source": "namespace", "rollout_percent": 10.0, "hold_out_percent": 5.0, "unit": "bot", "tripped_by": null, "overrides": "*", "decision": {"mode": "off", "group": "none", "reason": "an override"}}, "*"])"},
    Example{R"(["STRATEGY.SET", ["cache.semantic", {"mode": "shadow"}]])", R"("*")"},
    Example{R"(["STRATEGY.SET", ["cache.semantic", {"reset": true}]])", R"("*")"},
    Example{R"(["STRATEGY.SET", ["telepathy", {"mode": "on"}]])", R"({"error": "bad_request"})"},
    Example{R"(["STRATEGY.SET", ["tools", {"rollout_percent": 101}]])",
            R"({"error": "bad_request"})"},
    Example{R"(["STRATEGY.SET", ["tools", {"mode": "on", "override": "off"}]])",
            R"({"error": "bad_request"})"},
    Example{R"(["STRATEGY.SET", ["tools", {"override": "none", "bot": "nobody"}]])",
            R"({"error": "not_found"})"},
};

Error Bad(std::string_view what) {
  return {Code::kBadRequest, "STRATEGY.SET: " + std::string(what)};
}

// A call sets, resets or overrides.
base::Status CheckKind(const Args& args) {
  const bool sets = args.Has(kMode) || args.Has(kRollout) || args.Has(kHoldOut) || args.Has(kUnit);
  const bool resets = args.BoolOr(kReset, false);
  const bool overrides = args.Has(kOverride);
  const int kinds = (sets ? 1 : 0) + (resets ? 1 : 0) + (overrides ? 1 : 0);
  if (kinds != 1) {
    return Bad(
        kinds == 0
            ? "nothing is said; give mode, rollout_percent, hold_out_percent or unit, or reset, "
              "or override"
            : "mode and rollout, 'reset' and 'override' are different things; give one of them "
              "in a call");
  }
  if (!overrides && (args.Has(kBot) || args.Has(kConversation) || args.Has(kTtlMs))) {
    return Bad(
        "'bot', 'conversation' and 'ttl_ms' say for whom and how long an 'override' is; none "
        "is given");
  }
  if (args.Has(kBot) && args.Has(kConversation)) {
    return Bad("an override is for a bot or for a conversation; both are given");
  }
  return base::Ok{};
}

std::optional<std::int64_t> PpmOf(const Args& args, Option option) {
  constexpr double kPpmPerPercent = 10'000;
  const auto percent = args.MaybeShare(option);
  return percent.has_value() ? std::optional<std::int64_t>(std::llround(*percent * kPpmPerPercent))
                             : std::nullopt;
}

base::Result<control::SettingChange> ChangeFrom(const Args& args) {
  control::SettingChange change;
  if (args.Has(kMode)) {
    ASSIGN_OR_RETURN(change.mode, ModeFrom("mode", args.BytesOr(kMode, "")));
  }
  change.rollout_ppm = PpmOf(args, kRollout);
  change.hold_out_ppm = PpmOf(args, kHoldOut);
  if (const std::string_view unit = args.BytesOr(kUnit, ""); args.Has(kUnit)) {
    if (unit != "bot" && unit != "conversation") {
      return Bad("'unit' must be conversation or bot");
    }
    change.unit = unit == "bot" ? control::Unit::kBot : control::Unit::kConversation;
  }
  return change;
}

base::Status Override(Context& context, const Args& args, control::Strategy strategy,
                      storage::NamespaceId home) {
  control::OverrideView key{strategy, control::Scope::kNamespace, ""};
  if (args.Has(kBot)) {
    key = {strategy, control::Scope::kBot, args.BytesOr(kBot, "")};
  } else if (args.Has(kConversation)) {
    key = {strategy, control::Scope::kConversation, args.BytesOr(kConversation, "")};
  }
  storage::Transaction& transaction = context.view.transaction();
  if (args.BytesOr(kOverride, "") == "none") {
    if (!context.instance.control().RemoveOverride(home, key, transaction)) {
      return Error{Code::kNotFound,
                   "STRATEGY.SET: there is no such override; STRATEGY.LIST shows them"};
    }
    return base::Ok{};
  }
  control::Override item;
  auto mode = ModeFrom("override", args.BytesOr(kOverride, ""));
  if (!mode.ok()) {
    return Bad(mode.error().detail + "; none takes it back");
  }
  item.mode = mode.value();
  item.set_at = context.now();
  item.expires_at = args.Has(kTtlMs) ? context.now() + args.IntOr(kTtlMs, 0) : base::UnixMillis{0};
  return context.instance.control().SetOverride(home, key, item, transaction);
}

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  ASSIGN_OR_RETURN(const control::Strategy strategy, StrategyFrom(args.Bytes(0)));
  RETURN_IF_ERROR(CheckKind(args));
  ASSIGN_OR_RETURN(const storage::NamespaceId home, HomeFrom(context, args.BytesOr(kHome, "")));
  control::Control& control = context.instance.control();
  if (args.Has(kOverride)) {
    RETURN_IF_ERROR(Override(context, args, strategy, home));
  } else if (args.BoolOr(kReset, false)) {
    control.Reset(home, strategy, context.view.transaction());
  } else {
    ASSIGN_OR_RETURN(const control::SettingChange change, ChangeFrom(args));
    control.Set(home, strategy, change, context.config, context.view.transaction());
  }
  WriteStrategy(context, strategy,
                {home, args.BytesOr(kBot, context.asker.bot), args.BytesOr(kConversation, "")},
                reply);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kStrategySet;
constexpr CommandSpec kStrategySet{
    .name = "STRATEGY.SET",
    .family = Family::kControl,
    .summary =
        "Switches a strategy of the namespace on, off or to shadow, rolls it out to a share of the "
        "conversations or bots, or overrides it for one of them. What is not given stays as it "
        "was. "
        "Goes before the configuration, at once and over restarts. Of several overrides that of "
        "the "
        "conversation counts, then that of the bot; one that is older than the trip of a guardrail "
        "does not put on what the trip turned off.",
    .complexity = "O(overrides)",
    .since = "0.1",
    .flags = kAdmin | kWrite | kDurable | kIdempotent,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result = "as an item of STRATEGY.LIST",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
