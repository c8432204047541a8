#include "server/cache/stream_events.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

namespace reprise::cache {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::string_view kDone = "[DONE]";
constexpr std::string_view kResponsePrefix = "response.";
constexpr std::array<std::string_view, 8> kEventNames{
    "content_block_delta", "content_block_start", "content_block_stop", "error",
    "message_delta",       "message_start",       "message_stop",       "ping"};

struct Line {
  std::string_view name;
  std::string_view value;
  bool is_blank = false;
  bool is_comment = false;
  bool has_colon = false;
  bool has_end = false;
};

// Lines of a text, one after the other.
class Lines {
 public:
  explicit Lines(std::string_view text)
      : rest_(text.substr(text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0)) {}

  std::optional<Line> Next() {
    if (rest_.empty()) {
      return std::nullopt;
    }
    const std::size_t end = rest_.find_first_of("\r\n");
    Line line;
    line.has_end = end != std::string_view::npos;
    const std::string_view text = rest_.substr(0, end);
    rest_.remove_prefix(text.size());
    if (line.has_end) {
      rest_.remove_prefix(rest_.starts_with("\r\n") ? 2 : 1);
    }
    const std::size_t colon = text.find(':');
    line.is_blank = text.empty();
    line.is_comment = colon == 0;
    line.has_colon = colon != std::string_view::npos;
    line.name = text.substr(0, colon);
    if (line.has_colon) {
      line.value = text.substr(colon + 1);
      line.value.remove_prefix(line.value.starts_with(' ') ? 1 : 0);
    }
    return line;
  }

 private:
  std::string_view rest_;
};

// The begin of `whole`, as far as it has come.
bool IsBeginOf(std::string_view text, std::string_view whole) {
  return whole.starts_with(text);
}

bool IsModelEvent(const Line& line) {
  if (line.value.starts_with(kResponsePrefix)) {
    return true;
  }
  if (line.has_end) {
    return std::find(kEventNames.begin(), kEventNames.end(), line.value) != kEventNames.end();
  }
  return IsBeginOf(line.value, kResponsePrefix) ||
         std::any_of(kEventNames.begin(), kEventNames.end(),
                     [&](std::string_view name) { return IsBeginOf(line.value, name); });
}

enum class Verdict : std::uint8_t { kEvents, kText, kGoOn };

Verdict Judge(const Line& line) {
  if (!line.has_colon) {
    return Verdict::kText;
  }
  if (line.name == "event") {
    return IsModelEvent(line) ? Verdict::kEvents : (line.has_end ? Verdict::kGoOn : Verdict::kText);
  }
  if (line.name == "data") {
    std::string_view data = line.value;
    data.remove_prefix(std::min(data.find_first_not_of(" \t"), data.size()));
    if (data.empty() && line.has_end) {
      return Verdict::kGoOn;
    }
    const bool is_done = data.starts_with(kDone) || (!line.has_end && IsBeginOf(data, kDone));
    return data.starts_with('{') || is_done ? Verdict::kEvents : Verdict::kText;
  }
  const bool is_other_field = line.name == "id" || line.name == "retry";
  return is_other_field && line.has_end ? Verdict::kGoOn : Verdict::kText;
}

// One event while its lines come.
class Pending {
 public:
  void Add(const Line& line) {
    if (line.name == "event") {
      name_ = line.value;
    } else if (line.name == "data" && !has_data_) {
      has_data_ = true;
      first_ = line.value;
    } else if (line.name == "data") {
      if (joined_.empty()) {
        joined_.assign(first_);
      }
      joined_.append("\n").append(line.value);
    }
  }
  bool has_data() const { return !first_.empty() || !joined_.empty(); }
  TextEvent Event(bool is_last_without_end) const {
    return {name_, joined_.empty() ? first_ : std::string_view(joined_), is_last_without_end};
  }
  void Clear() {
    name_ = {};
    first_ = {};
    joined_.clear();
    has_data_ = false;
  }

 private:
  std::string_view name_;
  std::string_view first_;
  std::string joined_;  // of several data lines
  bool has_data_ = false;
};

}  // namespace

bool IsEventText(std::string_view text) {
  Lines lines(text);
  bool has_comment = false;
  bool has_gap = false;
  while (const std::optional<Line> line = lines.Next()) {
    if (line->is_blank || line->is_comment) {
      has_gap = has_gap || (line->is_blank && has_comment);
      has_comment = has_comment || line->is_comment;
      continue;
    }
    const Verdict verdict = Judge(*line);
    if (verdict != Verdict::kGoOn) {
      return verdict == Verdict::kEvents;
    }
  }
  return has_gap;
}

base::Status ReadEventText(std::string_view text,
                           const std::function<base::Status(const TextEvent&)>& take) {
  Lines lines(text);
  Pending pending;
  while (const std::optional<Line> line = lines.Next()) {
    if (!line->is_blank) {
      pending.Add(*line);
      continue;
    }
    if (pending.has_data()) {
      RETURN_IF_ERROR(take(pending.Event(false)));
    }
    pending.Clear();
  }
  return pending.has_data() ? take(pending.Event(true)) : base::Status(base::Ok{});
}

}  // namespace reprise::cache
