// Money: `reprise-cli spend`, `budget`, `route` and `prices`: reports and balances as tables in
// dollars, and a price file into the server.
//
// Threads: one. Errors: in the exit code, told on `report`. Units: dollars, from nano-dollars.
// Limits: price files of 4 MiB.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "client/cli/exit_code.h"
#include "client/cli/flags.h"
#include "client/cpp/caller.h"

namespace reprise::client {

bool IsMoney(const std::string& word);

struct MoneyFlags {
  std::string command;  // spend, budget, route or prices
  std::string from;
  std::string to;
  std::vector<std::string> by;
  std::string format = "table";  // table, csv or json
  std::vector<std::string> scopes;
  std::string file;
  bool replace = false;
  std::optional<Leave> leave;  // do not go on
};
// `words`: from the command's name on.
MoneyFlags ParseMoneyFlags(const std::vector<std::string>& words);

ExitCode RunMoney(Caller& client, const MoneyFlags& flags, std::ostream& out, std::ostream& report);

// "0.001234567" of 1,234,567 nano-dollars: at least two digits behind the point.
std::string Dollars(std::int64_t nano);
// Columns as wide as they must be; figures to the right.
std::string AlignedTable(const std::vector<std::vector<std::string>>& rows,
                         std::size_t text_columns);

}  // namespace reprise::client
