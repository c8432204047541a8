// reprise-categories: how often the classifier of the jobs finds the right category, and how long
// it takes.
//
//   reprise-categories clinc CLINC150/train_val.json     trained on train, asked about val
//   reprise-categories banking BANKING77/train.csv       five folds, each trained on the other four
//
// A line of name=value. A fold is every fifth example of each category, in the order of the file.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/wire/json.h"
#include "server/jobs/trainer.h"

namespace reprise::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Row {
  std::string text;
  std::string category;
};

struct Score {
  std::size_t right = 0;
  std::size_t asked = 0;
  double train_seconds = 0;
  std::vector<double> micros;
};

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

bool Ask(const std::vector<Row>& train, const std::vector<Row>& ask, Score& score) {
  std::vector<jobs::Example> examples;
  examples.reserve(train.size());
  for (const Row& row : train) {
    examples.push_back({row.text, row.category});
  }
  const auto begun = Clock::now();
  const auto model = jobs::Train(examples, {});
  if (!model.ok()) {
    std::fprintf(stderr, "%s\n", model.error().detail.c_str());
    return false;
  }
  score.train_seconds += std::chrono::duration<double>(Clock::now() - begun).count();
  for (const Row& row : ask) {
    const auto start = Clock::now();
    const auto verdict = model.value().Classify(row.text);
    score.micros.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
    score.right += verdict.category == row.category ? 1 : 0;
    ++score.asked;
  }
  return true;
}

void Print(const char* what, Score& score) {
  std::sort(score.micros.begin(), score.micros.end());
  double sum = 0;
  for (const double micros : score.micros) {
    sum += micros;
  }
  const std::size_t count = score.micros.size();
  std::printf(
      "categories set=%s asked=%zu right=%.2f%% mean_us=%.1f p50_us=%.1f p99_us=%.1f "
      "train_s=%.1f\n",
      what, score.asked, 100 * static_cast<double>(score.right) / static_cast<double>(score.asked),
      sum / static_cast<double>(count), score.micros[count / 2], score.micros[count * 99 / 100],
      score.train_seconds);
}

std::vector<Row> RowsOf(const base::Value& file, std::string_view part) {
  std::vector<Row> rows;
  const base::Value* list = file.Find(part);
  if (list == nullptr || list->AsArray() == nullptr) {
    return rows;
  }
  for (const base::Value& pair : *list->AsArray()) {
    const base::Value::Array* items = pair.AsArray();
    if (items != nullptr && items->size() == 2) {
      rows.push_back({std::string((*items)[0].AsText().value_or("")),
                      std::string((*items)[1].AsText().value_or(""))});
    }
  }
  return rows;
}

int Clinc(const std::string& path) {
  const auto file = wire::FromJson(ReadFile(path));
  if (!file.ok()) {
    std::fprintf(stderr, "cannot read %s: %s\n", path.c_str(), file.error().detail.c_str());
    return 2;
  }
  Score score;
  if (!Ask(RowsOf(file.value(), "train"), RowsOf(file.value(), "val"), score)) {
    return 1;
  }
  Print("clinc150", score);
  return 0;
}

// Rows of text,category; fields in quotes may hold commas, lines and doubled quotes.
std::vector<Row> ReadCsv(const std::string& text) {
  std::vector<Row> rows;
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char byte = text[i];
    if (byte == '"') {
      const bool is_doubled = quoted && i + 1 < text.size() && text[i + 1] == '"';
      if (is_doubled) {
        fields.back().push_back('"');
        ++i;
      } else {
        quoted = !quoted;
      }
    } else if (byte == ',' && !quoted) {
      fields.emplace_back();
    } else if (byte == '\n' && !quoted) {
      if (fields.size() == 2) {
        rows.push_back({fields[0], fields[1]});
      }
      fields.assign(1, "");
    } else if (byte != '\r') {
      fields.back().push_back(byte);
    }
  }
  if (!rows.empty()) {
    rows.erase(rows.begin());  // the names
  }
  return rows;
}

int Banking(const std::string& path) {
  constexpr std::size_t kFolds = 5;
  const std::vector<Row> rows = ReadCsv(ReadFile(path));
  if (rows.empty()) {
    std::fprintf(stderr, "cannot read %s\n", path.c_str());
    return 2;
  }
  Score score;
  for (std::size_t fold = 0; fold < kFolds; ++fold) {
    std::map<std::string, std::size_t> seen;
    std::vector<Row> train;
    std::vector<Row> ask;
    for (const Row& row : rows) {
      (seen[row.category]++ % kFolds == fold ? ask : train).push_back(row);
    }
    if (!Ask(train, ask, score)) {
      return 1;
    }
  }
  Print("banking77", score);
  return 0;
}

}  // namespace
}  // namespace reprise::bench

int main(int argc, char** argv) {
  const std::string_view mode = argc == 3 ? argv[1] : "";
  if (mode == "clinc") {
    return reprise::bench::Clinc(argv[2]);
  }
  if (mode == "banking") {
    return reprise::bench::Banking(argv[2]);
  }
  std::fprintf(stderr, "reprise-categories clinc FILE | banking FILE\n");
  return 2;
}
