// Savings: what hits saved since it was last told to the ledger of money, by tier, type, model and
// bot together.
//
// A record for each hit would cost a synced write of 150 bytes for a read of a microsecond. So hits
// add up here; the sums are written with the counters (a crash finds both or neither), and leave in
// one transaction with the records of the ledger that they become.
//
// Threads: one owner at a time (Space's mutex). Errors: none; ParseSavings kCorrupt. Complexity:
// O(1) a hit. Limit: kSavingSums; hits beyond count under the names "(other)".
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "protocol/base/clock.h"
#include "protocol/base/result.h"
#include "server/cache/row.h"
#include "server/cache/tier.h"
#include "storage/engine/namespace_id.h"

namespace reprise::cache {

inline constexpr std::size_t kSavingSums = 512;         // of a namespace
inline constexpr std::int64_t kSavingsKeptMs = 60'000;  // then the ledger has them

struct SavingSum {
  Tier tier = Tier::kExact;
  std::string type;
  std::string model;
  std::string bot;
  std::uint64_t hits = 0;
  std::uint64_t tokens_in = 0;
  std::uint64_t tokens_out = 0;
  std::uint64_t cost_nano = 0;
};

class Savings {
 public:
  // The numbers of three accounts.
  struct Key {
    std::uint16_t type = 0;
    std::uint16_t model = 0;
    std::uint16_t bot = 0;
    Tier tier = Tier::kExact;
  };
  struct Sum {
    std::uint64_t hits = 0;
    std::uint64_t tokens_in = 0;
    std::uint64_t tokens_out = 0;
    std::uint64_t cost_nano = 0;
  };

  // Whether the sums can take a hit of this key; else it goes to that of the names "(other)".
  bool HasRoomFor(const Key& key) const;
  void Add(const Key& key, const Worth& worth, base::UnixMillis now);
  void Add(const Key& key, const Sum& sum, base::UnixMillis now);

  bool IsEmpty() const { return sums_.empty(); }
  // The oldest hit is older than kSavingsKeptMs, or there is little room left.
  bool IsDue(base::UnixMillis now) const;
  std::vector<std::pair<Key, Sum>> All() const;
  void Clear() { sums_.clear(); }

 private:
  std::unordered_map<std::uint64_t, Sum> sums_;  // by the key's numbers
  base::UnixMillis since_{0};                    // of the first hit among them
};

// One row of the family `meta` for each namespace.
std::string SavingsKey(storage::NamespaceId id);
std::string FormatSavings(const std::vector<SavingSum>& sums);
base::Result<std::vector<SavingSum>> ParseSavings(std::string_view value);

}  // namespace reprise::cache
