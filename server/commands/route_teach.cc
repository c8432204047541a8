// ROUTE.TEACH: prompts with the qualities of models, from logs or an evaluation.
#include <cmath>
#include <vector>

#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/route_common.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

using base::Code;
using base::Error;

constexpr std::array kArgs{ArgSpec{
    .name = "examples",
    .kind = ArgKind::kValue,
    .doc = "array of [prompt, {model: quality from 0 to 1, ...}], or of [prompt, {...}, type], at "
           "most 1000",
    .max = base::limits::kFrameBytes.ceiling}};
constexpr std::array kErrors{Code::kNotFound, Code::kTooLarge, Code::kForbidden, Code::kReadOnly};
constexpr std::array kExamples{
    Example{R"(["ROUTE.MODEL.SET", ["m-small", {}]])", R"("*")"},
    Example{R"(["ROUTE.MODEL.SET", ["m-large", {}]])", R"("*")"},
    Example{
        R"(["ROUTE.TEACH", [[["What is RAII?", {"m-small": 0.9, "m-large": 1}], ["Prove it.", {"m-small": 0}, "maths"]]]])",
        R"({"examples": 2, "learned": 3})"},
    Example{R"(["ROUTE.TEACH", [[["What is RAII?", {"m-unknown": 0.9}]]]])",
            R"({"error": "not_found"})"},
    Example{R"(["ROUTE.TEACH", [[["What is RAII?", {"m-small": 2}]]]])",
            R"({"error": "bad_request"})"},
    Example{R"(["ROUTE.TEACH", [["What is RAII?"]]])", R"({"error": "bad_request"})"},
};

struct Teaching {
  const Context& context;
  const routing::Cards& cards;
  std::vector<double> strengths;
};

Error BadExample(std::uint32_t index, std::string_view what) {
  return {Code::kBadRequest,
          "ROUTE.TEACH: example " + std::to_string(index) + " " + std::string(what) +
              "; an example is [prompt, {model: quality from 0 to 1}] or with a type behind"};
}

base::Status ReadQualities(const Teaching& teaching, std::uint32_t index, wire::Reader& reader,
                           routing::Example& example) {
  const auto pairs = reader.Map();
  if (!pairs.ok() || pairs.value() == 0) {
    return BadExample(index, "has no qualities");
  }
  for (std::uint32_t i = 0; i < pairs.value(); ++i) {
    const auto name = reader.Str();
    const auto quality = name.ok() ? reader.Double() : base::Result<double>(name.error());
    if (!quality.ok() || !(quality.value() >= 0 && quality.value() <= 1)) {
      return BadExample(index, "has a quality that is no number from 0 to 1");
    }
    const routing::ModelCard* const card = routing::FindCard(teaching.cards, name.value());
    if (card == nullptr) {
      return Error{Code::kNotFound, "ROUTE.TEACH: no model of the catalogue is called '" +
                                        std::string(name.value()) + "'; ROUTE.MODELS lists them"};
    }
    const auto place = static_cast<std::size_t>(card - teaching.cards.data());
    const bool is_known = std::any_of(
        example.qualities.begin(), example.qualities.end(),
        [&](const routing::Example::Quality& known) { return known.model == card->name; });
    if (is_known) {
      return BadExample(index, "names a model twice");
    }
    example.qualities.push_back({card->name, static_cast<float>(quality.value()),
                                 static_cast<float>(teaching.strengths[place])});
  }
  return base::Ok{};
}

base::Result<routing::Example> ReadExample(const Teaching& teaching, std::uint32_t index,
                                           wire::Reader& reader) {
  const auto items = reader.Array();
  if (!items.ok() || items.value() < 2 || items.value() > 3) {
    return BadExample(index, "is no array of two or three");
  }
  const auto prompt = reader.Str();
  if (!prompt.ok() || prompt.value().empty()) {
    return BadExample(index, "has no prompt");
  }
  routing::Example example;
  RETURN_IF_ERROR(ReadQualities(teaching, index, reader, example));
  if (items.value() == 3) {
    const auto type = reader.Str();
    if (!type.ok() ||
        type.value().size() > static_cast<std::size_t>(base::limits::kNameBytes.value)) {
      return BadExample(index, "has a type that is no text of at most 64 bytes");
    }
    example.type = type.value();
  }
  ASSIGN_OR_RETURN(const RoutePrompt asked,
                   RoutePromptFrom(teaching.context, {prompt.value(), "", 0, 0}));
  example.features = teaching.context.instance.routing().reader().Read(asked.prompt);
  example.excerpt = routing::ExcerptOf(prompt.value());
  return example;
}

base::Result<std::vector<routing::Example>> ReadExamples(const Teaching& teaching,
                                                         std::string_view bytes) {
  constexpr std::int64_t kExamplesMax = base::limits::kRoutingExamples.value;
  wire::Reader reader(bytes);
  const auto count = reader.Array();
  if (!count.ok()) {
    return Error{Code::kBadRequest, "ROUTE.TEACH: 'examples' must be an array"};
  }
  if (count.value() > kExamplesMax) {
    return Error{Code::kTooLarge, "ROUTE.TEACH: 'examples' has " + std::to_string(count.value()) +
                                      " items, the limit is " + std::to_string(kExamplesMax) +
                                      "; give the rest in further calls"};
  }
  std::vector<routing::Example> examples;
  for (std::uint32_t i = 0; i < count.value(); ++i) {
    ASSIGN_OR_RETURN(routing::Example example, ReadExample(teaching, i, reader));
    examples.push_back(std::move(example));
  }
  return examples;
}

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  // Others write as well while these are learned.
  constexpr std::size_t kInOneTransaction = 32;
  if ((context.principal.permissions & access::kMayWrite) == 0) {
    return Error{Code::kForbidden, "ROUTE.TEACH writes, and this access key may not"};
  }
  routing::Routing& routing = context.instance.routing();
  const storage::NamespaceId home = context.principal.namespace_id;
  const routing::CardsPtr cards = routing.Models(home);
  const Teaching teaching{context, *cards, routing::StrengthsByCost(*cards, CostByTable(context))};
  ASSIGN_OR_RETURN(std::vector<routing::Example> examples, ReadExamples(teaching, args.Bytes(0)));
  std::size_t learned = 0;
  for (std::size_t begin = 0; begin < examples.size(); begin += kInOneTransaction) {
    const std::size_t end = std::min(begin + kInOneTransaction, examples.size());
    const std::span<routing::Example> some{examples.data() + begin, end - begin};
    RETURN_IF_ERROR(
        context.instance.store().Run([&](storage::Transaction& transaction) -> base::Status {
          ASSIGN_OR_RETURN(const std::size_t labels,
                           routing.Teach(home, some, context.config.routing, transaction));
          learned += labels;
          return base::Ok{};
        }));
  }
  reply.Map(2);
  reply.Field("examples", examples.size());
  reply.Field("learned", learned);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kRouteTeach;
constexpr CommandSpec kRouteTeach{
    .name = "ROUTE.TEACH",
    .family = Family::kRouting,
    .summary =
        "Learns from prompts whose answers were judged elsewhere, as ROUTE.FEEDBACK does from "
        "decisions: logs of before, an evaluation, feedback that came after a restart. All "
        "examples "
        "are checked before the first one is learned.",
    .complexity = "O(examples x (embedding + models x n-grams))",
    .since = "0.2",
    .flags = kRead | kBlocking,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = {},
    .result = "{examples, learned: qualities that were learned}",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
