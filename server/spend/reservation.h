// Reservation: money that is held for a call until its real cost is known, and the table of those
// that nobody has settled.
//
// A reservation holds until it is committed, released, or its lease is over. Its row stays for
// kLateKeepMs more, so that a commit that comes late still finds what it was for. Bytes: FORMAT.md.
// Units: nano-dollars, milliseconds. Threads: one owner. Errors: kCorrupt. Complexity: O(log n) a
// change. Limits: the caller's.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "protocol/base/clock.h"
#include "protocol/base/result.h"
#include "server/spend/rows.h"
#include "server/spend/scope.h"

namespace reprise::spend {

inline constexpr std::int64_t kLateKeepMs = std::int64_t{7} * 86'400'000;

struct Reservation {
  std::uint64_t id = 0;
  NamespaceId owner{};
  std::int64_t amount_nano = 0;
  base::UnixMillis expires_at{0};
  CallScopes scopes{};
  std::string provider{};
  std::string tier{};
  std::vector<std::uint64_t> budgets{};  // whose money it holds

  bool operator==(const Reservation&) const = default;
};

std::string FormatReservation(const Reservation& reservation);
base::Result<Reservation> ParseReservation(NamespaceId owner, std::uint64_t id,
                                           std::string_view value);

class Reservations {
 public:
  void Add(Reservation reservation);
  // Null when there is none.
  const Reservation* Find(std::uint64_t id) const;
  // The reservation, taken out; absent id gives one with the id 0.
  Reservation Take(std::uint64_t id);

  std::size_t size() const { return all_.size(); }
  std::size_t CountOf(NamespaceId owner) const;
  // In order of expiry.
  const std::set<std::pair<base::UnixMillis, std::uint64_t>>& by_expiry() const {
    return by_expiry_;
  }
  std::vector<std::uint64_t> IdsOf(NamespaceId owner) const;

 private:
  std::unordered_map<std::uint64_t, Reservation> all_;
  std::set<std::pair<base::UnixMillis, std::uint64_t>> by_expiry_;
  std::map<std::uint32_t, std::size_t> counts_;  // by namespace
};

}  // namespace reprise::spend
