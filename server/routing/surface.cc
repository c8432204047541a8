#include "server/routing/surface.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "server/routing/lexicon.h"

namespace reprise::routing {
namespace {

#include "server/routing/surface_scale.inc"

using Figure = SurfaceFigure;

constexpr float kCut = 3.0F;
constexpr std::size_t kLongWordBytes = 9;
constexpr std::size_t kShortWordBytes = 3;

constexpr std::array<std::string_view, kTextFigures> kNames{
    "length",           "words",          "digits",        "symbols",         "numbers",
    "largest number",   "question marks", "lines",         "word length",     "commas",
    "capitals",         "other scripts",  "code",          "quotes",          "sentences",
    "sentence length",  "variety",        "options",       "option length",   "numeric options",
    "repeated options", "uneven options", "negations",     "reasoning cues",  "comparisons",
    "look-ups",         "conditions",     "quantities",    "technical terms", "several parts",
    "asks for a text",  "roman numerals", "years",         "formulas",        "long words",
    "short words",      "persons",        "plain opening", "percents",        "money",
    "parentheses",      "colons",         "blanks",        "hyphens"};

float Log1p(std::size_t count) {
  return std::log1p(static_cast<float>(count));
}

float Share(std::size_t part, std::size_t whole) {
  return static_cast<float>(part) / static_cast<float>(std::max<std::size_t>(whole, 1));
}

// What single bytes tell.
struct Bytes {
  std::size_t digits = 0;
  std::size_t symbols = 0;
  std::size_t question_marks = 0;
  std::size_t lines = 0;
  std::size_t commas = 0;
  std::size_t others = 0;  // not ASCII
  std::size_t code = 0;
  std::size_t quotes = 0;
  std::size_t sentences = 0;
  std::size_t formulas = 0;
  std::size_t percents = 0;
  std::size_t money = 0;
  std::size_t parentheses = 0;
  std::size_t colons = 0;
  std::size_t blanks = 0;
  std::size_t hyphens = 0;
  std::size_t pieces = 0;    // between white space
  std::size_t capitals = 0;  // of these, with a capital in front
};

bool IsSpace(char byte) {
  return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

void CountMark(char byte, Bytes& counts) {
  switch (byte) {
    case '?':
      ++counts.question_marks;
      break;
    case '\n':
      ++counts.lines;
      break;
    case ',':
      ++counts.commas;
      break;
    case '"':
      ++counts.quotes;
      break;
    case '\\':
      ++counts.formulas;
      break;
    case '$':
      ++counts.formulas;
      ++counts.money;
      break;
    case '%':
      ++counts.percents;
      break;
    case '(':
      ++counts.parentheses;
      break;
    case ':':
      ++counts.colons;
      break;
    case '-':
      ++counts.hyphens;
      break;
    default:
      break;
  }
}

// Marks that are made of two bytes.
void CountPair(char first, char second, Bytes& counts) {
  const bool ends_line = second == '\n' && (first == ';' || first == '{' || first == '}');
  const bool is_arrow = second == '>' && (first == '=' || first == '-');
  const bool is_call = first == '(' && second == ')';
  counts.code += ends_line || is_arrow || is_call ? 1 : 0;
  counts.blanks += first == '_' && second == '_' ? 1 : 0;
  const bool ends_sentence = (first == '.' || first == '!' || first == '?') && IsSpace(second);
  counts.sentences += ends_sentence ? 1 : 0;
}

Bytes CountBytes(std::string_view text) {
  constexpr std::string_view kSymbols = "=+*/^<>{}[]()\\$|~&%";
  Bytes counts;
  bool in_piece = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char byte = text[i];
    counts.digits += IsDigit(byte) ? 1 : 0;
    counts.others += static_cast<unsigned char>(byte) >= 0x80 ? 1 : 0;
    if (!IsWordByte(byte) && !IsSpace(byte)) {
      counts.symbols += kSymbols.find(byte) != std::string_view::npos ? 1 : 0;
    }
    CountMark(byte, counts);
    CountPair(byte, i + 1 < text.size() ? text[i + 1] : '\n', counts);
    const bool begins_piece = !in_piece && !IsSpace(byte);
    counts.pieces += begins_piece ? 1 : 0;
    counts.capitals += begins_piece && byte >= 'A' && byte <= 'Z' ? 1 : 0;
    in_piece = !IsSpace(byte);
  }
  return counts;
}

struct Numbers {
  std::size_t count = 0;
  double largest = 0;
  std::size_t years = 0;
};

// Digits, with single points or commas between them.
Numbers CountNumbers(std::string_view text) {
  constexpr double kLargest = 1e9;
  Numbers numbers;
  std::size_t i = 0;
  while (i < text.size()) {
    if (!IsDigit(text[i])) {
      ++i;
      continue;
    }
    const std::size_t begin = i;
    double value = 0;
    double unit = 0;  // of the next digit behind the point; 0: in front of it
    for (; i < text.size(); ++i) {
      const bool has_next = i + 1 < text.size() && IsDigit(text[i + 1]);
      if (IsDigit(text[i])) {
        const double digit = text[i] - '0';
        value = unit == 0 ? std::min(value * 10 + digit, kLargest) : value + digit * unit;
        unit /= 10;
      } else if (text[i] == '.' && has_next) {
        unit = unit == 0 ? 0.1 : unit;
      } else if (text[i] != ',' || !has_next) {
        break;
      }
    }
    ++numbers.count;
    numbers.largest = std::max(numbers.largest, value);
    numbers.years += i - begin == 4 && value >= 1000 && value < 2030 ? 1 : 0;
  }
  return numbers;
}

struct WordCounts {
  std::array<std::size_t, 16> cues{};
  std::size_t bytes = 0;
  std::size_t unique = 0;
  std::size_t of_long = 0;
  std::size_t of_short = 0;
  std::size_t roman = 0;
  std::size_t keywords = 0;  // of programs

