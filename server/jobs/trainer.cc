#include "server/jobs/trainer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>

#include "protocol/base/limits.h"

namespace reprise::jobs {
namespace {

using base::Code;
using base::Error;

constexpr std::uint32_t kBucketBitsMin = 12;
constexpr std::uint32_t kBucketBitsMax = 18;
// A constant feature, whose weight is the bias.
constexpr double kBiasFeature = 1.0;

// All examples as rows of features, one behind the other.
struct Rows {
  std::vector<Feature> features;
  std::vector<std::size_t> begins;  // and the end of the last
  std::vector<double> squares;      // of a row's length, the constant included
  std::vector<std::uint32_t> classes;

  std::size_t size() const { return classes.size(); }
};

std::vector<float> LearnIdf(const std::vector<Example>& examples, std::uint32_t bits) {
  std::vector<std::uint32_t> counts(std::size_t{1} << bits);
  FeatureMaker maker(bits);
  for (const Example& example : examples) {
    for (const Feature& feature : maker.Make(example.text, {})) {
      ++counts[feature.bucket];
    }
  }
  std::vector<float> idf(counts.size());
  const double all = 1 + static_cast<double>(examples.size());
  for (std::size_t bucket = 0; bucket < counts.size(); ++bucket) {
    idf[bucket] = static_cast<float>(std::log(all / (1 + counts[bucket])) + 1);
  }
  return idf;
}

Rows MakeRows(const std::vector<Example>& examples, const std::vector<float>& idf,
              std::uint32_t bits, const std::map<std::string_view, std::uint32_t>& classes) {
  Rows rows;
  FeatureMaker maker(bits);
  rows.begins.push_back(0);
  for (const Example& example : examples) {
    double square = kBiasFeature * kBiasFeature;
    for (const Feature& feature : maker.Make(example.text, idf)) {
      rows.features.push_back(feature);
      square += static_cast<double>(feature.weight) * static_cast<double>(feature.weight);
    }
    rows.begins.push_back(rows.features.size());
    rows.squares.push_back(square);
    rows.classes.push_back(classes.at(example.category));
  }
  return rows;
}

// One class against the rest.
class Machine {
 public:
  Machine(const Rows& rows, const TrainOptions& options, std::size_t buckets)
      : rows_(rows), options_(options), weights_(buckets), alphas_(rows.size()) {}

  void Learn(std::uint32_t wanted, std::mt19937_64& random) {
    std::fill(weights_.begin(), weights_.end(), 0.0F);
    std::fill(alphas_.begin(), alphas_.end(), 0.0);
    bias_ = 0;
    active_.resize(rows_.size());
    for (std::size_t i = 0; i < active_.size(); ++i) {
      active_[i] = static_cast<std::uint32_t>(i);
    }
    highest_before_ = std::numeric_limits<double>::infinity();
    for (int round = 0; round < options_.rounds; ++round) {
      std::shuffle(active_.begin(), active_.end(), random);
      if (Round(wanted) > options_.tolerance) {
        continue;
      }
      if (active_.size() == rows_.size()) {
        return;
      }
      active_.resize(rows_.size());  // Look once more at those that were left out.
      for (std::size_t i = 0; i < active_.size(); ++i) {
        active_[i] = static_cast<std::uint32_t>(i);
      }
      highest_before_ = std::numeric_limits<double>::infinity();
    }
  }

  const std::vector<float>& weights() const { return weights_; }
  double bias() const { return bias_ * kBiasFeature; }

 private:
  // One pass; the largest step that was still to make.
  double Round(std::uint32_t wanted) {
    double largest = 0;
    double highest = -std::numeric_limits<double>::infinity();
    const double diagonal = 0.5 / options_.cost;
    std::size_t kept = active_.size();
    for (std::size_t i = 0; i < kept;) {
      const std::uint32_t row = active_[i];
      const double sign = rows_.classes[row] == wanted ? 1 : -1;
      const double gradient = sign * Score(row) - 1 + alphas_[row] * diagonal;
      double step = gradient;
      if (alphas_[row] == 0) {
        if (gradient > highest_before_) {  // It stays out, by all signs.
          std::swap(active_[i], active_[--kept]);
          continue;
        }
        step = std::min(gradient, 0.0);
      }
      highest = std::max(highest, gradient);
      largest = std::max(largest, std::abs(step));
      if (std::abs(step) > 1e-12) {
        const double before = alphas_[row];
        alphas_[row] = std::max(before - gradient / (rows_.squares[row] + diagonal), 0.0);
        Move(row, (alphas_[row] - before) * sign);
      }
      ++i;
    }
    active_.resize(kept);
    highest_before_ = highest <= 0 ? std::numeric_limits<double>::infinity() : highest;
    return largest;
  }

