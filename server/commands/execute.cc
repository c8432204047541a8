#include "server/commands/execute.h"

#include <utility>

#include "protocol/wire/writer.h"
#include "server/commands/all.h"
#include "server/commands/args.h"

namespace reprise::commands {

base::Result<base::Buffer> Execute(instance::Instance& instance, const config::Config& config,
                                   const access::Principal& principal, std::string_view method,
                                   std::string_view params) {
  const CommandSpec* spec = FindCommand(method);
  if (spec == nullptr) {
    return base::Error{base::Code::kUnknownCommand,
                       "there is no command '" + std::string(method) + "'"};
  }
  Args args;
  RETURN_IF_ERROR(args.Decode(*spec, params));
  base::Buffer reply;
  Session session;
  session.principal = std::make_shared<const access::Principal>(principal);
  const auto run = [&](const storage::View& view) -> base::Status {
    reply.Clear();
    wire::Writer writer(reply);
    Context context{instance, config, view, principal, nullptr, &session};
    return spec->run(context, args, writer);
  };
  if ((spec->flags & kWrite) != 0) {
    const auto body = [&](storage::Transaction& transaction) {
      return run(storage::View(instance.store(), transaction));
    };
    RETURN_IF_ERROR(instance.store().Run(body));
  } else {
    RETURN_IF_ERROR(
        run(storage::View(instance.store(), instance.clock().Now(), storage::ReadMode::kDisk)));
  }
  return reply;
}

}  // namespace reprise::commands