  std::size_t of(Cue cue) const {
    return cues[static_cast<std::size_t>(__builtin_ctz(static_cast<unsigned>(cue)))];
  }
};

bool IsRoman(std::string_view word) {
  return word == "II" || word == "III" || word == "IV";
}

WordCounts CountWords(std::string_view text, std::span<const Word> words) {
  constexpr std::uint64_t kDef = HashOfWord("def");
  constexpr std::uint64_t kReturn = HashOfWord("return");
  WordCounts counts;
  std::vector<std::uint64_t> hashes;
  hashes.reserve(words.size());
  for (const Word& word : words) {
    hashes.push_back(word.hash);
    counts.bytes += word.size();
    counts.of_long += word.size() >= kLongWordBytes ? 1 : 0;
    counts.of_short += word.size() <= kShortWordBytes ? 1 : 0;
    counts.roman += IsRoman(text.substr(word.begin, word.size())) ? 1 : 0;
    counts.keywords += word.hash == kDef || word.hash == kReturn ? 1 : 0;
    for (unsigned cues = word.cues; cues != 0; cues &= cues - 1) {
      ++counts.cues[static_cast<std::size_t>(__builtin_ctz(cues))];
    }
  }
  std::sort(hashes.begin(), hashes.end());
  counts.unique =
      static_cast<std::size_t>(std::unique(hashes.begin(), hashes.end()) - hashes.begin());
  return counts;
}

// Answers to choose from: lines that begin with a letter from A to H and a mark.
struct Options {
  std::size_t count = 0;
  std::size_t numeric = 0;
  std::size_t bytes = 0;
  std::size_t words = 0;
  std::size_t squares = 0;  // of words, summed
  std::size_t unique = 0;
};

// Where the text of the option begins; npos: the line is none.
std::size_t OptionBegin(std::string_view line) {
  std::size_t i = 0;
  while (i < line.size() && IsSpace(line[i])) {
    ++i;
  }
  i += i < line.size() && line[i] == '(' ? 1 : 0;
  if (i + 2 >= line.size() || line[i] < 'A' || line[i] > 'H') {
    return std::string_view::npos;
  }
  const char mark = line[i + 1];
  const bool is_option = (mark == '.' || mark == ')' || mark == ':') && IsSpace(line[i + 2]);
  return is_option ? i + 2 : std::string_view::npos;
}

Options CountOptions(std::string_view text, std::span<const Word> words) {
  Options options;
  std::vector<std::uint64_t> hashes;
  auto word = words.begin();
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::size_t inside = OptionBegin(text.substr(begin, end - begin));
    if (inside != std::string_view::npos) {
      while (word != words.end() && word->begin < begin + inside) {
        ++word;
      }
      std::size_t count = 0;
      bool numeric = true;
      for (; word != words.end() && word->begin < end; ++word, ++count) {
        hashes.push_back(word->hash);
        options.bytes += word->size();
        numeric = numeric && word->all_digits;
      }
      ++options.count;
      options.words += count;
      options.squares += count * count;
      options.numeric += numeric && count > 0 ? 1 : 0;
    }
    begin = end + 1;
  }
  std::sort(hashes.begin(), hashes.end());
  options.unique =
      static_cast<std::size_t>(std::unique(hashes.begin(), hashes.end()) - hashes.begin());
  return options;
}

float Unevenness(const Options& options) {
  if (options.count == 0) {
    return 0;
  }
  const float mean = Share(options.words, options.count);
  const float variance = Share(options.squares, options.count) - mean * mean;
  return std::sqrt(std::max(variance, 0.0F)) / (1 + mean);
}

class Filling {
 public:
  explicit Filling(Surface& surface) : surface_(surface) {}
  void Set(Figure figure, float value) { surface_[static_cast<std::size_t>(figure)] = value; }
  void SetLog(Figure figure, std::size_t count) { Set(figure, Log1p(count)); }

