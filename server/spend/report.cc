#include "server/spend/report.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "protocol/base/limits.h"
#include "protocol/wire/json.h"
#include "server/calendar/civil.h"

namespace reprise::spend {
namespace {

using base::Code;
using base::Error;
using base::Value;

// The key with nothing but the fields of `by`.
DayKey Grouped(const DayKey& key, const std::vector<ReportField>& by) {
  DayKey group;
  for (const ReportField field : by) {
    switch (field) {
      case ReportField::kDay:
        group.day = key.day;
        break;
      case ReportField::kBot:
        group.bot = key.bot;
        break;
      case ReportField::kModel:
        group.model = key.model;
        break;
      case ReportField::kType:
        group.type = key.type;
        break;
      case ReportField::kStrategy:
        group.strategy = key.strategy;
        break;
    }
  }
  return group;
}

bool AddTo(ReportSums& sums, const DayKey& key, const DayTotals& totals) {
  return (key.strategy.empty() ? sums.calls : sums.savings).Add(totals);
}

std::string CsvField(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    return std::string(text);
  }
  std::string quoted = "\"";
  for (const char c : text) {
    quoted.append(c == '"' ? "\"\"" : std::string(1, c));
  }
  return quoted + "\"";
}

Value::Map FigureMap(const ReportSums& sums) {
  Value::Map map;
  const auto figures = FiguresOf(sums);
  for (std::size_t i = 0; i < figures.size(); ++i) {
    map.emplace_back(kReportFigures[i], figures[i]);
  }
  return map;
}

Value SavingMap(const DayTotals& totals) {
  return Value::Map{{"count", totals.count},
                    {"tokens_saved_in", totals.tokens_in},
                    {"tokens_saved_out", totals.tokens_out},
                    {"cost_saved_nano", totals.cost_nano}};
}

// Every strategy, in the order of the list, also those that saved nothing.
Value StrategyMap(const std::map<std::string, DayTotals>& by_strategy) {
  Value::Map map;
  for (const std::string_view name : kStrategies) {
    const auto found = by_strategy.find(std::string(name));
    map.emplace_back(name, SavingMap(found == by_strategy.end() ? DayTotals() : found->second));
  }
  return map;
}

}  // namespace

base::Result<std::vector<ReportField>> ReportFieldsFrom(
    const std::vector<std::string_view>& names) {
  std::vector<ReportField> fields;
  for (const std::string_view name : names) {
    const auto found = std::find(kReportFields.begin(), kReportFields.end(), name);
    const auto field = static_cast<ReportField>(found - kReportFields.begin());
    if (found == kReportFields.end() ||
        std::find(fields.begin(), fields.end(), field) != fields.end()) {
      return Error{Code::kBadRequest,
                   "'by' takes day, bot, model, type and strategy, each at most once"};
    }
    fields.push_back(field);
  }
  return fields;
}

base::Result<Report> MakeReport(const storage::Store& store, const ReportAsk& ask,
                                base::UnixMillis now) {
  const std::int64_t days = ask.to_day - ask.from_day + 1;
  if (days < 1 || days > base::limits::kReportDays.ceiling) {
    return Error{Code::kBadRequest, "a report is of 1 to " +
                                        std::to_string(base::limits::kReportDays.ceiling) +
                                        " days, and ends no earlier than it begins"};
  }
  Report report{ask, {}, {}};
  std::map<DayKey, ReportSums> groups;
  std::optional<Error> bad;
  const auto take = [&](const storage::ScanRow& row) {
    const auto key = ParseDayKey(row.key);
    const auto totals = ParseTotals(row.value);
    if (!key.ok() || !totals.ok()) {
      bad = key.ok() ? totals.error() : key.error();
      return false;
    }
    if (key.value().day > ask.to_day) {
      return false;
    }
    const bool fits = AddTo(groups[Grouped(key.value(), ask.by)], key.value(), totals.value()) &&
                      AddTo(report.totals, key.value(), totals.value());
    if (!fits || groups.size() > static_cast<std::size_t>(base::limits::kReportRows.value)) {
      bad = Error{Code::kTooLarge, fits ? "the report would have more than 10000 rows; ask for "
                                          "fewer days or fewer fields in 'by'"
                                        : "a sum of the report is beyond 64 bits"};
      return false;
    }
    return true;
  };
  const std::string prefix = RowPrefix(ask.id, RowKind::kDay);
  const std::string after = DayRowPrefix(ask.id, ask.from_day);
  RETURN_IF_ERROR(store.Scan({.family = storage::Family::kLedger, .prefix = prefix, .after = after},
                             now, take));
  if (bad.has_value()) {
    return *std::move(bad);
  }
  for (auto& [key, sums] : groups) {
    report.rows.push_back({key, sums});
  }
  return report;
}

std::array<std::int64_t, kReportFigures.size()> FiguresOf(const ReportSums& sums) {
  return {sums.calls.count,         sums.calls.tokens_in,    sums.calls.tokens_out,
          sums.calls.tokens_cached, sums.calls.cost_nano,    sums.savings.count,
          sums.savings.tokens_in,   sums.savings.tokens_out, sums.savings.cost_nano};
}

std::string FieldText(const DayKey& key, ReportField field) {
  switch (field) {
    case ReportField::kDay:
      return calendar::DayText(key.day);
    case ReportField::kBot:
      return key.bot;
    case ReportField::kModel:
      return key.model;
    case ReportField::kType:
      return key.type;
    case ReportField::kStrategy:
      break;
  }
  return key.strategy;
}

std::string ToCsv(const Report& report) {
  std::string csv;
  for (const ReportField field : report.ask.by) {
    csv.append(kReportFields[static_cast<std::size_t>(field)]).append(",");
  }
  for (std::size_t i = 0; i < kReportFigures.size(); ++i) {
    csv.append(i == 0 ? "" : ",").append(kReportFigures[i]);
  }
  csv += "\r\n";
  for (const ReportRow& row : report.rows) {
    for (const ReportField field : report.ask.by) {
      csv.append(CsvField(FieldText(row.key, field))).append(",");
    }
    const auto figures = FiguresOf(row.sums);
    for (std::size_t i = 0; i < figures.size(); ++i) {
      csv.append(i == 0 ? "" : ",").append(std::to_string(figures[i]));
    }
    csv += "\r\n";
  }
  return csv;
}

std::string ToDailyJson(const Report& report) {
  std::map<std::string, DayTotals> of_all;
  Value::Array days;
  for (auto row = report.rows.begin(); row != report.rows.end();) {
    const std::int64_t day = row->key.day;
    std::map<std::string, DayTotals> of_day;
    ReportSums sums;
    for (; row != report.rows.end() && row->key.day == day; ++row) {
      // Parts of the report's totals, which fit.
      (void)sums.calls.Add(row->sums.calls);
      (void)sums.savings.Add(row->sums.savings);
      if (!row->key.strategy.empty()) {
        (void)of_day[row->key.strategy].Add(row->sums.savings);
        (void)of_all[row->key.strategy].Add(row->sums.savings);
      }
    }
    days.push_back(Value::Map{{"day", calendar::DayText(day)},
                              {"strategies", StrategyMap(of_day)},
                              {"totals", FigureMap(sums)}});
  }
  return wire::ToJson(Value::Map{{"from", calendar::DayText(report.ask.from_day)},
                                 {"to", calendar::DayText(report.ask.to_day)},
                                 {"currency", "USD"},
                                 {"days", std::move(days)},
                                 {"strategies", StrategyMap(of_all)},
                                 {"totals", FigureMap(report.totals)}});
}

}  // namespace reprise::spend
