// BACKUP: makes a backup while running.
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{ArgSpec{.name = "name",
                                   .kind = ArgKind::kText,
                                   .doc = "a new name: letters, digits, dot, dash, underscore",
                                   .min = 1,
                                   .max = base::limits::kNameBytes.value}};
constexpr std::array kErrors{base::Code::kExists, base::Code::kBadRequest, base::Code::kIo};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  ASSIGN_OR_RETURN(const storage::BackupReport report,
                   context.instance.store().Backup(args.Bytes(0)));
  reply.Map(4);
  reply.Field("path", report.path);
  reply.Field("sequence", report.sequence);
  reply.Field("rows", report.rows);
  reply.Field("bytes", report.bytes);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kBackup;
constexpr CommandSpec kBackup{
    .name = "BACKUP",
    .family = Family::kServer,
    .summary =
        "Makes a consistent copy in the backup directory and opens it to prove that it can be "
        "read.",
    .complexity = "O(data bytes)",
    .since = "0.1",
    .flags = kAdmin | kBlocking | kWaits,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = {},
    .result = "{path, sequence, rows, bytes}",
    .errors = kErrors,
    .examples = {},
    .run = &Run,
};

}  // namespace reprise::commands
