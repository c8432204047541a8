// SPEND.VERIFY: does the ledger say what the balances say?
#include "protocol/wire/writer.h"
#include "server/commands/spend_common.h"

namespace reprise::commands {
namespace {

constexpr std::array kErrors{base::Code::kIo};
constexpr std::array kExamples{
    Example{R"(["SPEND.RECORD", [7]])", R"("*")"},
    Example{
        R"(["SPEND.VERIFY", []])",
        R"({"sound": true, "records": 1, "budgets": 0, "totals": 1, "problem_count": 0, "problems": [], "heads": [{"namespace": "default", "sequence": 1, "sha256": "*"}]})"},
};

base::Status Run(Context& context, const Args& /*args*/, wire::Writer& reply) {
  ASSIGN_OR_RETURN(const spend::AuditReport report, context.instance.spend().Audit());
  reply.Map(7);
  reply.Field("sound", report.problem_count == 0);
  reply.Field("records", report.records);
  reply.Field("budgets", report.budgets);
  reply.Field("totals", report.totals);
  reply.Field("problem_count", report.problem_count);
  reply.Str("problems");
  WriteNames(report.problems, reply);
  reply.Str("heads");
  reply.Array(report.heads.size());
  for (const auto& [id, head] : report.heads) {
    reply.Map(3);
    reply.Field("namespace", context.instance.access().NameOf(storage::NamespaceId{id}));
    reply.Field("sequence", head.sequence);
    reply.Field("sha256", spend::HexOf(head.hash));
  }
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kSpendVerify;
constexpr CommandSpec kSpendVerify{
    .name = "SPEND.VERIFY",
    .family = Family::kSpend,
    .summary =
        "Walks the ledger of every namespace from its first record, checks the chain of hashes, "
        "and "
        "compares what the records add up to with the totals of days and with what each budget "
        "says "
        "is spent. Keep the heads elsewhere: records up to a head that was noted cannot be changed "
        "without its hash changing.",
    .complexity = "O(records)",
    .since = "0.2",
    .flags = kAdmin | kBlocking | kWaits | kIdempotent,
    .args = {},
    .repeat_from = kNoRepeat,
    .options = {},
    .result =
        "{sound, records, budgets, totals: rows of days that were compared, problem_count, "
        "problems: the first 16 as texts, heads: [{namespace, sequence, sha256}, ...]}",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
