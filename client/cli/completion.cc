#include "client/cli/completion.h"

#include <algorithm>
#include <array>

namespace reprise::client {
namespace {

constexpr std::array<std::string_view, 4> kOwnCommands{"help", "exit", ":json", ":quit"};

void AddIfBegins(std::string_view candidate, std::string_view typed,
                 std::vector<std::string>& candidates) {
  if (ToUpper(candidate).starts_with(ToUpper(typed))) {
    candidates.emplace_back(candidate);
  }
}

}  // namespace

Completion Complete(std::string_view line, const Rows& rows) {
  Completion completion;
  const std::size_t space = line.find_last_of(" \t");
  completion.start = space == std::string_view::npos ? 0 : space + 1;
  const std::string_view typed = line.substr(completion.start);
  const std::size_t first = line.find_first_not_of(" \t");
  const bool is_command = first == std::string_view::npos || first >= completion.start;
  if (is_command) {
    for (const CommandRow& row : rows.all()) {
      AddIfBegins(row.name, typed, completion.candidates);
    }
    if (!typed.empty()) {
      for (const std::string_view own : kOwnCommands) {
        AddIfBegins(own, typed, completion.candidates);
      }
    }
    std::sort(completion.candidates.begin(), completion.candidates.end());
    return completion;
  }
  const std::string_view command = line.substr(first, line.find_first_of(" \t", first) - first);
  if (ToUpper(command) == "HELP") {
    for (const CommandRow& row : rows.all()) {
      AddIfBegins(row.name, typed, completion.candidates);
    }
    return completion;
  }
  const CommandRow* row = rows.Find(command);
  if (row == nullptr) {
    return completion;
  }
  completion.usage = UsageLine(*row);
  for (const ArgumentRow& option : row->options) {
    const std::string word = option.name + "=";
    if (line.find(" " + word) == std::string_view::npos && !typed.empty()) {
      AddIfBegins(word, typed, completion.candidates);
    }
  }
  std::sort(completion.candidates.begin(), completion.candidates.end());
  return completion;
}

std::string CommonPrefix(const std::vector<std::string>& candidates) {
  if (candidates.empty()) {
    return "";
  }
  std::string prefix = candidates.front();
  for (const std::string& candidate : candidates) {
    const auto [end, other] =
        std::mismatch(prefix.begin(), prefix.end(), candidate.begin(), candidate.end());
    prefix.erase(end, prefix.end());
  }
  return prefix;
}

}  // namespace reprise::client
