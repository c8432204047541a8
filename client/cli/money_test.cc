#include "client/cli/money.h"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp is POSIX

#include <catch2/catch.hpp>

#include "client/cli/route_table.h"
#include "protocol/wire/decode.h"
#include "protocol/wire/json.h"

namespace reprise::client {
namespace {

using base::Value;

class Canned final : public Caller {
 public:
  explicit Canned(Value reply) : reply_(std::move(reply)) {}

  using Caller::CallRaw;
  base::Result<std::string> CallRaw(std::string_view method, std::string_view params,
                                    const CallOptions& /*options*/) override {
    request = std::string(method) + " " + wire::ToJson(wire::Decode(params).value());
    return wire::Encode(reply_);
  }

  std::string request;

 private:
  Value reply_;
};

std::string Shown(Canned& server, const std::vector<std::string>& words) {
  const MoneyFlags flags = ParseMoneyFlags(words);
  REQUIRE_FALSE(flags.leave.has_value());
  std::ostringstream out;
  std::ostringstream report;
  const ExitCode code = RunMoney(server, flags, out, report);
  return code == ExitCode::kOk ? out.str() : "failed: " + report.str();
}

TEST_CASE("nano-dollars are shown as exact dollars") {
  CHECK(Dollars(0) == "0.00");
  CHECK(Dollars(1) == "0.000000001");
  CHECK(Dollars(1'500'000'000) == "1.50");
  CHECK(Dollars(1'234'567'891'234'567'890) == "1,234,567,891.23456789");
}

TEST_CASE("a report is a table in dollars with its totals") {
  Canned server(wire::FromJson(
                    R"({"from":"2026-11-01","to":"2026-11-30","by":["bot"],"rows":[
            {"bot":"coder","calls":2,"tokens_in":1500,"tokens_out":7,"cost_nano":1250000000,
             "savings":1,"tokens_saved_in":5,"tokens_saved_out":6,"cost_saved_nano":7}],
            "totals":{"calls":2,"tokens_in":1500,"tokens_out":7,"cost_nano":1250000000,
             "savings":1,"tokens_saved_in":5,"tokens_saved_out":6,"cost_saved_nano":7}})")
                    .value());
  CHECK(Shown(server, {"spend", "--from", "2026-11-01", "--by", "bot"}) ==
        "2026-11-01 to 2026-11-30\n"
        "bot    calls  tokens in  tokens out  cost $  savings  saved in  saved out      saved $\n"
        "coder      2      1,500           7    1.25        1         5          6  0.000000007\n"
        "total      2      1,500           7    1.25        1         5          6  0.000000007\n");
  CHECK(server.request == R"(SPEND.REPORT [{"format":"table","from":"2026-11-01","by":["bot"]}])");
  Canned text(Value("day,calls\r\n2026-11-01,5\r\n"));
  CHECK(Shown(text, {"spend", "--csv", "--by", "day,type"}) == "day,calls\r\n2026-11-01,5\n");
  CHECK(text.request == R"(SPEND.REPORT [{"format":"csv","by":["day","type"]}])");
}

TEST_CASE("budgets are a table with what is left and when it ends") {
  Canned server(wire::FromJson(
                    R"({"pressure":{},"budgets":[
      {"budget":"bot:a/day","hard":true,"limit_nano":2000000000,"spent_nano":500000000,
       "reserved_nano":0,"left_nano":1500000000,"used_ppm":250000,"ends_at_ms":1796083200000},
      {"budget":"global/total","hard":false,"limit_nano":1,"spent_nano":0,"reserved_nano":0,
       "left_nano":1,"used_ppm":0,"ends_at_ms":null}]})")
                    .value());
  CHECK(Shown(server, {"budget", "bot:a"}) ==
        "budget        kind      limit $  spent $  reserved $       left $  used                  "
        "ends\n"
        "bot:a/day     hard         2.00     0.50        0.00         1.50  25 %  2026-12-01 00:00 "
        "UTC\n"
        "global/total  soft  0.000000001     0.00        0.00  0.000000001   0 %                 "
        "never\n");
  CHECK(server.request == R"(BUDGET.STATUS [["bot:a"]])");
}

TEST_CASE("a price file is sent as it is, and a missing one is a mistake of usage") {
  std::string name = (std::filesystem::temp_directory_path() / "reprise-XXXXXX").string();
  REQUIRE(mkdtemp(name.data()) != nullptr);
  const std::string file = name + "/prices.json";
  std::ofstream(file) << R"({"models": []})";
  Canned server(Value(Value::Map{{"models", 0}}));
  CHECK(Shown(server, {"prices", file, "--replace"}) == "models  0\n");
  CHECK(server.request == R"(PRICE.IMPORT ["{\"models\": []}",{"replace":true}])");
  std::filesystem::remove_all(name);
  CHECK(Shown(server, {"prices", file}).find("cannot be read") != std::string::npos);
}

TEST_CASE("wrong flags are explained") {
  CHECK(ParseMoneyFlags({"spend", "--csv", "--json"}).leave->code == ExitCode::kUsage);
  CHECK(ParseMoneyFlags({"spend", "--colour"}).leave->code == ExitCode::kUsage);
  CHECK(ParseMoneyFlags({"prices"}).leave->code == ExitCode::kUsage);
  CHECK(ParseMoneyFlags({"budget", "--help"}).leave->code == ExitCode::kOk);
  CHECK(IsMoney("spend"));
  CHECK_FALSE(IsMoney("SPEND.REPORT"));
}

TEST_CASE("route shows the mix, what it saved, and each model") {
  const MoneyFlags flags = ParseMoneyFlags({"route"});
  REQUIRE_FALSE(flags.leave.has_value());
  CHECK(ParseMoneyFlags({"route", "--json"}).format == "json");
  CHECK(ParseMoneyFlags({"route", "now"}).leave->code == ExitCode::kUsage);
  const std::string text =
      RouteTable(wire::FromJson(
                     R"({"decisions": 1200, "cheap_share": 0.4567, "cost_nano": 1500000000,
              "strongest_cost_nano": 4000000000, "saved_nano": 2500000000, "judged": 2,
              "quality": 0.75, "regret": null, "calibration": {"error": 0.0214}, "outcomes": 2,
              "models": {"m-small": {"chosen": 700, "quality": 0.5, "latency_ms": 849.6},
                         "m-large": {"chosen": 500, "quality": null}}})")
                     .value());
  for (const char* part :
       {"1,200 decisions, 45.7 % cheap", "1.50 instead of 4.00", "saved 2.50",
        "quality 0.750, regret -", "calibration error 0.021", "m-small", "850"}) {
    CHECK(text.find(part) != std::string::npos);
  }
  CHECK(RouteTable({}).find("0 decisions, - cheap") != std::string::npos);
}

}  // namespace
}  // namespace reprise::client
