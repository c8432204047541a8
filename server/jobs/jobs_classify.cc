// The categories of tasks: training and use of a namespace's classifier.
#include <algorithm>
#include <utility>

#include "protocol/base/limits.h"
#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"
#include "server/jobs/jobs.h"
#include "server/jobs/trainer.h"

namespace reprise::jobs {
namespace {

using base::Code;
using base::Error;
using storage::Family;

constexpr std::size_t kChunkBytes = 512UL * 1024;
constexpr std::uint64_t kVersion = 1;

// The rows of one kind hold one text, cut into pieces.
void PutChunks(NamespaceId home, RowKind kind, std::string_view bytes,
               storage::Transaction& transaction) {
  transaction.DeletePrefix(Family::kJobs, RowPrefix(home, kind));
  std::uint64_t number = 0;
  for (std::size_t begin = 0; begin < bytes.size(); begin += kChunkBytes) {
    transaction.Put(Family::kJobs, TaskKey(home, kind, TaskId{number++}),
                    bytes.substr(begin, kChunkBytes), storage::kNever);
  }
}

std::string FormatExamples(const std::vector<Example>& examples) {
  base::Buffer buffer;
  wire::Writer writer(buffer);
  writer.Array(examples.size() * 2 + 1);
  writer.Uint(kVersion);
  for (const Example& example : examples) {
    writer.Str(example.text);
    writer.Str(example.category);
  }
  return std::string(buffer.view());
}

base::Result<std::vector<Example>> ParseExamples(std::string_view bytes) {
  std::vector<Example> examples;
  wire::Reader reader(bytes);
  const auto items = reader.Array();
  const auto version = reader.Uint();
  if (!items.ok() || !version.ok() || version.value() != kVersion) {
    return Error{Code::kCorrupt, "the examples of a classifier cannot be read"};
  }
  for (std::uint32_t left = items.value() / 2; left > 0; --left) {
    ASSIGN_OR_RETURN(const std::string_view text, reader.Text());
    ASSIGN_OR_RETURN(const std::string_view category, reader.Text());
    examples.push_back({text, category});
  }
  return examples;
}

std::size_t BytesOf(const std::vector<Example>& examples) {
  std::size_t bytes = 0;
  for (const Example& example : examples) {
    bytes += example.text.size() + example.category.size();
  }
  return bytes;
}

// Which of the examples the model itself gets right.
double ShareRight(const Classifier& model, const std::vector<Example>& examples) {
  std::size_t right = 0;
  for (const Example& example : examples) {
    right += model.Classify(example.text).category == example.category ? 1 : 0;
  }
  return static_cast<double>(right) / static_cast<double>(examples.size());
}

}  // namespace

base::Result<std::string> Jobs::ReadChunks(NamespaceId home, RowKind kind) {
  std::string bytes;
  RETURN_IF_ERROR(ForEachRow(home, kind, [&](const storage::ScanRow& row) -> base::Status {
    bytes.append(row.value);
    return base::Ok{};
  }));
  return bytes;
}

base::Status Jobs::LoadClassifier(NamespaceId home) {
  ASSIGN_OR_RETURN(const std::string bytes, ReadChunks(home, RowKind::kModel));
  if (bytes.empty()) {
    return base::Ok{};
  }
  ASSIGN_OR_RETURN(Classifier model, Classifier::Parse(bytes));
  base::MutexLock lock(mutex_);
  classifiers_[home] = std::make_shared<const Classifier>(std::move(model));
  return base::Ok{};
}

Category Jobs::Classify(NamespaceId home, std::string_view text) const {
  std::shared_ptr<const Classifier> model;
  {
    base::MutexLock lock(mutex_);
    const auto found = classifiers_.find(home);
    if (found != classifiers_.end()) {
      model = found->second;
    }
  }
  if (model == nullptr || text.empty()) {
    return {};
  }
  const Classifier::Verdict verdict = model->Classify(text);
  return {std::string(verdict.category), verdict.score, verdict.margin};
}

base::Status Jobs::CheckRoomForModel(NamespaceId home) const {
  base::MutexLock lock(mutex_);
  const bool is_new = !classifiers_.contains(home);
  const auto most = static_cast<std::size_t>(base::limits::kClassifiers.value);
  if (is_new && classifiers_.size() >= most) {
    return Error{Code::kTooLarge, "classifiers: " + std::to_string(most) +
                                      " namespaces have one, which is the limit"};
  }
  return base::Ok{};
}

base::Result<Trained> Jobs::Train(NamespaceId home, std::vector<Example> examples, bool adds) {
  if (training_.exchange(true)) {
    return Error{Code::kBusy, "another classifier is being trained; retry in 10000 ms"};
  }
  auto outcome = TrainAlone(home, std::move(examples), adds);
  training_ = false;
  return outcome;
}

base::Result<Trained> Jobs::TrainAlone(NamespaceId home, std::vector<Example> examples, bool adds) {
  RETURN_IF_ERROR(CheckRoomForModel(home));
  std::string kept;
  if (adds) {
    ASSIGN_OR_RETURN(kept, ReadChunks(home, RowKind::kExamples));
  }
  if (!kept.empty()) {
    ASSIGN_OR_RETURN(std::vector<Example> all, ParseExamples(kept));
    all.insert(all.end(), examples.begin(), examples.end());
    examples = std::move(all);
  }
  const auto bytes_max = static_cast<std::size_t>(base::limits::kExampleBytes.value);
  if (const std::size_t bytes = BytesOf(examples); bytes > bytes_max) {
    return Error{Code::kTooLarge, "example_bytes: the examples have " + std::to_string(bytes) +
                                      " bytes, the limit is " + std::to_string(bytes_max)};
  }
  ASSIGN_OR_RETURN(Classifier trained, jobs::Train(examples, {}));
  auto model = std::make_shared<const Classifier>(std::move(trained));
  const std::string model_bytes = model->Serialize();
  const std::string example_bytes = FormatExamples(examples);
  RETURN_IF_ERROR(store_.Run([&](storage::Transaction& transaction) -> base::Status {
    PutChunks(home, RowKind::kModel, model_bytes, transaction);
    PutChunks(home, RowKind::kExamples, example_bytes, transaction);
    transaction.RequireSync();
    transaction.OnCommit([&] {
      base::MutexLock lock(mutex_);
      classifiers_[home] = model;
    });
    return base::Ok{};
  }));
  return Trained{examples.size(), model->categories().size(), model->MemoryBytes(),
                 ShareRight(*model, examples)};
}

}  // namespace reprise::jobs
