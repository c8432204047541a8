// BACKUP: makes a backup while running.
#include <algorithm>

#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{NameArg("name",
                                   "a new name: letters, digits, dot, dash, underscore; it "
                                   "begins with a letter, digit or underscore")};
constexpr std::array kErrors{base::Code::kExists, base::Code::kBadRequest, base::Code::kIo};

// The name becomes a directory that people type behind commands: no hidden one, no flag, no path.
base::Status CheckName(std::string_view name) {
  const auto may_begin = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  const auto may_follow = [&](char c) { return may_begin(c) || c == '.' || c == '-'; };
  if (may_begin(name.front()) && std::all_of(name.begin(), name.end(), may_follow)) {
    return base::Ok{};
  }
  return base::Error{base::Code::kBadRequest,
                     "BACKUP: 'name' has letters, digits, '_', '.' and '-', and begins with a "
                     "letter, digit or '_'"};
}

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  RETURN_IF_ERROR(CheckName(args.Bytes(0)));
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