  double Score(std::uint32_t row) const {
    float sum = 0;
    for (std::size_t i = rows_.begins[row]; i < rows_.begins[row + 1]; ++i) {
      sum += rows_.features[i].weight * weights_[rows_.features[i].bucket];
    }
    return static_cast<double>(sum) + bias_ * kBiasFeature;
  }

  void Move(std::uint32_t row, double by) {
    const auto amount = static_cast<float>(by);
    for (std::size_t i = rows_.begins[row]; i < rows_.begins[row + 1]; ++i) {
      weights_[rows_.features[i].bucket] += amount * rows_.features[i].weight;
    }
    bias_ += by * kBiasFeature;
  }

  const Rows& rows_;
  const TrainOptions& options_;
  std::vector<float> weights_;
  std::vector<double> alphas_;
  std::vector<std::uint32_t> active_;
  double bias_ = 0;
  double highest_before_ = 0;
};

std::uint32_t BitsFor(std::size_t categories) {
  std::uint32_t bits = kBucketBitsMax;
  while (bits > kBucketBitsMin && (categories << bits) > kModelBytesMax) {
    --bits;
  }
  return bits;
}

}  // namespace

// Fills in a model, class by class.
class ModelMaker {
 public:
  ModelMaker(std::uint32_t bits, std::vector<std::string> categories, std::vector<float> idf) {
    model_.bucket_bits_ = bits;
    model_.categories_ = std::move(categories);
    model_.idf_ = std::move(idf);
    model_.scales_.resize(model_.categories_.size());
    model_.biases_.resize(model_.categories_.size());
    model_.weights_.resize(model_.categories_.size() << bits);
  }

  void Set(std::size_t category, const std::vector<float>& weights, double bias) {
    float largest = 0;
    for (const float weight : weights) {
      largest = std::max(largest, std::abs(weight));
    }
    constexpr float kMost = 127;
    const float scale = largest > 0 ? largest / kMost : 1;
    const std::size_t width = model_.categories_.size();
    for (std::size_t bucket = 0; bucket < weights.size(); ++bucket) {
      model_.weights_[bucket * width + category] =
          static_cast<std::int8_t>(std::lround(weights[bucket] / scale));
    }
    model_.scales_[category] = scale;
    model_.biases_[category] = static_cast<float>(bias);
  }

  Classifier Take() { return std::move(model_); }

 private:
  Classifier model_;
};

base::Result<Classifier> Train(const std::vector<Example>& examples, const TrainOptions& options) {
  std::map<std::string_view, std::uint32_t> classes;
  for (const Example& example : examples) {
    classes.emplace(example.category, 0);
  }
  if (classes.size() < 2) {
    return Error{Code::kBadRequest, "a classifier needs examples of at least two categories"};
  }
  if (classes.size() > static_cast<std::size_t>(base::limits::kCategories.value)) {
    return Error{Code::kTooLarge, "categories: examples of " + std::to_string(classes.size()) +
                                      " categories, the limit is " +
                                      std::to_string(base::limits::kCategories.value)};
  }
  std::vector<std::string> names;
  for (auto& [name, number] : classes) {
    number = static_cast<std::uint32_t>(names.size());
    names.emplace_back(name);
  }
  const std::uint32_t bits =
      options.bucket_bits != 0 ? options.bucket_bits : BitsFor(classes.size());
  std::vector<float> idf = LearnIdf(examples, bits);
  const Rows rows = MakeRows(examples, idf, bits, classes);
  ModelMaker model(bits, std::move(names), std::move(idf));
  std::mt19937_64 random(options.seed);
  Machine machine(rows, options, std::size_t{1} << bits);
  for (std::uint32_t category = 0; category < classes.size(); ++category) {
    machine.Learn(category, random);
    model.Set(category, machine.weights(), machine.bias());
  }
  return model.Take();
}

}  // namespace reprise::jobs
