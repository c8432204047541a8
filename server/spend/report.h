// Report: what was spent and saved, by day, bot, model, type and strategy.
//
// It adds up the totals of days and never reads the ledger itself. Units: nano-dollars, tokens,
// days since 1970 (UTC). Threads: a storage thread. Errors: kBadRequest, kTooLarge (more rows than
// one report may have, a sum beyond 64 bits), kCorrupt, kIo. Complexity: O(combinations of the
// days). Limits: kReportDays, kReportRows.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.h"
#include "server/spend/day_totals.h"
#include "storage/engine/store.h"

namespace reprise::spend {

enum class ReportField : std::uint8_t { kDay, kBot, kModel, kType, kStrategy };
inline constexpr std::array<std::string_view, 5> kReportFields{"day", "bot", "model", "type",
                                                               "strategy"};

struct ReportAsk {
  NamespaceId id{};
  std::int64_t from_day = 0;
  std::int64_t to_day = 0;  // inclusive
  std::vector<ReportField> by{};
};

// Calls and savings are told apart: what was spent is never mixed with what was not.
struct ReportSums {
  DayTotals calls{};
  DayTotals savings{};
};
struct ReportRow {
  DayKey key{};  // only the fields of `by` are set
  ReportSums sums{};
};
struct Report {
  ReportAsk ask{};
  std::vector<ReportRow> rows{};  // in the order of the fields of `by`
  ReportSums totals{};
};

// "day,strategy" and the like; each once.
base::Result<std::vector<ReportField>> ReportFieldsFrom(const std::vector<std::string_view>& names);
base::Result<Report> MakeReport(const storage::Store& store, const ReportAsk& ask,
                                base::UnixMillis now);

// The figures of a row in the order of the report: names, then values.
inline constexpr std::array<std::string_view, 9> kReportFigures{
    "calls",   "tokens_in",       "tokens_out",       "tokens_cached",  "cost_nano",
    "savings", "tokens_saved_in", "tokens_saved_out", "cost_saved_nano"};
std::array<std::int64_t, kReportFigures.size()> FiguresOf(const ReportSums& sums);
// The field of the row as text.
std::string FieldText(const DayKey& key, ReportField field);

// RFC 4180: a head, then a line for each row.
std::string ToCsv(const Report& report);
// {from, to, days: [{day, strategies: {name: {count, tokens_saved_in, ...}}, totals}], totals}; the
// report must be by day and strategy.
std::string ToDailyJson(const Report& report);

}  // namespace reprise::spend
