// KeyCommands: raw values with an optional time to live, for memoising anything.
//
//   client::KeyCommands keys = client.Keys();
//   auto stored = keys.Set("answer", 42, {.ttl_ms = 60'000});
//
// Units: ttl_ms in milliseconds, 0 means "no expiry". Threads: those of the Caller, which must
// outlive this. Errors: those of caller.h; also kTooLarge (key above 4 KiB, value above
// store.value_bytes), kReadOnly, kForbidden. Repeating: what reads is repeated when a connection is
// lost; Set, MSet, Del, Expire, Persist and IncrBy are repeated only when nothing had been sent.
// Complexity: one round trip each.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/cpp/caller.h"

namespace reprise::client {

struct SetOptions {
  std::int64_t ttl_ms = 0;
  bool only_if_absent = false;   // nx
  bool only_if_present = false;  // xx
};

struct ScanOptions {
  std::string prefix{};
  std::string after{};     // the `next` of the page before; empty: from the start
  std::int64_t limit = 0;  // keys in one page, at most 1000; 0: the server's default
};
struct ScanPage {
  std::vector<std::string> keys{};
  std::optional<std::string> next{};  // absent on the last page
};

// TTL's three answers.
struct TimeToLive {
  bool exists = false;
  std::optional<std::int64_t> left_ms{};  // absent when the key has no expiry
};

class KeyCommands {
 public:
  explicit KeyCommands(Caller& caller) : caller_(caller) {}

  // False when only_if_absent or only_if_present was not met.
  base::Result<bool> Set(std::string_view key, const base::Value& value,
                         const SetOptions& options = {}, const CallOptions& call = {});
  // Absent when there is no such key, or it has expired. A stored nil reads as absent, too: Exists
  // tells them apart.
  base::Result<std::optional<base::Value>> Get(std::string_view key, const CallOptions& call = {});
  // In the order of `keys`. At most 1024 keys.
  base::Result<std::vector<std::optional<base::Value>>> MGet(const std::vector<std::string>& keys,
                                                             const CallOptions& call = {});
  // All or nothing. At most 1024 pairs.
  base::Status MSet(const std::vector<std::pair<std::string, base::Value>>& pairs,
                    std::int64_t ttl_ms = 0, const CallOptions& call = {});
  // How many of them there were.
  base::Result<std::uint64_t> Del(const std::vector<std::string>& keys,
                                  const CallOptions& call = {});
  base::Result<std::uint64_t> Exists(const std::vector<std::string>& keys,
                                     const CallOptions& call = {});
  // False when there is no such key.
  base::Result<bool> Expire(std::string_view key, std::int64_t ttl_ms,
                            const CallOptions& call = {});
  // Takes the expiry away. False when there is no such key or it had no expiry.
  base::Result<bool> Persist(std::string_view key, const CallOptions& call = {});
  base::Result<TimeToLive> Ttl(std::string_view key, const CallOptions& call = {});
  // The sum; an absent key counts as 0. kWrongType when the value is no integer. `ttl_ms` other
  // than 0 sets the expiry.
  base::Result<std::int64_t> IncrBy(std::string_view key, std::int64_t delta,
                                    std::int64_t ttl_ms = 0, const CallOptions& call = {});
  // One page of the key names, in byte order. Keys that are written meanwhile may be missed.
  base::Result<ScanPage> Scan(const ScanOptions& options = {}, const CallOptions& call = {});

 private:
  Caller& caller_;
};

}  // namespace reprise::client
