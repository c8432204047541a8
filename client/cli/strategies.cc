#include "client/cli/strategies.h"

#include <array>
#include <cstdio>
#include <ostream>
#include <string_view>

#include "client/cli/numbers.h"

namespace reprise::client {
namespace {

using base::Value;

const Value& At(const Value& map, std::string_view name) {
  static const Value none;
  const Value* found = map.Find(name);
  return found == nullptr ? none : *found;
}

std::string TextAt(const Value& map, std::string_view name) {
  return std::string(At(map, name).AsText().value_or(""));
}

double NumberAt(const Value& map, std::string_view name) {
  return At(map, name).AsDouble().value_or(0);
}

std::string Short(double number) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.4g", number);
  return text.data();
}

std::string Percent(double percent) {
  return Short(percent) + " %";
}

std::string Joined(const Value& texts) {
  constexpr std::size_t kNamedMax = 4;
  std::string joined;
  const Value::Array* items = texts.AsArray();
  if (items != nullptr && items->size() > kNamedMax) {
    return std::to_string(items->size()) + " strategies";
  }
  if (items != nullptr) {
    for (const Value& item : *items) {
      joined += (joined.empty() ? "" : " ") + std::string(item.AsText().value_or(""));
    }
  }
  return joined;
}

std::string RuleText(const Value& guardrail) {
  const std::string metric = TextAt(guardrail, "metric");
  const bool is_floor = metric == "quality" || metric == "cost_reduction";
  return metric + (is_floor ? " < " : " > ") + Short(NumberAt(guardrail, "limit"));
}

// Of what it watches, that against which most speaks.
const Value& MostSuspicious(const Value& guardrail) {
  const Value* most = nullptr;
  if (const Value::Array* watched = At(guardrail, "watched").AsArray()) {
    for (const Value& item : *watched) {
      if (most == nullptr || NumberAt(item, "evidence") > NumberAt(*most, "evidence")) {
        most = &item;
      }
    }
  }
  static const Value none;
  return most == nullptr ? none : *most;
}

std::string StateOf(const Value& guardrail, const Value& watched) {
  if (At(guardrail, "trip").AsMap() != nullptr) {
    return "tripped";
  }
  if (At(guardrail, "off").AsBool().value_or(false)) {
    return "off";
  }
  const std::string lacks = TextAt(watched, "lacks");
  return lacks.empty() ? "fine" : lacks;
}

}  // namespace

Value StrategyTable(const Value& list) {
  Value::Array rows;
  if (const Value::Array* items = list.AsArray()) {
    for (const Value& item : *items) {
      const Value& decision = At(item, "decision");
      const Value::Array* overrides = At(item, "overrides").AsArray();
      rows.emplace_back(
          Value::Map{{"strategy", TextAt(item, "strategy")},
                     {"mode", TextAt(item, "mode")},
                     {"rollout", Percent(NumberAt(item, "rollout_percent"))},
                     {"held out", Percent(NumberAt(item, "hold_out_percent"))},
                     {"by", TextAt(item, "unit")},
                     {"said by", TextAt(item, "source")},
                     {"overrides", overrides == nullptr ? std::uint64_t{0} : overrides->size()},
                     {"here", TextAt(decision, "mode") + ": " + TextAt(decision, "reason")}});
    }
  }
  return rows;
}

Value GuardrailTable(const Value& status) {
  Value::Array rows;
  if (const Value::Array* items = At(status, "guardrails").AsArray()) {
    for (const Value& item : *items) {
      const Value& trip = At(item, "trip");
      const Value& shown = trip.AsMap() != nullptr ? trip : MostSuspicious(item);
      const Value& estimate = At(shown, "estimate");
      rows.emplace_back(Value::Map{
          {"guardrail", TextAt(item, "name")},
          {"turns off when", RuleText(item)},
          {"strategies", Joined(At(item, "strategies"))},
          {"state", StateOf(item, shown)},
          {"of", TextAt(shown, "strategy")},
          {"estimate", estimate.IsNil() ? std::string("-") : Short(NumberAt(shown, "estimate"))},
          {"calls", ShortCount(NumberAt(shown, "samples"))},
          {"evidence",
           Short(NumberAt(shown, "evidence")) + " of " + Short(NumberAt(status, "needed"))}});
    }
  }
  return rows;
}

base::Status ShowStrategies(Client& client, const StrategiesOptions& options, bool for_terminal,
                            std::ostream& out) {
  const auto params = [](std::initializer_list<std::pair<const char*, std::string>> given) {
    Value::Map map;
    for (const auto& [name, text] : given) {
      if (!text.empty()) {
        map.emplace_back(name, text);
      }
    }
    return map.empty() ? Value::Array{} : Value::Array{Value(std::move(map))};
  };
  ASSIGN_OR_RETURN(const Value list,
                   client.Call("STRATEGY.LIST", params({{"bot", options.bot},
                                                        {"conversation", options.conversation},
                                                        {"namespace", options.name_space}})));
  ASSIGN_OR_RETURN(const Value status,
                   client.Call("GUARDRAIL.STATUS", params({{"namespace", options.name_space}})));
  out << FormatReply(StrategyTable(list), Style::kReadable, for_terminal) << "\n\n"
      << FormatReply(GuardrailTable(status), Style::kReadable, for_terminal) << std::endl;
  return base::Ok{};
}

}  // namespace reprise::client
