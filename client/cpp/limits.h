// LimitCommands: rate limits, how much of what and how often.
//
//   client::LimitCommands limits = client.Limits();
//   auto taken = limits.Take("user-1", {{.rule = "chat"}, {.rule = "tokens", .quantity = 1'500},
//                                       {.rule = "calls"}});
//   if (!taken.value().allowed) { ... try again after taken.value().retry_after_ms ... }
//   ... call the model ...
//   limits.Release(taken.value().lease, 900);  // What it really used.
//
// Units: milliseconds; whole units of what is limited. Threads: those of the Caller, which must
// outlive this. Errors: those of caller.h; kNotFound (no such limit or lease), kBadRequest
// (contradictory options), kBusy (no room, or state cannot be saved), kReadOnly. A limit that says
// no is no error. Repeating: Peek and List are repeated when a connection is lost, the others only
// when nothing had been sent: a lost answer may have taken. Complexity: one round trip. Limits: 16
// limits in one call, keys of 256 bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/cpp/caller.h"

namespace reprise::client {

// A limit: by name, or given. Zeros and empty texts are left out.
struct Limit {
  std::string rule{};      // the name; empty with no `limit`: the key is the name
  std::int64_t limit = 0;  // instead of a name: so much in `period_ms`, or at a time
  std::int64_t period_ms = 0;
  std::int64_t burst = 0;
  std::string algorithm{};  // gcra (the default), window or concurrency
  std::optional<std::int64_t> quantity{};
  std::string key{};  // where it is not that of the call
};

struct LimitVerdict {
  bool allowed = false;
  std::int64_t limit = 0;
  std::int64_t remaining = 0;
  std::int64_t retry_after_ms = 0;  // -1: never, the quantity is more than fits at once
  std::int64_t reset_ms = 0;
};

struct Taken : LimitVerdict {
  std::string lease{};  // empty: none
  std::int64_t lease_ms = 0;
  std::optional<std::size_t> blocked_by{};  // which of several limits
  std::vector<LimitVerdict> limits{};       // of several limits, each
};

struct Corrected {
  std::int64_t given_back = 0;
  std::int64_t charged = 0;
};

struct LimitRule {
  std::string name{};
  std::string from{};  // configuration or namespace
  std::string algorithm{};
  std::int64_t limit = 0;
  std::int64_t period_ms = 0;
  std::int64_t burst = 0;
  std::int64_t lease_ms = 0;
};

class LimitCommands {
 public:
  explicit LimitCommands(Caller& caller) : caller_(caller) {}

  // Takes if it is allowed. `lease_ms` other than 0 asks for a lease, as limits of concurrency give
  // one anyway.
  base::Result<Taken> Take(std::string_view key, const Limit& limit, std::int64_t lease_ms = 0,
                           const CallOptions& call = {});
  // Of all of them or of none.
  base::Result<Taken> Take(std::string_view key, const std::vector<Limit>& limits,
                           std::int64_t lease_ms = 0, const CallOptions& call = {});
  // What Take would say.
  base::Result<Taken> Peek(std::string_view key, const Limit& limit, const CallOptions& call = {});
  base::Result<Taken> Peek(std::string_view key, const std::vector<Limit>& limits,
                           const CallOptions& call = {});

  // A place of a limit of concurrency; only rule, limit and quantity are looked at.
  base::Result<Taken> Acquire(std::string_view key, const Limit& limit, std::int64_t lease_ms = 0,
                              const CallOptions& call = {});
  // How long it lives from now. 0: as long as before.
  base::Result<std::int64_t> Renew(std::string_view lease, std::int64_t lease_ms = 0,
                                   const CallOptions& call = {});
  // Ends a lease; `quantity` is what was really used of the limits taken with one.
  base::Result<Corrected> Release(std::string_view lease, std::optional<std::int64_t> quantity = {},
                                  const CallOptions& call = {});
  // Charges what was used already. In the answer `allowed` says nothing.
  base::Result<LimitVerdict> Adjust(std::string_view key, std::int64_t quantity, const Limit& limit,
                                    const CallOptions& call = {});

  // `rule.name` and `rule.from` are not looked at.
  base::Result<LimitRule> Set(std::string_view name, const LimitRule& rule,
                              const CallOptions& call = {});
  base::Result<std::vector<LimitRule>> List(const CallOptions& call = {});
  // False when there was none.
  base::Result<bool> Delete(std::string_view name, const CallOptions& call = {});

 private:
  base::Result<Taken> Ask(std::string_view method, const base::Value::Array& params,
                          const CallOptions& call);

  Caller& caller_;
};

}  // namespace reprise::client
