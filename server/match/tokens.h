// Tokens: text cut into pieces by shape alone: words, numbers, web addresses, code. What a piece
// means is the business of words.h.
//
// Internal to server/match. Units: bytes of the text. Invalid UTF-8 is skipped, byte by byte.
// Errors: none. Complexity: O(bytes), at most kTokensMax tokens and kTextBytesMax bytes are looked
// at. Threads: any.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace reprise::match {

inline constexpr std::size_t kTokensMax = 512;
inline constexpr std::size_t kTextBytesMax = 16384;
inline constexpr std::size_t kTokenBytesMax = 128;  // a longer run is cut into several

enum class Shape : std::uint8_t { kWord, kNumber, kVersion, kClock, kDate, kUrl, kCode, kSymbol };

struct Token {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  Shape shape = Shape::kWord;
  bool capital = false;  // the first letter
  bool shout = false;    // all of two letters or more
  bool mixed = false;    // a capital behind a small letter
  bool begins_sentence = false;
  bool begins_clause = false;  // behind , ; : ( or a sentence's end
  bool glued = false;          // nothing between it and the token before
  bool ordinal = false;        // "3rd"
  std::uint16_t quote = 0;     // 1, 2, ...: inside so many-th quotation
  double value = 0;            // kNumber; kClock in minutes of the day
  std::string folded;          // small letters; for kNumber and kVersion the digits as written
};

struct Tokens {
  std::vector<Token> list;
  std::uint16_t quotes = 0;
  bool cut = false;  // text was longer than the limits
};

Tokens Tokenize(std::string_view text);

}  // namespace reprise::match
