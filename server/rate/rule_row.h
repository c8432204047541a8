// The stored form of named limits: rows of the `meta` family (FORMAT.md).
//
// Private to this folder. Threads: any. Errors: kCorrupt when a row cannot be read.
#pragma once

#include <string>
#include <string_view>

#include "protocol/base/result.h"
#include "server/rate/verdict.h"
#include "storage/engine/namespace_id.h"

namespace reprise::rate {

std::string RulesPrefix(storage::NamespaceId id);
std::string RuleKey(storage::NamespaceId id, std::string_view name);
std::string FormatRule(const Rule& rule);
base::Result<Rule> ParseRule(std::string_view row);

}  // namespace reprise::rate
