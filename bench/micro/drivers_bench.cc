// What each driver of the load generator costs for one GET hit of 1 KiB, without the network: the
// request made, the reply parsed, every byte of its value checked. The figures of the drivers must
// stay close together, or the comparison is not fair.
#include <string>

#include <benchmark/benchmark.h>

#include "bench/load/driver.h"
#include "protocol/wire/message.h"
#include "protocol/wire/writer.h"

namespace reprise::bench {
namespace {

constexpr std::size_t kValueBytes = 1024;
constexpr std::uint64_t kKey = 1234;
constexpr std::uint32_t kSequence = 0x10000;

std::string HitOf(Protocol protocol, const Content& content) {
  const std::string value = content.ValueOf(kKey);
  const std::string size = std::to_string(value.size());
  switch (protocol) {
    case Protocol::kReprise: {
      base::Buffer out;
      wire::BeginResponse(kSequence, out);
      wire::Writer(out).Str(value);
      return std::string(out.view());
    }
    case Protocol::kRedis:
    case Protocol::kRedisHiredis:
      return "$" + size + "\r\n" + value + "\r\n";
    case Protocol::kMemcached:
      return "VALUE key:" + Digits(kKey) + " 0 " + size + "\r\n" + value + "\r\nEND\r\n";
    case Protocol::kMemcachedMeta:
      return "VA " + size + "\r\n" + value + "\r\n";
  }
  return {};
}

Call CallOf(Operation operation) {
  Call call;
  call.operation = operation;
  call.key = kKey;
  call.sequence = kSequence;
  return call;
}

void TakeHit(benchmark::State& state, Protocol protocol) {
  const Content content(kValueBytes);
  const std::string reply = HitOf(protocol, content);
  const Call call = CallOf(Operation::kGetHit);
  const auto driver = MakeDriver(protocol, content);
  for ([[maybe_unused]] auto _ : state) {
    const Reply taken = driver->Take(reply, call);
    if (!taken.good) {
      state.SkipWithError(driver->problem().c_str());
      break;
    }
  }
}

void Append(benchmark::State& state, Protocol protocol, Operation operation) {
  const Content content(kValueBytes);
  const Templates templates = MakeTemplates(protocol, content);
  const Call call = CallOf(operation);
  base::Buffer out;
  for ([[maybe_unused]] auto _ : state) {
    AppendRequest(templates.Of(operation), call, content, out);
    benchmark::DoNotOptimize(out.data());
    out.Clear();
  }
}

BENCHMARK_CAPTURE(TakeHit, reprise, Protocol::kReprise);
BENCHMARK_CAPTURE(TakeHit, redis, Protocol::kRedis);
BENCHMARK_CAPTURE(TakeHit, redis_hiredis, Protocol::kRedisHiredis);
BENCHMARK_CAPTURE(TakeHit, memcached, Protocol::kMemcached);
BENCHMARK_CAPTURE(TakeHit, memcached_meta, Protocol::kMemcachedMeta);
BENCHMARK_CAPTURE(Append, reprise_get, Protocol::kReprise, Operation::kGetHit);
BENCHMARK_CAPTURE(Append, redis_get, Protocol::kRedis, Operation::kGetHit);
BENCHMARK_CAPTURE(Append, memcached_get, Protocol::kMemcached, Operation::kGetHit);
BENCHMARK_CAPTURE(Append, reprise_set, Protocol::kReprise, Operation::kSet);
BENCHMARK_CAPTURE(Append, redis_set, Protocol::kRedis, Operation::kSet);
BENCHMARK_CAPTURE(Append, memcached_set, Protocol::kMemcached, Operation::kSet);

}  // namespace
}  // namespace reprise::bench
