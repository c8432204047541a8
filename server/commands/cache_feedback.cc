// CACHE.FEEDBACK: was a hit of the semantic tier right?
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{
    ArgSpec{.name = "hit",
            .kind = ArgKind::kInt,
            .doc = "the `hit` of CACHE.LOOKUP or CACHE.FETCH",
            .min = 1,
            .max = (std::int64_t{1} << 53) - 1},
    ArgSpec{.name = "verdict",
            .kind = ArgKind::kText,
            .doc = "good: the answer was right (of `verify`: the model's own answer agrees); bad",
            .min = 1,
            .max = base::limits::kNameBytes.value}};
constexpr std::array kErrors{base::Code::kNotFound, base::Code::kReadOnly};
constexpr std::array kExamples{
    Example{R"(["CACHE.FEEDBACK", [12345, "bad"]])", R"({"error": "not_found"})"},
    Example{R"(["CACHE.FEEDBACK", [12345, "meh"]])", R"({"error": "bad_request"})"},
};

base::Result<bool> IsGood(std::string_view verdict) {
  if (verdict != "good" && verdict != "bad") {
    return base::Error{base::Code::kBadRequest, "CACHE.FEEDBACK: 'verdict' must be good or bad"};
  }
  return verdict == "good";
}

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  ASSIGN_OR_RETURN(const bool is_good, IsGood(args.Bytes(1)));
  ASSIGN_OR_RETURN(const bool known,
                   context.instance.semantic().Judge(context.principal.namespace_id,
                                                     static_cast<std::uint64_t>(args.Int(0)),
                                                     is_good, context.view.transaction()));
  if (!known) {
    return base::Error{base::Code::kNotFound,
                       "CACHE.FEEDBACK: no such hit, or it was judged before; the last " +
                           std::to_string(semantic::kHitsMax) +
                           " hits since the start are remembered"};
  }
  reply.Map(1);
  reply.Field("quarantined", !is_good);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kCacheFeedback;
constexpr CommandSpec kCacheFeedback{
    .name = "CACHE.FEEDBACK",
    .family = Family::kCache,
    .summary =
        "Tells whether a hit of the semantic tier was right. After `bad` this question and its "
        "close relatives never get that entry again; others still do. Both verdicts count as "
        "evidence of the query type, and move the probability from which on answers are served.",
    .complexity = "O(1)",
    .since = "0.1",
    .flags = kWrite,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = {},
    .result = "{quarantined}",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
