#include "server/rate/rule_row.h"

#include "server/rate/bytes.h"

namespace reprise::rate {
namespace {

constexpr std::uint8_t kVersion = 1;

}  // namespace

std::string RulesPrefix(storage::NamespaceId id) {
  return "rate_rule/" + std::to_string(static_cast<std::uint32_t>(id)) + "/";
}

std::string RuleKey(storage::NamespaceId id, std::string_view name) {
  return RulesPrefix(id).append(name);
}

std::string FormatRule(const Rule& rule) {
  std::string row;
  AppendNumber(kVersion, row);
  AppendNumber(static_cast<std::uint8_t>(rule.algorithm), row);
  AppendNumber(rule.limit, row);
  AppendNumber(rule.period_ms, row);
  AppendNumber(rule.burst, row);
  AppendNumber(rule.lease_ms, row);
  return row;
}

base::Result<Rule> ParseRule(std::string_view row) {
  ByteReader reader(row);
  const auto version = reader.Read<std::uint8_t>();
  const auto algorithm = reader.Read<std::uint8_t>();
  Rule rule;
  rule.limit = reader.Read<std::int64_t>();
  rule.period_ms = reader.Read<std::int64_t>();
  rule.burst = reader.Read<std::int64_t>();
  rule.lease_ms = reader.Read<std::int64_t>();
  if (version != kVersion || !reader.ok() ||
      algorithm > static_cast<std::uint8_t>(Algorithm::kConcurrency)) {
    return base::Error{base::Code::kCorrupt, "the row of a named limit cannot be read"};
  }
  rule.algorithm = static_cast<Algorithm>(algorithm);
  if (const auto complete = config::CompleteRate(rule); !complete.ok()) {
    return base::Error{base::Code::kCorrupt,
                       "the row of a named limit makes no sense: " + complete.error().detail};
  }
  return rule;
}

}  // namespace reprise::rate
