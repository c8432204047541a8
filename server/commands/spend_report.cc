// SPEND.REPORT: what was spent and saved.
#include "protocol/wire/json.h"
#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"
#include "server/calendar/civil.h"
#include "server/commands/spend_common.h"

namespace reprise::commands {
namespace {

using base::Value;
using spend::ReportField;

constexpr ArgSpec DayOption(std::string_view name, std::string_view doc) {
  return {.name = name, .kind = ArgKind::kText, .doc = doc, .min = 10, .max = 10};
}
enum Option : std::size_t { kFrom, kTo, kBy, kFormat };
constexpr std::array kOptions{
    DayOption("from", "the first day, 2026-11-30 (UTC); 30 days back when not given"),
    DayOption("to", "the last day; today when not given"),
    ArgSpec{.name = "by",
            .kind = ArgKind::kTexts,
            .doc = "what rows are told apart by: day, bot, model, type, strategy; [day, strategy] "
                   "when not given",
            .max = 256},
    ArgSpec{.name = "format",
            .kind = ArgKind::kText,
            .doc = "table (the default): rows as maps; json, csv: one text",
            .min = 1,
            .max = base::limits::kNameBytes.value}};
constexpr std::array kErrors{base::Code::kTooLarge};
constexpr std::array kExamples{
    Example{R"(["SPEND.RECORD", [7, {"scopes": ["bot:coder"]}]])", R"("*")"},
    Example{R"(["SPEND.RECORD", [5, {"scopes": ["bot:coder"], "strategy": "cache.exact"}]])",
            R"("*")"},
    Example{
        R"(["SPEND.REPORT", [{"by": ["bot"]}]])",
        R"({"from": "*", "to": "*", "by": ["bot"], "rows": [{"bot": "coder", "calls": 1, "tokens_in": 0, "tokens_out": 0, "tokens_cached": 0, "cost_nano": 7, "savings": 1, "tokens_saved_in": 0, "tokens_saved_out": 0, "cost_saved_nano": 5}], "totals": {"calls": 1, "tokens_in": 0, "tokens_out": 0, "tokens_cached": 0, "cost_nano": 7, "savings": 1, "tokens_saved_in": 0, "tokens_saved_out": 0, "cost_saved_nano": 5}})"},
    Example{
        R"(["SPEND.REPORT", [{"by": ["bot"], "format": "csv"}]])",
        R"("bot,calls,tokens_in,tokens_out,tokens_cached,cost_nano,savings,tokens_saved_in,tokens_saved_out,cost_saved_nano\r\ncoder,1,0,0,0,7,1,0,0,5\r\n")"},
    Example{R"(["SPEND.REPORT", [{"format": "json"}]])", R"("*")"},
    Example{R"(["SPEND.REPORT", [{"by": ["colour"]}]])", R"({"error": "bad_request"})"},
    Example{R"(["SPEND.REPORT", [{"from": "2026-02-30"}]])", R"({"error": "bad_request"})"},
};

base::Result<std::int64_t> DayFrom(const Args& args, std::size_t option, std::int64_t otherwise) {
  if (!args.Has(option)) {
    return otherwise;
  }
  const auto day = calendar::ParseDay(args.BytesOr(option, ""));
  if (!day.has_value() || *day < 0) {
    return base::Error{base::Code::kBadRequest, "SPEND.REPORT: '" +
                                                    std::string(kOptions[option].name) +
                                                    "' must be a day such as 2026-11-30"};
  }
  return *day;
}

base::Result<spend::ReportAsk> AskFrom(const Context& context, const Args& args) {
  constexpr std::int64_t kDaysBack = 30;
  spend::ReportAsk ask;
  ask.id = context.principal.namespace_id;
  const std::int64_t today =
      calendar::FloorDiv(base::ToInt(context.now()), calendar::kMillisPerDay);
  ASSIGN_OR_RETURN(ask.to_day, DayFrom(args, kTo, today));
  ASSIGN_OR_RETURN(ask.from_day, DayFrom(args, kFrom, ask.to_day - kDaysBack));
  ask.by = {ReportField::kDay, ReportField::kStrategy};
  if (args.Has(kBy)) {
    std::vector<std::string_view> names;
    wire::Reader reader(args.BytesOr(kBy, ""));
    ASSIGN_OR_RETURN(const std::uint32_t count, reader.Array());
    for (std::uint32_t i = 0; i < count; ++i) {
      ASSIGN_OR_RETURN(const std::string_view name, reader.Str());
      names.push_back(name);
    }
    ASSIGN_OR_RETURN(ask.by, spend::ReportFieldsFrom(names));
  }
  return ask;
}

Value::Map RowMap(const spend::Report& report, const spend::ReportRow& row) {
  Value::Map map;
  for (const ReportField field : report.ask.by) {
    map.emplace_back(spend::kReportFields[static_cast<std::size_t>(field)],
                     spend::FieldText(row.key, field));
  }
  return map;
}

void AddFigures(const spend::ReportSums& sums, Value::Map& map) {
  const auto figures = spend::FiguresOf(sums);
  for (std::size_t i = 0; i < figures.size(); ++i) {
    map.emplace_back(spend::kReportFigures[i], figures[i]);
  }
}

Value TableOf(const spend::Report& report) {
  Value::Array by;
  for (const ReportField field : report.ask.by) {
    by.emplace_back(spend::kReportFields[static_cast<std::size_t>(field)]);
  }
  Value::Array rows;
  for (const spend::ReportRow& row : report.rows) {
    Value::Map map = RowMap(report, row);
    AddFigures(row.sums, map);
    rows.emplace_back(std::move(map));
  }
  Value::Map totals;
  AddFigures(report.totals, totals);
  return Value::Map{{"from", calendar::DayText(report.ask.from_day)},
                    {"to", calendar::DayText(report.ask.to_day)},
                    {"by", std::move(by)},
                    {"rows", std::move(rows)},
                    {"totals", std::move(totals)}};
}

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  const std::string_view format = args.BytesOr(kFormat, "table");
  if (format != "table" && format != "json" && format != "csv") {
    return base::Error{base::Code::kBadRequest,
                       "SPEND.REPORT: 'format' must be table, json or csv"};
  }
  ASSIGN_OR_RETURN(const spend::ReportAsk ask, AskFrom(context, args));
  context.instance.PostSavings();
  ASSIGN_OR_RETURN(const spend::Report report,
                   spend::MakeReport(context.instance.store(), ask, context.now()));
  if (format == "table") {
    reply.Write(TableOf(report));
  } else if (format == "csv") {
    reply.Str(spend::ToCsv(report));
  } else {
    const bool is_daily =
        ask.by == std::vector<ReportField>{ReportField::kDay, ReportField::kStrategy};
    reply.Str(is_daily ? spend::ToDailyJson(report) : wire::ToJson(TableOf(report)));
  }
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kSpendReport;
constexpr CommandSpec kSpendReport{
    .name = "SPEND.REPORT",
    .family = Family::kSpend,
    .summary =
        "What calls cost and what strategies saved, by day (UTC), bot, model, type and strategy. "
        "It adds up the totals of days, which are written with each record. A row of calls has the "
        "strategy \"\". The json of [day, strategy] has for each day the strategies with their "
        "counts, tokens and money saved, and the totals.",
    .complexity = "O(combinations of the days)",
    .since = "0.2",
    .flags = kRead | kBlocking | kIdempotent,
    .args = {},
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result =
        "{from, to, by, rows: [{the fields of `by`, calls, tokens_in, tokens_out, tokens_cached, "
        "cost_nano, savings, tokens_saved_in, tokens_saved_out, cost_saved_nano}, ...], totals}; "
        "json, csv: a str",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
