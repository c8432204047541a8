#include "client/cli/entry_source.h"

#include <algorithm>
#include <array>
#include <utility>

#include "client/cli/chunks.h"
#include "client/cli/element.h"
#include "client/cli/gptcache_source.h"
#include "protocol/wire/decode.h"
#include "protocol/wire/token.h"

namespace reprise::client {
namespace {

using base::Code;
using base::Error;
using base::Value;

constexpr std::array<std::pair<FileFormat, std::string_view>, 3> kFormats{
    {{FileFormat::kJsonLines, "jsonl"},
     {FileFormat::kMessagePack, "msgpack"},
     {FileFormat::kGptCache, "gptcache"}}};

// One JSON object a line; empty lines are nothing.
class JsonLines final : public EntrySource {
 public:
  JsonLines(std::istream& stream, const Position& start)
      : chunks_(stream, start.offset), line_(start.line) {}

  base::Result<std::optional<Item>> Next() override {
    while (true) {
      Line line = ReadLine(chunks_);
      if (chunks_.failed()) {
        return CannotRead(chunks_);
      }
      if (line.is_end) {
        return std::optional<Item>();
      }
      ++line_;
      if (line.too_long || line.text.find_first_not_of(" \t\r") != std::string::npos) {
        return std::optional(ToItem(line));
      }
    }
  }

  Position position() const override { return {chunks_.offset(), line_, false}; }

 private:
  Item ToItem(const Line& line) const {
    Item item{"line " + std::to_string(line_), {}, {}};
    if (line.too_long) {
      item.bad = TooLong("the line");
      return item;
    }
    const auto value = ReadElement(line.text);
    if (!value.ok()) {
      item.bad = value.error();
    } else if (value.value().AsMap() == nullptr) {
      item.bad = Error{Code::kBadRequest, "expected an object with \"prompt\" and \"response\""};
    } else {
      item.entry = wire::Encode(value.value());
    }
    return item;
  }

  Chunks chunks_;
  std::uint64_t line_;
};

// Maps, one behind the other.
class MessagePack final : public EntrySource {
 public:
  MessagePack(std::istream& stream, const Position& start) : chunks_(stream, start.offset) {}

  base::Result<std::optional<Item>> Next() override {
    if (chunks_.Peek(1).empty()) {
      if (chunks_.failed()) {
        return CannotRead(chunks_);
      }
      return std::optional<Item>();
    }
    begin_ = chunks_.offset();
    Item item{"byte " + std::to_string(begin_), {}, {}};
    wire::Token first;
    (void)wire::ReadToken(chunks_.Peek(kHeaderMax), first);
    RETURN_IF_ERROR(TakeValue(item));
    if (!item.bad.has_value() && first.kind != wire::Kind::kMap) {
      item.bad =
          Error{Code::kBadRequest, "expected a map with \"prompt\" and \"response\", found " +
                                       std::string(wire::NameOf(first.kind))};
    }
    return std::optional(std::move(item));
  }

  Position position() const override { return {chunks_.offset(), 0, false}; }

 private:
  static constexpr std::size_t kHeaderMax = 9;

  Error CutOff() const {
    return chunks_.failed() ? CannotRead(chunks_)
                            : Error{Code::kBadRequest,
                                    "the file is cut off inside the entry that begins at byte " +
                                        std::to_string(begin_)};
  }

  // Reads one whole value; one that is too large is read past, not kept.
  base::Status TakeValue(Item& item) {
    for (std::uint64_t pending = 1; pending > 0;) {
      wire::Token token;
      const wire::TokenState state = wire::ReadToken(chunks_.Peek(kHeaderMax), token);
      if (state == wire::TokenState::kIncomplete) {
        return CutOff();
      }
      if (state == wire::TokenState::kInvalid) {
        return Error{Code::kBadRequest, "byte " + std::to_string(chunks_.offset()) +
                                            " is not MessagePack (0xc1 is never used)"};
      }
      --pending;
      if (token.IsContainer()) {
        pending += std::uint64_t{token.length} * (token.kind == wire::Kind::kMap ? 2U : 1U);
      }
      RETURN_IF_ERROR(Move(token.header_bytes + (token.HasBody() ? token.length : 0ULL), item));
    }
    return base::Ok{};
  }

  base::Status Move(std::uint64_t bytes, Item& item) {
    while (bytes > 0) {
      const std::string_view seen = chunks_.Peek(1);
      if (seen.empty()) {
        return CutOff();
      }
      const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, seen.size()));
      if (item.entry.size() + count > kEntryBytesMax) {
        item.bad = TooLong("the entry");
        item.entry.clear();
      }
      if (!item.bad.has_value()) {
        item.entry.append(seen.substr(0, count));
      }
      chunks_.Consume(count);
      bytes -= count;
    }
    return base::Ok{};
  }

  Chunks chunks_;
  std::uint64_t begin_ = 0;
};

}  // namespace

std::string_view NameOf(FileFormat format) {
  return kFormats[static_cast<std::size_t>(format)].second;
}

std::optional<FileFormat> FormatNamed(std::string_view name) {
  for (const auto& [format, known] : kFormats) {
    if (known == name) {
      return format;
    }
  }
  return std::nullopt;
}

std::unique_ptr<EntrySource> OpenSource(FileFormat format, std::istream& stream,
                                        const Position& start, Value::Map defaults) {
  switch (format) {
    case FileFormat::kJsonLines:
      return std::make_unique<JsonLines>(stream, start);
    case FileFormat::kMessagePack:
      return std::make_unique<MessagePack>(stream, start);
    case FileFormat::kGptCache:
      break;
  }
  return std::make_unique<GptCacheSource>(stream, start, std::move(defaults));
}

}  // namespace reprise::client
