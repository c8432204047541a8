// RESP2. Requests are formatted by hiredis; replies are parsed by their length prefixes, or by
// hiredis' redisReader when the run asks for it.
#include <array>
#include <charconv>
#include <hiredis/hiredis.h>

#include "bench/load/driver.h"
#include "protocol/base/ensure.h"

namespace reprise::bench {
namespace {

// One reply as far as the operations here can cause one.
struct RedisReply {
  char kind = 0;  // + - : $, or n for nil
  std::string_view text;
};

bool IsExpected(const RedisReply& reply, const Call& call, const Content& content) {
  switch (call.operation) {
    case Operation::kPing:
      return reply.kind == '+' && reply.text == "PONG";
    case Operation::kGetHit:
      return reply.kind == '$' && content.Matches(call.key, reply.text);
    case Operation::kGetMiss:
      return reply.kind == 'n';
    case Operation::kSet:
      return reply.kind == '+' && reply.text == "OK";
    case Operation::kLookupExact:
    case Operation::kLookupNormalized:
    case Operation::kFetchHit:
    case Operation::kStore:
    case Operation::kLimitTake:
      return false;
  }
  return false;
}

std::string Describe(const RedisReply& reply, const Call& call) {
  return "unexpected reply for key " + std::to_string(call.key) + ": " +
         (reply.kind == 'n' ? "nil" : detail::Excerpt(reply.text));
}

class RedisDriver final : public Driver {
 public:
  explicit RedisDriver(const Content& content) : content_(content) {}

  Reply Take(std::string_view bytes, const Call& call) override {
    const std::size_t line_end = bytes.find('\r');
    if (line_end == std::string_view::npos || line_end + 2 > bytes.size()) {
      return {};
    }
    RedisReply reply{bytes[0], bytes.substr(1, line_end - 1)};
    std::size_t consumed = line_end + 2;
    if (reply.kind == '$') {
      std::int64_t length = 0;
      const auto parsed =
          std::from_chars(reply.text.data(), reply.text.data() + reply.text.size(), length);
      if (parsed.ec != std::errc() || length < -1) {
        return Broken("not RESP: " + detail::Excerpt(bytes));
      }
      if (length < 0) {
        reply.kind = 'n';
      } else {
        const auto size = static_cast<std::size_t>(length);
        reply.text = bytes.substr(consumed, size);
        consumed += size + 2;
        if (bytes.size() < consumed) {
          return {};
        }
      }
    } else if (reply.kind != '+' && reply.kind != '-' && reply.kind != ':') {
      return Broken("not RESP: " + detail::Excerpt(bytes));
    }
    if (IsExpected(reply, call, content_)) {
      return {consumed, true, false};
    }
    return Bad(consumed, Describe(reply, call));
  }

 private:
  const Content& content_;
};

// Counts how many of the bytes a reply took; redisReader keeps the rest of what it was fed, so it
// is fed each byte once.
class HiredisDriver final : public Driver {
 public:
  explicit HiredisDriver(const Content& content)
      : content_(content), reader_(redisReaderCreate(), redisReaderFree) {
    ENSURE(reader_ != nullptr);
  }

  Reply Take(std::string_view bytes, const Call& call) override {
    const std::string_view fresh = bytes.substr(fed_);
    fed_ = bytes.size();
    void* raw = nullptr;
    if (redisReaderFeed(reader_.get(), fresh.data(), fresh.size()) != REDIS_OK ||
        redisReaderGetReply(reader_.get(), &raw) != REDIS_OK) {
      return Broken(static_cast<const char*>(reader_->errstr));
    }
    if (raw == nullptr) {
      return {};
    }
    const std::unique_ptr<redisReply, void (*)(void*)> owned(static_cast<redisReply*>(raw),
                                                             freeReplyObject);
    const std::size_t left = reader_->len - reader_->pos;
    const std::size_t consumed = bytes.size() - left;
    fed_ = left;
    const RedisReply reply = Simplify(*owned);
    if (IsExpected(reply, call, content_)) {
      return {consumed, true, false};
    }
    return Bad(consumed, Describe(reply, call));
  }

 private:
  static RedisReply Simplify(const redisReply& reply) {
    switch (reply.type) {
      case REDIS_REPLY_STRING:
        return {'$', {reply.str, reply.len}};
      case REDIS_REPLY_STATUS:
        return {'+', {reply.str, reply.len}};
      case REDIS_REPLY_ERROR:
        return {'-', {reply.str, reply.len}};
      case REDIS_REPLY_NIL:
        return {'n', {}};
      default:
        return {':', {}};
    }
  }

  const Content& content_;
  std::unique_ptr<redisReader, void (*)(redisReader*)> reader_;
  std::size_t fed_ = 0;  // of the bytes that the next Take begins with
};

template <std::size_t kCount>
std::string Format(const std::array<std::string, kCount>& arguments) {
  std::array<const char*, kCount> pointers{};
  std::array<std::size_t, kCount> sizes{};
  for (std::size_t i = 0; i < kCount; ++i) {
    pointers[i] = arguments[i].data();
    sizes[i] = arguments[i].size();
  }
  char* formatted = nullptr;
  const int size =
      redisFormatCommandArgv(&formatted, static_cast<int>(kCount), pointers.data(), sizes.data());
  ENSURE(size >= 0);
  std::string request(formatted, static_cast<std::size_t>(size));
  redisFreeCommand(formatted);
  return request;
}

}  // namespace

namespace detail {

std::string EncodeRedis(Operation operation, const Content& content, std::uint64_t key) {
  switch (operation) {
    case Operation::kPing:
      return Format<1>({"PING"});
    case Operation::kGetHit:
    case Operation::kGetMiss:
      return Format<2>({"GET", KeyName(operation, key)});
    case Operation::kSet:
      return Format<3>({"SET", KeyName(operation, key), content.ValueOf(key)});
    case Operation::kLookupExact:
    case Operation::kLookupNormalized:
    case Operation::kFetchHit:
    case Operation::kStore:
    case Operation::kLimitTake:
      return {};
  }
  return {};
}

std::unique_ptr<Driver> MakeRedis(const Content& content, bool hiredis) {
  if (hiredis) {
    return std::make_unique<HiredisDriver>(content);
  }
  return std::make_unique<RedisDriver>(content);
}

}  // namespace detail
}  // namespace reprise::bench
