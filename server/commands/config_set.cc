// CONFIG.SET: changes one setting.
#include <algorithm>
#include <string>
#include <string_view>

#include "protocol/wire/decode.h"
#include "protocol/wire/json.h"
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/channels.h"
#include "server/commands/context.h"
#include "server/commands/server_common.h"
#include "server/commands/server_state.h"
#include "server/commands/spec.h"
#include "server/config/config.h"

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
            .doc = "a text, number or bool; 64MiB and 30s work for bytes and milliseconds; of a "
                   "list: an array of texts, or one text with commas between them",
            .max = 4096}};
constexpr std::array kErrors{base::Code::kNotFound, base::Code::kBadRequest};

bool IsList(const config::Config& config, std::string_view name) {
  const auto settings = config::Describe(config, name);
  return std::any_of(settings.begin(), settings.end(), [name](const config::Setting& setting) {
    return setting.name == name && setting.kind == "list";
  });
}

// Items with commas between them, as a list is written as text.
base::Result<std::string> TextOf(const base::Value::Array& items) {
  std::string joined;
  for (const base::Value& item : items) {
    const auto text = item.AsText();
    if (!text.has_value() || text->find(',') != std::string_view::npos) {
      return base::Error{base::Code::kBadRequest,
                         "CONFIG.SET: an item of a list is a text without commas"};
    }
    joined.append(joined.empty() ? "" : ",").append(*text);
  }
  return joined;
}

// The text form of a value: config::Set reads texts.
base::Result<std::string> TextOf(const Context& context, const Args& args) {
  ASSIGN_OR_RETURN(const base::Value value, wire::Decode(args.Bytes(1)));
  if (const auto text = value.AsText()) {
    return std::string(*text);
  }
  if (value.AsArray() != nullptr && IsList(context.config, args.Bytes(0))) {
    return TextOf(*value.AsArray());
  }
  if (value.AsArray() != nullptr || value.AsMap() != nullptr || value.IsNil()) {
    return base::Error{base::Code::kBadRequest,
                       "CONFIG.SET: 'value' must be a text, number or bool, or an array of texts "
                       "where the setting is a list"};
  }
  return wire::ToJson(value);
}

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  RETURN_IF_ERROR(RequireServer(context));
  ASSIGN_OR_RETURN(const std::string value, TextOf(context, args));
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
