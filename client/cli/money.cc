#include "client/cli/money.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <ctime>
#include <iterator>
#include <ostream>
#include <sstream>

#include "client/cli/format.h"
#include "client/cli/numbers.h"
#include "client/cli/route_table.h"
#include "protocol/base/limits.h"
#include "protocol/base/read_file.h"

namespace reprise::client {
namespace {

using base::Value;

constexpr std::array<std::string_view, 4> kWords{"spend", "budget", "prices", "route"};

Leave Mistake(const std::string& text, const std::string& command) {
  return {ExitCode::kUsage, "error: " + text + "\nhint: reprise-cli " + command + " --help"};
}

const Value& At(const Value& map, std::string_view name) {
  static const Value none;
  const Value* found = map.Find(name);
  return found == nullptr ? none : *found;
}

std::int64_t IntAt(const Value& map, std::string_view name) {
  return At(map, name).AsInt().value_or(0);
}

std::string TextAt(const Value& map, std::string_view name) {
  // As on a terminal: stored names may hold anything.
  return FormatReply(Value(At(map, name).AsText().value_or("")), Style::kReadable, true);
}

const Value::Array& ListAt(const Value& map, std::string_view name) {
  static const Value::Array none;
  const Value::Array* list = At(map, name).AsArray();
  return list == nullptr ? none : *list;
}

std::string Count(std::int64_t number) {
  return WithCommas(static_cast<std::uint64_t>(std::max<std::int64_t>(number, 0)));
}

std::string Moment(const Value& at_ms) {
  if (!at_ms.AsInt().has_value()) {
    return "never";
  }
  const std::time_t seconds = *at_ms.AsInt() / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M UTC", &parts);
  return text.data();
}

std::vector<std::string> FigureCells(const Value& row) {
  return {Count(IntAt(row, "calls")),
          Count(IntAt(row, "tokens_in")),
          Count(IntAt(row, "tokens_out")),
          Dollars(IntAt(row, "cost_nano")),
          Count(IntAt(row, "savings")),
          Count(IntAt(row, "tokens_saved_in")),
          Count(IntAt(row, "tokens_saved_out")),
          Dollars(IntAt(row, "cost_saved_nano"))};
}

std::string SpendTable(const Value& report) {
  std::vector<std::vector<std::string>> rows{{}};
  std::vector<std::string> fields;
  fields.reserve(ListAt(report, "by").size());
  for (const Value& field : ListAt(report, "by")) {
    fields.emplace_back(field.AsText().value_or(""));
  }
  rows[0] = fields;
  for (const char* head : {"calls", "tokens in", "tokens out", "cost $", "savings", "saved in",
                           "saved out", "saved $"}) {
    rows[0].emplace_back(head);
  }
  rows.reserve(ListAt(report, "rows").size() + 2);
  const auto add = [&](const Value& row, bool is_total) {
    std::vector<std::string> cells;
    cells.reserve(fields.size());
    for (const std::string& field : fields) {
      cells.push_back(is_total ? (cells.empty() ? "total" : "") : TextAt(row, field));
    }
    const auto figures = FigureCells(row);
    cells.insert(cells.end(), figures.begin(), figures.end());
    rows.push_back(std::move(cells));
  };
  for (const Value& row : ListAt(report, "rows")) {
    add(row, false);
  }
  add(At(report, "totals"), true);
  return TextAt(report, "from") + " to " + TextAt(report, "to") + "\n" +
         AlignedTable(rows, fields.size());
}

std::string BudgetTable(const Value& status) {
  std::vector<std::vector<std::string>> rows{
      {"budget", "kind", "limit $", "spent $", "reserved $", "left $", "used", "ends"}};
  rows.reserve(ListAt(status, "budgets").size() + 1);
  for (const Value& budget : ListAt(status, "budgets")) {
    rows.push_back({TextAt(budget, "budget"),
                    At(budget, "hard").AsBool().value_or(true) ? "hard" : "soft",
                    Dollars(IntAt(budget, "limit_nano")), Dollars(IntAt(budget, "spent_nano")),
                    Dollars(IntAt(budget, "reserved_nano")), Dollars(IntAt(budget, "left_nano")),
                    std::to_string(IntAt(budget, "used_ppm") / 10'000) + " %",
                    Moment(At(budget, "ends_at_ms"))});
  }
  return AlignedTable(rows, 2);
}

base::Result<std::string> Answer(Caller& client, const MoneyFlags& flags) {
  if (flags.command == "prices") {
    ASSIGN_OR_RETURN(std::string text,
                     base::ReadRegularFile(flags.file, static_cast<std::size_t>(
                                                           base::limits::kPriceFileBytes.value)));
    ASSIGN_OR_RETURN(
        const Value reply,
        client.Call("PRICE.IMPORT", {std::move(text), Value::Map{{"replace", flags.replace}}}));
    return FormatReply(reply, Style::kReadable, true);
  }
  if (flags.command == "budget") {
    Value::Array params;
    if (!flags.scopes.empty()) {
      params.emplace_back(Value::Array(flags.scopes.begin(), flags.scopes.end()));
    }
    ASSIGN_OR_RETURN(const Value status, client.Call("BUDGET.STATUS", params));
    return flags.format == "json" ? FormatReply(status, Style::kJson, false) : BudgetTable(status);
  }
  if (flags.command == "route") {
    ASSIGN_OR_RETURN(const Value stats, client.Call("ROUTE.STATS"));
    return flags.format == "json" ? FormatReply(stats, Style::kJson, false) : RouteTable(stats);
  }
  Value::Map options{{"format", flags.format}};
  if (!flags.from.empty()) {
    options.emplace_back("from", flags.from);
  }
  if (!flags.to.empty()) {
    options.emplace_back("to", flags.to);
  }
  if (!flags.by.empty()) {
    options.emplace_back("by", Value::Array(flags.by.begin(), flags.by.end()));
  }
  ASSIGN_OR_RETURN(const Value report, client.Call("SPEND.REPORT", {std::move(options)}));
  return flags.format == "table" ? SpendTable(report) : std::string(report.AsText().value_or(""));
}

void DescribeSpend(CLI::App& app, MoneyFlags& flags, bool& csv, bool& json) {
  app.add_option("--from", flags.from, "the first day, 2026-11-30 (UTC); else 30 days back");
  app.add_option("--to", flags.to, "the last day; else today");
  app.add_option("--by", flags.by, "day, bot, model, type, strategy; else day,strategy")
      ->delimiter(',');
  app.add_flag("--csv", csv, "comma-separated, amounts in nano-dollars");
  app.add_flag("--json", json, "JSON, amounts in nano-dollars");
}

}  // namespace

bool IsMoney(const std::string& word) {
  return std::find(kWords.begin(), kWords.end(), word) != kWords.end();
}

std::string Dollars(std::int64_t nano) {
  constexpr std::int64_t kNanoPerDollar = 1'000'000'000;
  constexpr std::size_t kDigits = 9;
  constexpr std::size_t kDigitsMin = 2;
  std::string fraction = std::to_string(nano % kNanoPerDollar);
  fraction.insert(0, kDigits - fraction.size(), '0');
  while (fraction.size() > kDigitsMin && fraction.ends_with('0')) {
    fraction.pop_back();
  }
  return Count(nano / kNanoPerDollar) + "." + fraction;
}

std::string AlignedTable(const std::vector<std::vector<std::string>>& rows,
                         std::size_t text_columns) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - row[i].size(), ' ');
      line += (i == 0 ? "" : "  ") + (i < text_columns ? row[i] + padding : padding + row[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += (text.empty() ? "" : "\n") + line;
  }
  return text;
}

MoneyFlags ParseMoneyFlags(const std::vector<std::string>& words) {
  MoneyFlags flags;
  flags.command = words.front();
  bool csv = false;
  bool json = false;
  CLI::App app("Money.", "reprise-cli " + flags.command);
  if (flags.command == "spend") {
    app.description("What calls cost and what was saved.");
    DescribeSpend(app, flags, csv, json);
  } else if (flags.command == "budget") {
    app.description("Budgets, and how they stand.");
    app.add_option("scopes", flags.scopes, "only those of a call with these: bot:NAME ...");
    app.add_flag("--json", json, "JSON, amounts in nano-dollars");
  } else if (flags.command == "route") {
    app.description("What routing did: the mix, what it saved, how right its scores were.");
    app.add_flag("--json", json, "JSON, amounts in nano-dollars");
  } else {
    app.description("Reads a JSON price file into the server's table (PRICE.IMPORT).");
    app.add_option("file", flags.file, "the file")->required();
    app.add_flag("--replace", flags.replace, "remove what earlier imports brought and it has not");
  }
  std::vector<std::string> rest(words.rbegin(),
                                words.rend() - 1);  // CLI11 takes them from the back.
  try {
    app.parse(rest);
  } catch (const CLI::Success& done) {
    std::ostringstream text;
    app.exit(done, text, text);
    flags.leave = Leave{ExitCode::kOk, text.str()};
  } catch (const CLI::ParseError& mistake) {
    flags.leave = Mistake(mistake.what(), flags.command);
  }
  if (csv && json) {
    flags.leave = Mistake("give one of --csv and --json", flags.command);
  }
  flags.format = csv ? "csv" : (json ? "json" : "table");
  return flags;
}

ExitCode RunMoney(Caller& client, const MoneyFlags& flags, std::ostream& out,
                  std::ostream& report) {
  const auto answer = Answer(client, flags);
  if (!answer.ok()) {
    report << FormatError(answer.error()) << std::endl;
    return answer.error().code == base::Code::kIo ? ExitCode::kUsage
                                                  : CodeOfUnanswered(answer.error());
  }
  std::string_view text = answer.value();
  while (text.ends_with('\n') || text.ends_with('\r')) {
    text.remove_suffix(1);
  }
  out << text << std::endl;
  return ExitCode::kOk;
}

}  // namespace reprise::client
