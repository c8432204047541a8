#include "client/cli/format.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <vector>

#include "protocol/wire/json.h"

namespace reprise::client {
namespace {

using base::Value;

constexpr std::size_t kIndent = 2;

std::string Indent(std::size_t depth) {
  return std::string(depth * kIndent, ' ');
}

bool IsContainer(const Value& value) {
  return value.AsArray() != nullptr || value.AsMap() != nullptr;
}

std::string Escaped(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string shown;
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    const bool is_control = (byte < 0x20 && letter != '\n' && letter != '\t') || byte == 0x7f;
    if (is_control) {
      shown += "\\x";
      shown.push_back(kDigits[byte >> 4U]);
      shown.push_back(kDigits[byte & 15U]);
    } else {
      shown.push_back(letter);
    }
  }
  return shown;
}

// Columns that the text takes on a terminal, near enough: one for each code point.
std::size_t Width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char letter) {
    return (static_cast<unsigned char>(letter) & 0xc0U) != 0x80U;
  }));
}

std::string Padded(const std::string& text, std::size_t width) {
  const std::size_t used = Width(text);
  return text + std::string(width > used ? width - used : 0, ' ');
}

class ReadableWriter {
 public:
  explicit ReadableWriter(bool for_terminal) : for_terminal_(for_terminal) {}

  std::string Scalar(const Value& value) const {
    if (const auto text = value.AsText()) {
      return for_terminal_ ? Escaped(*text) : std::string(*text);
    }
    return value.IsNil() ? "(nil)" : wire::ToJson(value);
  }

  void Write(const Value& value, std::size_t depth) {
    if (const Value::Map* pairs = value.AsMap()) {
      WriteMap(*pairs, depth);
    } else if (const Value::Array* items = value.AsArray()) {
      WriteList(*items, depth);
    } else {
      Line(depth, Scalar(value));
    }
  }

  std::string Take() && {
    if (!out_.empty()) {
      out_.pop_back();  // The last newline is the caller's.
    }
    return std::move(out_);
  }

 private:
  void Line(std::size_t depth, const std::string& text) {
    out_ += Indent(depth) + text;
    while (out_.ends_with(' ') && text.ends_with(' ')) {
      out_.pop_back();
    }
    out_ += "\n";
  }

  void WriteMap(const Value::Map& pairs, std::size_t depth) {
    if (pairs.empty()) {
      Line(depth, "(empty map)");
      return;
    }
    if (const Value::Array items = AsItems(pairs); IsTable(items)) {
      WriteTable(items, depth);
      return;
    }
    std::size_t width = 0;
    for (const auto& [key, value] : pairs) {
      width = IsContainer(value) ? width : std::max(width, Width(Scalar(key)));
    }
    for (const auto& [key, value] : pairs) {
      if (IsContainer(value)) {
        Line(depth, Scalar(key) + ":");
        Write(value, depth + 1);
      } else {
        Line(depth, Padded(Scalar(key), width) + "  " + Scalar(value));
      }
    }
  }

  // {"a": {"x": 1}, "b": {"x": 2}} as a list of like maps, each with its name in front.
  static Value::Array AsItems(const Value::Map& pairs) {
    Value::Array items;
    for (const auto& [key, value] : pairs) {
      const Value::Map* inner = value.AsMap();
      if (inner == nullptr || pairs.size() < 2) {
        return {};
      }
      Value::Map item{{"name", key}};
      item.insert(item.end(), inner->begin(), inner->end());
      items.emplace_back(std::move(item));
    }
    return items;
  }

  void WriteList(const Value::Array& items, std::size_t depth) {
    if (items.empty()) {
      Line(depth, "(empty list)");
      return;
    }
    if (IsTable(items)) {
      WriteTable(items, depth);
      return;
    }
    const std::size_t width = std::to_string(items.size()).size();
    for (std::size_t i = 0; i < items.size(); ++i) {
      const std::string number = std::to_string(i + 1);
      const std::string label = std::string(width - number.size(), ' ') + number + ") ";
      if (IsContainer(items[i])) {
        Line(depth, label);
        Write(items[i], depth + 1);
      } else {
        Line(depth, label + Scalar(items[i]));
      }
    }
  }

