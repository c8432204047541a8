// CACHE.STORE: puts an answer in.
#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/cache_common.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::int64_t kTokensMax = 1'000'000'000;
constexpr std::int64_t kCostNanoMax = 1'000'000'000'000'000;  // a million dollars

constexpr std::array kArgs{kPromptArg, ArgSpec{.name = "response",
                                               .kind = ArgKind::kValue,
                                               .doc = "the answer: any MessagePack value but nil",
                                               .max = base::limits::kValueBytes.ceiling}};
enum Option : std::size_t {
  kTags = kQuestionOptions,
  kTtlMs,
  kTokensIn,
  kTokensOut,
  kCostNano,
  kModel
};
constexpr std::array kOptions{
    kIdentityOption,
    kTypeOption,
    ArgSpec{.name = "tags",
            .kind = ArgKind::kTexts,
            .doc = "labels of the entry; at most 32 of at most 128 bytes",
            .max = 8192},
    kTtlOption,
    ArgSpec{.name = "tokens_in",
            .kind = ArgKind::kInt,
            .doc = "input tokens of the call that made the answer",
            .max = kTokensMax},
    ArgSpec{.name = "tokens_out",
            .kind = ArgKind::kInt,
            .doc = "output tokens of that call",
            .max = kTokensMax},
    ArgSpec{.name = "cost_nano",
            .kind = ArgKind::kInt,
            .doc = "price of that call in nano-dollars",
            .max = kCostNanoMax},
    ArgSpec{.name = "model",
            .kind = ArgKind::kText,
            .doc = "who answered; kept for reports, not part of the identity",
            .max = base::limits::kTagBytes.value}};
constexpr std::array kErrors{base::Code::kTooLarge, base::Code::kReadOnly};
constexpr std::array kExamples{
    Example{
        R"(["CACHE.STORE", ["What is RAII?", "Resource acquisition is initialization.", {"type": "factLookup", "tokens_in": 12, "tokens_out": 40, "cost_nano": 90000}]])",
        R"({"id": "*", "tier_keys": {"exact": "*", "normalized": "*"}, "expires_at_ms": "*"})"},
    Example{R"(["CACHE.STORE", ["What is RAII?", null]])", R"({"error": "bad_request"})"},
    Example{R"(["CACHE.STORE", ["p", "r", {"type": "nonsense"}]])", R"({"error": "bad_request"})"},
};

base::Status CheckTags(std::string_view tags) {
  if (tags.empty()) {
    return base::Ok{};
  }
  wire::Reader reader(tags);
  ASSIGN_OR_RETURN(const std::uint32_t count, reader.Array());
  if (count > base::limits::kTags.value) {
    return base::Error{base::Code::kTooLarge, "CACHE.STORE: 'tags' has " + std::to_string(count) +
                                                  " items, the limit is 32"};
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    ASSIGN_OR_RETURN(const std::string_view tag, reader.Str());
    if (tag.empty() || tag.size() > static_cast<std::size_t>(base::limits::kTagBytes.value)) {
      return base::Error{base::Code::kTooLarge, "CACHE.STORE: a tag has 1 to 128 bytes"};
    }
  }
  return base::Ok{};
}

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  RETURN_IF_ERROR(CheckTags(args.BytesOr(kTags, "")));
  const cache::Question question = QuestionOf(context, args);
  cache::Answer answer{
      args.Bytes(1), args.BytesOr(kModel, ""), args.BytesOr(kTags, ""), args.MaybeInt(kTtlMs), {}};
  answer.worth.tokens_in = static_cast<std::uint32_t>(args.IntOr(kTokensIn, 0));
  answer.worth.tokens_out = static_cast<std::uint32_t>(args.IntOr(kTokensOut, 0));
  answer.worth.cost_nano = static_cast<std::uint64_t>(args.IntOr(kCostNano, 0));
  ASSIGN_OR_RETURN(const cache::Stored stored,
                   context.instance.cache().Store(question, answer, context.config.cache,
                                                  context.view.transaction()));
  reply.Map(3);
  reply.Field("id", stored.id);
  reply.Str("tier_keys");
  reply.Map(2);
  reply.Field("exact", stored.exact.Hex());
  reply.Field("normalized", stored.normalized.Hex());
  reply.Field("expires_at_ms", base::ToInt(stored.expires_at));
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kCacheStore;
constexpr CommandSpec kCacheStore{
    .name = "CACHE.STORE",
    .family = Family::kCache,
    .summary =
        "Stores the answer to a prompt; the same prompt and identity replaces what was there.",
    .complexity = "O(prompt + identity + response bytes)",
    .since = "0.1",
    .flags = kWrite | kIdempotent,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result = "{id, tier_keys: {exact, normalized}, expires_at_ms}",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
