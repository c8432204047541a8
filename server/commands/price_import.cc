// PRICE.IMPORT: a price file into the server's table.
#include "protocol/wire/plain_json.h"
#include "protocol/wire/writer.h"
#include "server/commands/spend_common.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{
    ArgSpec{.name = "file",
            .kind = ArgKind::kText,
            .doc = "the JSON text: a list of providers as genai-prices publishes it, or a map as "
                   "conf/prices.toml has it",
            .min = 2,
            .max = base::limits::kPriceFileBytes.value}};
constexpr std::array kOptions{
    ArgSpec{.name = "replace",
            .kind = ArgKind::kBool,
            .doc = "remove what earlier imports brought and this file has not (default: false)"}};
constexpr std::array kErrors{base::Code::kTooLarge, base::Code::kReadOnly};
constexpr std::array kExamples{
    Example{
        R"(["PRICE.IMPORT", ["[{\"id\": \"acme\", \"models\": [{\"id\": \"m-1\", \"match\": {\"starts_with\": \"m-1\"}, \"prices\": {\"input_mtok\": 0.15, \"output_mtok\": {\"base\": 1, \"tiers\": [{\"start\": 200000, \"price\": 2}]}}}]}]"]])",
        R"({"models": 1, "prices": 1, "kept": 0, "removed": 0, "skipped_patterns": 0})"},
    Example{R"(["PRICE.QUOTE", ["m-1-large", {"input_tokens": 1000}, {"provider": "acme"}]])",
            R"("*")"},
    Example{
        R"(["PRICE.IMPORT", ["{\"models\": [{\"provider\": \"acme\", \"model\": \"m-2\", \"prices\": {\"input\": \"1\"}}]}", {"replace": true}]])",
        R"({"models": 1, "prices": 1, "kept": 0, "removed": 1, "skipped_patterns": 0})"},
    Example{R"(["PRICE.IMPORT", ["{}"]])", R"({"error": "bad_request"})"},
    Example{R"(["PRICE.IMPORT", ["not json"]])", R"({"error": "bad_request"})"},
};

constexpr std::size_t kDepthMax = 16;

// The file is read here, on a storage thread; the writer only takes the result.
base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  ASSIGN_OR_RETURN(const base::Value json, wire::FromPlainJson(args.Bytes(0), kDepthMax));
  ASSIGN_OR_RETURN(const spend::PriceFile file, spend::ReadPriceFile(json));
  spend::ImportReport report;
  const auto import = [&](storage::Transaction& transaction) -> base::Status {
    ASSIGN_OR_RETURN(
        report, context.instance.spend().prices().Import(file, args.BoolOr(0, false), transaction));
    return base::Ok{};
  };
  RETURN_IF_ERROR(context.instance.store().Run(import));
  reply.Map(5);
  reply.Field("models", report.models);
  reply.Field("prices", report.prices);
  reply.Field("kept", report.kept);
  reply.Field("removed", report.removed);
  reply.Field("skipped_patterns", report.skipped_patterns);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kPriceImport;
constexpr CommandSpec kPriceImport{
    .name = "PRICE.IMPORT",
    .family = Family::kSpend,
    .summary =
        "Reads a price file into the table of the server, all of it or nothing. Models of earlier "
        "imports are replaced; what PRICE.SET has set stays.",
    .complexity = "O(bytes of the file)",
    .since = "0.2",
    .flags = kAdmin | kBlocking | kWaits | kIdempotent,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result =
        "{models, prices: taken over, kept: models that were set by hand, removed, "
        "skipped_patterns: match rules that are not read here and match nothing}",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