  // Maps with the same keys in the same order, and nothing but scalars or short lists in them.
  static bool IsTable(const Value::Array& items) {
    const Value::Map* first = items.empty() ? nullptr : items.front().AsMap();
    if (first == nullptr || first->empty()) {
      return false;
    }
    return std::all_of(items.begin(), items.end(), [first](const Value& item) {
      const Value::Map* pairs = item.AsMap();
      return pairs != nullptr && pairs->size() == first->size() &&
             std::equal(pairs->begin(), pairs->end(), first->begin(),
                        [](const auto& a, const auto& b) {
                          return a.first == b.first && a.second.AsMap() == nullptr;
                        });
    });
  }

  std::string Cell(const Value& value) const {
    return IsContainer(value) ? wire::ToJson(value) : Scalar(value);
  }

  // A table that is too wide for a terminal stands on its side, if it is shorter so.
  static bool IsTooWide(const std::vector<std::vector<std::string>>& lines) {
    constexpr std::size_t kColumnsMax = 14;
    return lines[0].size() > kColumnsMax && lines.size() < lines[0].size();
  }

  static std::vector<std::vector<std::string>> OnItsSide(
      const std::vector<std::vector<std::string>>& lines) {
    std::vector<std::vector<std::string>> turned(lines[0].size());
    for (const auto& cells : lines) {
      for (std::size_t column = 0; column < cells.size(); ++column) {
        turned[column].push_back(cells[column]);
      }
    }
    return turned;
  }

  void WriteTable(const Value::Array& items, std::size_t depth) {
    std::vector<std::vector<std::string>> lines(1);
    for (const auto& [key, value] : *items.front().AsMap()) {
      lines[0].push_back(Scalar(key));
    }
    for (const Value& item : items) {
      lines.emplace_back();
      for (const auto& [key, value] : *item.AsMap()) {
        lines.back().push_back(Cell(value));
      }
    }
    if (IsTooWide(lines)) {
      lines = OnItsSide(lines);
    }
    for (const auto& cells : lines) {
      std::string text;
      for (std::size_t column = 0; column < cells.size(); ++column) {
        std::size_t width = 0;
        for (const auto& each : lines) {
          width = std::max(width, Width(each[column]));
        }
        text += Padded(cells[column], width) + "  ";
      }
      Line(depth, text);
    }
  }

  bool for_terminal_;
  std::string out_;
};

std::string_view HintFor(base::Code code) {
  switch (code) {
    case base::Code::kBadRequest:
      return "`help COMMAND` shows the arguments";
    case base::Code::kUnknownCommand:
      return "`help` lists the commands";
    case base::Code::kUnauthenticated:
      return "give an access key with --key-file, REPRISE_KEY or AUTH";
    case base::Code::kForbidden:
      return "use an access key with the permission, or ask for one (KEY.CREATE)";
    case base::Code::kBusy:
    case base::Code::kShuttingDown:
      return "try again in a moment";
    case base::Code::kTimeout:
      return "try again, or allow more time with --timeout";
    case base::Code::kReadOnly:
      return "the disk may be full; INFO store says why, reads still work";
    case base::Code::kUnavailable:
      return "is the server running, and is this its address? See -a, -s, --port";
    case base::Code::kUnknownOutcome:
      return "read before you repeat it";
    case base::Code::kIo:
    case base::Code::kCorrupt:
    case base::Code::kInternal:
      return "the server's log says more";
    case base::Code::kTooLarge:
    case base::Code::kWrongType:
    case base::Code::kNotFound:
    case base::Code::kExists:
    case base::Code::kWouldBlock:
      return "";
  }
  return "";
}

}  // namespace

std::string FormatReply(const Value& reply, Style style, bool for_terminal) {
  if (style != Style::kReadable) {
    return wire::ToJson(reply, style == Style::kPretty);
  }
  if (!IsContainer(reply)) {
    return ReadableWriter(for_terminal).Scalar(reply);
  }
  ReadableWriter writer(for_terminal);
  writer.Write(reply, 0);
  return std::move(writer).Take();
}

std::string FormatError(const base::Error& error) {
  const std::string_view hint = HintFor(error.code);
  return "error: " + std::string(base::NameOf(error.code)) + ": " + Escaped(error.detail) +
         (hint.empty() ? "" : "\nhint: " + std::string(hint));
}

}  // namespace reprise::client
