// Reads pairs of questions (label, category, A, B, tab separated) from standard input and prints
// what server/match sees in them, tab separated: label, category, the first veto or "-", then the
// features; the first line names them. With --words: the canonical words that say something, of A
// and B together, one pair a line. With --guards: each guard that did not pass, and the texts.
#include "server/match/features.h"

#include <cstdio>
#include <iostream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace reprise::match {
namespace {

struct Row {
  std::string label;
  std::string category;
  std::string stored;
  std::string asked;
};

bool Split(const std::string& line, Row& row) {
  std::size_t begin = 0;
  std::vector<std::string> cells;
  while (begin <= line.size()) {
    const std::size_t end = std::min(line.find('\t', begin), line.size());
    cells.push_back(line.substr(begin, end - begin));
    begin = end + 1;
  }
  if (cells.size() < 4) {
    return false;
  }
  row = {cells[0], cells[1], cells[2], cells[3]};
  return true;
}

void PrintWords(const Row& row) {
  std::set<std::string> seen;
  for (const std::string* text : {&row.stored, &row.asked}) {
    for (const Word& word : ReadWords(*text).list) {
      if (word.kind == Kind::kPlain && word.canon.find(' ') == std::string::npos) {
        seen.insert(word.canon);
      }
    }
  }
  for (const std::string& canon : seen) {
    std::printf("%s ", canon.c_str());
  }
  std::printf("\n");
}

void PrintGuards(const Row& row) {
  for (const Verdict& verdict : Judge(ReadWords(row.stored), ReadWords(row.asked))) {
    if (!verdict.pass) {
      std::printf("%s\t%s\t%s\t%s\t%s | %s\t%s\t%s\n", row.label.c_str(), row.category.c_str(),
                  std::string(NameOf(verdict.guard)).c_str(), verdict.veto ? "veto" : "doubt",
                  verdict.stored.c_str(), verdict.asked.c_str(), row.stored.c_str(),
                  row.asked.c_str());
    }
  }
}

void PrintFeatures(const Row& row) {
  const Words stored = ReadWords(row.stored);
  const Words asked = ReadWords(row.asked);
  const Pairing pairing = Pair(stored, asked);
  const Verdicts verdicts = Judge(pairing);
  const Verdict* veto = FindVeto(verdicts);
  std::printf("%s\t%s\t%s", row.label.c_str(), row.category.c_str(),
              veto != nullptr ? std::string(NameOf(veto->guard)).c_str() : "-");
  for (const float value : ComputeFeatures(pairing, verdicts, nullptr)) {
    std::printf("\t%.5g", static_cast<double>(value));
  }
  std::printf("\n");
}

void PrintNames() {
  std::printf("label\tcategory\tveto");
  for (std::size_t i = 0; i < kFeatures; ++i) {
    std::printf("\t%s", std::string(NameOfFeature(i)).c_str());
  }
  std::printf("\n");
}

int Run(std::string_view mode) {
  void (*const print)(const Row&) = mode == "--words"    ? PrintWords
                                    : mode == "--guards" ? PrintGuards
                                                         : PrintFeatures;
  if (mode.empty()) {
    PrintNames();
  }
  std::string line;
  Row row;
  while (std::getline(std::cin, line)) {
    if (Split(line, row)) {
      print(row);
    }
  }
  return 0;
}

}  // namespace
}  // namespace reprise::match

int main(int argc, char** argv) {
  return reprise::match::Run(argc > 1 ? argv[1] : "");
}
