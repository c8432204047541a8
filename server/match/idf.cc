// Owns the table of word weights.
#include "server/match/idf.h"

#include <algorithm>
#include <array>

namespace reprise::match {
namespace {

struct Row {
  std::string_view canon;
  float weight;
};

constexpr auto kRows = std::to_array<Row>({
#include "server/match/idf.inc"
});

const Row* FindRow(std::string_view canon) {
  const Row* row =
      std::lower_bound(kRows.begin(), kRows.end(), canon,
                       [](const Row& left, std::string_view right) { return left.canon < right; });
  return row != kRows.end() && row->canon == canon ? row : nullptr;
}

}  // namespace

float IdfOf(std::string_view canon) {
  const Row* row = FindRow(canon);
  return row != nullptr ? row->weight : kIdfUnseen;
}

bool IsKnownWord(std::string_view canon) {
  return FindRow(canon) != nullptr;
}

}  // namespace reprise::match
