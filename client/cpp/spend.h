// SpendCommands: money: budgets, what calls cost, prices.
//
//   auto held = client.Spend().Reserve({"bot:coder"}, 5'000'000);
//   if (held.ok() && held.value().granted) {
//     ... ask the model ...
//     client.Spend().Commit(held.value().reservation, cost_nano, {.charge_id = "call-17"});
//   }
//
// Units: nano-dollars, tokens, milliseconds; 0 and empty mean "not given" unless said otherwise.
// Threads: those of the Caller, which must outlive this. Errors: those of caller.h; also kNotFound
// (a reservation, a price), kExists (a charge id with another amount), kTooLarge, kForbidden.
// Repeating: a commit and a record with a charge id charge once however often they are sent, so
// these are sent again when a connection is lost; Reserve is not: its lease ends by itself.
// Complexity: one round trip each.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/cpp/caller.h"

namespace reprise::client {

// What a call took; parts are counted inside input_tokens and output_tokens.
struct TokenUsage {
  std::int64_t input_tokens = 0;
  std::int64_t output_tokens = 0;
  std::int64_t cache_read_tokens = 0;
  std::int64_t cache_write_tokens = 0;
  std::int64_t cache_write_1h_tokens = 0;
  std::int64_t input_audio_tokens = 0;
  std::int64_t output_reasoning_tokens = 0;
  std::int64_t output_audio_tokens = 0;
  std::int64_t output_image_tokens = 0;
  std::int64_t web_searches = 0;
};

// Whose price: for amounts that the server works out.
struct PriceChoice {
  std::string model{};
  std::string provider{};
  std::string tier{};
};

struct ReserveOptions {
  std::int64_t lease_ms = 0;
  std::optional<TokenUsage> usage{};  // an estimate, in place of the amount
  PriceChoice price{};
};
struct BlockedBudget {
  std::string budget{};
  std::optional<std::int64_t> retry_after_ms{};  // absent: it never has so much room
};
struct ReserveResult {
  bool granted = false;
  std::uint64_t reservation = 0;
  std::int64_t amount_nano = 0;
  std::string blocked_by{};                      // the first budget that refuses
  std::optional<std::int64_t> retry_after_ms{};  // absent: granted, or never
  std::vector<BlockedBudget> blocked{};
  std::vector<std::string> exceeded{};  // soft budgets
};

struct ChargeOptions {
  std::string charge_id{};
  std::optional<TokenUsage> usage{};
  PriceChoice price{};
};
struct RecordOptions {
  std::vector<std::string> scopes{};
  std::string charge_id{};
  std::optional<TokenUsage> usage{};
  PriceChoice price{};
  std::string strategy{};  // a saving, and what saved it; empty: a call that was paid for
};
struct ChargeResult {
  std::int64_t charged_nano = 0;
  std::int64_t reserved_nano = 0;
  std::int64_t over_nano = 0;
  bool duplicate = false;
  bool late = false;
  std::uint64_t sequence = 0;
  std::vector<std::string> exceeded{};
};

struct BudgetOptions {
  std::string period{};  // hour, day, month, rolling or total; empty: month
  std::int64_t window_ms = 0;
  std::string timezone{};
  bool soft = false;
  std::string name_space{};
};
struct BudgetReading {
  std::string budget{};
  std::string scope{};
  bool hard = true;
  std::int64_t limit_nano = 0;
  std::int64_t spent_nano = 0;
  std::int64_t reserved_nano = 0;
  std::int64_t left_nano = 0;
  std::int64_t used_ppm = 0;
  std::int64_t ends_at_ms = 0;  // 0: never
};

struct ReportOptions {
  std::string from{};  // 2026-11-30
  std::string to{};
  std::vector<std::string> by{};
};

class SpendCommands {
 public:
  explicit SpendCommands(Caller& caller) : caller_(caller) {}

  // Without an amount it is worked out by options.usage.
  base::Result<ReserveResult> Reserve(const std::vector<std::string>& scopes,
                                      std::optional<std::int64_t> amount_nano,
                                      const ReserveOptions& options = {},
                                      const CallOptions& call = {});
  base::Result<ChargeResult> Commit(std::uint64_t reservation,
                                    std::optional<std::int64_t> actual_nano,
                                    const ChargeOptions& options = {},
                                    const CallOptions& call = {});
  // What it freed.
  base::Result<std::int64_t> Release(std::uint64_t reservation, const CallOptions& call = {});
  base::Result<ChargeResult> Record(std::optional<std::int64_t> amount_nano,
                                    const RecordOptions& options = {},
                                    const CallOptions& call = {});

  base::Status SetBudget(std::string_view scope, std::int64_t limit_nano,
                         const BudgetOptions& options = {}, const CallOptions& call = {});
  base::Status DeleteBudget(std::string_view budget, const CallOptions& call = {});
  base::Result<std::vector<BudgetReading>> Budgets(const CallOptions& call = {});

  // {from, to, by, rows, totals}
  base::Result<base::Value> Report(const ReportOptions& options = {}, const CallOptions& call = {});
  // Nano-dollars of a call with this usage.
  base::Result<std::int64_t> Quote(const TokenUsage& usage, const PriceChoice& price,
                                   const CallOptions& call = {});

 private:
  Caller& caller_;
};

}  // namespace reprise::client
