// What the router's learner expects of models, replayed over prompts whose outcomes are known.
//
//   routing_replay MODEL PROMPTS OUTCOMES MODELS [--no-traits]
//
// MODEL is use-lite.bin; PROMPTS has a NUL behind each prompt; OUTCOMES has a float32 for each
// prompt and each of MODELS models, the cheapest first. Commands come on standard input, one a
// line; rows are counted from 0. Answers are float32 on standard output.
//   raw, vectors, dense                 of every prompt, for fit.py
//   fold TRAIN ... | TEST ...           learns the first, in this order, then tells of the others
//   stream FULL EXPLORE SEED ROW ...    tells of each row, then learns it: all models, or (FULL 0)
//                                       only the one of two that was chosen at a mix of half and
//                                       half, by chance in a share EXPLORE of the calls
// What it tells, for each model: quality, good enough, raw, dense, hashed, near (learner.h).
// --no-traits: without the shipped prior, for sets that it was fitted to.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "server/embed/use_lite.h"
#include "server/routing/learner.h"
#include "server/routing/pacing.h"
#include "server/routing/reader.h"
#include "server/routing/words.h"

namespace reprise::routing {
namespace {

struct Row {
  std::string prompt;
  std::vector<float> vector;
  std::vector<float> outcomes;
  Input input;
};

std::string ReadAll(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void Print(const float* numbers, std::size_t count) {
  std::fwrite(numbers, sizeof(float), count, stdout);
}

std::vector<Row> ReadRows(char** argv, const Reader& reader, bool no_traits) {
  const auto model = embed::UseLite::Open(argv[1], {});
  if (!model.ok()) {
    std::fprintf(stderr, "%s\n", model.error().detail.c_str());
    std::exit(2);
  }
  const std::string prompts = ReadAll(argv[2]);
  std::ifstream outcomes(argv[3], std::ios::binary);
  const std::size_t models = std::strtoul(argv[4], nullptr, 10);
  std::vector<Row> rows;
  for (std::size_t begin = 0; begin < prompts.size();) {
    const std::size_t end = prompts.find('\0', begin);
    Row row;
    row.prompt = prompts.substr(begin, end - begin);
    begin = end + 1;
    auto vector = model.value()->Embed(row.prompt);
    if (!vector.ok()) {
      std::fprintf(stderr, "a prompt cannot be embedded: %s\n", vector.error().detail.c_str());
      std::exit(2);
    }
    row.vector = std::move(vector).value();
    row.outcomes.resize(models);
    outcomes.read(reinterpret_cast<char*>(row.outcomes.data()),
                  static_cast<std::streamsize>(models * sizeof(float)));
    row.input =
        reader.Expand(reader.Read({.text = row.prompt, .vector = row.vector, .is_use_lite = true}));
    if (no_traits) {
      std::fill(row.input.dense.end() - static_cast<std::ptrdiff_t>(kTraits), row.input.dense.end(),
                0.0F);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

// One pass over some rows.
class Pass {
 public:
  explicit Pass(const std::vector<Row>& rows) : rows_(rows) {
    const std::size_t models = rows.front().outcomes.size();
    for (std::size_t i = 0; i < models; ++i) {
      learner_.AddColumn(models > 1 ? static_cast<double>(i) / static_cast<double>(models - 1) : 0);
    }
  }

  std::vector<Estimate> Tell(std::size_t row) const {
    const Input& input = rows_[row].input;
    std::vector<Estimate> estimates = learner_.Predict(input, learner_.Look(input), kNoType);
    for (const Estimate& estimate : estimates) {
      const std::array<double, 6> all{estimate.quality,  estimate.good_enough, estimate.raw,
                                      estimate.views[0], estimate.views[1],    estimate.views[2]};
      std::array<float, 6> printed{};
      std::transform(all.begin(), all.end(), printed.begin(),
                     [](double number) { return static_cast<float>(number); });
      Print(printed.data(), printed.size());
    }
    return estimates;
  }
  // `only`: of this model; else of all.
  void Learn(std::size_t row, std::optional<std::size_t> only = {}) {
    const Row& learned = rows_[row];
    bool is_placed = false;
    for (std::size_t model = 0; model < learned.outcomes.size(); ++model) {
      if (only.has_value() && *only != model) {
        continue;
      }
      learner_.Learn(learned.input, {++event_, kNoType, model, learned.outcomes[model]});
      if (!is_placed) {  // As Space::Learn does it: behind the first label.
        learner_.Place(slot_, learned.input.features, event_);
        is_placed = true;
      }
      learner_.Note(slot_, model, learned.outcomes[model]);
    }
    ++slot_;
  }
  std::uint64_t drifts() const { return learner_.drifts(); }

 private:
  const std::vector<Row>& rows_;
  Learner learner_{Learner::Settings{}};
  std::uint64_t event_ = 0;
  std::uint32_t slot_ = 0;
};

void Fold(const std::vector<Row>& rows, std::istringstream& words) {
  Pass pass(rows);
  bool tells = false;
  for (std::string word; words >> word;) {
    if (word == "|") {
      tells = true;
    } else if (tells) {
      pass.Tell(std::strtoul(word.c_str(), nullptr, 10));
    } else {
      pass.Learn(std::strtoul(word.c_str(), nullptr, 10));
    }
  }
  std::fprintf(stderr, "drifts %llu\n", static_cast<unsigned long long>(pass.drifts()));
}

void Stream(const std::vector<Row>& rows, std::istringstream& words) {
  bool full = false;
  double explore = 0;
  unsigned seed = 0;
  words >> full >> explore >> seed;
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> chance(0, 1);
  Pass pass(rows);
  Pacing pacing;
  for (std::size_t row = 0; words >> row;) {
    const std::vector<Estimate> estimates = pass.Tell(row);
    const double gain = estimates.back().quality - estimates.front().quality;
    const auto price = pacing.PriceFor(0.5);
    bool is_dear = !price.has_value() || gain > *price;
    pacing.Add(gain, !is_dear);
    if (chance(random) < explore) {
      is_dear = chance(random) < 0.5;
    }
    pass.Learn(
        row, full ? std::nullopt : std::optional<std::size_t>(is_dear ? estimates.size() - 1 : 0));
  }
  std::fprintf(stderr, "drifts %llu\n", static_cast<unsigned long long>(pass.drifts()));
}

void PrintAll(const std::vector<Row>& rows, std::string_view what) {
  for (const Row& row : rows) {
    if (what == "vectors") {
      Print(row.vector.data(), row.vector.size());
    } else if (what == "dense") {
      Print(row.input.dense.data(), row.input.dense.size());
    } else {
      std::string scratch;
      const std::string_view text = Excerpt(row.prompt, scratch);
      std::vector<Word> words;
      SplitWords(text, words);
      const Surface surface = RawSurfaceOf(text, row.prompt.size(), words);
      Print(surface.data(), surface.size());
    }
  }
}

int Main(int argc, char** argv) {
  if (argc < 5) {
    std::fprintf(stderr, "routing_replay MODEL PROMPTS OUTCOMES MODELS [--no-traits]\n");
    return 2;
  }
  const Reader reader;
  const std::vector<Row> rows =
      ReadRows(argv, reader, argc > 5 && std::string_view(argv[5]) == "--no-traits");
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string command;
    words >> command;
    if (command == "fold") {
      Fold(rows, words);
    } else if (command == "stream") {
      Stream(rows, words);
    } else {
      PrintAll(rows, command);
    }
  }
  return 0;
}

}  // namespace
}  // namespace reprise::routing

int main(int argc, char** argv) {
  return reprise::routing::Main(argc, argv);
}
