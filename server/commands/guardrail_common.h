// What the commands about guardrails share. Threads: as the command.
#pragma once

#include <optional>
#include <string_view>

#include "protocol/wire/writer.h"
#include "server/commands/spec.h"
#include "server/commands/strategies.h"
#include "server/control/control.h"

namespace reprise::commands {

inline constexpr ArgSpec kGuardrailArg{
    .name = "name",
    .kind = ArgKind::kText,
    .doc = "of the guardrail: a letter, then letters, digits, '_', '-' and '.'",
    .min = 1,
    .max = base::limits::kNameBytes.value};

inline constexpr double kLimitUnit = 1'000'000;  // limits are kept in millionths

// name, metric, limit, strategies, source, off, cool_down_ms: so many fields of a map.
inline constexpr std::size_t kGuardrailFields = 7;
inline void WriteGuardrail(const control::GuardrailReading& reading, wire::Writer& reply) {
  reply.Field("name", reading.rule.name);
  reply.Field("metric", config::NameOf(reading.rule.metric));
  reply.Field("limit", static_cast<double>(reading.rule.limit_ppm) / kLimitUnit);
  reply.Str("strategies");
  WriteStrategies(reading.rule.strategies, reply);
  reply.Field("source", reading.is_own ? "namespace" : "configuration");
  reply.Field("off", reading.is_off);
  reply.Field("cool_down_ms", reading.cool_down_ms);
}

inline std::optional<control::GuardrailReading> FindGuardrail(const control::Control& control,
                                                              storage::NamespaceId home,
                                                              std::string_view name) {
  for (control::GuardrailReading& reading : control.Guardrails(home)) {
    if (reading.rule.name == name) {
      return std::move(reading);
    }
  }
  return std::nullopt;
}

inline base::Error NoGuardrail(std::string_view command, std::string_view name) {
  return {base::Code::kNotFound, std::string(command) + ": there is no guardrail '" +
                                     std::string(name) + "'; GUARDRAIL.STATUS lists them"};
}

}  // namespace reprise::commands
