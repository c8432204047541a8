#include "server/routing/outcome_row.h"

#include <cstring>

#include "server/routing/row_bytes.h"

namespace reprise::routing {
namespace {

using base::Code;
using base::Error;

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kNamespaceBytes = 4;
constexpr unsigned kByteBits = 8;

bool IsContinuation(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

}  // namespace

std::string OutcomeRow::Format() const {
  std::string row;
  AppendNumber(kVersion, row);
  AppendNumber(base::ToInt(at), row);
  AppendName(type, row);
  AppendName(excerpt, row);
  AppendNumber(static_cast<std::uint16_t>(features.grams.size()), row);
  for (const std::uint32_t gram : features.grams) {
    AppendNumber(gram, row);
  }
  AppendNumber(static_cast<std::uint8_t>(features.figures.size()), row);
  for (const std::int8_t figure : features.figures) {
    AppendNumber(figure, row);
  }
  AppendNumber(features.embedder, row);
  AppendNumber(features.place_length, row);
  if (features.has_place()) {
    for (const std::int8_t number : features.place) {
      AppendNumber(number, row);
    }
  }
  AppendNumber(static_cast<std::uint8_t>(labels.size()), row);
  for (const Label& label : labels) {
    AppendName(label.model, row);
    AppendNumber(label.quality, row);
    AppendNumber(label.strength, row);
    AppendNumber(label.event, row);
  }
  return row;
}

base::Result<OutcomeRow> OutcomeRow::Parse(std::string_view row) {
  Cursor cursor(row);
  OutcomeRow outcome;
  const auto version = cursor.Take<std::uint8_t>();
  outcome.at = base::UnixMillis{cursor.Take<std::int64_t>()};
  outcome.type = cursor.TakeName();
  outcome.excerpt = cursor.TakeName();
  const std::size_t grams = cursor.Take<std::uint16_t>();
  for (std::size_t i = 0; i < grams && !cursor.failed(); ++i) {
    outcome.features.grams.push_back(cursor.Take<std::uint32_t>());
  }
  if (cursor.Take<std::uint8_t>() != kLinearFigures || version != kVersion) {
    return Error{Code::kCorrupt, "an outcome row cannot be read"};
  }
  for (std::int8_t& figure : outcome.features.figures) {
    figure = cursor.Take<std::int8_t>();
  }
  outcome.features.embedder = cursor.Take<std::uint32_t>();
  outcome.features.place_length = cursor.Take<float>();
  if (outcome.features.has_place()) {
    for (std::int8_t& number : outcome.features.place) {
      number = cursor.Take<std::int8_t>();
    }
  }
  const std::size_t labels = cursor.Take<std::uint8_t>();
  for (std::size_t i = 0; i < labels && !cursor.failed(); ++i) {
    Label label;
    label.model = cursor.TakeName();
    label.quality = cursor.Take<float>();
    label.strength = cursor.Take<float>();
    label.event = cursor.Take<std::uint64_t>();
    outcome.labels.push_back(std::move(label));
  }
  if (!cursor.Complete()) {
    return Error{Code::kCorrupt, "an outcome row cannot be read"};
  }
  return outcome;
}

std::string ExcerptOf(std::string_view prompt) {
  std::size_t end = std::min(prompt.size(), kExcerptBytesMax);
  while (end > 0 && end < prompt.size() && IsContinuation(prompt[end])) {
    --end;
  }
  return std::string(prompt.substr(0, end));
}

std::string OutcomesPrefix(storage::NamespaceId id) {
  const auto prefix = storage::PrefixOf(id);
  return std::string(kOutcomeRows).append(prefix.data(), prefix.size());
}

std::string OutcomeKey(storage::NamespaceId id, std::uint64_t number) {
  std::string key = OutcomesPrefix(id);
  for (std::size_t i = sizeof(number); i-- > 0;) {
    key.push_back(static_cast<char>((number >> (kByteBits * i)) & 0xFFU));
  }
  return key;
}

base::Result<std::uint64_t> NumberOfOutcome(std::string_view key) {
  std::uint64_t number = 0;
  if (key.size() != kOutcomeRows.size() + kNamespaceBytes + sizeof(number)) {
    return Error{Code::kCorrupt, "the key of an outcome cannot be read"};
  }
  for (const char byte : key.substr(kOutcomeRows.size() + kNamespaceBytes)) {
    number = (number << kByteBits) | static_cast<unsigned char>(byte);
  }
  return number;
}

}  // namespace reprise::routing
