// CONFIG.SET: changes one setting.
#include <string>

#include "protocol/wire/decode.h"
#include "protocol/wire/json.h"
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/channels.h"
#include "server/commands/context.h"
#include "server/commands/server_common.h"
#include "server/commands/server_state.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{
    ArgSpec{.name = "name",
            .kind = ArgKind::kText,
            .doc = "as CONFIG.GET shows it",
            .min = 1,
            .max = 256},
    ArgSpec{.name = "value",
            .kind = ArgKind::kValue,
            .doc = "a text, number or bool; 64MiB and 30s work for bytes and milliseconds",
            .max = 4096}};
constexpr std::array kErrors{base::Code::kNotFound, base::Code::kBadRequest};

// The text form of a value: config::Set reads texts.
base::Result<std::string> TextOf(std::string_view bytes) {
  ASSIGN_OR_RETURN(const base::Value value, wire::Decode(bytes));
  if (const auto text = value.AsText()) {
    return std::string(*text);
  }
  if (value.AsArray() != nullptr || value.AsMap() != nullptr || value.IsNil()) {
    return base::Error{base::Code::kBadRequest,
                       "CONFIG.SET: 'value' must be a text, number or bool"};
  }
  return wire::ToJson(value);
}

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  RETURN_IF_ERROR(RequireServer(context));
  ASSIGN_OR_RETURN(const std::string value, TextOf(args.Bytes(1)));
  RETURN_IF_ERROR(context.server->config.SetLive(args.Bytes(0), value));
  context.server->config_changed();
  base::Buffer event;
  wire::Writer writer(event);
  writer.Map(2);
  writer.Field("name", args.Bytes(0));
  writer.Field("value", value);
  (void)context.server->events.Publish(kConfigChannel, event.view()).ok();
  reply.Bool(true);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kConfigSet;
constexpr CommandSpec kConfigSet{
    .name = "CONFIG.SET",
    .family = Family::kServer,
    .summary = "Changes a setting while running, until the next restart; the file is not written.",
    .complexity = "O(keys)",
    .since = "0.1",
    .flags = kAdmin | kIdempotent,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = {},
    .result = "true",
    .errors = kErrors,
    .examples = {},
    .run = &Run,
};

}  // namespace reprise::commands
