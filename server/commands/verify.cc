// VERIFY: checks all stored bytes.
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::array kErrors{base::Code::kIo};
constexpr std::array kExamples{
    Example{R"(["VERIFY", []])", R"({"rows": "*", "bytes": "*", "bad_rows": 0, "problems": []})"},
};

base::Status Run(Context& context, const Args& /*args*/, wire::Writer& reply) {
  ASSIGN_OR_RETURN(const storage::IntegrityReport report,
                   context.instance.store().CheckIntegrity([](auto /*done*/, auto /*all*/) {}));
  reply.Map(4);
  reply.Field("rows", report.rows);
  reply.Field("bytes", report.bytes);
  reply.Field("bad_rows", report.bad_rows);
  reply.Str("problems");
  reply.Array(report.problems.size());
  for (const std::string& problem : report.problems) {
    reply.Str(problem);
  }
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kVerify;
constexpr CommandSpec kVerify{
    .name = "VERIFY",
    .family = Family::kServer,
    .summary = "Reads every row and every checksum of the data directory.",
    .complexity = "O(data bytes)",
    .since = "0.1",
    .flags = kAdmin | kBlocking | kWaits | kIdempotent,
    .args = {},
    .repeat_from = kNoRepeat,
    .options = {},
    .result = "{rows, bytes, bad_rows, problems: [text, ...]}",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
