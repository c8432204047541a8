#include "bench/load/driver.h"

#include <catch2/catch.hpp>

#include "protocol/wire/message.h"
#include "protocol/wire/writer.h"

namespace reprise::bench {
namespace {

constexpr Protocol kAll[] = {Protocol::kReprise, Protocol::kRedis, Protocol::kRedisHiredis,
                             Protocol::kMemcached, Protocol::kMemcachedMeta};
constexpr std::uint32_t kSequence = 0x12345;

Call CallOf(Operation operation, std::uint64_t key) {
  Call call;
  call.operation = operation;
  call.key = key;
  call.sequence = kSequence;
  return call;
}

// The reply that a server of this protocol gives to a GET of `key` when it holds `value`.
std::string HitOf(Protocol protocol, std::uint64_t key, const std::string& value) {
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
      return "VALUE key:" + Digits(key) + " 0 " + size + "\r\n" + value + "\r\nEND\r\n";
    case Protocol::kMemcachedMeta:
      return "VA " + size + "\r\n" + value + "\r\n";
  }
  return {};
}

std::string MissOf(Protocol protocol) {
  switch (protocol) {
    case Protocol::kReprise: {
      base::Buffer out;
      wire::BeginResponse(kSequence, out);
      wire::Writer(out).Nil();
      return std::string(out.view());
    }
    case Protocol::kRedis:
    case Protocol::kRedisHiredis:
      return "$-1\r\n";
    case Protocol::kMemcached:
      return "END\r\n";
    case Protocol::kMemcachedMeta:
      return "EN\r\n";
  }
  return {};
}

std::string ErrorOf(Protocol protocol) {
  if (protocol == Protocol::kReprise) {
    base::Buffer out;
    wire::AppendError(kSequence, {base::Code::kBusy, "no room left"}, out);
    return std::string(out.view());
  }
  const bool redis = protocol == Protocol::kRedis || protocol == Protocol::kRedisHiredis;
  return redis ? "-ERR no room left\r\n" : "SERVER_ERROR no room left\r\n";
}

}  // namespace

TEST_CASE("A patched template is the request that the encoder makes for that key") {
  const Content content(100);
  for (const Protocol protocol : kAll) {
    const Templates templates = MakeTemplates(protocol, content);
    for (std::size_t i = 0; i < kOperations; ++i) {
      const auto operation = static_cast<Operation>(i);
      for (const std::uint64_t key : {std::uint64_t{0}, std::uint64_t{31'337}}) {
        Call call = CallOf(operation, key);
        call.sequence = 0x10000;  // The encoder's.
        base::Buffer out;
        AppendRequest(templates.Of(operation), call, content, out);
        REQUIRE(out.view() == EncodeRequest(protocol, operation, content, key));
      }
    }
  }
}

TEST_CASE("The sequence number of a request comes out as its msgid") {
  const Content content(100);
  const Templates templates = MakeTemplates(Protocol::kReprise, content);
  base::Buffer out;
  AppendRequest(templates.Of(Operation::kSet), CallOf(Operation::kSet, 5), content, out);
  const auto request = wire::ParseRequest(out.view());
  REQUIRE(request.ok());
  CHECK(request.value().msgid == kSequence);
  CHECK(request.value().method == "SET");
}

TEST_CASE("A hit is taken whole, byte by byte and with another behind it") {
  const Content content(300);
  for (const Protocol protocol : kAll) {
    const Call call = CallOf(Operation::kGetHit, 77);
    const std::string reply = HitOf(protocol, 77, content.ValueOf(77));
    const auto driver = MakeDriver(protocol, content);
    for (std::size_t cut = 1; cut < reply.size(); ++cut) {
      const Reply taken = driver->Take(std::string_view(reply).substr(0, cut), call);
      REQUIRE(taken.consumed == 0);
      REQUIRE_FALSE(taken.broken);
    }
    const std::string two = reply + reply;
    const Reply first = driver->Take(two, call);
    CHECK(first.good);
    REQUIRE(first.consumed == reply.size());
    const Reply second = driver->Take(std::string_view(two).substr(first.consumed), call);
    CHECK(second.good);
    CHECK(second.consumed == reply.size());
  }
}

TEST_CASE("A value of another key, a miss and an error are not taken for a hit") {
  const Content content(64);
  for (const Protocol protocol : kAll) {
    const Call call = CallOf(Operation::kGetHit, 77);
    for (const std::string& reply :
         {HitOf(protocol, 77, content.ValueOf(78)), MissOf(protocol), ErrorOf(protocol)}) {
      const auto driver = MakeDriver(protocol, content);
      const Reply taken = driver->Take(reply, call);
      CHECK_FALSE(taken.good);
      CHECK_FALSE(taken.broken);
      CHECK(taken.consumed == reply.size());
      CHECK_FALSE(driver->problem().empty());
    }
    const auto driver = MakeDriver(protocol, content);
    driver->Take(ErrorOf(protocol), call);
    CHECK(driver->problem().find("no room left") != std::string::npos);
  }
}

TEST_CASE("A miss is right only where a miss is expected") {
  const Content content(64);
  for (const Protocol protocol : kAll) {
    const auto driver = MakeDriver(protocol, content);
    CHECK(driver->Take(MissOf(protocol), CallOf(Operation::kGetMiss, 1)).good);
    const std::string hit = HitOf(protocol, 1, content.ValueOf(1));
    CHECK_FALSE(driver->Take(hit, CallOf(Operation::kGetMiss, 1)).good);
  }
}

TEST_CASE("A lookup must be a hit of the expected tier with the right response") {
  const Content content(64);
  const auto reply_of = [&](const char* status, const char* tier, std::uint64_t key) {
    base::Buffer out;
    wire::BeginResponse(kSequence, out);
    wire::Writer writer(out);
    writer.Map(4);
    writer.Field("age_ms", 5);
    writer.Field("status", status);
    writer.Field("response", content.ValueOf(key));
    writer.Field("tier", tier);
    return std::string(out.view());
  };
  const auto is_good = [&](const std::string& reply, Operation operation) {
    return MakeDriver(Protocol::kReprise, content)->Take(reply, CallOf(operation, 9)).good;
  };
  CHECK(is_good(reply_of("hit", "exact", 9), Operation::kLookupExact));
  CHECK(is_good(reply_of("hit", "normalized", 9), Operation::kLookupNormalized));
  CHECK_FALSE(is_good(reply_of("hit", "normalized", 9), Operation::kLookupExact));
  CHECK_FALSE(is_good(reply_of("miss", "exact", 9), Operation::kLookupExact));
  CHECK_FALSE(is_good(reply_of("hit", "exact", 10), Operation::kLookupExact));
}

TEST_CASE("Replies out of order are errors") {
  const Content content(64);
  Call call = CallOf(Operation::kGetHit, 3);
  call.sequence = kSequence + 1;
  const auto driver = MakeDriver(Protocol::kReprise, content);
  CHECK_FALSE(driver->Take(HitOf(Protocol::kReprise, 3, content.ValueOf(3)), call).good);
  CHECK(driver->problem().find("out of order") != std::string::npos);
}

TEST_CASE("Bytes of another protocol break the connection") {
  const Content content(64);
  const Call call = CallOf(Operation::kGetHit, 3);
  CHECK(MakeDriver(Protocol::kReprise, content)->Take("HTTP/1.1 400 Bad\r\n", call).broken);
  CHECK(MakeDriver(Protocol::kRedis, content)->Take("HTTP/1.1 400 Bad\r\n", call).broken);
}

}  // namespace reprise::bench
