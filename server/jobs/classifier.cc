#include "server/jobs/classifier.h"

#include <algorithm>
#include <cstring>

#include "protocol/base/limits.h"
#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"

namespace reprise::jobs {
namespace {

constexpr std::uint64_t kVersion = 1;
constexpr std::uint32_t kBucketBitsMin = 1;
constexpr std::uint32_t kBucketBitsMax = 20;

base::Error Corrupt() {
  return {base::Code::kCorrupt, "the model of a classifier cannot be read"};
}

std::string_view BytesOf(const std::vector<float>& numbers) {
  return {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(float)};
}

bool ReadFloats(std::string_view bytes, std::size_t count, std::vector<float>& out) {
  if (bytes.size() != count * sizeof(float)) {
    return false;
  }
  out.resize(count);
  std::memcpy(out.data(), bytes.data(), bytes.size());
  return true;
}

}  // namespace

Classifier::Verdict Classifier::Classify(std::string_view text) const {
  // The work space of a thread is used again: a category is found for each task of a call.
  thread_local FeatureMaker maker(1);
  thread_local std::uint32_t maker_bits = 1;
  thread_local std::vector<float> sums;
  if (maker_bits != bucket_bits_) {
    maker = FeatureMaker(bucket_bits_);
    maker_bits = bucket_bits_;
  }
  const std::vector<Feature>& features = maker.Make(text, idf_);
  const std::size_t width = categories_.size();
  sums.assign(width, 0.0F);
  constexpr std::size_t kAhead = 4;  // rows on their way from memory
  for (std::size_t i = 0; i < features.size(); ++i) {
    if (i + kAhead < features.size()) {
      const char* next =
          reinterpret_cast<const char*>(weights_.data() + features[i + kAhead].bucket * width);
      for (std::size_t line = 0; line < width; line += 64) {
        __builtin_prefetch(next + line);
      }
    }
    const std::int8_t* row = weights_.data() + features[i].bucket * width;
    const float weight = features[i].weight;
    for (std::size_t category = 0; category < width; ++category) {
      sums[category] += weight * static_cast<float>(row[category]);
    }
  }
  Verdict verdict;
  double best = 0;
  double second = 0;
  for (std::size_t category = 0; category < width; ++category) {
    const double score =
        static_cast<double>(sums[category]) * static_cast<double>(scales_[category]) +
        static_cast<double>(biases_[category]);
    if (verdict.category.empty() || score > best) {
      second = verdict.category.empty() ? score : best;
      best = score;
      verdict.category = categories_[category];
    } else {
      second = category == 1 ? score : std::max(second, score);
    }
  }
  verdict.score = best;
  verdict.margin = best - second;
  return verdict;
}

std::size_t Classifier::MemoryBytes() const {
  return weights_.size() + (idf_.size() + scales_.size() + biases_.size()) * sizeof(float);
}

std::string Classifier::Serialize() const {
  base::Buffer buffer;
  wire::Writer writer(buffer);
  writer.Array(7);
  writer.Uint(kVersion);
  writer.Uint(bucket_bits_);
  writer.Array(categories_.size());
  for (const std::string& category : categories_) {
    writer.Str(category);
  }
  writer.Bin(BytesOf(scales_));
  writer.Bin(BytesOf(biases_));
  writer.Bin(BytesOf(idf_));
  writer.Bin({reinterpret_cast<const char*>(weights_.data()), weights_.size()});
  return std::string(buffer.view());
}

base::Result<Classifier> Classifier::Parse(std::string_view bytes) {
  wire::Reader reader(bytes);
  Classifier model;
  const auto fields = reader.Array();
  const auto version = reader.Uint();
  const auto bits = reader.Uint();
  const auto count = reader.Array();
  const bool is_plausible =
      fields.ok() && fields.value() == 7 && version.ok() && version.value() == kVersion &&
      bits.ok() && bits.value() >= kBucketBitsMin && bits.value() <= kBucketBitsMax && count.ok() &&
      count.value() >= 2 &&
      count.value() <= static_cast<std::uint64_t>(base::limits::kCategories.value);
  if (!is_plausible) {
    return Corrupt();
  }
  model.bucket_bits_ = static_cast<std::uint32_t>(bits.value());
  for (std::uint32_t i = 0; i < count.value(); ++i) {
    const auto name = reader.Str();
    if (!name.ok() || name.value().empty()) {
      return Corrupt();
    }
    model.categories_.emplace_back(name.value());
  }
  const std::size_t buckets = std::size_t{1} << model.bucket_bits_;
  const auto scales = reader.Text();
  const auto biases = reader.Text();
  const auto idf = reader.Text();
  const auto weights = reader.Text();
  if (!weights.ok() || !ReadFloats(scales.value(), count.value(), model.scales_) ||
      !ReadFloats(biases.value(), count.value(), model.biases_) ||
      !ReadFloats(idf.value(), buckets, model.idf_) ||
      weights.value().size() != buckets * count.value()) {
    return Corrupt();
  }
  model.weights_.resize(weights.value().size());
  std::memcpy(model.weights_.data(), weights.value().data(), weights.value().size());
  return model;
}

}  // namespace reprise::jobs
