#include "server/commands/describe.h"

#include <set>
#include <utility>

#include "protocol/wire/json.h"
#include "server/commands/all.h"

namespace reprise::commands {
namespace {

using base::Value;

struct FlagRow {
  Flag flag;
  std::string_view name;
  std::string_view meaning;
};
constexpr std::array kFlagRows{
    FlagRow{kRead, "read", "reads data; needs the permission `read`"},
    FlagRow{kWrite, "write", "changes data; needs the permission `write` (or `admin`)"},
    FlagRow{kBlocking, "blocking", "runs on a storage thread"},
    FlagRow{kWaits, "waits", "replies when it is ready and does not hold up later requests"},
    FlagRow{kAdmin, "admin", "needs the permission `admin`"},
    FlagRow{kNoAuth, "no_auth", "allowed before AUTH"},
    FlagRow{kDurable, "durable", "replies only when it is on the medium"},
    FlagRow{kSession, "session", "is about the connection itself"},
    FlagRow{kIdempotent, "idempotent", "may be sent again when the outcome is not known"},
    FlagRow{kInMemory, "in_memory",
            "changes memory, and is saved behind the reply; needs the permission `write`"},
};

Value DescribeArg(const ArgSpec& arg, bool repeated) {
  Value::Map map{{"name", arg.name},         {"kind", NameOf(arg.kind)}, {"required", arg.required},
                 {"nullable", arg.nullable}, {"variadic", repeated},     {"doc", arg.doc}};
  const bool number = arg.kind == ArgKind::kInt || arg.kind == ArgKind::kMillis;
  if (number || arg.kind == ArgKind::kKey || arg.kind == ArgKind::kText) {
    map.emplace_back(number ? "min" : "bytes_min", arg.min);
    map.emplace_back(number ? "max" : "bytes_max", arg.max);
  }
  return Value(std::move(map));
}

Value DescribeOption(const ArgSpec& option) {
  Value::Map map = *DescribeArg(option, false).AsMap();
  std::erase_if(map, [](const auto& field) {
    return field.first == Value("required") || field.first == Value("nullable") ||
           field.first == Value("variadic");
  });
  return Value(std::move(map));
}

Value::Array NamesOfFlags(std::uint32_t flags) {
  Value::Array names;
  for (const FlagRow& row : kFlagRows) {
    if ((flags & row.flag) != 0) {
      names.emplace_back(row.name);
    }
  }
  return names;
}

std::string Range(const ArgSpec& arg) {
  switch (arg.kind) {
    case ArgKind::kInt:
    case ArgKind::kMillis: {
      const bool bounded = arg.max != std::numeric_limits<std::int64_t>::max();
      return arg.min == std::numeric_limits<std::int64_t>::min()
                 ? "any integer"
                 : std::to_string(arg.min) +
                       (bounded ? " to " + std::to_string(arg.max) : " or more");
    }
    case ArgKind::kKey:
    case ArgKind::kText:
      return std::to_string(arg.min) + " to " + std::to_string(arg.max) + " bytes";
    case ArgKind::kBool:
      return "true or false";
    case ArgKind::kValue:
      return "any value";
    case ArgKind::kTexts:
      return "array of str";
    case ArgKind::kShare:
      return "a share, 0 to " + std::string(arg.max == 1'000'000 ? "1" : "0.5");
  }
  return "";
}

// GET key | SET key value [ttl_ms nx xx]
std::string Usage(const CommandSpec& spec) {
  std::string usage(spec.name);
  for (const ArgSpec& arg : spec.args) {
    usage += arg.required ? " " + std::string(arg.name) : " [" + std::string(arg.name) + "]";
  }
  if (spec.repeat_from != kNoRepeat) {
    usage += " ...";
  }
  if (!spec.options.empty()) {
    usage += " {";
    for (const ArgSpec& option : spec.options) {
      usage += (usage.back() == '{' ? "" : ", ") + std::string(option.name);
    }
    usage += "}";
  }
  return usage;
}

void RenderArgs(const CommandSpec& spec, std::string& out) {
  if (spec.args.empty() && spec.options.empty()) {
    return;
  }
  out += "\n| argument | kind | allowed | meaning |\n| --- | --- | --- | --- |\n";
  const auto row = [&](const ArgSpec& arg, bool option) {
    out += "| `" + std::string(arg.name) + "`" + (option ? " (option)" : "") + " | " +
           std::string(NameOf(arg.kind)) + " | " + Range(arg) + (arg.nullable ? ", or nil" : "") +
           " | " + std::string(arg.doc) + " |\n";
  };
  for (const ArgSpec& arg : spec.args) {
    row(arg, false);
  }
  for (const ArgSpec& option : spec.options) {
    row(option, true);
  }
}

void RenderCommand(const CommandSpec& spec, std::string& out) {
  out += "\n### " + std::string(spec.name) + "\n\n`" + Usage(spec) + "`\n\n" +
         std::string(spec.summary) + "\n\nResult: " + std::string(spec.result) +
         ". Complexity: " + std::string(spec.complexity) + ". Since " + std::string(spec.since) +
         ". Flags:";
  for (const Value& flag : NamesOfFlags(spec.flags)) {
    out += " " + std::string(*flag.AsText());
  }
  out += ".\n";
  RenderArgs(spec, out);
  if (!spec.errors.empty()) {
    out += "\nErrors besides those of every command:";
    for (const base::Code code : spec.errors) {
      out += " `" + std::string(base::NameOf(code)) + "`";
    }
    out += "\n";
  }
  if (!spec.examples.empty()) {
    out += "\n```\n";
    for (const Example& example : spec.examples) {
      out += std::string(example.request) + "\n  -> " + std::string(example.reply) + "\n";
    }
    out += "```\n";
  }
}

constexpr std::array kFamilies{Family::kConnection, Family::kKeys,  Family::kCache,
                               Family::kRouting,    Family::kJobs,  Family::kSpend,
                               Family::kControl,    Family::kServer};

}  // namespace

Value Describe(const CommandSpec& spec) {
  Value::Array args;
  for (std::size_t i = 0; i < spec.args.size(); ++i) {
    args.push_back(DescribeArg(spec.args[i], i >= spec.repeat_from));
  }
  Value::Array options;
  for (const ArgSpec& option : spec.options) {
    options.push_back(DescribeOption(option));
  }
  Value::Array errors;
  for (const base::Code code : spec.errors) {
    errors.emplace_back(base::NameOf(code));
  }
  Value::Array examples;
  for (const Example& example : spec.examples) {
    examples.emplace_back(Value::Map{{"request", example.request}, {"reply", example.reply}});
  }
  return Value(Value::Map{{"name", spec.name},
                          {"family", NameOf(spec.family)},
                          {"summary", spec.summary},
                          {"complexity", spec.complexity},
                          {"since", spec.since},
                          {"flags", NamesOfFlags(spec.flags)},
                          {"args", std::move(args)},
                          {"options", std::move(options)},
                          {"result", spec.result},
                          {"errors", std::move(errors)},
                          {"examples", std::move(examples)}});
}

std::string RenderJson() {
  Value::Array commands;
  for (const CommandSpec* spec : AllCommands()) {
    commands.push_back(Describe(*spec));
  }
  Value::Array codes;
  for (const base::CodeRow& row : base::kCodes) {
    if (row.code != base::Code::kWouldBlock) {
      codes.emplace_back(Value::Map{
          {"number", static_cast<int>(row.code)}, {"name", row.name}, {"meaning", row.meaning}});
    }
  }
  return wire::ToJson(Value(Value::Map{{"generated_by", "reprise-server --dump"},
                                       {"commands", std::move(commands)},
                                       {"errors", std::move(codes)}}),
                      true) +
         "\n";
}

std::string RenderMarkdown() {
  std::string out =
      "# Commands\n\nGenerated from the rows in this folder by `reprise-server --dump .`; do not "
      "edit.\n\nExamples are `[method, params]` in JSON, and run as tests; `\"*\"` stands for any "
      "value. Every command takes the option `timeout_ms`. An error is `[name, message, {}]`.\n\n"
      "| flag | meaning |\n| --- | --- |\n";
  for (const FlagRow& row : kFlagRows) {
    out += "| " + std::string(row.name) + " | " + std::string(row.meaning) + " |\n";
  }
  out += "\n| error | meaning |\n| --- | --- |\n";
  for (const base::CodeRow& row : base::kCodes) {
    if (row.code != base::Code::kWouldBlock) {
      out += "| `" + std::string(row.name) + "` | " + std::string(row.meaning) + " |\n";
    }
  }
  for (const Family family : kFamilies) {
    bool first = true;
    for (const CommandSpec* spec : AllCommands()) {
      if (spec->family != family) {
        continue;
      }
      if (std::exchange(first, false)) {
        out += "\n## " + std::string(NameOf(family)) + "\n";
      }
      RenderCommand(*spec, out);
    }
  }
  return out;
}

std::string RenderFuzzDictionary() {
  std::set<std::string> words;
  for (const CommandSpec* spec : AllCommands()) {
    words.emplace(spec->name);
    for (const ArgSpec& option : spec->options) {
      words.emplace(option.name);
    }
  }
  std::string out =
      "# Generated from the command rows by `reprise-server --dump .`; do not edit.\n";
  for (const std::string& word : words) {
    out += "\"" + word + "\"\n";
  }
  return out;
}

}  // namespace reprise::commands
