// BATCH.TRAIN: what the categories of tasks are, by examples.
#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/batch_common.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

using base::Code;
using base::Error;

constexpr std::array kArgs{ArgSpec{
    .name = "examples", .kind = ArgKind::kValue, .doc = "an array of pairs [text, category]"}};
enum Option : std::size_t { kAdd };
constexpr std::array kOptions{
    ArgSpec{.name = "add",
            .kind = ArgKind::kBool,
            .doc = "train on these and on all that were given before; else on these alone"}};
constexpr std::array kErrors{Code::kBadRequest, Code::kTooLarge, Code::kBusy, Code::kReadOnly};
constexpr std::array kExamples{
    Example{
        R"(["BATCH.TRAIN", [[["translate this into german", "translate"], ["what is it in french", "translate"], ["sum up the text", "summarize"], ["a short summary please", "summarize"]]]])",
        R"({"examples": 4, "categories": 2, "memory_bytes": "*", "right_share": 1.0})"},
    Example{R"(["BATCH.CLASSIFY", ["translate into french"]])",
            R"({"category": "translate", "score": "*", "margin": "*"})"},
    Example{
        R"(["BATCH.SUBMIT", [{"payload": "please translate this"}]])",
        R"([{"ticket": "*", "duplicate": false, "category": "translate", "not_before_ms": "*", "deferral": "*"}])"},
    Example{R"(["BATCH.TRAIN", [[["only", "one"]]]])", R"({"error": "bad_request"})"},
};

base::Result<jobs::Example> ExampleOf(wire::Reader& reader) {
  ASSIGN_OR_RETURN(const std::uint32_t items, reader.Array());
  if (items != 2) {
    return Error{Code::kBadRequest, "an example is a pair [text, category]"};
  }
  jobs::Example example;
  ASSIGN_OR_RETURN(example.text, reader.Text());
  ASSIGN_OR_RETURN(example.category, reader.Text());
  if (example.text.empty() || example.category.empty() ||
      example.category.size() > static_cast<std::size_t>(base::limits::kNameBytes.value)) {
    return Error{Code::kBadRequest, "an example has a text, and a category of 1 to 64 bytes"};
  }
  return example;
}

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  if ((context.principal.permissions & access::kMayWrite) == 0) {
    return Error{Code::kForbidden, "BATCH.TRAIN needs an access key with the permission 'write'"};
  }
  wire::Reader reader(args.Bytes(0));
  ASSIGN_OR_RETURN(const std::uint32_t count, reader.Array());
  std::vector<jobs::Example> examples;
  for (std::uint32_t i = 0; i < count; ++i) {
    auto example = ExampleOf(reader);
    if (!example.ok()) {
      return Error{example.error().code,
                   "BATCH.TRAIN: example " + std::to_string(i) + ": " + example.error().detail};
    }
    examples.push_back(example.value());
  }
  const auto trained = context.instance.jobs().Train(context.principal.namespace_id,
                                                     std::move(examples), args.BoolOr(kAdd, false));
  if (!trained.ok()) {
    return Error{trained.error().code, "BATCH.TRAIN: " + trained.error().detail};
  }
  reply.Map(4);
  reply.Field("examples", trained.value().examples);
  reply.Field("categories", trained.value().categories);
  reply.Field("memory_bytes", trained.value().memory_bytes);
  reply.Field("right_share", trained.value().right_share);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kBatchTrain;
constexpr CommandSpec kBatchTrain{
    .name = "BATCH.TRAIN",
    .family = Family::kJobs,
    .summary =
        "Makes the classifier of the namespace from examples: it finds the category of tasks that "
        "come "
        "without one. Takes seconds for ten thousand examples; meanwhile the old one is in force. "
        "At most "
        "256 categories and 16 MiB of examples; give more than a frame holds with `add`.",
    .complexity = "O(examples x categories)",
    .since = "0.2",
    .flags = kBlocking,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result =
        "{examples, categories, memory_bytes, right_share}; right_share is of the examples "
        "themselves, which is more than others will have",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
