#include "server/commands/args.h"

#include <string>

#include "protocol/wire/reader.h"
#include "server/telemetry/escape.h"

namespace reprise::commands {
namespace {

using base::Code;
using base::Error;

std::string Named(const CommandSpec& spec, const ArgSpec& arg) {
  return std::string(spec.name) + ": '" + std::string(arg.name) + "' ";
}

Error OutOfRange(const CommandSpec& spec, const ArgSpec& arg, std::int64_t found) {
  return {Code::kBadRequest, Named(spec, arg) + "must be from " + std::to_string(arg.min) + " to " +
                                 std::to_string(arg.max) + ", found " + std::to_string(found)};
}

base::Status CheckBytes(const CommandSpec& spec, const ArgSpec& arg, std::size_t found) {
  const auto bytes = static_cast<std::int64_t>(found);
  if (bytes > arg.max) {
    return Error{Code::kTooLarge, Named(spec, arg) + "has " + std::to_string(bytes) +
                                      " bytes, the limit is " + std::to_string(arg.max)};
  }
  if (bytes < arg.min) {
    return Error{Code::kBadRequest, Named(spec, arg) + "must have at least " +
                                        std::to_string(arg.min) + " byte" +
                                        (arg.min == 1 ? "" : "s")};
  }
  return base::Ok{};
}

// "key, value" for the message about a wrong count.
std::string Expected(const CommandSpec& spec) {
  std::string list;
  for (std::size_t i = 0; i < spec.args.size(); ++i) {
    list += (list.empty() ? "" : ", ") + std::string(spec.args[i].name) +
            (spec.args[i].required ? "" : " (optional)");
  }
  if (spec.repeat_from != kNoRepeat) {
    list += ", ...";
  }
  return list.empty() ? "no arguments" : list;
}

Error WrongCount(const CommandSpec& spec, std::size_t given) {
  return {Code::kBadRequest, std::string(spec.name) + " takes " + Expected(spec) + "; " +
                                 std::to_string(given) + " given"};
}

// The row of the argument at `index`, following repetition; null when there is none.
const ArgSpec* SpecAt(const CommandSpec& spec, std::size_t index) {
  if (index < spec.args.size()) {
    return &spec.args[index];
  }
  if (spec.repeat_from == kNoRepeat) {
    return nullptr;
  }
  const std::size_t group = spec.args.size() - spec.repeat_from;
  return &spec.args[spec.repeat_from + (index - spec.repeat_from) % group];
}

base::Status CheckCount(const CommandSpec& spec, std::size_t given) {
  std::size_t required = 0;
  for (const ArgSpec& arg : spec.args) {
    required += arg.required ? 1 : 0;
  }
  if (given < required) {
    return WrongCount(spec, given);
  }
  if (spec.repeat_from == kNoRepeat || given <= spec.args.size()) {
    return base::Ok{};
  }
  const std::size_t group = spec.args.size() - spec.repeat_from;
  if ((given - spec.repeat_from) % group != 0) {
    return WrongCount(spec, given);
  }
  if ((given - spec.repeat_from) / group >
      static_cast<std::size_t>(base::limits::kKeysPerCommand.value)) {
    return Error{Code::kTooLarge, std::string(spec.name) + ": keys_per_command: " +
                                      std::to_string((given - spec.repeat_from) / group) +
                                      " is more than the limit of 1024"};
  }
  return base::Ok{};
}

}  // namespace

std::string_view NameOf(ArgKind kind) {
  constexpr std::array<std::string_view, 7> kNames{"key",  "text",  "integer", "milliseconds",
                                                   "bool", "value", "texts"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::string_view NameOf(Family family) {
  constexpr std::array<std::string_view, 4> kNames{"connection", "keys", "cache", "server"};
  return kNames[static_cast<std::size_t>(family)];
}

base::Status Args::Decode(const CommandSpec& spec, std::string_view params) {
  option_count_ = spec.options.size();
  items_.clear();
  items_.reserve(option_count_ + spec.args.size());
  items_.resize(option_count_);
  timeout_ms_ = 0;
  wire::Reader reader(params);
  ASSIGN_OR_RETURN(const std::uint32_t count, reader.Array());
  return DecodePositional(spec, count, reader);
}

base::Status Args::DecodePositional(const CommandSpec& spec, std::uint32_t count,
                                    wire::Reader& reader) {
  for (std::uint32_t i = 0; i < count; ++i) {
    const ArgSpec* arg = SpecAt(spec, i);
    ASSIGN_OR_RETURN(const wire::Kind kind, reader.Peek());
    const bool may_be_options = kind == wire::Kind::kMap && i + 1 == count &&
                                (arg == nullptr || arg->kind != ArgKind::kValue);
    if (may_be_options) {
      RETURN_IF_ERROR(CheckCount(spec, i));
      return DecodeOptions(spec, reader);
    }
    if (arg == nullptr) {
      return WrongCount(spec, count);
    }
    ASSIGN_OR_RETURN(Item item, DecodeItem(spec, *arg, reader));
    items_.push_back(item);
  }
  return CheckCount(spec, count);
}

base::Status Args::DecodeOptions(const CommandSpec& spec, wire::Reader& reader) {
  ASSIGN_OR_RETURN(const std::uint32_t pairs, reader.Map());
  for (std::uint32_t i = 0; i < pairs; ++i) {
    const auto name = reader.Text();
    if (!name.ok()) {
      return Error{Code::kBadRequest, std::string(spec.name) + ": the name of an option is a str"};
    }
    if (name.value() == kTimeoutOption.name) {
      ASSIGN_OR_RETURN(const wire::Kind given, reader.Peek());
      if (given == wire::Kind::kNil) {
        RETURN_IF_ERROR(reader.Raw());
        continue;
      }
      ASSIGN_OR_RETURN(const Item item, DecodeItem(spec, kTimeoutOption, reader));
      if (timeout_ms_ != 0) {
        return Error{Code::kBadRequest, Named(spec, kTimeoutOption) + "is given twice"};
      }
      timeout_ms_ = item.number;
      continue;
    }
    std::size_t index = 0;
    while (index < spec.options.size() && spec.options[index].name != name.value()) {
      ++index;
    }
    if (index == spec.options.size()) {
      std::string allowed;
      for (const ArgSpec& option : spec.options) {
        allowed += std::string(option.name) + ", ";
      }
      std::string found;
      telemetry::AppendTextValue(telemetry::CutAt(name.value(), 64), found);
      return Error{Code::kBadRequest, std::string(spec.name) + ": unknown option " + found +
                                          "; allowed are " + allowed + "timeout_ms"};
    }
    if (items_[index].given) {
      return Error{Code::kBadRequest, Named(spec, spec.options[index]) + "is given twice"};
    }
    ASSIGN_OR_RETURN(const wire::Kind kind, reader.Peek());
    if (kind == wire::Kind::kNil && spec.options[index].kind != ArgKind::kValue) {
      RETURN_IF_ERROR(reader.Raw());  // nil is how clients spell "not given".
      continue;
    }
    ASSIGN_OR_RETURN(items_[index], DecodeItem(spec, spec.options[index], reader));
    items_[index].given = true;
  }
  return base::Ok{};
}

base::Result<Args::Item> Args::DecodeItem(const CommandSpec& spec, const ArgSpec& arg,
                                          wire::Reader& reader) {
  Item item;
  const auto wrong_kind = [&](const Error& error) {
    return Error{Code::kBadRequest,
                 Named(spec, arg) + "must be " +
                     (arg.kind == ArgKind::kKey || arg.kind == ArgKind::kText ? "str or bin"
                      : arg.kind == ArgKind::kTexts                           ? "an array of str"
                      : arg.kind == ArgKind::kBool                            ? "true or false"
                                                                              : "an integer") +
                     "; " + error.detail};
  };
  switch (arg.kind) {
    case ArgKind::kKey:
    case ArgKind::kText: {
      const auto text = reader.Text();
      if (!text.ok()) {
        return wrong_kind(text.error());
      }
      item.bytes = text.value();
      RETURN_IF_ERROR(CheckBytes(spec, arg, item.bytes.size()));
      return item;
    }
    case ArgKind::kInt:
    case ArgKind::kMillis: {
      const auto number = reader.Int();
      if (!number.ok()) {
        return wrong_kind(number.error());
      }
      item.number = number.value();
      if (item.number < arg.min || item.number > arg.max) {
        return OutOfRange(spec, arg, item.number);
      }
      return item;
    }
    case ArgKind::kBool: {
      const auto flag = reader.Bool();
      if (!flag.ok()) {
        return wrong_kind(flag.error());
      }
      item.number = flag.value() ? 1 : 0;
      return item;
    }
    case ArgKind::kValue:
    case ArgKind::kTexts: {
      ASSIGN_OR_RETURN(item.bytes, reader.Raw());
      RETURN_IF_ERROR(CheckBytes(spec, arg, item.bytes.size()));
      if (arg.kind == ArgKind::kTexts) {
        wire::Reader texts(item.bytes);
        const auto count = texts.Array();
        if (!count.ok()) {
          return wrong_kind(count.error());
        }
        for (std::uint32_t i = 0; i < count.value(); ++i) {
          if (const auto text = texts.Str(); !text.ok()) {
            return wrong_kind(text.error());
          }
        }
      }
      return item;
    }
  }
  return item;
}

}  // namespace reprise::commands
