// Arguments: the params of every command. A target for libFuzzer.
//
// The first byte chooses the command, the rest is its params array. What Decode takes must keep the
// bounds of the command's row, and point into the bytes that it was given.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocol/base/ensure.h"
#include "server/commands/all.h"
#include "server/commands/args.h"
#include "server/commands/spec.h"

namespace {

using reprise::commands::ArgKind;
using reprise::commands::Args;
using reprise::commands::ArgSpec;
using reprise::commands::CommandSpec;

bool IsNumber(ArgKind kind) {
  return kind == ArgKind::kInt || kind == ArgKind::kMillis;
}

void CheckNumber(const ArgSpec& arg, std::int64_t number) {
  ENSURE(number >= arg.min && number <= arg.max);
}

void CheckBytes(const ArgSpec& arg, std::string_view bytes, std::string_view params) {
  ENSURE(bytes.empty() || (bytes.data() >= params.data() &&
                           bytes.data() + bytes.size() <= params.data() + params.size()));
  const bool is_nil = arg.nullable && bytes.empty();
  if ((arg.kind == ArgKind::kKey || arg.kind == ArgKind::kText) && !is_nil) {
    CheckNumber(arg, static_cast<std::int64_t>(bytes.size()));
  }
}

void CheckArgs(const CommandSpec& spec, const Args& args, std::string_view params) {
  for (std::size_t index = 0; index < args.size(); ++index) {
    std::size_t row = index;
    if (index >= spec.args.size()) {
      ENSURE(spec.repeat_from < spec.args.size());
      row = spec.repeat_from + (index - spec.repeat_from) % (spec.args.size() - spec.repeat_from);
    }
    const ArgSpec& arg = spec.args[row];
    CheckBytes(arg, args.Bytes(index), params);
    if (IsNumber(arg.kind)) {
      CheckNumber(arg, args.Int(index));
    }
  }
  for (std::size_t option = 0; option < spec.options.size(); ++option) {
    const ArgSpec& arg = spec.options[option];
    if (args.Has(option)) {
      CheckBytes(arg, args.BytesOr(option, ""), params);
    }
    if (args.Has(option) && IsNumber(arg.kind)) {
      CheckNumber(arg, args.IntOr(option, arg.min - 1));
    }
  }
  ENSURE(args.timeout_ms() == 0 || (args.timeout_ms() >= reprise::commands::kTimeoutOption.min &&
                                    args.timeout_ms() <= reprise::commands::kTimeoutOption.max));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const auto commands = reprise::commands::AllCommands();
  const CommandSpec& spec = *commands[data[0] % commands.size()];
  const std::string_view params(reinterpret_cast<const char*>(data) + 1, size - 1);
  static Args
      args;  // Reused as a connection does: nothing of the request before may shine through.
  if (const auto decoded = args.Decode(spec, params); decoded.ok()) {
    CheckArgs(spec, args, params);
  } else {
    ENSURE(!decoded.error().detail.empty());
  }
  return 0;
}
