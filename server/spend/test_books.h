// TestBooks: the money of one namespace over a TestTransaction, in short forms.
//
// For the tests of this module. Threads: one.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <catch2/catch.hpp>

#include "server/spend/budgets.h"
#include "server/spend/ledger.h"
#include "server/spend/test_transaction.h"

namespace reprise::spend {

inline CallScopes ScopesOf(std::initializer_list<std::string_view> texts) {
  CallScopes scopes;
  for (const std::string_view text : texts) {
    REQUIRE(scopes.Add(ParseScope(text).value()).ok());
  }
  return scopes;
}

struct TestBooks {
  Budget Set(const char* scope, std::int64_t limit, PeriodKind kind = PeriodKind::kDay,
             bool is_hard = true) {
    BudgetTerms terms{ParseScope(scope).value(), {kind}, limit, is_hard};
    return budgets.Set(home, terms, transaction).value().budget;
  }
  Reserved Reserve(std::initializer_list<std::string_view> scopes, std::int64_t amount,
                   std::int64_t lease_ms = 60'000) {
    return budgets.Reserve({home, ScopesOf(scopes), amount, lease_ms, {}, {}}, transaction).value();
  }
  Charged Charge(std::initializer_list<std::string_view> scopes, std::int64_t amount,
                 std::uint64_t reservation = 0) {
    return budgets.Charge({home, ScopesOf(scopes), amount, reservation}, transaction);
  }
  Budget At(std::string_view name) const {
    for (const Budget& budget : budgets.List(home, nullptr, true, transaction.now())) {
      if (NameOf(budget.terms) == name) {
        return budget;
      }
    }
    FAIL("no budget " << name);
    return {};
  }

  NamespaceId home = storage::kDefaultNamespace;
  TestTransaction transaction;
  Numbers numbers;
  Budgets budgets{numbers};
};

}  // namespace reprise::spend
