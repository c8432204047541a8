// CACHE.FILL: the answer of a lease holder, for the store and for everybody who waits.
#include <utility>

#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/cache_common.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{
    kLeaseArg, ArgSpec{.name = "response",
                       .kind = ArgKind::kValue,
                       .doc = "the answer; nil when it was given by CACHE.APPEND: then it is the "
                              "array of the pieces",
                       .max = base::limits::kValueBytes.ceiling}};
constexpr std::array kOptions{kTagsOption,      kTtlOption,      kTokensInOption,
                              kTokensOutOption, kCostNanoOption, kModelOption};
constexpr std::array kErrors{base::Code::kNotFound, base::Code::kTooLarge, base::Code::kReadOnly};
constexpr std::array kExamples{
    Example{R"(["CACHE.FILL", ["0123456789abcdef0123456789abcdef", "An answer."]])",
            R"({"error": "not_found"})"},
};

// Nobody is served an answer that is none.
base::Status CheckNotPoisoned(std::string_view response) {
  wire::Reader reader(response);
  ASSIGN_OR_RETURN(const wire::Token token, reader.Next());
  const bool sized = token.kind == wire::Kind::kStr || token.kind == wire::Kind::kBin ||
                     token.kind == wire::Kind::kArray || token.kind == wire::Kind::kMap;
  if (token.kind == wire::Kind::kNil || (sized && token.length == 0)) {
    return base::Error{base::Code::kBadRequest,
                       "CACHE.FILL: the answer is empty; CACHE.ABANDON gives the lease back"};
  }
  if (token.kind != wire::Kind::kMap) {
    return base::Ok{};
  }
  for (std::uint32_t i = 0; i < token.length; ++i) {
    const std::string_view before = reader.Rest();
    ASSIGN_OR_RETURN(const wire::Token key, reader.Next());
    const bool is_error =
        key.kind == wire::Kind::kStr && before.substr(key.header_bytes, key.length) == "error";
    if (key.kind == wire::Kind::kArray || key.kind == wire::Kind::kMap) {
      return base::Ok{};  // Nothing that an upstream sends.
    }
    constexpr char kNil = '\xc0';
    if (is_error && !reader.Rest().empty() && reader.Rest().front() != kNil) {
      return base::Error{base::Code::kBadRequest,
                         "CACHE.FILL: the answer is an error of the upstream (it has 'error'); "
                         "CACHE.ABANDON gives the lease back"};
    }
    RETURN_IF_ERROR(reader.Raw());
  }
  return base::Ok{};
}

struct Made {
  cache::Stored stored;
  std::shared_ptr<const cache::Filled> filled;
};

base::Result<Made> StoreAnswer(Context& context, const Args& args,
                               const cache::Flights::Filling& filling) {
  constexpr std::string_view kNil = "\xc0";
  const bool from_pieces = args.Bytes(1) == kNil && !filling.chunks.empty();
  if (from_pieces && filling.cut) {
    return base::Error{
        base::Code::kBadRequest,
        "CACHE.FILL: a piece was refused, so that the others are no answer; give the "
        "whole answer here, or CACHE.ABANDON the lease"};
  }
  const std::string_view response = from_pieces ? filling.chunks : args.Bytes(1);
  RETURN_IF_ERROR(CheckNotPoisoned(response));
  ASSIGN_OR_RETURN(cache::Answer answer, AnswerOf(args, response, 0));
  answer.invalidated = filling.invalidated;
  if (answer.model.empty()) {
    answer.model = filling.model;
  }
  const cache::FlightQuestion& asked = filling.question;
  const cache::Question question{asked.namespace_id, asked.prompt, asked.identity, asked.type};
  ASSIGN_OR_RETURN(const cache::Stored stored,
                   context.instance.cache().Store(question, answer, context.config.cache,
                                                  context.view.transaction()));
  auto filled = std::make_shared<cache::Filled>();
  filled->exact = stored.exact;
  filled->id = stored.id;
  filled->response = response;
  filled->model = answer.model;
  filled->type = asked.type;
  filled->worth = answer.worth;
  filled->created_at = context.now();
  filled->expires_at = stored.expires_at;
  return Made{stored, std::move(filled)};
}

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  cache::Flights& flights = context.instance.cache().flights();
  const std::string token(args.Bytes(0));
  ASSIGN_OR_RETURN(const cache::Flights::Filling filling,
                   flights.BeginFill(context.principal.namespace_id, token));
  auto made = StoreAnswer(context, args, filling);
  if (!made.ok()) {
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
        "empty answer and an error of the upstream are refused, and the lease stays.",
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
