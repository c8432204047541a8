#include "bench/traces/report.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace reprise::bench {
namespace {

const Line* Find(const Comparison& comparison, std::string_view policy) {
  for (const Line& line : comparison.lines) {
    if (line.policy == policy) {
      return &line;
    }
  }
  return nullptr;
}

std::string Percent(double share) {
  if (share < 0) {
    return "-";
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.2f %%", share * 100);
  return text;
}

std::string Ratio(double value, double of) {
  if (value < 0 || of <= 0) {
    return "-";
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.3fx", value / of);
  return text;
}

std::string IntroOf(const RunFacts& facts) {
  std::string text =
      "# Eviction: what each policy saves\n\n"
      "Written by `reprise-traces` (bench/README.md says how). Each trace runs through the cache's "
      "own "
      "index and policies;\na request that finds no answer stores one. " +
      std::to_string(facts.requests) + " requests over " + std::to_string(facts.questions) +
      " questions, seed " + std::to_string(facts.seed) + ", commit " + facts.commit + ".\n\n";
  text += facts.prices > 0
              ? "Costs: list prices of " + std::to_string(facts.prices) +
                    " models, any with equal chance for each question; tokens in and out are "
                    "log-normal\n(medians 300 and 250, sigma 1). "
              : "SKIPPED money: there was no price list. ";
  text +=
      "Money is the share that was saved of what all requests would cost.\n\n"
      "- `belady` is the optimum for hits by entries: it knows the future.\n"
      "- `no more than` bounds any policy, for hits and for money apart: the best use of the "
      "bound's room summed over time.\n"
      "- `unbounded` computes every question once.\n";
  return text;
}

}  // namespace

Bar BarOf(const Comparison& comparison) {
  const Line* lru = Find(comparison, "lru");
  const Line* lfu = Find(comparison, "lfu");
  const Line* cost = Find(comparison, "cost");
  Bar bar;
  if (lru == nullptr || lfu == nullptr || cost == nullptr || lru->money_saved <= 0) {
    return bar;
  }
  const double best = std::max({lru->hit_rate, lfu->hit_rate, cost->hit_rate});
  bar.money_over_lru = cost->money_saved / lru->money_saved;
  bar.hits_below_best = 1 - cost->hit_rate / best;
  bar.met = bar.money_over_lru >= kMoneyOverLruMin && bar.hits_below_best <= kHitsBelowBestMax;
  return bar;
}

std::string MarkdownOf(const RunFacts& facts, const std::vector<Comparison>& comparisons) {
  std::string text = IntroOf(facts);
  for (const Comparison& comparison : comparisons) {
    text += "\n## " + comparison.trace + ", " + comparison.bound + "\n\n";
    text +=
        "| policy | hit rate | v. lru | money saved | v. lru |\n| --- | --- | --- | --- | --- |\n";
    const Line lru = comparison.lines.front();
    for (const Line& line : comparison.lines) {
      text += "| " + line.policy + " | " + Percent(line.hit_rate) + " | " +
              Ratio(line.hit_rate, lru.hit_rate) + " | " + Percent(line.money_saved) + " | " +
              Ratio(line.money_saved, lru.money_saved) + " |\n";
    }
    if (comparison.has_bar && facts.prices > 0) {
      const Bar bar = BarOf(comparison);
      char line[160];
      std::snprintf(
          line, sizeof line,
          "\nBar: cost saves %.3fx the money of lru (1.10x), its hit rate is %.2f %% below "
          "the best policy's (3 %%): %s.\n",
          bar.money_over_lru, bar.hits_below_best * 100, bar.met ? "met" : "MISSED");
      text += line;
    }
  }
  return text;
}

std::string JsonOf(const RunFacts& facts, const std::vector<Comparison>& comparisons) {
  nlohmann::ordered_json out;
  out["commit"] = facts.commit;
  out["seed"] = facts.seed;
  out["questions"] = facts.questions;
  out["requests"] = facts.requests;
  out["prices"] = facts.prices;
  out["comparisons"] = nlohmann::ordered_json::array();
  for (const Comparison& comparison : comparisons) {
    nlohmann::ordered_json item;
    item["trace"] = comparison.trace;
    item["bound"] = comparison.bound;
    for (const Line& line : comparison.lines) {
      item["policies"][line.policy]["hit_rate"] = line.hit_rate;
      if (line.money_saved >= 0) {
        item["policies"][line.policy]["money_saved"] = line.money_saved;
      }
    }
    if (comparison.has_bar && facts.prices > 0) {
      const Bar bar = BarOf(comparison);
      item["bar"] = {{"money_over_lru", bar.money_over_lru},
                     {"hits_below_best", bar.hits_below_best},
                     {"met", bar.met}};
    }
    out["comparisons"].push_back(item);
  }
  return out.dump(2) + "\n";
}

}  // namespace reprise::bench
