#include "server/routing/words.h"

#include "server/routing/lexicon.h"

namespace reprise::routing {

std::string_view Excerpt(std::string_view text, std::string& scratch) {
  if (text.size() <= kTextBytesMax) {
    return text;
  }
  scratch.assign(text.substr(0, kTextBytesMax / 2));
  scratch.push_back('\n');
  scratch.append(text.substr(text.size() - kTextBytesMax / 2 + 1));
  return scratch;
}

void SplitWords(std::string_view text, std::vector<Word>& words) {
  words.clear();
  std::size_t i = 0;
  while (i < text.size()) {
    if (!IsWordByte(text[i])) {
      ++i;
      continue;
    }
    Word word;
    word.begin = static_cast<std::uint32_t>(i);
    word.all_digits = true;
    word.all_ascii = true;
    const std::size_t end_max = std::min(text.size(), i + kWordBytesMax);
    for (; i < end_max && IsWordByte(text[i]); ++i) {
      word.all_digits = word.all_digits && IsDigit(text[i]);
      word.all_ascii = word.all_ascii && static_cast<unsigned char>(text[i]) < 0x80;
    }
    word.end = static_cast<std::uint32_t>(i);
    word.hash = HashOfWord(text.substr(word.begin, word.size()));
    word.cues = CuesOf(word.hash);
    words.push_back(word);
  }
}

}  // namespace reprise::routing
