#include "server/commands/args.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
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

Error OutOfRange(const CommandSpec& spec, const ArgSpec& arg, const std::string& found) {
  return {Code::kBadRequest, Named(spec, arg) + "must be from " + std::to_string(arg.min) + " to " +
                                 std::to_string(arg.max) + ", found " + found};
}

std::string_view Expected(ArgKind kind) {
  switch (kind) {
    case ArgKind::kKey:
    case ArgKind::kText:
      return "str or bin";
    case ArgKind::kInt:
    case ArgKind::kMillis:
      return "an integer";
    case ArgKind::kBool:
      return "true or false";
    case ArgKind::kTexts:
      return "an array of str";
    case ArgKind::kShare:
      return "a number";
    case ArgKind::kValue:
      break;
  }
  return "any value";
}

Error WrongKind(const CommandSpec& spec, const ArgSpec& arg, std::string_view found) {
  return {Code::kBadRequest, Named(spec, arg) + "must be " + std::string(Expected(arg.kind)) +
                                 ", found " + std::string(found)};
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

base::Status CheckTexts(const CommandSpec& spec, const ArgSpec& arg, std::string_view bytes) {
  wire::Reader texts(bytes);
  ASSIGN_OR_RETURN(const wire::Kind whole, texts.Peek());
  if (whole != wire::Kind::kArray) {
    return WrongKind(spec, arg, wire::NameOf(whole));
  }
  ASSIGN_OR_RETURN(const std::uint32_t count, texts.Array());
  for (std::uint32_t i = 0; i < count; ++i) {
    ASSIGN_OR_RETURN(const wire::Kind item, texts.Peek());
    if (item != wire::Kind::kStr) {
      return WrongKind(spec, arg, "an array with " + std::string(wire::NameOf(item)));
    }
    RETURN_IF_ERROR(texts.Raw());
  }
  return base::Ok{};
}

// "key, value" for the message about a wrong count.
std::string ListOf(const CommandSpec& spec) {
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
  return {Code::kBadRequest, std::string(spec.name) + " takes " + ListOf(spec) + "; " +
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

Error UnknownOption(const CommandSpec& spec, std::string_view name) {
  std::string allowed;
  for (const ArgSpec& option : spec.options) {
    allowed.append(option.name).append(", ");
  }
  std::string found;
  telemetry::AppendTextValue(telemetry::CutAt(name, 64), found);
  return {Code::kBadRequest, std::string(spec.name) + ": unknown option " + found +
                                 "; allowed are " + allowed + "timeout_ms"};
}

// Nil is how clients spell "not given"; true when it was there and has been read. An option that
// takes any value takes nil as well.
base::Result<bool> SkipNil(const ArgSpec& option, wire::Reader& reader) {
  ASSIGN_OR_RETURN(const wire::Kind kind, reader.Peek());
  if (kind != wire::Kind::kNil || option.kind == ArgKind::kValue) {
    return false;
  }
  RETURN_IF_ERROR(reader.Raw());
  return true;
}

base::Result<std::string_view> ReadText(const CommandSpec& spec, const ArgSpec& arg,
                                        wire::Reader& reader) {
  ASSIGN_OR_RETURN(const wire::Kind found, reader.Peek());
  const auto text = reader.Text();
  if (!text.ok()) {
    return WrongKind(spec, arg, wire::NameOf(found));
  }
  RETURN_IF_ERROR(CheckBytes(spec, arg, text.value().size()));
  return text.value();
}

base::Result<std::int64_t> ReadNumber(const CommandSpec& spec, const ArgSpec& arg,
                                      wire::Reader& reader) {
  ASSIGN_OR_RETURN(const wire::Kind found, reader.Peek());
  wire::Reader unsigned_reader = reader;
  const auto number = reader.Int();
  if (!number.ok() && found == wire::Kind::kUint) {
    ASSIGN_OR_RETURN(const std::uint64_t above, unsigned_reader.Uint());
    return OutOfRange(spec, arg, std::to_string(above));
  }
  if (!number.ok()) {
    return WrongKind(spec, arg, wire::NameOf(found));
  }
  if (number.value() < arg.min || number.value() > arg.max) {
    return OutOfRange(spec, arg, std::to_string(number.value()));
  }
  return number.value();
}

base::Result<std::int64_t> ReadShare(const CommandSpec& spec, const ArgSpec& arg,
                                     wire::Reader& reader) {
  constexpr double kMillion = 1'000'000;
  ASSIGN_OR_RETURN(const wire::Kind kind, reader.Peek());
  const auto share = reader.Double();
  if (!share.ok()) {
    return WrongKind(spec, arg, wire::NameOf(kind));
  }
  const double low = static_cast<double>(arg.min) / kMillion;
  const double high = static_cast<double>(arg.max) / kMillion;
  if (!(share.value() >= low && share.value() <= high)) {  // NaN, too.
    std::array<char, 96> text{};
    std::snprintf(text.data(), text.size(), "must be from %g to %g, found %g", low, high,
                  share.value());
    return Error{Code::kBadRequest, Named(spec, arg) + text.data()};
  }
  return std::llround(share.value() * kMillion);
}

base::Result<bool> ReadBool(const CommandSpec& spec, const ArgSpec& arg, wire::Reader& reader) {
  ASSIGN_OR_RETURN(const wire::Kind found, reader.Peek());
  const auto flag = reader.Bool();
  if (!flag.ok()) {
    return WrongKind(spec, arg, wire::NameOf(found));
  }
  return flag.value();
}

base::Result<std::string_view> ReadValue(const CommandSpec& spec, const ArgSpec& arg,
                                         wire::Reader& reader) {
  ASSIGN_OR_RETURN(const std::string_view bytes, reader.Raw());
  RETURN_IF_ERROR(CheckBytes(spec, arg, bytes.size()));
  if (arg.kind == ArgKind::kTexts) {
    RETURN_IF_ERROR(CheckTexts(spec, arg, bytes));
  }
  return bytes;
}

}  // namespace

std::string_view NameOf(ArgKind kind) {
  constexpr std::array<std::string_view, 8> kNames{"key",  "text",  "integer", "milliseconds",
                                                   "bool", "value", "texts",   "number"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::string_view NameOf(Family family) {
  constexpr std::array<std::string_view, 8> kNames{"connection", "keys",  "cache",   "routing",
                                                   "jobs",       "spend", "control", "server"};
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
      if (const base::Status counted = CheckCount(spec, i); !counted.ok()) {
        return Error{counted.error().code,
                     counted.error().detail + " (the map at the end was taken for options)"};
      }
      return DecodeOptions(spec, reader);
    }
    if (arg == nullptr) {
      return WrongCount(spec, count);
    }
    if (arg->nullable && kind == wire::Kind::kNil) {
      RETURN_IF_ERROR(reader.Raw());
      items_.emplace_back();
      continue;
    }
    ASSIGN_OR_RETURN(Item item, DecodeItem(spec, *arg, reader));
    item.given = true;
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
    RETURN_IF_ERROR(name.value() == kTimeoutOption.name ? DecodeTimeout(spec, reader)
                                                        : DecodeOption(spec, name.value(), reader));
  }
  return base::Ok{};
}

base::Status Args::DecodeTimeout(const CommandSpec& spec, wire::Reader& reader) {
  ASSIGN_OR_RETURN(const bool left_out, SkipNil(kTimeoutOption, reader));
  if (left_out) {
    return base::Ok{};
  }
  ASSIGN_OR_RETURN(const Item item, DecodeItem(spec, kTimeoutOption, reader));
  if (timeout_ms_ != 0) {
    return Error{Code::kBadRequest, Named(spec, kTimeoutOption) + "is given twice"};
  }
  timeout_ms_ = item.number;
  return base::Ok{};
}

base::Status Args::DecodeOption(const CommandSpec& spec, std::string_view name,
                                wire::Reader& reader) {
  const auto row = std::find_if(spec.options.begin(), spec.options.end(),
                                [&](const ArgSpec& option) { return option.name == name; });
  if (row == spec.options.end()) {
    return UnknownOption(spec, name);
  }
  Item& item = items_[static_cast<std::size_t>(row - spec.options.begin())];
  if (item.given) {
    return Error{Code::kBadRequest, Named(spec, *row) + "is given twice"};
  }
  ASSIGN_OR_RETURN(const bool left_out, SkipNil(*row, reader));
  if (left_out) {
    return base::Ok{};
  }
  ASSIGN_OR_RETURN(item, DecodeItem(spec, *row, reader));
  item.given = true;
  return base::Ok{};
}

base::Result<Args::Item> Args::DecodeItem(const CommandSpec& spec, const ArgSpec& arg,
                                          wire::Reader& reader) {
  Item item;
  switch (arg.kind) {
    case ArgKind::kKey:
    case ArgKind::kText: {
      ASSIGN_OR_RETURN(item.bytes, ReadText(spec, arg, reader));
      break;
    }
    case ArgKind::kInt:
    case ArgKind::kMillis: {
      ASSIGN_OR_RETURN(item.number, ReadNumber(spec, arg, reader));
      break;
    }
    case ArgKind::kBool: {
      ASSIGN_OR_RETURN(const bool flag, ReadBool(spec, arg, reader));
      item.number = flag ? 1 : 0;
      break;
    }
    case ArgKind::kShare: {
      ASSIGN_OR_RETURN(item.number, ReadShare(spec, arg, reader));
      break;
    }
    case ArgKind::kValue:
    case ArgKind::kTexts: {
      ASSIGN_OR_RETURN(item.bytes, ReadValue(spec, arg, reader));
      break;
    }
  }
  return item;
}

}  // namespace reprise::commands
