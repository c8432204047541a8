// Pairing: which word of one question stands for which of the other: the same canonical form, a
// spelling slip, an acronym of several words, one word written as two, or the opposite under a
// negation ("not allowed" is "forbidden").
//
// Internal to server/match. Each word has at most one partner. Symmetric: Pair(b, a) is Pair(a, b)
// with the sides exchanged. Errors: none. Complexity: O(n x m) for n and m words, with at most
// kNearMax words of each side compared by spelling. Threads: any.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "server/match/words.h"

namespace reprise::match {

inline constexpr std::size_t kNearMax = 32;
inline constexpr std::int32_t kNobody = -1;

enum class Bond : std::uint8_t { kNone, kSame, kNear, kOpposed };  // kOpposed: same by a negation

struct Side {
  const Words* words = nullptr;
  std::vector<std::int32_t> partner;  // index in the other side's list, or kNobody
  std::vector<Bond> bond;

  const Word& At(std::size_t index) const { return words->list[index]; }
  std::size_t size() const { return words->list.size(); }
  bool IsAlone(std::size_t index) const { return bond[index] == Bond::kNone; }
};

struct Pairing {
  Side stored;
  Side asked;
};

// Borrows both.
Pairing Pair(const Words& stored, const Words& asked);

// The share of plain words that say something and have a partner, of both texts; 1 without any.
double PairedShare(const Pairing& pairing);

}  // namespace reprise::match
