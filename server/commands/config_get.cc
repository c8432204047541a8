// CONFIG.GET: the configuration in force.
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"
#include "server/config/config.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{
    ArgSpec{.name = "prefix",
            .kind = ArgKind::kText,
            .doc = "as in `cache.`; `*` stands for any text: `cache.types.*.ttl`",
            .required = false,
            .max = 256}};
constexpr std::array kExamples{
    Example{R"(["CONFIG.GET", ["cache.types.research.ttl"]])",
            R"({"cache.types.research.ttl_ms": "3600000"})"},
    Example{R"(["CONFIG.GET", ["cache.types.res*.ttl"]])",
            R"({"cache.types.research.ttl_ms": "3600000"})"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  const auto settings =
      config::Describe(context.config, args.size() > 0 ? args.Bytes(0) : std::string_view());
  reply.Map(settings.size());
  for (const config::Setting& setting : settings) {
    reply.Field(setting.name, setting.value);
  }
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kConfigGet;
constexpr CommandSpec kConfigGet{
    .name = "CONFIG.GET",
    .family = Family::kServer,
    .summary = "The configuration in force, or the part whose names begin with a prefix.",
    .complexity = "O(keys)",
    .since = "0.1",
    .flags = kAdmin | kIdempotent,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = {},
    .result = "{name: value as text, ...}",
    .errors = {},
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
