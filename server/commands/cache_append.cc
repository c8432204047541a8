// CACHE.APPEND: a piece of an answer that comes as a stream.
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/cache_common.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{kLeaseArg, ArgSpec{.name = "chunk",
                                              .kind = ArgKind::kValue,
                                              .doc = "any MessagePack value; replayed as it came",
                                              .max = base::limits::kValueBytes.ceiling}};
constexpr std::array kErrors{base::Code::kNotFound, base::Code::kTooLarge};
constexpr std::array kExamples{
    Example{R"(["CACHE.APPEND", ["0123456789abcdef0123456789abcdef", "An "]])",
            R"({"error": "not_found"})"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  const auto bytes_max = static_cast<std::size_t>(context.config.cache.value_bytes_max);
  ASSIGN_OR_RETURN(const std::uint32_t chunks,
                   context.instance.cache().flights().Append(
                       context.principal.namespace_id, args.Bytes(0), args.Bytes(1), bytes_max));
  reply.Map(1);
  reply.Field("chunks", chunks);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kCacheAppend;
constexpr CommandSpec kCacheAppend{
    .name = "CACHE.APPEND",
    .family = Family::kCache,
    .summary =
        "Adds a piece of the answer, which callers who wait with `stream` get at once. Nothing can "
        "be "
        "found before CACHE.FILL; a stream that is cut leaves nothing.",
    .complexity = "O(followers)",
    .since = "0.1",
    .flags = kRead,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = {},
    .result = "{chunks}: how many there are",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
