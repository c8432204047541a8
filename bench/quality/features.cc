// What a lookup sees in pairs of questions. Reads rows (label, category, stored, asked, and where
// it is known the cosine of the nearest rival; tab separated) from standard input and prints, tab
// separated: label, category, the first veto or "-", then the features, then the probability; the
// first line names them.
//
//   --model FILE   with the vectors of use-lite, as a lookup has them in a namespace of one entry
//   --nearest N    with --model: for each row the N stored questions of all rows (row numbers from
//                  0, each text once) whose vectors are nearest to its asked one, with cosines
//   --thresholds   by the shipped priors: hash, alone or crowd; budget, threshold (2: serves
//   nothing)
//   --words        the canonical words that say something, of both questions, one pair a line
//   --guards       each guard that did not pass, and the texts
#include "server/match/features.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "server/embed/use_lite.h"
#include "server/semantic/assess.h"
#include "server/semantic/budget.h"
#include "server/semantic/prior.h"

namespace reprise {
namespace {

using match::Verdict;
using match::Verdicts;

struct Row {
  std::string label;
  std::string category;
  std::string stored;
  std::string asked;
  std::optional<float> rival;  // cosine of the nearest other stored question
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
  row = {cells[0], cells[1], cells[2], cells[3], std::nullopt};
  if (cells.size() > 4) {
    row.rival = std::strtof(cells[4].c_str(), nullptr);
  }
  return true;
}

void PrintWords(const Row& row) {
  std::set<std::string> seen;
  for (const std::string* text : {&row.stored, &row.asked}) {
    for (const match::Word& word : match::ReadWords(*text).list) {
      if (word.kind == match::Kind::kPlain && word.canon.find(' ') == std::string::npos) {
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
  for (const Verdict& verdict :
       match::Judge(match::ReadWords(row.stored), match::ReadWords(row.asked))) {
    if (!verdict.pass) {
      std::printf("%s\t%s\t%s\t%s\t%s | %s\t%s\t%s\n", row.label.c_str(), row.category.c_str(),
                  std::string(NameOf(verdict.guard)).c_str(), verdict.veto ? "veto" : "doubt",
                  verdict.stored.c_str(), verdict.asked.c_str(), row.stored.c_str(),
                  row.asked.c_str());
    }
  }
}

semantic::Probe Read(const embed::UseLite* model, const std::string& text) {
  semantic::Probe probe = semantic::ReadQuestion(text);
  if (model != nullptr) {
    auto vectors = model->EmbedTokens(text);
    if (vectors.ok()) {
      probe.vectors = std::make_shared<const embed::TokenVectors>(std::move(vectors).value());
    }
  }
  return probe;
}

void PrintFeatures(const embed::UseLite* model, const Row& row) {
  const semantic::Probe stored = Read(model, row.stored);
  const semantic::Probe asked = Read(model, row.asked);
  const Verdicts verdicts = semantic::Guard(stored, asked);
  const Verdict* veto = match::FindVeto(verdicts);
  const float cosine = semantic::CosineOf(stored, asked);
  const semantic::Distance distance{cosine, row.rival};
  std::printf("%s\t%s\t%s", row.label.c_str(), row.category.c_str(),
              veto != nullptr ? std::string(NameOf(veto->guard)).c_str() : "-");
  for (const float value : semantic::FeaturesOf(stored, asked, verdicts, distance)) {
    std::printf("\t%.5g", static_cast<double>(value));
  }
  std::printf("\t%.6f\n", semantic::ProbabilityOf(stored, asked, verdicts, distance));
}

void PrintNames() {
  std::printf("label\tcategory\tveto");
  for (std::size_t i = 0; i < match::kFeatures; ++i) {
    std::printf("\t%s", std::string(match::NameOfFeature(i)).c_str());
  }
  std::printf("\tprobability\n");
}

embed::Vector VectorOf(const embed::UseLite& model, const std::string& text) {
  auto vector = model.Embed(text);
  return vector.ok() ? std::move(vector).value() : embed::Vector(model.Width());
}

void PrintNearest(const embed::UseLite& model, const std::vector<Row>& rows, std::size_t count) {
  std::map<std::string, std::size_t> first;
  std::vector<std::pair<std::size_t, embed::Vector>> index;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (first.try_emplace(rows[i].stored, i).second) {
      index.emplace_back(i, VectorOf(model, rows[i].stored));
    }
  }
  for (const Row& row : rows) {
    const embed::Vector asked = VectorOf(model, row.asked);
    std::vector<std::pair<float, std::size_t>> found;
    for (const auto& [at, vector] : index) {
      float cosine = 0;
      for (std::size_t i = 0; i < vector.size(); ++i) {
        cosine += vector[i] * asked[i];
      }
      found.emplace_back(-cosine, at);
    }
    const std::size_t kept = std::min(count, found.size());
    std::partial_sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(kept),
                      found.end());
    for (std::size_t i = 0; i < kept; ++i) {
      std::printf("%s%zu %.5f", i > 0 ? "\t" : "", found[i].second,
                  static_cast<double>(-found[i].first));
    }
    std::printf("\n");
  }
}

struct Arguments {
  std::string model;
  std::size_t nearest = 0;
  std::string mode;
};

Arguments Read(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const bool last = i + 1 == argc;
    if (argument == "--model" && !last) {
      arguments.model = argv[++i];
    } else if (argument == "--nearest" && !last) {
      arguments.nearest = std::strtoul(argv[++i], nullptr, 10);
    } else {
      arguments.mode = argument;
    }
  }
  return arguments;
}

void PrintThresholds() {
  using semantic::Setting;
  for (const auto& [name, embedder, setting] : {std::tuple{"hash", "hash", Setting::kAlone},
                                                {"alone", "use-lite", Setting::kAlone},
                                                {"crowd", "use-lite", Setting::kInCrowd}}) {
    for (const double budget : {0.01, 0.02, 0.05, 0.10}) {
      const semantic::Ruling ruling =
          semantic::ThresholdOf(semantic::PriorOf(embedder, setting), {}, {.max_error = budget});
      std::printf("%s\t%g\t%.6f\n", name, budget, ruling.serves ? ruling.threshold : 2.0);
    }
  }
}

int Run(const Arguments& arguments) {
  if (arguments.mode == "--thresholds") {
    PrintThresholds();
    return 0;
  }
  std::vector<Row> rows;
  std::string line;
  Row row;
  while (std::getline(std::cin, line)) {
    if (Split(line, row)) {
      rows.push_back(row);
    }
  }
  if (arguments.mode == "--words" || arguments.mode == "--guards") {
    std::for_each(rows.begin(), rows.end(), arguments.mode == "--words" ? PrintWords : PrintGuards);
    return 0;
  }
  std::unique_ptr<embed::UseLite> model;
  if (!arguments.model.empty()) {
    auto opened = embed::UseLite::Open(arguments.model, {});
    if (!opened.ok()) {
      std::fprintf(stderr, "%s: %s\n", arguments.model.c_str(), opened.error().detail.c_str());
      return 1;
    }
    model = std::move(opened).value();
  }
  if (arguments.nearest > 0) {
    if (model == nullptr) {
      std::fprintf(stderr, "--nearest needs --model\n");
      return 1;
    }
    PrintNearest(*model, rows, arguments.nearest);
    return 0;
  }
  PrintNames();
  for (const Row& pair : rows) {
    PrintFeatures(model.get(), pair);
  }
  return 0;
}

}  // namespace
}  // namespace reprise

int main(int argc, char** argv) {
  return reprise::Run(reprise::Read(argc, argv));
}
