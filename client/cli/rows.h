// CommandRow: what the server says about one command, and its inline help.
//
// Rows come from client/commands.json (built in when the file exists) or from COMMAND.DOCS; both
// have the same shape. Units: none. Threads: values. Errors: a row without a name is left out.
// Complexity: O(rows) to find one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/value.h"

namespace reprise::client {

// How the words for an argument become a value.
enum class ArgumentKind : unsigned char { kKey, kText, kInteger, kBool, kValue, kTexts };

struct ArgumentRow {
  std::string name;
  ArgumentKind kind = ArgumentKind::kValue;
  std::string kind_name;
  bool required = true;
  bool nullable = false;  // null means that it is not given
  bool variadic = false;  // this one and those behind it may be given again, as a group
  std::string doc;
};

struct CommandRow {
  std::string name;
  std::string summary;
  std::string family;
  std::string complexity;
  std::string since;
  std::vector<std::string> flags;
  std::vector<ArgumentRow> arguments;
  std::vector<ArgumentRow> options;
  std::string result;
  std::vector<std::string> errors;
  struct Example {
    std::string request;
    std::string reply;
  };
  std::vector<Example> examples;

  std::size_t RequiredCount() const;
  // The row of the argument at `index`, following repetition; null when there is none.
  const ArgumentRow* ArgumentAt(std::size_t index) const;
  const ArgumentRow* OptionNamed(std::string_view option) const;
};

class Rows {
 public:
  Rows() = default;
  // {"commands": [...]} or the array itself.
  explicit Rows(const base::Value& docs);
  // Those of client/commands.json, if they were built in.
  static Rows BuiltIn();

  bool empty() const { return rows_.empty(); }
  const std::vector<CommandRow>& all() const { return rows_; }
  // In any case of letters; null when there is none.
  const CommandRow* Find(std::string_view name) const;
  // The nearest name by spelling, for "did you mean"; empty when none is near.
  std::string Nearest(std::string_view name) const;

 private:
  std::vector<CommandRow> rows_;
};

std::string ToUpper(std::string_view text);

// "SET key value [ttl_ms=...] [nx=...]"
std::string UsageLine(const CommandRow& row);
// Summary, arguments, options, result, examples.
std::string HelpText(const CommandRow& row);
// All commands by family, one line each, or those of one family (in any case of letters); empty
// when there is no such family.
std::string HelpIndex(const Rows& rows, std::string_view family = "");

}  // namespace reprise::client
