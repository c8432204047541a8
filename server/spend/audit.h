// Audit: does the ledger say what the balances say?
//
// It walks the chain of each namespace from its first record, checks every hash and position, adds
// up the days and the budgets anew, and compares: with the totals of days, with what each budget
// says is spent, with the head. Writing goes on meanwhile: everything is compared at one moment.
//
// Units: records. Threads: a storage thread. Errors: kIo and those of the store; what is wrong with
// the books is in the report. Complexity: O(records). Memory: the totals of one day.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "protocol/base/result.h"
#include "server/spend/budgets.h"
#include "server/spend/ledger.h"
#include "storage/engine/store.h"

namespace reprise::spend {

inline constexpr std::size_t kProblemsShown = 16;

struct AuditReport {
  std::uint64_t records = 0;
  std::uint64_t budgets = 0;
  std::uint64_t totals = 0;                     // rows of days that were compared
  std::uint64_t problem_count = 0;              // 0: the books are right
  std::vector<std::string> problems{};          // the first of them
  std::map<std::uint32_t, LedgerHead> heads{};  // of each namespace; note them to prove the past
};

base::Result<AuditReport> Audit(storage::Store& store, const Ledger& ledger,
                                const Budgets& budgets);

}  // namespace reprise::spend
