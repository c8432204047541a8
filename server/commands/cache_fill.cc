// CACHE.FILL: the answer of a lease holder, for the store and for everybody who waits.
#include <utility>

#include "protocol/wire/writer.h"
#include "server/cache/fill.h"
#include "server/commands/args.h"
#include "server/commands/cache_common.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"
#include "server/commands/strategies.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{
    kLeaseArg, ArgSpec{.name = "response",
                       .kind = ArgKind::kValue,
                       .doc = "the answer; nil when it was given by CACHE.APPEND: then it is the "
                              "array of the pieces. Beside pieces no other answer than theirs: all "
                              "of them, or what they are when joined",
                       .max = base::limits::kValueBytes.ceiling}};
constexpr std::array kOptions{kTagsOption,     kTtlOption,   kTokensInOption, kTokensOutOption,
                              kCostNanoOption, kModelOption, kVectorOption};
constexpr std::array kErrors{base::Code::kNotFound, base::Code::kTooLarge, base::Code::kReadOnly};
constexpr std::array kExamples{
    Example{R"(["CACHE.FILL", ["0123456789abcdef0123456789abcdef", "An answer."]])",
            R"({"error": "not_found"})"},
};

struct Made {
  cache::Stored stored;
  std::shared_ptr<const cache::Filled> filled;
};

base::Result<Made> StoreAnswer(Context& context, const Args& args,
                               const cache::Flights::Filling& filling) {
  const auto bytes_max = static_cast<std::size_t>(context.config.cache.value_bytes_max);
  auto read = cache::ReadFill({args.Bytes(1), filling.chunks, filling.cut}, bytes_max);
  if (!read.ok()) {
    return base::Error{read.error().code, "CACHE.FILL: " + read.error().detail +
                                              "; CACHE.ABANDON gives the lease back"};
  }
  const std::string_view response = read.value().response;
  ASSIGN_OR_RETURN(cache::Answer answer, AnswerOf(args, response, 0));
  answer.invalidated = filling.invalidated;
  answer.for_semantic = SemanticMayRun(context);
  if (answer.model.empty()) {
    answer.model = filling.model;
  }
  const cache::FlightQuestion& asked = filling.question;
  const cache::Question question{asked.namespace_id, asked.prompt, asked.identity, asked.type,
                                 context.asker};
  ASSIGN_OR_RETURN(const cache::Stored stored,
                   context.instance.cache().Store(question, answer, context.config.cache,
                                                  context.view.transaction()));
  auto filled = std::make_shared<cache::Filled>();
  filled->exact = stored.exact;
  filled->id = stored.id;
  filled->response = response;
  filled->joined = std::move(read).value().joined;
  filled->model = answer.model;
  filled->type = asked.type;
  filled->worth = answer.worth;
  filled->created_at = context.now();
  filled->expires_at = stored.expires_at;
  return Made{stored, std::move(filled)};
}

// Counts what the caller did wrong; that the store could not write is not its fault.
void CountRefused(Context& context, std::string_view type, base::Code code) {
  const auto count = [&](cache::Reason reason) {
    context.instance.cache().CountRefusedFill(context.principal.namespace_id, type, reason,
                                              context.asker);
  };
  if (code == base::Code::kNotFound) {
    count(cache::Reason::kNoLease);
  } else if (code == base::Code::kTooLarge) {
    count(cache::Reason::kTooLarge);
  } else if (code == base::Code::kBadRequest) {
    count(cache::Reason::kNoAnswer);
  }
}

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  cache::Flights& flights = context.instance.cache().flights();
  const std::string token(args.Bytes(0));
  const auto began = flights.BeginFill(context.principal.namespace_id, token);
  if (!began.ok()) {
    CountRefused(context, "", began.error().code);
    return began.error();
  }
  const cache::Flights::Filling& filling = began.value();
  auto made = StoreAnswer(context, args, filling);
  if (!made.ok()) {
    CountRefused(context, filling.question.type, made.error().code);
    flights.CancelFill(token);
    return made.error();
  }
  // The answer is good even when it could not be kept.
  const auto hand_out = [&flights, token, filled = made.value().filled] {
    flights.EndFill(token, filled);
  };
  context.view.transaction().OnCommit(hand_out);
  context.view.transaction().OnAbort(hand_out);
  WriteStored(made.value().stored, reply);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kCacheFill;
constexpr CommandSpec kCacheFill{
    .name = "CACHE.FILL",
    .family = Family::kCache,
    .summary =
        "Stores the answer that a lease was for, and hands it to everybody who waits for it. An "
        "empty answer, an error of the upstream and a stream that was cut are refused, and the "
        "lease stays.",
    .complexity = "O(prompt + identity + response bytes + waiters)",
    .since = "0.1",
    .flags = kWrite,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result =
        "{stored: true, id, tier_keys: {exact, normalized}, expires_at_ms}, or {stored: false, "
        "reason} when the policies keep no such answer: whoever waits has it all the same",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
