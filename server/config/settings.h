// Settings: giving values to rows and reading them back. Private to server/config.
//
// Errors: kBadRequest with the name, the value found and what is allowed (no file and line: the
// reader of the file adds them). Threads: values. Complexity: O(rows).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/base/result.h"
#include "server/config/config.h"
#include "server/config/table.h"

namespace reprise::config {

// A value as a file gives it.
struct Given {
  struct Unusable {};  // of a type that no key has: a number with a fraction, a date, a table
  using Value = std::variant<Unusable, std::int64_t, bool, std::string, std::vector<std::string>>;

  Value value;
  std::string shown;  // as found, for the error
};

base::Status Assign(const Match& match, const Given& given, Config& config);
// The error for a name that no row has.
base::Error UnknownName(std::string_view name);
// Text from outside, in quotes, bounded and without control bytes.
std::string Quoted(std::string_view text);
// The plain form that Set takes: numbers without units, lists with commas.
std::string ValueText(const Row& row, Config& config);
std::string ValueText(const TypeField& field, const QueryType& type);
// The fields of all live rows, from one configuration to another.
void CopyLive(Config& from, Config& to);

}  // namespace reprise::config
