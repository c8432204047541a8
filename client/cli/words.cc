#include "client/cli/words.h"

namespace reprise::client {
namespace {

bool IsSpace(char letter) {
  return letter == ' ' || letter == '\t' || letter == '\n' || letter == '\r';
}

char Unescaped(char letter) {
  switch (letter) {
    case 'n':
      return '\n';
    case 't':
      return '\t';
    case 'r':
      return '\r';
    default:
      return letter;
  }
}

// Walks over a line word by word.
class Splitter {
 public:
  explicit Splitter(std::string_view line) : line_(line) {}

  // False at the end of the line.
  bool Next(Word& word) {
    while (position_ < line_.size() && IsSpace(line_[position_])) {
      ++position_;
    }
    if (position_ == line_.size()) {
      return false;
    }
    word = Word{};
    while (position_ < line_.size() && !IsSpace(line_[position_])) {
      const char letter = line_[position_];
      if (letter == '\'') {
        TakeSingle(word);
      } else if (letter == '"') {
        TakeDouble(word);
      } else if ((letter == '{' || letter == '[') && MayBeJson(word)) {
        TakeBrackets(word);
      } else {
        word.text.push_back(letter);
        ++position_;
      }
    }
    return true;
  }

  bool open() const { return open_; }

 private:
  // At the start of a word, or of the value in name=value.
  static bool MayBeJson(const Word& word) {
    return !word.quoted && (word.text.empty() || word.text.back() == '=');
  }

  void TakeSingle(Word& word) {
    word.quoted = true;
    const std::size_t end = line_.find('\'', position_ + 1);
    open_ = open_ || end == std::string_view::npos;
    word.text += line_.substr(position_ + 1, open_ ? end : end - position_ - 1);
    position_ = open_ ? line_.size() : end + 1;
  }

  void TakeDouble(Word& word) {
    word.quoted = true;
    for (++position_; position_ < line_.size(); ++position_) {
      if (line_[position_] == '"') {
        ++position_;
        return;
      }
      if (line_[position_] == '\\' && position_ + 1 < line_.size()) {
        word.text.push_back(Unescaped(line_[++position_]));
      } else {
        word.text.push_back(line_[position_]);
      }
    }
    open_ = true;
  }

  // To the bracket that closes this one; strings inside are copied as they are.
  void TakeBrackets(Word& word) {
    int depth = 0;
    bool in_string = false;
    const std::size_t start = position_;
    for (; position_ < line_.size(); ++position_) {
      const char letter = line_[position_];
      if (in_string) {
        if (letter == '\\') {
          ++position_;
        }
        in_string = letter != '"';
        continue;
      }
      in_string = letter == '"';
      depth += letter == '{' || letter == '[' ? 1 : 0;
      depth -= letter == '}' || letter == ']' ? 1 : 0;
      if (depth == 0) {
        ++position_;
        break;
      }
    }
    position_ = std::min(position_, line_.size());
    open_ = open_ || depth > 0 || in_string;
    word.text += line_.substr(start, position_ - start);
  }

  std::string_view line_;
  std::size_t position_ = 0;
  bool open_ = false;
};

}  // namespace

base::Result<std::vector<Word>> SplitWords(std::string_view line) {
  Splitter splitter(line);
  std::vector<Word> words;
  Word word;
  while (splitter.Next(word)) {
    words.push_back(std::move(word));
  }
  if (splitter.open()) {
    return base::Error{base::Code::kBadRequest, "a quote or bracket is not closed"};
  }
  return words;
}

bool IsOpen(std::string_view line) {
  Splitter splitter(line);
  Word word;
  while (splitter.Next(word)) {
  }
  return splitter.open();
}

}  // namespace reprise::client