 private:
  Surface& surface_;
};

void FillBytes(const Bytes& bytes, std::size_t size, std::size_t words, Filling& filling) {
  constexpr std::size_t kQuestionMarksMax = 4;
  const std::size_t sentences = std::max<std::size_t>(bytes.sentences, 1);
  filling.Set(Figure::kDigits, Share(bytes.digits, size));
  filling.Set(Figure::kSymbols, Share(bytes.symbols, size));
  filling.Set(Figure::kQuestionMarks,
              static_cast<float>(std::min(bytes.question_marks, kQuestionMarksMax)));
  filling.SetLog(Figure::kLines, bytes.lines);
  filling.Set(Figure::kCommas, Share(bytes.commas, words));
  filling.Set(Figure::kCapitals, Share(bytes.capitals, bytes.pieces));
  filling.Set(Figure::kOtherScripts, Share(bytes.others, size));
  filling.SetLog(Figure::kQuotes, bytes.quotes);
  filling.SetLog(Figure::kSentences, sentences);
  filling.Set(Figure::kSentenceLength, std::log1p(Share(words, sentences)));
  filling.SetLog(Figure::kFormulas, bytes.formulas);
  filling.SetLog(Figure::kPercents, bytes.percents);
  filling.SetLog(Figure::kMoney, bytes.money);
  filling.SetLog(Figure::kParentheses, bytes.parentheses);
  filling.SetLog(Figure::kColons, bytes.colons);
  filling.SetLog(Figure::kBlanks, bytes.blanks);
  filling.SetLog(Figure::kHyphens, bytes.hyphens);
}

void FillWords(const WordCounts& counts, std::size_t words, Filling& filling) {
  constexpr float kVarietyPower = 0.8F;  // longer texts repeat themselves more
  const auto count = static_cast<float>(std::max<std::size_t>(words, 1));
  filling.SetLog(Figure::kWords, words);
  filling.Set(Figure::kWordLength, Share(counts.bytes, words));
  filling.Set(Figure::kVariety, static_cast<float>(counts.unique) / std::pow(count, kVarietyPower));
  filling.Set(Figure::kLongWords, Share(counts.of_long, words));
  filling.Set(Figure::kShortWords, Share(counts.of_short, words));
  filling.SetLog(Figure::kRomanNumerals, counts.roman);
  filling.SetLog(Figure::kNegations, counts.of(kNegation));
  filling.SetLog(Figure::kReasoning, counts.of(Cue::kReasoning));
  filling.SetLog(Figure::kComparisons, counts.of(kComparison));
  filling.SetLog(Figure::kLookUps, counts.of(kLookUp));
  filling.SetLog(Figure::kConditions, counts.of(kCondition));
  filling.SetLog(Figure::kQuantities, counts.of(kQuantity));
  filling.SetLog(Figure::kTechnical, counts.of(Cue::kTechnical));
  filling.SetLog(Figure::kSeveral, counts.of(Cue::kSeveral));
  filling.SetLog(Figure::kOutputs, counts.of(kOutput));
  filling.SetLog(Figure::kPersons, counts.of(kPerson));
}

void FillOptions(const Options& options, Filling& filling) {
  constexpr std::size_t kOptionsMax = 8;
  filling.Set(Figure::kOptions, static_cast<float>(std::min(options.count, kOptionsMax)));
  filling.Set(Figure::kOptionLength, std::log1p(Share(options.bytes, options.count)));
  filling.Set(Figure::kNumericOptions, Share(options.numeric, options.count));
  filling.Set(Figure::kRepeatedOptions,
              options.words == 0 ? 0.0F : 1 - Share(options.unique, options.words));
  filling.Set(Figure::kUnevenOptions, Unevenness(options));
}

}  // namespace

std::string_view NameOf(SurfaceFigure figure) {
  return kNames[static_cast<std::size_t>(figure)];
}

Surface RawSurfaceOf(std::string_view text, std::size_t full_bytes, std::span<const Word> words) {
  Surface surface{};
  Filling filling(surface);
  const Bytes bytes = CountBytes(text);
  const Numbers numbers = CountNumbers(text);
  const WordCounts counts = CountWords(text, words);
  filling.SetLog(Figure::kBytes, full_bytes);
  FillBytes(bytes, text.size(), words.size(), filling);
  FillWords(counts, words.size(), filling);
  FillOptions(CountOptions(text, words), filling);
  filling.SetLog(Figure::kNumbers, numbers.count);
  filling.Set(Figure::kLargestNumber, std::log1p(static_cast<float>(numbers.largest)));
  filling.SetLog(Figure::kYears, numbers.years);
  filling.SetLog(Figure::kCode, bytes.code + counts.keywords);
  filling.Set(Figure::kPlainOpening,
              !words.empty() && (words.front().cues & kOpening) != 0 ? 1.0F : 0.0F);
  return surface;
}

Surface Scaled(const Surface& raw) {
  Surface scaled{};
  for (std::size_t i = 0; i < raw.size(); ++i) {
    scaled[i] = std::clamp((raw[i] - kMeans[i]) / kSpreads[i], -kCut, kCut);
  }
  return scaled;
}

}  // namespace reprise::routing
