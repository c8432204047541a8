// Owns the distance between spellings.
#include "server/match/spelling.h"

#include <algorithm>
#include <array>

namespace reprise::match {
namespace {

bool HasDigit(std::string_view word) {
  return std::any_of(word.begin(), word.end(),
                     [](char byte) { return byte >= '0' && byte <= '9'; });
}

}  // namespace

std::size_t EditDistance(std::string_view one, std::string_view other, std::size_t most) {
  const std::size_t gap =
      one.size() > other.size() ? one.size() - other.size() : other.size() - one.size();
  if (gap > most || one.size() > kSpellingBytesMax || other.size() > kSpellingBytesMax) {
    return one == other ? 0 : most + 1;
  }
  std::array<std::array<std::size_t, kSpellingBytesMax + 1>, 3> rows{};
  for (std::size_t j = 0; j <= other.size(); ++j) {
    rows[0][j] = j;
  }
  for (std::size_t i = 1; i <= one.size(); ++i) {
    auto& row = rows[i % 3];
    const auto& above = rows[(i + 2) % 3];
    const auto& before = rows[(i + 1) % 3];
    row[0] = i;
    std::size_t least = i;
    for (std::size_t j = 1; j <= other.size(); ++j) {
      const std::size_t change = above[j - 1] + (one[i - 1] == other[j - 1] ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, change});
      if (i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
      least = std::min(least, row[j]);
    }
    if (least > most) {
      return most + 1;
    }
  }
  return rows[one.size() % 3][other.size()];
}

bool IsSlip(std::string_view one, std::string_view other) {
  const std::size_t shorter = std::min(one.size(), other.size());
  const std::size_t longer = std::max(one.size(), other.size());
  if (longer < 4 || shorter < 3 || HasDigit(one) || HasDigit(other)) {
    return false;
  }
  const std::size_t most = longer >= 8 ? 2 : 1;
  return EditDistance(one, other, most) <= most;
}

}  // namespace reprise::match
