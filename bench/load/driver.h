// Driver: speaks one server's protocol for one connection of the load generator.
//
// Requests are encoded once, at the start, as a RequestTemplate per operation; sending one copies
// the template and patches the digits of the key and, where the protocol has one, the request id.
// This is the same code for all servers, so that they are compared at the same cost. Replies are
// parsed as far as it takes to find their end and to check every byte of the value.
//
// Threads: a Driver has one owner; Templates are shared and const. Errors: an error reply or a
// wrong value is a Reply that is not good, with the reason in problem(); bytes that are not the
// protocol are `broken`. Complexity: O(reply bytes), no memory taken for a good reply (except by
// the hiredis parser, which is there to compare with).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "bench/load/content.h"
#include "protocol/base/buffer.h"

namespace reprise::bench {

enum class Operation : std::uint8_t {
  kPing,
  kGetHit,
  kGetMiss,
  kSet,
  kLookupExact,
  kLookupNormalized,
  kFetchHit,
  kStore,
  kLimitTake,
};
inline constexpr std::size_t kOperations = 9;

constexpr bool CarriesValue(Operation operation) {
  return operation == Operation::kSet || operation == Operation::kStore;
}

// The server, and the dialect or reader where there is a choice.
enum class Protocol : std::uint8_t {
  kReprise,
  kRedis,          // replies parsed by length prefixes, as for the other servers
  kRedisHiredis,   // replies parsed by redisReader
  kMemcached,      // get, set
  kMemcachedMeta,  // mg, ms
};

// One request that was sent and has no reply yet.
struct Call {
  Operation operation = Operation::kPing;
  std::uint32_t sequence = 0;
  std::uint64_t key = 0;
  std::int64_t start_ns = 0;  // when it was, or should have been, sent
};

struct RequestTemplate {
  static constexpr std::size_t kNone = ~std::size_t{0};

  std::string head;  // all, or up to where the value's body follows
  std::size_t sequence_offset = kNone;
  std::array<std::size_t, 2> digits_offsets{kNone, kNone};
  bool with_body = false;
  std::string tail;
};

struct Templates {
  std::array<RequestTemplate, kOperations> of;
  const RequestTemplate& Of(Operation operation) const {
    return of[static_cast<std::size_t>(operation)];
  }
};

// One whole request. Empty when the protocol has no such operation.
std::string EncodeRequest(Protocol protocol, Operation operation, const Content& content,
                          std::uint64_t key);
Templates MakeTemplates(Protocol protocol, const Content& content);
// `call.sequence` and `call.key` go into the request.
void AppendRequest(const RequestTemplate& request, const Call& call, const Content& content,
                   base::Buffer& out);

struct Reply {
  std::size_t consumed = 0;  // 0: the reply is not complete
  bool good = false;
  bool broken = false;  // the connection cannot go on
};

class Driver {
 public:
  virtual ~Driver() = default;
  // `bytes` begin at the reply's first byte and contain all that earlier calls for it have seen.
  virtual Reply Take(std::string_view bytes, const Call& call) = 0;
  // Why the last reply was not good.
  const std::string& problem() const { return problem_; }

 protected:
  Reply Bad(std::size_t consumed, std::string problem) {
    problem_ = std::move(problem);
    return {consumed, false, false};
  }
  Reply Broken(std::string problem) {
    problem_ = std::move(problem);
    return {0, false, true};
  }

 private:
  std::string problem_;
};

// The content outlives the driver.
std::unique_ptr<Driver> MakeDriver(Protocol protocol, const Content& content);

// What CACHE.STORE stores the answer to, and two ways to ask for it.
std::string PromptOf(std::uint64_t key);
std::string RephrasedPromptOf(std::uint64_t key);

namespace detail {  // One file a server; gathered by driver.cc.
std::string EncodeReprise(Operation operation, const Content& content, std::uint64_t key);
std::string EncodeRedis(Operation operation, const Content& content, std::uint64_t key);
std::string EncodeMemcached(Operation operation, const Content& content, std::uint64_t key,
                            bool meta);
std::unique_ptr<Driver> MakeReprise(const Content& content);
std::unique_ptr<Driver> MakeRedis(const Content& content, bool hiredis);
std::unique_ptr<Driver> MakeMemcached(const Content& content, bool meta);
std::string KeyName(Operation operation, std::uint64_t key);
// The first bytes, for messages.
std::string Excerpt(std::string_view bytes);
}  // namespace detail

}  // namespace reprise::bench
